//go:build !js

package edge

import (
	"math"
	"time"

	"tidemark/shared/abi"
)

// A timer delivers EventTimer to an object. It ends with the process, as sockets do.
type timer struct {
	stop func() bool // nil: the timer is not set
}

func (t *timer) set() bool { return t.stop != nil }

// setTimer stores the event's new timer, which starts after the event.
func (o *object) setTimer(millis float64) {
	if o.timerSet() {
		return
	}
	d := time.Duration(min(max(millis, 0), math.MaxInt32) * float64(time.Millisecond))
	o.newTimer = &d
}

func (o *object) timerSet() bool { return o.timer.set() || o.newTimer != nil }

func (o *object) startTimer(d time.Duration) {
	w := o.s.w
	o.timer.stop = w.clock.AfterFunc(d, func() {
		w.hold("timer", o.key.String())
		o.s.lock()
		defer o.s.unlock()
		if o.s.stopped || !o.timer.set() {
			return
		}
		o.timer.stop = nil
		o.event(abi.EventTimer, 0, nil) // the instance logs its failure
	})
}

func (o *object) stopTimer() {
	if o.timer.set() {
		o.timer.stop()
		o.timer.stop = nil
	}
}
