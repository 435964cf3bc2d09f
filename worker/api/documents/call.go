package documents

import (
	"cmp"
	"fmt"
	"strconv"

	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
)

// shownBytes is how long a document may be to be shown without asking for its length.
const shownBytes = 64 << 10

// grownBytes is how much a document may grow between the two calls.
const grownBytes = 256 << 10

// read asks a room to show its document. For a document longer than shownBytes it
// first learns the length, and holds memory for the replies of the room. So the memory
// that a request can have bounds a document that is shown.
func (h *handler) read(c *door.Call, room string, q yroom.Request) (yroom.Reply, error) {
	known, err := h.of(c).known(c.R.Context(), room)
	if err != nil || !known {
		return yroom.Reply{Status: yroom.StatusAbsent}, err
	}
	return whole(q, func(q yroom.Request) (yroom.Reply, error) { return h.call(c, room, q) },
		func(bytes int) error { return door.Hold(c.R.Context(), bytes) })
}

// whole asks for a document that may be longer than shownBytes. It calls hold with the memory that a longer reply takes,
// before it asks again.
func whole(q yroom.Request, ask func(yroom.Request) (yroom.Reply, error), hold func(bytes int) error) (yroom.Reply, error) {
	q.Version = shownBytes
	p, err := ask(q)
	for err == nil && p.Status == yroom.StatusLonger {
		length, _ := strconv.Atoi(string(p.Body)) // as JSON it may be longer still
		q.Version = uint64(length + min(length/8, grownBytes))
		if err = hold(replyTimes * int(q.Version)); err != nil {
			return p, err
		}
		p, err = ask(q)
	}
	return p, err
}

// replyTimes is how often a document is in memory on its way from a room to the
// client: as the room's reply, in the host, and as the response.
const replyTimes = 3

// call asks a room, and counts the cost as requests of the caller. It hands the
// database's copy to a room that does not know it yet, and asks again. (A room that
// works without a request loads the copy in its alarm.)
func (h *handler) call(c *door.Call, room string, q yroom.Request) (p yroom.Reply, err error) {
	if len(q.Data) > door.SmallClaim {
		return h.give(c, room, q)
	}
	defer func() { c.Owe(p.Cost) }()
	ctx := c.R.Context()
	p, err = h.callOnce(c, room, q)
	if err != nil || p.Status != yroom.StatusUnseeded {
		return p, err
	}
	state, version, err := h.of(c).Copies.LoadWithin(ctx, room, door.Budget)
	if err != nil {
		return p, err
	}
	seed, err := h.callOnce(c, room, yroom.Request{Op: yroom.OpSeed, Version: uint64(max(version, 0)), Data: state})
	if err != nil {
		return p, err
	}
	if seed.Status == yroom.StatusGone {
		return seed, nil
	}
	if seed.Status != yroom.StatusOK {
		return p, fmt.Errorf("seed the room: %s", seed.Body)
	}
	return h.callOnce(c, room, q)
}

// give is call with much data, which the request neither keeps nor sends twice: it
// becomes the room's.
func (h *handler) give(c *door.Call, room string, q yroom.Request) (yroom.Reply, error) {
	wake := yroom.Request{Op: yroom.OpState, ETag: "*"} // until the room knows the database's copy
	if _, err := h.call(c, room, wake); err != nil {
		return yroom.Reply{}, err
	}
	door.Give(c.R.Context(), len(q.Data))
	p, err := h.callOnce(c, room, q)
	c.Owe(p.Cost)
	return p, err
}

func (h *handler) callOnce(c *door.Call, room string, q yroom.Request) (yroom.Reply, error) {
	at, err := h.mayChange(c, room, q.Op)
	if err != nil {
		return yroom.Reply{}, err
	}
	q.At = at
	data := q.Data // sent behind the request, and not copied
	q.Data = nil
	place := c.Space.Document(room)
	reply, err := h.of(c).Calls.Call(c.R.Context(), place.Binding, place.Room, yroom.AppendRequest(nil, q), data)
	if err != nil {
		return yroom.Reply{}, fmt.Errorf("call a Yjs room: %w", err)
	}
	return yroom.DecodeReply(reply)
}

// replyError returns the error of a reply, or nil.
func replyError(p yroom.Reply) error {
	switch p.Status {
	case yroom.StatusOK, yroom.StatusUnchanged:
		return nil
	case yroom.StatusAbsent:
		message := "There is no such document"
		if len(p.Body) > 0 {
			message = string(p.Body)
		}
		return door.Fail(door.NotFound, message)
	case yroom.StatusMalformed:
		return door.Fail(door.BadRequest, string(p.Body))
	case yroom.StatusFull:
		return door.Fail(door.PayloadTooLarge, string(p.Body))
	case yroom.StatusGone:
		return door.Fail(door.Conflict, "The update belongs to a document of this name that was deleted in the last 10 minutes")
	case yroom.StatusBusy:
		return door.ErrBusy
	case yroom.StatusUnstored:
		return door.ErrFull
	case yroom.StatusTooLarge:
		return door.Fail(door.PayloadTooLarge, cmp.Or(string(p.Body), "The document is too large for this format"))
	}
	return fmt.Errorf("a Yjs room answered status %d", p.Status)
}
