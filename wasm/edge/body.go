//go:build !js

package edge

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"tidemark/shared/abi"
)

// A body is a request's body. The goroutine that serves the request reads it:
// for the guest when OpBody asks, and to its end, within bounds, when the guest
// did not take it.
type body struct {
	reader  io.Reader
	length  int64 // announced; -1: unknown
	expects bool  // the client waits for 100 Continue before it sends
	control *http.ResponseController
	clock   Clock

	asked chan bodyOp // what OpBody asked for
	taken bool        // OpBody was posted; guarded by the isolate's lock
	again bool        // it may be posted again; likewise

	kept   [][]byte // of a body that was too large, for the next OpBody
	begun  bool     // something was read
	count  int64    // bytes that were read
	ended  bool     // it was read to its end
	broken bool     // it came too slowly, or not whole
	watch  *watch   // of the transfer that is under way

	mu       sync.Mutex // of what is below
	taking   bool       // it is being read for the guest
	answered bool       // which wants no more of it
}

// A bodyOp is an OpBody.
type bodyOp struct {
	i     *instance
	op    int32
	limit int64
}

// newBody returns the body of r, or nil if it has none.
func newBody(rw http.ResponseWriter, r *http.Request, clock Clock) *body {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	return &body{
		reader: r.Body, length: r.ContentLength, clock: clock,
		expects: strings.EqualFold(r.Header.Get("Expect"), "100-continue"),
		control: http.NewResponseController(rw), asked: make(chan bodyOp, 1),
	}
}

// announced is the length that the guest is told.
func (b *body) announced() int32 {
	switch {
	case b == nil:
		return 0
	case b.length < 0:
		return -1
	}
	return int32(min(b.length, math.MaxInt32))
}

// ask notes an OpBody, which take does.
func (b *body) ask(i *instance, op int32, frame []byte) error {
	switch {
	case len(frame) != 4:
		return abi.ErrFrame
	case b == nil || b.taken && !b.again:
		return errors.New("there is no body, or it was taken")
	}
	b.taken, b.again = true, false
	b.asked <- bodyOp{i, op, int64(binary.LittleEndian.Uint32(frame))}
	return nil
}

var (
	errTooLarge   = errors.New(abi.BodyTooLarge)
	errIncomplete = errors.New(abi.BodyIncomplete)
	errSlow       = errors.New(abi.BodySlow)
)

// Pieces of a body: the first is small, for an announced length costs a client
// nothing, and each may be as long as all before it.
const (
	firstPiece = 4 << 10
	maxPiece   = 1 << 20
)

// take reads the whole body, in pieces. Of one of unknown length that is too large it keeps
// them for the next take, unless limit is more than abi.BodyKept.
func (b *body) take(limit int64) (pieces [][]byte, err error) {
	if b.length > limit {
		return nil, errTooLarge
	}
	most := limit + 1 // one more says that it is over the limit
	if b.length >= 0 {
		most = b.length
	}
	pieces, b.kept = b.kept, nil
	end := b.begin(0, true)
	for b.count < most && err == nil {
		piece := make([]byte, min(max(b.count, firstPiece), maxPiece, most-b.count))
		n := 0
		for n < len(piece) && err == nil {
			var m int
			m, err = b.read(piece[n:])
			n += m
		}
		pieces = append(pieces, piece[:n])
	}
	slow, stopped := end()
	b.ended = err == io.EOF || b.count == b.length
	b.broken = slow || b.ended && b.count < b.length || !b.ended && err != nil && !stopped
	switch {
	case slow:
		return nil, errSlow
	case b.broken || stopped:
		return nil, errIncomplete
	case b.count > limit:
		if b.length < 0 && limit <= abi.BodyKept {
			b.kept = pieces
		}
		return nil, errTooLarge
	}
	return pieces, nil
}

// drop reads what is left and keeps none of it: at most so many bytes, for so long.
func (b *body) drop(most int64, d time.Duration) {
	if b.ended || b.broken {
		return
	}
	b.kept = nil
	end := b.begin(d, false)
	n, err := io.Copy(io.Discard, io.LimitReader(readerFunc(b.read), most))
	slow, _ := end()
	b.ended = err == nil && n < most && !slow
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (b *body) read(p []byte) (int, error) {
	b.begun = true
	n, err := b.reader.Read(p)
	b.count += int64(n)
	b.watch.progress(n)
	return n, err
}

// begin begins a transfer. It is interrupted if it is too slow, if it lasts
// longer than d, unless that is 0, and, if it is for the guest, by stop.
func (b *body) begin(d time.Duration, forGuest bool) (end func() (slow, stopped bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.control.SetReadDeadline(time.Time{})
	b.taking = forGuest
	if b.taking && b.answered {
		b.interrupt()
	}
	watch := newWatch(b.clock, d, b.interrupt)
	b.watch = watch
	return func() (slow, stopped bool) {
		slow = watch.end()
		b.mu.Lock()
		defer b.mu.Unlock()
		stopped = b.taking && b.answered
		b.taking = false
		return slow, stopped
	}
}

// stop interrupts the transfer for a guest that has answered.
func (b *body) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answered = true
	if b.taking {
		b.interrupt()
	}
}

// interrupt ends a Read that waits, and all that follow.
func (b *body) interrupt() { b.control.SetReadDeadline(time.Unix(1, 0)) }

// A watch interrupts a transfer that is slower than package abi allows.
type watch struct {
	clock     Clock
	start     time.Time
	longest   time.Duration // 0: it may last for ever
	interrupt func()

	mu    sync.Mutex
	count int64
	last  time.Time // of the last progress
	over  bool
	slow  bool
	stop  func() bool
}

const stall = abi.BodyStallMillis * time.Millisecond

func newWatch(clock Clock, longest time.Duration, interrupt func()) *watch {
	now := clock.Now()
	w := &watch{clock: clock, start: now, longest: longest, interrupt: interrupt, last: now}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop = clock.AfterFunc(w.due().Sub(now), w.check)
	return w
}

// due is when the transfer is too slow if nothing more has come.
func (w *watch) due() time.Time {
	due := w.start.Add(stall + time.Duration(w.count)*time.Second/abi.BodyFloor)
	if stalled := w.last.Add(stall); stalled.Before(due) {
		due = stalled
	}
	if w.longest > 0 && w.start.Add(w.longest).Before(due) {
		due = w.start.Add(w.longest)
	}
	return due
}

func (w *watch) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if wait := w.due().Sub(w.clock.Now()); wait > 0 {
		w.stop = w.clock.AfterFunc(wait, w.check)
		return
	}
	w.slow = true
	w.interrupt()
}

func (w *watch) progress(n int) {
	w.mu.Lock()
	w.count += int64(n)
	w.last = w.clock.Now()
	w.mu.Unlock()
}

// end stops the watch. It reports whether the transfer was interrupted.
func (w *watch) end() (slow bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.stop()
	return w.slow
}
