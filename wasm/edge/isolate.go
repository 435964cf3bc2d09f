//go:build !js

package edge

import (
	"container/list"
	"errors"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/api"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
	"tidemark/wasm/gojs"
)

// An isolate is one running instance of the guest, the calls that it works on
// and its objects. Its lock guards all of its fields.
type isolate struct {
	w *Worker

	mu      sync.Mutex
	current *instance // for new events; nil: the next event boots one
	alive   map[*instance]bool
	todo    []func() // unlock runs these before it unlocks
	calls   int      // under way, in the current instance and in earlier ones
	stopped bool

	objects  map[objectKey]*object
	warm     *list.List // of *object, most recently used first
	lastCall int32
	lastID   int32 // of an object
	rest     rest
}

func newIsolate(w *Worker) *isolate {
	return &isolate{w: w, alive: map[*instance]bool{}, objects: map[objectKey]*object{}, warm: list.New()}
}

func (s *isolate) lock() { s.mu.Lock() }

// unlock runs the functions in todo, then unlocks.
func (s *isolate) unlock() {
	for len(s.todo) > 0 {
		next := s.todo[0]
		s.todo = s.todo[1:]
		next()
	}
	s.todo = nil
	s.mu.Unlock()
	s.w.wake()
}

// running returns the instance for a new event, and boots it if there is none.
func (s *isolate) running() (*instance, error) {
	if s.stopped || s.w.hurry.Load() {
		return nil, errStopped
	}
	if s.current == nil {
		i, err := s.boot()
		if err != nil {
			s.w.log.Error("the guest did not boot", "err", err)
			return nil, err
		}
		s.current = i
	}
	return s.current, nil
}

// An instance is one run of the guest.
type instance struct {
	s       *isolate
	process *gojs.Process // nil: the instance is dead
	exports exports
	booted  int // bytes of linear memory after the boot
	// stopRest stops the timer that replaces the instance; nil: it has not grown.
	stopRest func() bool
	ready    bool // it has called ready

	size int // of its memory, as measure saw it

	calls      map[int32]*call
	handles    map[int32]result
	lastHandle int32
	dead       bool
	err        error // the error of the export in which it ended
	stretch    stretch

	call   *call   // whose export is running
	object *object // whose event is running
	reply  []byte  // the bytes of object_reply
	stack  [7]uint64
}

type exports struct{ request, objectRequest, alarm, settle, cancel, event api.Function }

// enter runs an export for a call, or for an event of an object. Then it runs
// every goroutine that the export made ready. If the instance ends meanwhile,
// enter sets dead.
func (i *instance) enter(c *call, o *object, f api.Function, args ...int32) {
	if i.dead {
		return
	}
	i.call, i.object, i.reply = c, o, nil
	if o == nil && c != nil {
		o = c.object
	}
	i.stretch = stretch{object: o}
	for n, arg := range args {
		i.stack[n] = api.EncodeI32(arg)
	}
	err := i.process.Call(f, i.stack[:len(args)])
	i.call, i.object = nil, nil
	if err != nil {
		if o != nil && !errors.Is(err, errStopped) {
			o.ended(err)
		}
		i.err = err
		i.die(c, err)
		return
	}
	i.measure()
	if i.stretch.noted {
		o.unsuspect()
	}
	if i.s.current == i && i.full() {
		i.s.current = nil // the instance ends after its last call
		i.endIfUnused()
	}
	i.noteGrowth()
}

// full reports whether new calls need a new instance: linear memory never shrinks.
func (i *instance) full() bool { return len(i.process.Memory()) > i.s.w.budget/4*3 }

// die ends the instance, and fails or replays its calls. guilty is the call whose
// export was running, or nil.
// Design, section 2, rule 4.
func (i *instance) die(guilty *call, err error) {
	if i.dead {
		return
	}
	if !errors.Is(err, errStopped) {
		i.s.w.log.Error("the instance ended", "err", err, "calls", len(i.calls))
	}
	i.close(endOf(err))
	lost := make([]*call, 0, len(i.calls))
	for _, c := range i.calls {
		lost = append(lost, c)
	}
	slices.SortFunc(lost, func(a, b *call) int { return int(a.id) - int(b.id) })
	for _, c := range lost {
		c.lost(c == guilty)
	}
}

