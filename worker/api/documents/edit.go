package documents

import (
	"tidemark/shared/web"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
)

// merge merges the update in the body.
func (h *handler) merge(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	if _, err := h.mayWrite(c, room); err != nil {
		return err
	}
	update, err := c.ReadBody(int64(c.Settings.Documents.DocumentBytes))
	if err != nil {
		return err
	}
	return h.change(c, room, yroom.Request{Op: yroom.OpMerge, Data: update})
}

// mayWrite notes that a document may be written. It rejects that if the space is full.
func (h *handler) mayWrite(c *door.Call, room string) (at int64, err error) {
	if err := h.of(c).full(c.R.Context()); err != nil {
		return 0, err
	}
	return h.of(c).enter(c.R.Context(), room)
}

// mayChange checks again, directly before the call of a room, whether it may be changed:
// reading a body takes as long as the client likes.
func (h *handler) mayChange(c *door.Call, room string, op yroom.Op) (at int64, err error) {
	switch op {
	case yroom.OpMerge, yroom.OpRestore:
		return h.mayWrite(c, room)
	case yroom.OpDelete, yroom.OpSeed: // a state that was read before a deletion of the space may not come back
		return h.of(c).enter(c.R.Context(), room)
	}
	return 0, nil
}

// change asks a room for a change, and returns the ETag of the result.
func (h *handler) change(c *door.Call, room string, q yroom.Request) error {
	p, err := h.call(c, room, q)
	if err == nil {
		err = replyError(p)
	}
	if err == nil && p.Holds() {
		err = h.of(c).edited(c.R.Context())
	}
	if err != nil {
		return err
	}
	c.W.Header().Set("ETag", `"`+p.ETag+`"`)
	c.W.WriteHeader(web.StatusNoContent)
	return nil
}

// delete empties the room. If the deletion of the copy fails here, the room deletes
// it later.
func (h *handler) delete(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	known, err := h.of(c).known(c.R.Context(), room)
	if err == nil && known {
		var p yroom.Reply
		if p, err = h.call(c, room, yroom.Request{Op: yroom.OpDelete}); err == nil {
			err = replyError(p)
		}
	}
	if err == nil {
		err = h.of(c).Copies.Delete(c.R.Context(), room)
	}
	if err == nil {
		err = h.of(c).Versions.DeleteVersions(c.R.Context(), room)
	}
	if err != nil {
		return err
	}
	c.W.WriteHeader(web.StatusNoContent)
	return nil
}
