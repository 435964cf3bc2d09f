package room

import "time"

// A Timer is what a room knows of the timer of its object. An object has one timer, which
// outlives the instance that set it. So a room may find a timer that a forgotten room set, and
// cannot know what that room still had to send: the messages are lost, and all sockets must
// connect again.
type Timer struct {
	set       bool // by this room
	inherited bool // set by a room that is forgotten
}

// InheritTimer returns the Timer of a new room. set tells whether the object's timer is set.
func InheritTimer(set bool) Timer { return Timer{inherited: set} }

// IsSet tells whether this room set the timer. The host must not forget such a room.
func (t *Timer) IsSet() bool { return t.set }

// Set sets the timer, unless this room did so already. It returns lost if a forgotten room set
// the timer.
func (t *Timer) Set(e *Effects, d time.Duration) (lost bool) {
	if t.set {
		return false
	}
	t.set = true
	if !t.inherited {
		e.Timer = d
	}
	return t.inherited
}

// Ring takes the event Timer. It returns lost if a forgotten room set the timer, and this one
// did not want it.
func (t *Timer) Ring() (lost bool) {
	lost = !t.set
	*t = Timer{}
	return lost
}

// A Window is a time in which a room gathers messages to all sockets. A room sends the first
// message at once and opens the window. It sends what it gathered when the timer ends the
// window. A window is long enough that sending leaves most of the time free.
//
// How long that is depends on the machine. If the timer rings late, the host was still sending.
// What arrived meanwhile waits to be read, and the next sending would take as long for the few
// messages that were read already. So Extend then makes the window twice as long, if it has
// gathered anything. A message that comes alone never waits for that.
type Window[M any] struct {
	Least, PerSocket time.Duration // the length: PerSocket for each socket, and at least Least
	Gathered         []M
	open, extended   bool
	opened           time.Time
	length           time.Duration
}

const (
	lateness   = 2 * time.Millisecond // of a timer that rang in time: hosts round to milliseconds
	maxExtends = 250 * time.Millisecond
)

// IsOpen tells whether messages are to be gathered.
func (w *Window[M]) IsOpen() bool { return w.open }

// Open opens the window, which ends when the timer rings. It returns lost as Timer.Set does.
func (w *Window[M]) Open(t *Timer, e *Effects, sockets int, now time.Time) (lost bool) {
	w.open, w.extended, w.opened = true, false, now
	w.length = max(w.Least, time.Duration(sockets)*w.PerSocket)
	return t.Set(e, w.length)
}

// Extend is called when the timer has rung. If the timer rang late, Extend sets it once more,
// for as long as the window was open, and returns true: the window goes on.
func (w *Window[M]) Extend(t *Timer, e *Effects, now time.Time) bool {
	took := now.Sub(w.opened)
	if !w.open || w.extended || len(w.Gathered) == 0 || took <= w.length+lateness {
		return false
	}
	w.extended = true
	t.Set(e, min(took, maxExtends))
	return true
}

// Take returns what was gathered, and forgets it.
func (w *Window[M]) Take() []M {
	gathered := w.Gathered
	w.Gathered = nil
	return gathered
}

// End closes the window and returns what was gathered.
func (w *Window[M]) End() []M {
	w.open = false
	return w.Take()
}
