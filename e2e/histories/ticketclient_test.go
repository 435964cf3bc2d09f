//go:build !js

package histories

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// ticketLife is the lifetime of a ticket, less the difference of a machine's clocks.
const ticketLife = 29 * time.Second

// A ticketClient gets tickets, and tries to open several WebSockets with each.
type ticketClient struct {
	*client
	old []ticket
}

type ticket struct {
	text  string
	asked int64 // when, by the history's clock
}

func (c *ticketClient) step() {
	if len(c.old) > 0 && c.odds(40) {
		c.open(c.old[c.dice.IntN(len(c.old))])
		return
	}
	h := c.run.history
	t := ticket{asked: h.Now()}
	call := h.Begin(c.index)
	a := c.ask("POST", "/auth/ticket", nil)
	if !a.known() {
		return
	}
	var told struct{ Ticket string }
	if a.status != http.StatusOK || !a.read(&told) {
		c.fail("ticket: %v", a)
		return
	}
	t.text = told.Ticket
	h.End(call, Tickets, true, TicketIn{Ticket: t.text, Issue: true}, TicketOut{Known: true})
	c.old = append(c.old[max(0, len(c.old)-30):], t)
	if c.odds(30) {
		return // it waits, for a crash perhaps
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { c.open(t) })
	}
	both.Wait()
}

// open opens a WebSocket with the ticket, and closes it.
func (c *ticketClient) open(t ticket) {
	h := c.run.history
	call := h.Begin(c.index)
	out := c.subscribe(t)
	late := time.Duration(h.Now()-t.asked) > ticketLife
	if out.Opened {
		c.run.count("tickets used")
	}
	h.End(call, Tickets, out.Known, TicketIn{Ticket: t.text, Late: late}, out)
}

func (c *ticketClient) subscribe(t ticket) TicketOut {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, c.BaseURL+"/sync/subscribe?ticket="+t.text, &websocket.DialOptions{HTTPClient: c.http})
	if err != nil {
		return TicketOut{}
	}
	defer conn.CloseNow()
	_, hello, err := conn.Read(ctx)
	switch {
	case websocket.CloseStatus(err) == 4401:
		return TicketOut{Known: true}
	case err != nil:
		return TicketOut{}
	case !strings.Contains(string(hello), `"hello"`):
		c.fail("a socket begins with %q", hello)
	}
	return TicketOut{Known: true, Opened: true}
}
