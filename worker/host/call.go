//go:build js && wasm

package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tidemark/shared/abi"
)

// A call is one request or alarm that a goroutine of its own works on.
type call struct {
	id      int32
	ctx     context.Context
	cancel  context.CancelFunc
	forward []byte // the answer is a room's, if not nil
}

type settled struct {
	bytes []byte
	err   error
}

// state is everything that outlives one export. The mutex is only ever held
// over a few lines without an import, so it is free whenever an export runs.
var state = struct {
	sync.Mutex
	calls  map[int32]*call
	ops    map[int32]chan settled
	enter  map[int32]func()
	lastOp int32
}{calls: map[int32]*call{}, ops: map[int32]chan settled{}, enter: map[int32]func(){}}

type callKey struct{}

func startCall(id int32) *call {
	c := &call{id: id}
	ctx, cancel := context.WithCancel(context.Background())
	c.ctx, c.cancel = context.WithValue(ctx, callKey{}, c), cancel
	state.Lock()
	state.calls[id] = c
	state.Unlock()
	return c
}

func (c *call) end() {
	c.cancel()
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

// do posts an op for the call of ctx and waits for its result. The frame is
// copied before do returns.
func do(ctx context.Context, kind abi.Op, frame []byte) ([]byte, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	return c.await(kind, frame, nil)
}

func (c *call) await(kind abi.Op, frame []byte, enter func()) ([]byte, error) {
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	ch := make(chan settled, 1)
	state.Lock()
	state.lastOp++
	op := state.lastOp
	state.ops[op] = ch
	if enter != nil {
		state.enter[op] = enter
	}
	state.Unlock()
	hostOp(c.id, op, kind, pointer(frame), int32(len(frame)))
	select {
	case s := <-ch:
		return s.bytes, s.err
	case <-c.ctx.Done():
		state.Lock()
		delete(state.ops, op)
		delete(state.enter, op)
		state.Unlock()
		return nil, fmt.Errorf("host: op %d: %w", kind, c.ctx.Err())
	}
}

// post starts an op that nobody waits for; the host keeps the call alive until
// it is done.
func (c *call) post(kind abi.Op, frame []byte) {
	state.Lock()
	state.lastOp++
	op := state.lastOp
	state.Unlock()
	hostOp(c.id, op, kind, pointer(frame), int32(len(frame)))
}

//go:wasmexport settle
func settle(op, ok, handle, n int32) {
	s := settled{bytes: take(handle, n)}
	if ok == 0 {
		s = settled{err: errors.New(string(s.bytes))}
	}
	state.Lock()
	ch := state.ops[op]
	delete(state.ops, op)
	state.Unlock()
	if ch == nil { // posted, or given up
		if s.err != nil {
			logf("an op that nobody waits for failed: %v", s.err)
		}
		return
	}
	ch <- s
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

// Stats counts what is under way; all are 0 in an instance at rest.
type Stats struct {
	Calls, Ops, Handles int
}

// ReadStats counts. The call that asks is one of the calls.
func ReadStats() Stats {
	state.Lock()
	defer state.Unlock()
	return Stats{Calls: len(state.calls), Ops: len(state.ops), Handles: int(hostHandles())}
}