// close frees the instance. reason is the label of its end; "": it is not counted.
func (i *instance) close(reason string) {
	i.dead = true
	i.s.w.metrics.memory.Add(-int64(i.size))
	i.s.w.metrics.instances.Add(-1)
	if reason != "" {
		i.s.w.metrics.InstanceEnded(reason)
	}
	if i.s.current == i {
		i.s.current = nil
	}
	i.handles = nil
	if i.stopRest != nil {
		i.stopRest()
	}
	delete(i.s.alive, i)
	i.process.Close()
	i.process, i.exports = nil, exports{} // idle objects still point to i, and must not keep its memory
}

// endIfUnused closes an instance after its last call, unless it is the current one.
func (i *instance) endIfUnused() { i.endIfUnusedAs(metric.EndedReplaced) }

// endIfUnusedAs is endIfUnused with another reason.
func (i *instance) endIfUnusedAs(reason string) {
	if i.s.current == i || i.dead {
		return
	}
	i.s.todo = append(i.s.todo, func() {
		if len(i.calls) == 0 && !i.dead {
			i.close(reason)
		}
	})
}

// A result is bytes for the guest: whole, or in pieces.
type result struct {
	whole  []byte
	pieces [][]byte
}

func (r result) size() (n int) {
	for _, piece := range r.pieces {
		n += len(piece)
	}
	return n + len(r.whole)
}

func (r result) copyTo(b []byte) {
	n := copy(b, r.whole)
	for _, piece := range r.pieces {
		n += copy(b[n:], piece)
	}
}

// copyNext copies as many bytes to b as there are and b holds. It returns the rest.
func (r result) copyNext(b []byte) result {
	n := copy(b, r.whole)
	r.whole = r.whole[n:]
	for n < len(b) && len(r.pieces) > 0 {
		m := copy(b[n:], r.pieces[0])
		if n += m; m < len(r.pieces[0]) {
			r.pieces = append([][]byte{r.pieces[0][m:]}, r.pieces[1:]...)
			break
		}
		r.pieces = r.pieces[1:]
	}
	return r
}

// keep keeps bytes until the guest takes them, and returns their handle. The
// handle of no bytes is 0.
func (i *instance) keep(b []byte) int32 { return i.keepResult(result{whole: b}) }

func (i *instance) keepResult(r result) int32 {
	if r.size() == 0 {
		return 0
	}
	if i.lastHandle++; i.lastHandle < 0 {
		i.lastHandle = 1
	}
	i.handles[i.lastHandle] = r
	return i.lastHandle
}

// fail keeps an error's text and returns its handle, negated.
func (i *instance) fail(err error) int32 { return -i.keep([]byte(err.Error())) }

// keepOrFail is fail for an error, and keep otherwise.
func (i *instance) keepOrFail(b []byte, err error) int32 {
	if err != nil {
		return i.fail(err)
	}
	return i.keep(b)
}

// answer takes the guest's answer of a call. During an event it waits for the event's
// writes.
func (i *instance) answer(c *call, a answer) {
	if o := i.object; o != nil {
		o.answers = append(o.answers, heldAnswer{c, a})
	} else {
		c.respond(a)
	}
}

// settle gives the guest the result of an op of c.
func (i *instance) settle(c *call, op int32, r result, err error) {
	if i.dead {
		return
	}
	if i.calls[c.id] == c {
		c.pending--
	}
	ok := int32(1)
	if err != nil {
		ok, r = 0, result{whole: []byte(err.Error())}
	}
	i.enter(c, nil, i.exports.settle, op, ok, i.keepResult(r), int32(r.size()))
	c.endIfDone()
}

// view returns n bytes of the guest's memory, valid until the guest runs again.
// A range outside of the memory is an error of the guest, and ends it.
func (i *instance) view(ptr, n int32) []byte {
	memory := i.process.Memory()
	from, size := uint64(uint32(ptr)), uint64(uint32(n))
	if from+size > uint64(len(memory)) {
		panic(abi.ErrFrame)
	}
	return memory[from : from+size : from+size]
}

// near is view for the addresses in a frame.
func (i *instance) near(address, n uint32) []byte { return i.view(int32(address), int32(n)) }
