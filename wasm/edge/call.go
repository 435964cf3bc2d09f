//go:build !js

package edge

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"tidemark/shared/abi"
)

// A call is one request, or one alarm, that the guest works on, of the Worker or of
// an object. Its isolate's lock guards its fields.
type call struct {
	s  *isolate
	i  *instance // runs the call
	id int32

	head   []byte  // of a request; nil: an alarm
	data   []byte  // that the Worker attached to a request for an object
	body   *body   // nil: none
	object *object // nil: the Worker's request

	replayable bool
	counted    bool // among the calls of the isolate
	moves      int  // how often it went to another instance
	responded  bool
	parts      [][]byte // of the response's body so far
	ended      bool
	answer     answer
	pending    int           // ops under way
	ready      chan struct{} // respond closes it; nil if no goroutine waits
	stop       func() bool   // stops the timer of the call's limit; nil: none runs
	turn       int           // how often the call got or lost its limit
	fetches    *fetches      // of the call; nil: it has fetched nothing
	onEnd      func()
}

// An answer is the outcome of a call: a response's head and body, an object to
// forward to, or the reason why there is no response.
type answer struct {
	head    []byte
	parts   [][]byte // of the body
	forward []byte   // an abi.Forward; nil: none
	lost    string   // why there is no response; "": there is one
	status  int      // of lost; 0: 500
}

// maxAgain is the greatest number of the import again. See package abi.
const maxAgain = 3

var (
	errStopped = errors.New("the worker has stopped")
	errEnded   = errors.New("the instance ended")
)

// run begins the call and waits for the response. The caller holds the isolate's lock,
// and run unlocks it.
func (c *call) run() {
	c.begin()
	if !c.responded {
		c.ready = make(chan struct{})
	}
	c.s.unlock()
	if c.ready != nil {
		c.wait()
	}
}

// begin hands the call to the guest. The call ends when the guest has responded
// and no op is under way, or at its limit.
func (c *call) begin() {
	if c.object == nil {
		c.beginInWorker()
	} else {
		c.beginInObject()
	}
	if !c.ended && c.stop == nil && c.i != nil {
		c.limit()
	}
}

func (c *call) beginInWorker() {
	i, err := c.s.running()
	if err != nil {
		c.respond(answer{lost: notBooted(err)})
		c.end()
		return
	}
	c.enroll(i)
	i.enter(c, nil, i.exports.request, c.id, i.keep(c.head), int32(len(c.head)), c.body.announced())
	c.endIfDone()
}

// again makes the next instance begin the call, if this one has done nothing of it. An
// object moves with its call, so it must have no other one.
func (c *call) again() bool {
	fresh := c.replayable || c.body != nil && !c.body.taken
	if !fresh || c.responded || c.ended || c.moves == maxAgain || c.object != nil && len(c.object.calls) > 1 {
		return false
	}
	c.moves++
	delete(c.i.calls, c.id)
	c.i.endIfUnused()
	c.anew()
	return true
}

// anew begins the call once more.
func (c *call) anew() {
	c.s.todo = append(c.s.todo, c.begin)
	if c.object != nil {
		c.object.leave(c)
	}
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
	c.count()
	c.i, c.id, c.pending, c.parts = i, s.lastCall, 0, nil
	i.calls[c.id] = c
}

// count counts the call among those of its isolate, until its end.
func (c *call) count() {
	if !c.counted {
		c.counted = true
		c.s.calls++
	}
}

// limit starts the timer that ends the call after LIMIT_CALL_MS: a call that has not
// begun by then gets 503.
func (c *call) limit() {
	c.turn++
	turn := c.turn
	c.stop = c.s.w.clock.AfterFunc(c.s.w.callLimit, func() {
		c.s.lock()
		defer c.s.unlock()
		if c.turn != turn {
			return
		}
		if c.waits() {
			c.unqueue()
			c.respond(answer{lost: wasBusy, status: http.StatusServiceUnavailable})
			c.end()
			return
		}
		c.giveUp(answer{lost: "the request took too long"})
	})
}

// unlimit stops that timer.
func (c *call) unlimit() {
	c.turn++
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

// giveUp cancels a call that is under way.
func (c *call) giveUp(a answer) {
	if c.ended {
		return
	}
	c.i.enter(c, nil, c.i.exports.cancel, c.id)
	c.respond(a)
	c.end()
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
	c.unlimit()
	if c.fetches != nil {
		c.fetches.stop()
	}
	if c.counted {
		c.s.calls--
	}
	if c.i != nil {
		if c.i.calls[c.id] == c {
			delete(c.i.calls, c.id)
		}
		c.i.endIfUnused()
	}
	if c.object != nil {
		c.object.leave(c)
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
		c.anew()
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
		ctx := c.fetching()
		go c.perform(i, op, "fetch", func() ([]byte, error) { return c.s.w.fetch(ctx, frame) })
	case abi.OpVerify:
		go c.perform(i, op, "verify", func() ([]byte, error) { return verify(frame) })
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

// enterObject delivers EventEnter to the object whose request or alarm this call is.
func (c *call) enterObject(i *instance, op int32) {
	if i.dead {
		return
	}
	err := errors.New("no request or alarm of an object is running")
	if o := c.object; o != nil && !c.ended && o.i == i {
		err = o.enter(i, c, i.exports.event, o.id, abi.EventEnter, op, 0, 0)
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
