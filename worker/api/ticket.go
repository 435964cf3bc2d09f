package api

import (
	"crypto/rand"
	"strconv"
	"time"

	"tidemark/shared/ijson"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

// TicketLife is how long a ticket may be used.
const TicketLife = 30 * time.Second

// ticket makes a ticket for one WebSocket: 130 random bits that only the client
// knows. It permits no more than the token, and ends no later.
func ticket(c *door.Call) error {
	now := c.Now()
	end := now.Add(TicketLife)
	if !c.ID.Expires.IsZero() && c.ID.Expires.Before(end) {
		end = c.ID.Expires
	}
	ticket := c.NewTicket(rand.Text())
	if err := c.Space.Tickets.PutTicket(c.R.Context(), now, door.HashTicket(ticket), end, c.ID); err != nil {
		return err
	}
	b := ijson.AppendString([]byte(`{"ticket":`), ticket)
	b = strconv.AppendInt(append(b, `,"expires_in":`...), int64(end.Sub(now)/time.Second), 10)
	c.WriteJSON(web.StatusOK, append(b, '}'))
	return nil
}
