//go:build js && wasm

package host

import (
	"errors"
	"iter"
	"os"
	"runtime"
	"unsafe"
)

// A worker runs calls, one after the other, as a coroutine. An export resumes it, and gets
// control back as soon as its call waits for an op, or has ended. So a call costs no turn of Go's
// scheduler. The worker of a call must wait for nothing but its ops.
type worker struct {
	next  func() (struct{}, bool)
	yield func(struct{}) bool
	work  func() // nil while the worker is idle
}

// idle are workers without a call. Their stacks have grown already: growth costs a new
// goroutine a seventh of an empty pull.
var idle []*worker

// idleKept bounds idle, as a burst of calls leaves many.
const idleKept = 64

// workers is how many workers there are, each with a goroutine.
var workers int

// ownGoroutines are main and the one that runs exports.
const ownGoroutines = 2

// resumeAfter is how many exports may end before one asks for resume. The collector works on in
// resume, if there is nothing else to do.
const resumeAfter = 16

var ended int // exports, since one asked for resume

// ready is the result of an export that runs workers or events: 1 if the host has to call resume.
func ready() int32 {
	if ended++; ended < resumeAfter && runtime.NumGoroutine() <= workers+ownGoroutines {
		return 0
	}
	ended = 0
	return 1
}

// begin has an idle or a new worker run f for the call, and returns as soon as it rests.
func (c *call) begin(f func()) {
	c.worker = idleWorker()
	c.worker.begin(f)
}

func idleWorker() *worker {
	n := len(idle)
	if n == 0 {
		return newWorker()
	}
	w := idle[n-1]
	idle = idle[:n-1]
	return w
}

func (w *worker) begin(f func()) {
	w.work = f
	w.resume()
}

func newWorker() *worker {
	w := &worker{}
	workers++
	w.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		w.yield = yield
		w.run()
	})
	return w
}

// errGone is the panic of a worker whose work has ended its goroutine. Otherwise the goroutine of the
// export would end with it: see iter.Pull.
var errGone = errors.New("host: the work has ended its goroutine")

// resume runs the worker until it rests or is gone.
func (w *worker) resume() {
	defer func() {
		if p := recover(); p != nil && p != errGone {
			panic(p)
		}
	}()
	w.next()
}

// rest gives control back to the export, until the next resume.
func (w *worker) rest() { w.yield(struct{}{}) }

// run runs work until there are enough idle workers.
func (w *worker) run() {
	defer func() {
		workers--
		if p := recover(); p != nil {
			panic(p)
		}
		if w.work != nil {
			panic(errGone)
		}
	}()
	for w.work != nil {
		w.work()
		w.work = nil
		if len(idle) < idleKept {
			idle = append(idle, w)
			w.rest()
		}
	}
}

// warm prepares the snapshot for the boot and the first call. V8 compiles each function when it first
// runs: what makes goroutines, grows stacks and takes memory from the heap would be a third of that.
func warm() {
	newWorker().begin(func() { useStack() })
	for _, size := range sizeClasses {
		warmSpan(func() unsafe.Pointer { return pointer(make([]byte, size)) })
		warmSpan(func() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(make([]*byte, size/wordBytes))) })
	}
}

// warmStack is more stack than what the boot and most calls use, in bytes.
const warmStack = 20 << 10

//go:noinline
func useStack() byte {
	var frame [warmStack]byte
	return frame[len(os.Args)]
}

// sizeClasses are those of Go's heap of which the boot and a call take most, in bytes. One exhausted span
// more is 35 KB of code: e2e/workerd/first.test.mjs has a budget.
var sizeClasses = [...]int{
	8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256,
	288, 320, 352, 384, 416, 448, 480, 512,
}

const (
	wordBytes = 8
	spanBytes = 8 << 10
)

// warmSpan allocates objects of a size until one is the first of its span: then there is room for those to come.
//
//go:noinline
func warmSpan(allocate func() unsafe.Pointer) {
	for range spanBytes / wordBytes {
		if uintptr(allocate())%spanBytes == 0 {
			return
		}
	}
}
