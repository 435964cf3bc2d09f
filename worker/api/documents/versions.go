package documents

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/web"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
	"tidemark/worker/store/documents"
)

const (
	maxVersionName = 200 // bytes
	versionsListed = 100
)

// showVersion writes a version, as an update or in the form that the query names.
func (h *handler) showVersion(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	q, contentType, err := formOf(door.Query(c.R))
	if err != nil {
		return err
	}
	state, err := h.version(c, room)
	if err != nil {
		return err
	}
	if q.Op != yroom.OpState || len(q.Data) > 0 {
		if state, err = showState(c, state, q); err != nil {
			return err
		}
	}
	c.W.Header().Set("Content-Type", contentType)
	c.W.Write(state)
	return nil
}

// showState returns a state in the form that q names, as a room shows its document. The request holds memory for the
// document and for the result.
func showState(c *door.Call, state []byte, q yroom.Request) ([]byte, error) {
	ctx := c.R.Context()
	takes, reply := 0, 0 // the state is the first that NewShown reserves
	var refused error
	config := c.Settings.Documents
	config.Reserve = func(bytes int) bool {
		takes += bytes
		refused = door.Budget.Grow(ctx, takes)
		return refused == nil
	}
	p, err := whole(q, yroom.NewShown(config, state, c.Now()).Call, func(bytes int) error {
		config.Reserve(bytes - reply)
		reply = bytes
		return refused
	})
	c.Owe(p.Cost)
	if err == nil {
		err = cmp.Or(refused, replyError(p))
	}
	return p.Body, err
}

// version returns the state of the version that the path names.
func (h *handler) version(c *door.Call, room string) ([]byte, error) {
	state, err := h.of(c).Versions.Version(c.R.Context(), room, c.Parameter("version"), door.Budget)
	if err == nil && state == nil {
		err = door.Fail(door.NotFound, "There is no such version")
	}
	return state, err
}

func (h *handler) listVersions(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	versions, err := h.of(c).Versions.Versions(c.R.Context(), room, door.Query(c.R).Get("before"), versionsListed)
	if err != nil {
		return err
	}
	b := []byte(`{"versions":[`)
	for i, v := range versions {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendVersion(b, v)
	}
	c.WriteJSON(web.StatusOK, append(b, ']', '}'))
	return nil
}

func appendVersion(b []byte, v documents.Version) []byte {
	b = ijson.AppendString(append(b, `{"id":`...), v.ID)
	b = ijson.AppendString(append(b, `,"name":`...), v.Name)
	b = ijson.AppendString(append(b, `,"subject":`...), v.Subject)
	b = strconv.AppendInt(append(b, `,"created_at":`...), v.CreatedAt, 10)
	return append(strconv.AppendInt(append(b, `,"bytes":`...), int64(v.Bytes), 10), '}')
}

// keepVersion keeps the document as it is under the name in the body.
func (h *handler) keepVersion(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	name, err := c.ReadBody(maxVersionName)
	if err != nil {
		return err
	}
	p, err := h.read(c, room, yroom.Request{Op: yroom.OpState})
	if err == nil {
		err = replyError(p)
	}
	if err != nil {
		return err
	}
	now := c.Now().UnixMilli()
	v := documents.Version{
		ID:   fmt.Sprintf("%011x%s", now, rand.Text()[:8]), // the time, which orders them
		Name: strings.ToValidUTF8(string(name), "\uFFFD"), Subject: c.ID.Subject, CreatedAt: now, Bytes: len(p.Body),
	}
	if err := h.of(c).Versions.PutVersion(c.R.Context(), room, v, p.Body); err != nil {
		return err
	}
	c.WriteJSON(web.StatusCreated, appendVersion(nil, v))
	return nil
}

// restoreVersion makes the document show a version, as the work of a new client. A
// host may make the call twice: by the client's id the room knows that it was done.
func (h *handler) restoreVersion(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	state, err := h.version(c, room)
	if err != nil {
		return err
	}
	if _, err := h.mayWrite(c, room); err != nil {
		return err
	}
	var dice [8]byte
	rand.Read(dice[:])
	client := 1<<40 + binary.LittleEndian.Uint64(dice[:])%(1<<40) // above the ids of yjs 13
	return h.change(c, room, yroom.Request{Op: yroom.OpRestore, Version: client, Data: state})
}
