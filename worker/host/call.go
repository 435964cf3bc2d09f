//go:build js && wasm

package host

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
)

// A call is one request or alarm, with a worker of its own. It is the context
// of the work for it.
type call struct {
	id      int32
	object  *Object       // whose request or alarm it is; nil: none
	forward *abi.Forward  // a room completes the upgrade; nil: none
	counts  metric.Counts // since the call began
	done    chan struct{} // made by the first Done
	err     error         // the reason of its end
	worker  *worker
	awaits  *waiting // the op for which the worker rests; nil: it does not rest
}

func (c *call) Deadline() (deadline time.Time, ok bool) { return }

func (c *call) Done() <-chan struct{} {
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

func (c *call) Err() error { return c.err }

func (c *call) Value(key any) any {
	switch key {
	case callKey{}:
		return c
	case metric.Key{}:
		return &c.counts
	}
	return nil
}

func (c *call) cancel() {
	if c.err == nil {
		c.err = context.Canceled
		if c.done != nil {
			close(c.done)
		}
	}
}

// A result is the outcome of an op: bytes, or an error. The host keeps the bytes of a handle
// until the guest takes or drops them.
type result struct {
	handle, size int32
	whole        []byte // if the handle is 0
	err          error
}

func (r result) take() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.handle == 0 {
		return r.whole, nil
	}
	return take(r.handle, r.size), nil
}

func (r result) drop() {
	if r.handle != 0 {
		hostDrop(r.handle)
	}
}

// state is the part of the package that outlives one export. Workers and events take turns, and
// change over only where one waits or ends. So state needs no mutex.
var state = struct {
	calls  map[int32]*call
	ops    map[int32]*waiting
	enter  map[int32]func(object int32)
	lastOp int32
}{calls: map[int32]*call{}, ops: map[int32]*waiting{}, enter: map[int32]func(int32){}}

type callKey struct{}

func startCall(id int32) *call {
	c := &call{}
	c.enlist(id)
	return c
}

func (c *call) enlist(id int32) {
	c.id = id
	state.calls[id] = c
}

// begins makes c a call of the object, whose event is running.
func (c *call) begins(object int32) (*Object, error) {
	o, err := objectFor(object)
	if err == nil {
		c.object = o
		o.calls++
	}
	return o, err
}

func (c *call) end() {
	c.cancel()
	if c.object != nil {
		c.object.left()
	}
	delete(state.calls, c.id)
}

// errNoCall is the misuse of an op outside of a request or alarm.
var errNoCall = errors.New("host: the context is not that of a request")

func callOf(ctx context.Context) (*call, error) {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c, nil
	}
	return nil, errNoCall
}

// Again makes another instance begin the call of ctx anew. It returns false if the
// host cannot do that. Otherwise the host drops this instance's response, and its
// ops fail.
func Again(ctx context.Context) bool {
	c, err := callOf(ctx)
	if err != nil || hostAgain(c.id) == 0 {
		return false
	}
	c.cancel()
	return true
}

// do posts an op for the call of ctx and waits for its result. The frame is
// copied before do returns.
func do(ctx context.Context, kind abi.Op, frame []byte) ([]byte, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	return c.await(kind, frame, nil).take()
}

// await is do, but leaves the result with the host. The caller takes or drops it.
func (c *call) await(kind abi.Op, frame []byte, enter func(object int32)) result {
	return c.start(kind, frame, enter).result()
}

// A waiting is an op that was posted.
type waiting struct {
	c       *call
	kind    abi.Op
	op      int32
	settled bool
	outcome result // when it is settled
}

// start posts an op. The host copies the frame, and the bytes to which it points,
// before start returns.
func (c *call) start(kind abi.Op, frame []byte, enter func(object int32)) *waiting {
	w := &waiting{c: c, kind: kind}
	if c.err != nil {
		w.settled, w.outcome = true, result{err: c.err}
		return w
	}
	state.lastOp++
	w.op = state.lastOp
	state.ops[w.op] = w
	if enter != nil {
		state.enter[w.op] = enter
	}
	hostOp(c.id, w.op, kind, pointer(frame), int32(len(frame)))
	return w
}

// result waits until the op is settled or the call is cancelled. The call's own worker calls it.
func (w *waiting) result() result {
	for c := w.c; !w.settled && c.err == nil; {
		c.awaits = w
		c.worker.rest()
		c.awaits = nil
	}
	if w.settled {
		return w.outcome
	}
	delete(state.ops, w.op)
	delete(state.enter, w.op)
	return result{err: fmt.Errorf("host: op %d: %w", w.kind, w.c.err)}
}

// settle lets the call go on, if it waits for w.
func (w *waiting) settle(r result) {
	w.settled, w.outcome = true, r
	if w.c.awaits == w {
		w.c.worker.resume()
	}
}

// A Pause is for a call that waits until another call wakes it.
type Pause struct{ w *waiting }

// NewPause returns a pause of the call of ctx.
func NewPause(ctx context.Context) (Pause, error) {
	c, err := callOf(ctx)
	return Pause{&waiting{c: c}}, err
}

// Wait waits for Wake. It returns an error if the call ends before.
func (p Pause) Wait() error { return p.w.result().err }

// Wake lets the waiting call go on at once, until it waits again or ends.
func (p Pause) Wake() { p.w.settle(result{}) }

// post starts an op and does not wait for it. The host keeps the call alive until
// the op is done.
func (c *call) post(kind abi.Op, frame []byte) {
	state.lastOp++
	hostOp(c.id, state.lastOp, kind, pointer(frame), int32(len(frame)))
}

//go:wasmexport settle
func settle(op, ok, handle, n int32) int32 {
	r := result{handle: handle, size: n}
	switch {
	case ok == 0:
		r = result{err: abi.OpError(take(handle, n))}
	case handle == 0:
		r.whole = take(handle, n)
	}
	w := state.ops[op]
	delete(state.ops, op)
	if w == nil { // posted, or given up
		if r.err != nil {
			logf("an op that nobody waits for failed: %v", r.err)
		}
		r.drop()
		return ready()
	}
	w.settle(r)
	return ready()
}

//go:wasmexport cancel
func cancel(id int32) int32 {
	if c := state.calls[id]; c != nil {
		c.cancel()
		if c.awaits != nil {
			c.worker.resume()
		}
	}
	return ready()
}

// Stats are the numbers of things under way. Calls and Ops are 0 in an idle instance.
type Stats struct {
	Calls, Ops int
	Goroutines int // without those of idle workers
	Objects    int // that the instance keeps
}

// ReadStats returns the numbers. The calls include the caller's own.
func ReadStats() Stats {
	return Stats{
		Calls: len(state.calls), Ops: len(state.ops),
		Goroutines: runtime.NumGoroutine() - len(idle), Objects: len(objects.byID),
	}
}
