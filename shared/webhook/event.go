package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
)

// An Event is what the receiver gets. It never changes: it is sent again as it is.
type Event struct {
	ID       string `json:"id"`
	Type     Type   `json:"type"`
	Composed int64  `json:"composed"` // Unix milliseconds
	// Keys are the tables, the project, or the space; Any: several, see Merge.
	Keys []string `json:"keys"`
	// Mark is the stamp of the last change of records, the sequence of the project, the ETag of
	// the document, or how many rows an event with the key Any stands for.
	Mark string `json:"mark"`
}

// Body returns the JSON of the event, of an object in a space, or in the root if that is "".
// room is the name of the document, if it is one's. W1.
func (e *Event) Body(space, room string) []byte {
	key := e.Keys[0]
	some := key == Any
	rest := ""
	switch e.Type {
	case RecordsChanged:
		tables := make([]string, len(e.Keys))
		for i, table := range e.Keys {
			tables[i] = quote(table)
		}
		rest = `,"tables":[` + strings.Join(tables, ",") + `],"stamp":` + e.Mark
	case DocumentChanged:
		rest = `,"room":` + quote(room) + `,"etag":` + quote(`"`+e.Mark+`"`)
	case DocumentDeleted:
		rest = `,"room":` + quote(room)
	case ProjectChanged:
		if rest = `,"project":null,"timestamp":null`; !some {
			rest = `,"project":` + quote(key) + `,"timestamp":` + e.Mark
		}
	case SpaceCreated, SpaceDeleted:
		if space = ""; !some {
			space = SpaceOf(key)
		}
	}
	if some {
		rest += `,"merged":` + e.Mark
	}
	of := "null"
	if space != "" {
		of = quote(space)
	}
	at := time.UnixMilli(e.Composed).UTC().Format("2006-01-02T15:04:05.000Z")
	return []byte(`{"type":"` + string(e.Type) + `","timestamp":"` + at + `","data":{"space":` + of + rest + `}}`)
}

func quote(text string) string { return string(ijson.AppendString(nil, text)) }

// SpaceKey is the key of the events of a space, which may be deleted and made again meanwhile.
func SpaceKey(name string, createdAt int64) string {
	return name + "@" + strconv.FormatInt(createdAt, 10)
}

// SpaceOf is the name of the space of a SpaceKey.
func SpaceOf(key string) string {
	name, _, _ := strings.Cut(key, "@") // no name has one
	return name
}

const (
	// patience is how long the receiver may take for one event, at most.
	patience = 15 * time.Second
	// shift is how long one alarm begins to send events, at most.
	shift = 20 * time.Second
	// parts of what the host lets an alarm take are patience, shift, and the rest.
	parts = 3
)

// within bounds d by a part of Call: an alarm that the host cuts off stores no failure.
func (c *Config) within(d time.Duration) time.Duration {
	if c.Call == 0 {
		return d
	}
	return min(d, c.Call/parts)
}

// Shift is how long one alarm begins to send events.
func (c *Config) Shift() time.Duration { return c.within(shift) }

// Request returns the request that takes the event to the receiver at a time.
func (c *Config) Request(e *Event, body []byte, now time.Time) abi.Fetch {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	reach := abi.ReachPublic
	if c.AllowPrivate {
		reach = abi.ReachAny
	}
	return abi.Fetch{
		Request: abi.Request{Method: "POST", URL: c.URL, Header: [][2]string{
			{"content-type", "application/json"},
			{"user-agent", "tidemark"},
			{"webhook-id", e.ID},
			{"webhook-timestamp", timestamp},
			{"webhook-signature", c.sign(e.ID, timestamp, body)},
		}},
		Body: body, Timeout: c.within(patience), Reach: reach,
	}
}

// sign returns the signatures of an event, one for each secret. Standard Webhooks, Signature
// scheme. W2.
func (c *Config) sign(id, timestamp string, body []byte) string {
	var signatures []byte
	for i, secret := range c.Secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		if i > 0 {
			signatures = append(signatures, ' ')
		}
		signatures = base64.StdEncoding.AppendEncode(append(signatures, "v1,"...), mac.Sum(nil))
	}
	return string(signatures)
}
