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

// A body is a request's body. The goroutine that serves the request reads it.
// It reads for the guest when OpBody asks. If the guest did not take the body,
// it reads and drops the rest, within bounds.
type body struct {
	reader  io.Reader
	length  int64 // of the Content-Length; -1: unknown
	expects bool  // the client waits for 100 Continue before it sends
	control *http.ResponseController
	clock   Clock

	asked chan bodyOp // the OpBody to run
	taken bool        // OpBody was posted; guarded by the isolate's lock
	again bool        // OpBody may be posted again; likewise

	kept   [][]byte // the pieces of a body that was too large, for the next OpBody
	begun  bool     // the goroutine has called Read
	count  int64    // bytes read
	ended  bool     // it was read to its end
	broken bool     // it was too slow, or ended early
	watch  *watch   // of the transfer under way

	mu        sync.Mutex // guards the fields below
	taking    bool       // take is reading it for the guest
	responded bool       // the guest has responded, and reads no more of the body
}

// A bodyOp is one OpBody of a guest.
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

// announced is the length that the guest gets: 0 for no body, -1 if it is unknown.
func (b *body) announced() int32 {
	switch {
	case b == nil:
		return 0
	case b.length < 0:
		return -1
	}
	return int32(min(b.length, math.MaxInt32))
}

// ask queues an OpBody, for which the request's goroutine calls take.
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

// The lengths of a body's pieces. The first is small, because a client can
// announce any length at no cost. Each may be as long as all before it.
const (
	firstPiece = 4 << 10
	maxPiece   = 1 << 20
)

// take reads the whole body, in pieces. If a body of unknown length is too large,
// take keeps its pieces for the next call, unless limit is more than abi.BodyKept.
func (b *body) take(limit int64) (pieces [][]byte, err error) {
	if b.length > limit {
		return nil, errTooLarge
	}
	most := limit + 1 // with one byte more, the body is over the limit
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

// drop reads the rest of the body and keeps none of it. It stops after most bytes
// or after d.
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

// begin begins a transfer. The watch interrupts one that is too slow or lasts
// longer than d; with d 0 it may last for ever. If it is for the guest, stop
// interrupts it, too.
func (b *body) begin(d time.Duration, forGuest bool) (end func() (slow, stopped bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.control.SetReadDeadline(time.Time{})
	b.taking = forGuest
	if b.taking && b.responded {
		b.interrupt()
	}
	watch := newWatch(b.clock, d, b.interrupt)
	b.watch = watch
	return func() (slow, stopped bool) {
		slow = watch.end()
		b.mu.Lock()
		defer b.mu.Unlock()
		stopped = b.taking && b.responded
		b.taking = false
		return slow, stopped
	}
}

// stop interrupts the transfer for a guest that has responded.
func (b *body) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.responded = true
	if b.taking {
		b.interrupt()
	}
}

// interrupt ends a Read that waits, and all later ones.
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

// due is the time at which the transfer is too slow if no more bytes arrive.
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
