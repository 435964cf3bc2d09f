//go:build !js

package edge

import (
	"errors"
	"time"
)

// errTooLong is the error with which the watchdog ends an instance.
var errTooLong = errors.New("the instance ran too long without returning")

// A stretch is the run of one export, until it returns.
type stretch struct {
	object *object // of the event or alarm that runs, or nil
	ticks  int
	last   time.Time     // of the last tick
	ran    time.Duration // until the last tick
	noted  bool          // suspect has recorded the object
}

const (
	// suspectAfter is how long a stretch runs before the host records its object.
	// The record survives the end of the process.
	suspectAfter = 5 * time.Second
	// maxTick is the most that the time between two ticks counts. In the time
	// beyond, the guest did not run: the host waited for a disk, or the process was
	// stopped.
	maxTick = time.Second
)

// tick is the watchdog: only an error of tick can interrupt Wasm, and it ends the
// instance. The goroutine that runs the guest, and holds the isolate's lock, calls
// tick about every millisecond.
func (i *instance) tick() error {
	w, s := i.s.w, &i.stretch
	if w.hurry.Load() {
		return errStopped
	}
	now := w.clock.Now()
	if s.ticks++; s.ticks > 1 {
		s.ran += min(now.Sub(s.last), maxTick)
	}
	s.last = now
	if s.object != nil && !s.noted && s.ran > suspectAfter {
		s.noted = true
		s.object.suspect()
	}
	if s.ran > w.stretchLimit {
		return errTooLong
	}
	return nil
}
