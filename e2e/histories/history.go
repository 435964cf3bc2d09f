//go:build !js

// Package histories has models of what a client may see of a Tidemark server that is
// killed, paused and restored, and whose responses get lost. There is one model for each
// promise: a single machine without faults. Porcupine looks for an order in which that
// machine could have returned every response that the clients recorded.
package histories

import (
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// A History is the requests and responses of clients, for each model.
type History struct {
	mu    sync.Mutex
	start time.Time
	ops   map[*Model][]porcupine.Operation
}

// NewHistory returns an empty history that begins now.
func NewHistory() *History {
	return &History{start: time.Now(), ops: map[*Model][]porcupine.Operation{}}
}

// A Call is a request of a client and the time of its beginning.
type Call struct {
	client int
	began  int64
}

// Now returns the time since the history began, in nanoseconds.
func (h *History) Now() int64 { return int64(time.Since(h.start)) }

// Begin begins a call. The client must call it before it sends the request.
func (h *History) Begin(client int) Call { return Call{client, h.Now()} }

// End records a request and its response for a model. One call may be recorded for several
// models and several rows. If known is false there was no response: the server may carry
// out the request at any time from the call on, or never. Never is the same as at the very
// end. See Settle.
func (h *History) End(c Call, m *Model, known bool, in, out any) Open {
	h.mu.Lock()
	defer h.mu.Unlock()
	op := porcupine.Operation{ClientId: c.client, Call: c.began, Return: math.MaxInt64, Input: in, Output: out}
	if known {
		op.Return = h.Now()
	}
	h.ops[m] = append(h.ops[m], op)
	return Open{m, len(h.ops[m]) - 1}
}

// An Open is a record of End.
type Open struct {
	model *Model
	index int
}

// Settle ends earlier tries of a request. The client calls it when a later try got its
// response: from then on the earlier ones change nothing, by the model. This makes the
// search for an order much shorter.
func (h *History) Settle(tries []Open) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range tries {
		op := &h.ops[o.model][o.index]
		op.Return = min(op.Return, h.Now())
	}
}

// A Model is the promise about one kind of thing.
type Model struct {
	Name string
	porcupine.Model
}

// Models has every model.
var Models = []*Model{Stamps, Rows, Floor, Versions, Batches, Tickets}

// Of returns the operations of the model. Those without a response end after all others.
func (h *History) Of(m *Model) []porcupine.Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	ops := append([]porcupine.Operation(nil), h.ops[m]...)
	last := int64(0)
	for _, op := range ops {
		last = max(last, op.Call)
		if op.Return != math.MaxInt64 {
			last = max(last, op.Return)
		}
	}
	for i := range ops {
		ops[i].Return = min(ops[i].Return, last+1)
	}
	return ops
}

// An Event happens to the whole server.
type Event int

const (
	// Saved: somebody copies the data of the stopped server.
	Saved Event = iota
	// Restored: the server goes on with the data of the last copy, and is told so by
	// POST /sync/restore.
	Restored
)

// Happen records an event for every model, from the call until now. floor is the response
// to a restore.
func (h *History) Happen(c Call, e Event, floor int64) {
	for _, m := range Models {
		h.End(c, m, true, e, floor)
	}
}

// partition divides a history by the key of each operation. An event is in every part.
func partition(key func(in any) string) func([]porcupine.Operation) [][]porcupine.Operation {
	return func(ops []porcupine.Operation) (parts [][]porcupine.Operation) {
		index := map[string]int{}
		for _, op := range ops {
			if _, event := op.Input.(Event); event {
				continue
			}
			if _, known := index[key(op.Input)]; !known {
				index[key(op.Input)] = len(parts)
				parts = append(parts, nil)
			}
		}
		for _, op := range ops {
			if _, event := op.Input.(Event); event {
				for i := range parts {
					parts[i] = append(parts[i], op)
				}
			} else {
				i := index[key(op.Input)]
				parts[i] = append(parts[i], op)
			}
		}
		return parts
	}
}
