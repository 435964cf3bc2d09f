//go:build js && wasm

package host

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
)

// A call is one request or alarm, with a goroutine of its own. It is the context
// of the work for it.
type call struct {
	id      int32
	object  *Object       // whose request or alarm it is; nil: none
	forward *abi.Forward  // a room completes the upgrade; nil: none
	counts  metric.Counts // since the call began
	done    chan struct{} // made by the first Done
	err     error         // the reason of its end
}

func (c *call) Deadline() (deadline time.Time, ok bool) { return }

func (c *call) Done() <-chan struct{} {
	state.Lock()
	defer state.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

func (c *call) Err() error {
	state.Lock()
	defer state.Unlock()
	return c.err
}

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
	state.Lock()
	defer state.Unlock()
	if c.err == nil {
		c.err = context.Canceled
		if c.done != nil {
			close(c.done)
		}
	}
}

// A result is the outcome of an op: bytes, or an error. The host keeps the bytes
// until the guest takes or drops them.
type result struct {
	handle, size int32
	err          error
}

func (r result) take() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	return take(r.handle, r.size), nil
}

func (r result) drop() {
	if r.handle != 0 {
		hostDrop(r.handle)
	}
}

// state is the part of the package that outlives one export. No goroutine holds
// the mutex while it calls an import, so it is free whenever an export runs.
var state = struct {
	sync.Mutex
	calls  map[int32]*call
	ops    map[int32]chan result
	enter  map[int32]func(object int32)
	lastOp int32
}{calls: map[int32]*call{}, ops: map[int32]chan result{}, enter: map[int32]func(int32){}}

type callKey struct{}

func startCall(id int32) *call {
	c := &call{id: id}
	state.Lock()
	state.calls[id] = c
	state.Unlock()
	return c
}

// idle counts the goroutines that wait in work for the next call. Their stacks
// have grown already: growth costs a new goroutine a seventh of an empty pull.
var (
	work = make(chan func())
	idle int
)

// idleKept bounds idle, as a burst of calls leaves many.
const idleKept = 64

// begin runs f, at the next resume, in a goroutine that is idle or new.
func begin(f func()) {
	select {
	case work <- f:
	default:
		go runCalls(f)
	}
}

func runCalls(f func()) {
	for {
		f()
		if idle == idleKept {
			return
		}
		idle++
		f = <-work
		idle--
	}
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
		c.object.calls--
	}
	state.Lock()
	delete(state.calls, c.id)
	state.Unlock()
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
	c    *call
	kind abi.Op
	op   int32
	ch   chan result
}

// start posts an op. The host copies the frame, and the bytes to which it points,
// before start returns.
func (c *call) start(kind abi.Op, frame []byte, enter func(object int32)) waiting {
	w := waiting{c: c, kind: kind, ch: make(chan result, 1)}
	if err := c.Err(); err != nil {
		w.ch <- result{err: err}
		return w
	}
	state.Lock()
	state.lastOp++
	w.op = state.lastOp
	state.ops[w.op] = w.ch
	if enter != nil {
		state.enter[w.op] = enter
	}
	state.Unlock()
	hostOp(c.id, w.op, kind, pointer(frame), int32(len(frame)))
	return w
}

func (w waiting) result() result {
	select {
	case r := <-w.ch:
		return r
	case <-w.c.Done():
		state.Lock()
		delete(state.ops, w.op)
		delete(state.enter, w.op)
		state.Unlock()
		select {
		case r := <-w.ch:
			r.drop()
		default:
		}
		return result{err: fmt.Errorf("host: op %d: %w", w.kind, w.c.Err())}
	}
}

// post starts an op and does not wait for it. The host keeps the call alive until
// the op is done.
func (c *call) post(kind abi.Op, frame []byte) {
	state.Lock()
	state.lastOp++
	op := state.lastOp
	state.Unlock()
	hostOp(c.id, op, kind, pointer(frame), int32(len(frame)))
}

//go:wasmexport settle
func settle(op, ok, handle, n int32) {
	r := result{handle: handle, size: n}
	if ok == 0 {
		r = result{err: abi.OpError(take(handle, n))}
	}
	state.Lock()
	ch := state.ops[op]
	delete(state.ops, op)
	state.Unlock()
	if ch == nil { // posted, or given up
		if r.err != nil {
			logf("an op that nobody waits for failed: %v", r.err)
		}
		r.drop()
		return
	}
	ch <- r
}

//go:wasmexport cancel
func cancel(id int32) {
	state.Lock()
	c := state.calls[id]
	state.Unlock()
	if c != nil {
		c.cancel()
	}
}

// Stats are the numbers of things under way. Calls and Ops are 0 in an idle instance.
type Stats struct {
	Calls, Ops int
	Goroutines int // without the idle ones
}

// ReadStats returns the numbers. The calls include the caller's own.
func ReadStats() Stats {
	state.Lock()
	defer state.Unlock()
	return Stats{
		Calls: len(state.calls), Ops: len(state.ops),
		Goroutines: runtime.NumGoroutine() - idle,
	}
}
