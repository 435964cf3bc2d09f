package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
	"tidemark/worker/store/tickets"
)

const (
	// placesAtOnce bounds the rooms to which one request sends a revocation.
	placesAtOnce = 200

	maxRevokedBytes = 1024 // of a subject or an ID
	maxRevokedTTL   = 100 * 365 * 24 * 3600
)

// revoke ends the tokens of a subject, or one token: {"sub":"…"} or {"jti":"…"}.
// With "ttl" the server forgets the revocation after so many seconds, when no such
// token can be valid any more. The response is {"revoked_at":…,"rooms":n}. If there
// are more rooms than one request reaches, it has "next" too: the same request with
// "next":"…" reaches the next rooms.
func revoke(c *door.Call) error {
	body, err := c.ReadJSON(door.SmallBytes)
	if err != nil {
		return err
	}
	if c.Sessions == nil {
		return door.Fail(door.NotImplemented, "Tokens are not revoked here")
	}
	ctx, now := c.R.Context(), c.Now()
	in, err := readRevoke(body, now)
	if err != nil {
		return err
	}
	if in.after == (tickets.Place{}) {
		if err := c.Sessions.Store.Revoke(ctx, now, in.Revocation); err != nil {
			if errors.Is(err, tickets.ErrRevocations) {
				return door.Fail(door.Conflict, fmt.Sprintf("%d revocations are kept, which is the most: give each a ttl, or change the key that signs tokens", tickets.MaxRevocations))
			}
			return err
		}
		c.ReadRevocationsSoon()
		if err := tellRevoked(ctx, c.Sessions.Calls, c.Space.RecordsRoom(), in.Revocation); err != nil {
			return err
		}
	}
	places, err := c.Sessions.Store.Places(ctx, in.Revocation, in.after, placesAtOnce)
	if err != nil {
		return err
	}
	for _, p := range places {
		if err := tellRevoked(ctx, c.Sessions.Calls, p, in.Revocation); err != nil {
			return err
		}
	}
	b := strconv.AppendInt([]byte(`{"revoked_at":`), in.At.UnixMilli(), 10)
	b = strconv.AppendInt(append(b, `,"rooms":`...), int64(len(places)), 10)
	if len(places) == placesAtOnce {
		b = ijson.AppendString(append(b, `,"next":`...), nextPlaces(in.At, places[len(places)-1]))
	}
	c.WriteJSON(web.StatusOK, append(b, '}'))
	return nil
}

// tellRevoked has a room close the sockets whose tokens were revoked.
func tellRevoked(ctx context.Context, rooms door.Calls, p tickets.Place, r tickets.Revocation) error {
	v := door.RevocationOf(r)
	message := syncroom.Revocation(v)
	switch p.Binding {
	case door.SpaceBinding:
		message = door.ToSubscribers(message)
	case door.YjsBinding, door.SpaceYjsBinding:
		message = yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpRevoke, Data: v.Append(nil)})
	}
	if _, err := rooms.Call(ctx, p.Binding, p.Room, message); err != nil {
		return fmt.Errorf("tell a room of a revocation: %w", err)
	}
	return nil
}

type revokeInput struct {
	tickets.Revocation
	after tickets.Place
}

// readRevoke reads the body of a revocation. It rejects an unknown member, as a
// misspelt one would end other tokens than the operator meant.
func readRevoke(body []byte, now time.Time) (in revokeInput, err error) {
	const want = `The body must be {"sub":"…"} or {"jti":"…"}`
	var members map[string]jsonvalue.RawMessage
	if err := jsonvalue.Unmarshal(body, &members); err != nil || members == nil {
		return in, door.Fail(door.BadRequest, want)
	}
	in.At = now.Truncate(time.Millisecond)
	next := ""
	for name, value := range members {
		var bad error
		switch name {
		case "sub":
			bad = jsonvalue.Unmarshal(value, &in.Subject)
		case "jti":
			bad = jsonvalue.Unmarshal(value, &in.TokenID)
		case "next":
			bad = jsonvalue.Unmarshal(value, &next)
		case "ttl":
			var seconds int
			if seconds, bad = strconv.Atoi(string(value)); bad != nil || seconds < 1 || seconds > maxRevokedTTL {
				return in, door.Fail(door.BadRequest, fmt.Sprintf("ttl must be an integer from 1 to %d, in seconds", maxRevokedTTL))
			}
			in.Until = in.At.Add(time.Duration(seconds) * time.Second)
		default:
			return in, door.Fail(door.BadRequest, fmt.Sprintf("Unknown member %.64q. %s", name, want))
		}
		if bad != nil {
			return in, door.Fail(door.BadRequest, fmt.Sprintf("%s must be a string. %s", name, want))
		}
	}
	if (in.Subject == "") == (in.TokenID == "") {
		return in, door.Fail(door.BadRequest, want)
	}
	if len(in.Subject)+len(in.TokenID) > maxRevokedBytes {
		return in, door.Fail(door.BadRequest, fmt.Sprintf("A subject or an ID of more than %d bytes is not revoked", maxRevokedBytes))
	}
	if next != "" {
		var ok bool
		if in.At, in.after, ok = cutPlaces(next); !ok {
			return in, door.Fail(door.BadRequest, "next is not from a response to this request")
		}
	}
	return in, nil
}

// nextPlaces returns where the next request continues: the time of the revocation and
// the last place that got it.
func nextPlaces(at time.Time, p tickets.Place) string {
	return strconv.FormatInt(at.UnixMilli(), 36) + "." + base64.RawURLEncoding.EncodeToString([]byte(p.Binding+"\x00"+p.Room))
}

func cutPlaces(next string) (at time.Time, p tickets.Place, ok bool) {
	millis, encoded, _ := strings.Cut(next, ".")
	n, err := strconv.ParseInt(millis, 36, 64)
	place, err2 := base64.RawURLEncoding.DecodeString(encoded)
	p.Binding, p.Room, ok = strings.Cut(string(place), "\x00")
	return time.UnixMilli(n), p, ok && err == nil && err2 == nil && p.Binding != ""
}
