//go:build !js

package edge

import (
	"errors"
	"time"
)

// errTooLong is why the watchdog ends an instance.
var errTooLong = errors.New("the instance ran too long without returning")

// A stretch is what an instance runs of one export, until it returns.
type stretch struct {
	object *object // whose event or alarm it belongs to, or nil
	ticks  int
	last   time.Time     // of the last tick
	ran    time.Duration // until then
	noted  bool          // the object is suspected
}

const (
	// suspectAfter is how long a stretch runs before it is written down for whose
	// object it does, which an end of the process then leaves behind.
	suspectAfter = 5 * time.Second
	// tickCounts is the most that the time between two ticks counts: beyond, the
	// program did not run, but waited for a disk or was stopped with its process.
	tickCounts = time.Second
)

// tick is called every millisecond or so while the guest runs, on the goroutine
// that runs it and holds the isolate's lock. Its error ends the instance. It is
// the watchdog: nothing else can interrupt Wasm.
func (i *instance) tick() error {
	w, s := i.s.w, &i.stretch
	if w.hurry.Load() {
		return errStopped
	}
	now := w.clock.Now()
	if s.ticks++; s.ticks > 1 {
		s.ran += min(now.Sub(s.last), tickCounts)
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
