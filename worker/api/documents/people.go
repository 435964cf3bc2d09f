package documents

import (
	"fmt"

	"tidemark/shared/web"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
)

// people writes who has a document open. It reads no document, and makes no room.
func (h *handler) people(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	if query := c.R.URL.RawQuery; query != "" {
		return door.Fail(door.BadRequest, fmt.Sprintf("This path has no parameters, and the request has %q", query))
	}
	p, err := h.read(c, room, yroom.Request{Op: yroom.OpPeople})
	if err == nil && p.Status != yroom.StatusAbsent {
		err = replyError(p)
	}
	if err != nil {
		return err
	}
	if p.Status == yroom.StatusAbsent {
		p = yroom.NoPeople()
	}
	c.WriteJSON(web.StatusOK, p.Body)
	return nil
}
