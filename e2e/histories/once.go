//go:build !js

package histories

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// A BatchIn is a try of the upload with that batch id. Tries without a response are not
// recorded. The output is the response.
type BatchIn string

type batchState struct{ answer, saved string }

// Batches promises that every try of a batch gets the same response, byte by byte.
var Batches = &Model{"a batch id replays its answer", porcupine.Model{
	Partition: partition(func(in any) string { return string(in.(BatchIn)) }),
	Init:      func() any { return batchState{} },
	Step: func(state, in, out any) (bool, any) {
		s := state.(batchState)
		switch in {
		case Saved:
			return true, batchState{s.answer, s.answer}
		case Restored:
			return true, batchState{s.saved, s.saved}
		}
		answer := out.(string)
		return s.answer == "" || s.answer == answer, batchState{answer, s.saved}
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v → %v", in, out) },
}}

// A TicketIn is the issue of a ticket, or a try to open a WebSocket with it.
type TicketIn struct {
	Ticket string
	Issue  bool
	Late   bool // the ticket may have ended when the answer came
}

// A TicketOut says whether the socket opened.
type TicketOut struct{ Known, Opened bool }

type ticketState struct{ good, used bool }

// Tickets promises that a ticket opens one WebSocket, and none after a restore.
var Tickets = &Model{"a ticket is good once", porcupine.Model{
	Partition: partition(func(in any) string { return in.(TicketIn).Ticket }),
	Init:      func() any { return ticketState{} },
	Step: func(state, in, out any) (bool, any) {
		s := state.(ticketState)
		switch in := in.(type) {
		case Event:
			if in == Restored && s.good {
				s.used = true
			}
			return true, s
		case TicketIn:
			out := out.(TicketOut)
			switch {
			case in.Issue:
				return true, ticketState{good: true}
			case !out.Known:
				return true, ticketState{s.good, true}
			case out.Opened:
				return s.good && !s.used, ticketState{s.good, true}
			}
			return !s.good || s.used || in.Late, s
		}
		return false, s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
}}
