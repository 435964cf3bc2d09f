package documents

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store/documents"
)

// maxListed is how many rooms a page may have.
const maxListed = 1000

// list lists the rooms that the token opens.
func (h *handler) list(c *door.Call) error {
	query := door.Query(c.R)
	limit := 100
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxListed {
			return door.Fail(door.BadRequest, fmt.Sprintf("The parameter limit is a number from 1 to %d", maxListed))
		}
		limit = n
	}
	rooms, err := h.allowedRooms(c, query.Get("prefix"), query.Get("after"), limit)
	if err != nil {
		return err
	}
	b, comma := []byte(`{"rooms":[`), ""
	for _, room := range rooms {
		b = ijson.AppendString(append(append(b, comma...), `{"room":`...), room.Room)
		b = strconv.AppendInt(append(b, `,"updated_at":`...), room.UpdatedAt, 10)
		b = append(strconv.AppendInt(append(b, `,"bytes":`...), room.Bytes, 10), '}')
		comma = ","
	}
	b = append(b, ']')
	if len(rooms) == limit {
		b = ijson.AppendString(append(b, `,"next":`...), rooms[len(rooms)-1].Room)
	}
	c.WriteJSON(web.StatusOK, append(b, '}'))
	return nil
}

// allowedRooms lists at most limit rooms after a name. No other room is the end of a
// page, as the client learns that name.
func (h *handler) allowedRooms(c *door.Call, prefix, after string, limit int) (listed []documents.Entry, err error) {
	allowed, page := c.ID.Rooms, limit
	if allowed.Limited {
		page = maxListed
		if all := allowed.Prefix(); strings.HasPrefix(all, prefix) {
			prefix = all
		}
	}
	for {
		rooms, err := h.of(c).Copies.List(c.R.Context(), prefix, after, page)
		if err != nil {
			return nil, err
		}
		for _, room := range rooms {
			if after = room.Room; allowed.Allows(room.Room) {
				listed = append(listed, room)
			}
			if len(listed) == limit {
				return listed, nil
			}
		}
		if len(rooms) < page {
			return listed, nil
		}
	}
}
