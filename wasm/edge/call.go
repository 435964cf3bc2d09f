//go:build !js

package edge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"tidemark/shared/abi"
)

// A call is one request, or one alarm, that the guest works on. Its isolate's
// lock guards its fields.
type call struct {
	s  *isolate
	i  *instance // runs the call
	id int32

	head   []byte
	body   *body   // nil: none
	object *object // of an alarm; nil for a request

	replayable bool
	moves      int // how often it went to another instance
	responded  bool
	parts      [][]byte // of the response's body so far
	ended      bool
	answer     answer
	pending    int           // ops under way
	ready      chan struct{} // respond closes it; nil if no goroutine waits
	stop       func() bool   // stops the timer of the call's limit
	onEnd      func()
}

// An answer is the outcome of a call: a response's head and body, a room to
// forward to, or the reason why there is no response.
type answer struct {
	head    []byte
	parts   [][]byte // of the body
	forward []byte   // an abi.Forward; nil: none
	lost    string   // why there is no response; "": there is one
}

// maxAgain is the greatest number of the import again. See package abi.
const maxAgain = 3

var (
	errStopped = errors.New("the worker has stopped")
	errEnded   = errors.New("the instance ended")
)

// begin hands the call to the guest. The call ends when the guest has responded
// and no op is under way. If it has not ended when begin returns, the caller
// waits for the response.
func (c *call) begin() {
	i, err := c.s.running()
	if err != nil {
		c.respond(answer{lost: notBooted(err)})
		c.end()
		return
	}
	c.enroll(i)
	i.enter(c, nil, i.request, c.id, i.keep(c.head), int32(len(c.head)), c.body.announced())
	c.endIfDone()
}

// again makes the next instance begin the call, if this one has done nothing of it.
func (c *call) again() bool {
	fresh := c.replayable || c.body != nil && !c.body.taken
	if !fresh || c.responded || c.ended || c.moves == maxAgain {
		return false
	}
	c.moves++
	delete(c.i.calls, c.id)
	c.i.endIfUnused()
	c.s.todo = append(c.s.todo, c.begin)
	return true
}

// beginAlarm is begin for an alarm, in the instance that its object is bound to.
func (c *call) beginAlarm() {
	i, err := c.object.bind()
	if err != nil {
		c.respond(answer{lost: notBooted(err)})
		c.end()
		return
	}
	c.enroll(i)
	c.object.enter(i, c, i.alarm, c.id, c.object.id)
	c.endIfDone()
}

// notBooted returns the reason that a client gets when no instance took its request.
func notBooted(err error) string {
	if errors.Is(err, errStopped) {
		return errStopped.Error()
	}
	return "the guest did not boot"
}

func (c *call) enroll(i *instance) {
	s := c.s
	for {
		if s.lastCall++; s.lastCall < 0 {
			s.lastCall = 1
		}
		if i.calls[s.lastCall] == nil {
			break
		}
	}
	if c.i == nil {
		s.calls++
	}
	c.i, c.id, c.pending, c.parts = i, s.lastCall, 0, nil
	i.calls[c.id] = c
}

// limit starts the timer that ends the call after LIMIT_CALL_MS.
func (c *call) limit() {
	c.stop = c.s.w.clock.AfterFunc(c.s.w.callLimit, func() {
		c.s.lock()
		defer c.s.unlock()
		if c.ended {
			return
		}
		c.i.enter(c, nil, c.i.cancel, c.id)
		c.respond(answer{lost: "the request took too long"})
		c.end()
	})
}

// respond stores the answer. Only the first one counts.
func (c *call) respond(a answer) {
	if c.responded {
		return
	}
	c.responded, c.answer = true, a
	if c.ready != nil {
		close(c.ready)
	}
	if c.body != nil {
		c.body.stop()
	}
}

func (c *call) endIfDone() {
	if c.responded && c.pending == 0 {
		c.end()
	}
}

func (c *call) end() {
	if c.ended {
		return
	}
	c.ended = true
	if c.stop != nil {
		c.stop()
	}
	if c.i != nil {
		c.s.calls--
		if c.i.calls[c.id] == c {
			delete(c.i.calls, c.id)
		}
		c.i.endIfUnused()
	}
	if c.onEnd != nil {
		c.onEnd()
	}
}

// lost begins the call anew, or fails it, after its instance has ended. guilty is
// true if the instance ended in an export of this call.
func (c *call) lost(guilty bool) {
	delete(c.i.calls, c.id)
	c.pending = 0
	if !guilty && c.replayable && !c.responded {
		c.replayable = false
		c.s.todo = append(c.s.todo, c.begin)
		return
	}
	c.respond(answer{lost: errEnded.Error()})
	c.end()
}

// start starts an op. No op settles before start returns.
func (c *call) start(op int32, kind abi.Op, frame []byte) {
	c.pending++
	i := c.i
	switch kind {
	case abi.OpD1:
		binding, statements, err := i.batch(frame)
		go c.perform(i, op, "d1", func() ([]byte, error) {
			if err != nil {
				return nil, err
			}
			return c.s.w.batch(binding, statements)
		})
	case abi.OpCall:
		binding, room, data, err := i.roomCall(frame)
		go c.perform(i, op, "call", func() ([]byte, error) {
			if err != nil {
				return nil, err
			}
			return c.s.w.call(binding, room, data)
		})
	case abi.OpEnter:
		c.s.todo = append(c.s.todo, func() { c.enterObject(i, op) })
	case abi.OpFetch:
		go c.perform(i, op, "fetch", func() ([]byte, error) { return c.s.w.fetch(frame) })
	case abi.OpSleep:
		d, err := sleepTime(frame)
		if err != nil {
			c.s.todo = append(c.s.todo, func() { i.settle(c, op, result{}, err) })
			return
		}
		c.s.w.clock.AfterFunc(d, func() {
			c.s.lock()
			defer c.s.unlock()
			i.settle(c, op, result{}, nil)
		})
	case abi.OpBody:
		c.replayable = false
		if err := c.body.ask(i, op, frame); err != nil {
			c.s.todo = append(c.s.todo, func() { i.settle(c, op, result{}, err) })
		}
	default:
		c.s.todo = append(c.s.todo, func() { i.settle(c, op, result{}, fmt.Errorf("no op %d", kind)) })
	}
}

// batch reads the frame of OpD1. It copies the arguments that the frame leaves in
// the guest's memory.
func (i *instance) batch(frame []byte) (binding string, statements []abi.Statement, err error) {
	name, rest, err := abi.CutText(frame)
	if err != nil {
		return "", nil, err
	}
	statements, err = abi.DecodeStatements(rest, func(address, n uint32) []byte { return bytes.Clone(i.near(address, n)) })
	return string(name), statements, err
}

// roomCall reads the frame of OpCall. It copies the pieces that the frame leaves
// in the guest's memory.
func (i *instance) roomCall(frame []byte) (binding, room string, data []byte, err error) {
	name, rest, err := abi.CutText(frame)
	if err != nil {
		return "", "", nil, err
	}
	object, rest, err := abi.CutText(rest)
	if err != nil {
		return "", "", nil, err
	}
	data, err = abi.JoinPieces(rest, i.near)
	return string(name), string(object), data, err
}

// perform runs an op and settles it. Its goroutine does not hold the lock while
// the op runs.
func (c *call) perform(i *instance, op int32, kind string, run func() ([]byte, error)) {
	whole, err := run()
	c.s.w.hold(kind, "")
	c.s.lock()
	defer c.s.unlock()
	i.settle(c, op, result{whole: whole}, err)
}

// enterObject delivers EventEnter to the object whose alarm this call runs.
func (c *call) enterObject(i *instance, op int32) {
	if i.dead {
		return
	}
	err := errors.New("no alarm is running")
	if c.object != nil && !c.ended {
		err = c.object.enter(i, c, i.event, c.object.id, abi.EventEnter, op, 0, 0)
	}
	i.settle(c, op, result{}, err)
}

func sleepTime(frame []byte) (time.Duration, error) {
	if len(frame) != 8 {
		return 0, abi.ErrFrame
	}
	millis := math.Float64frombits(binary.LittleEndian.Uint64(frame))
	return time.Duration(min(max(millis, 0), 1e12) * float64(time.Millisecond)), nil
}
