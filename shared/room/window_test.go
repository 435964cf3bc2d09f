package room

import (
	"testing"
	"time"
)

// A room sends the first message at once, and what follows when the timer rings.
func TestAWindowGathersUntilTheTimerRings(t *testing.T) {
	w := Window[string]{Least: 10 * time.Millisecond, PerSocket: time.Millisecond}
	var timer Timer
	var e Effects
	now := time.Unix(0, 0)
	if w.Open(&timer, &e, 3, now) || e.Timer != w.Least {
		t.Errorf("a window for 3 sockets: a timer in %v", e.Timer)
	}
	w.Gathered = append(w.Gathered, "a", "b")
	if timer.Ring() {
		t.Error("the room's own timer is a forgotten room's")
	}
	if got := w.End(); len(got) != 2 || w.IsOpen() || len(w.Gathered) != 0 {
		t.Errorf("it gathered %v; open: %v, left: %v", got, w.IsOpen(), w.Gathered)
	}
	e = Effects{}
	if w.Open(&timer, &e, 30, now) || e.Timer != 30*time.Millisecond {
		t.Errorf("a window for 30 sockets: a timer in %v", e.Timer)
	}
}

// What arrived while the host was sending waits to be read. So a window whose timer rings late goes
// on once, for as long as it took, if it has gathered anything.
func TestAWindowGoesOnWhenItsTimerRingsLate(t *testing.T) {
	start := time.Unix(0, 0)
	for _, c := range []struct {
		name     string
		gathered int
		rang     time.Duration // after the opening
		on       time.Duration // 0: the window ends
	}{
		{"in time", 3, 10 * time.Millisecond, 0},
		{"a millisecond late, by rounding", 3, 12 * time.Millisecond, 0},
		{"late", 1, 30 * time.Millisecond, 30 * time.Millisecond},
		{"late, with nothing to send", 0, 30 * time.Millisecond, 0},
		{"very late", 1, time.Minute, maxExtends},
		{"early, when the clock is set back", 1, -time.Minute, 0},
	} {
		w := Window[int]{Least: 10 * time.Millisecond, Gathered: make([]int, c.gathered)}
		var timer Timer
		w.Open(&timer, &Effects{}, 3, start)
		timer.Ring()
		var e Effects
		if on := w.Extend(&timer, &e, start.Add(c.rang)); on != (c.on > 0) || e.Timer != c.on || timer.IsSet() != on {
			t.Errorf("%s: it goes on: %v, for %v; the timer is set: %v", c.name, on, e.Timer, timer.IsSet())
		}
		timer.Ring()
		if w.Extend(&timer, &e, start.Add(time.Hour)) && c.on > 0 {
			t.Errorf("%s: it goes on twice", c.name)
		}
		if got := w.End(); len(got) != c.gathered || w.IsOpen() {
			t.Errorf("%s: %d of %d came through, and it is open: %v", c.name, len(got), c.gathered, w.IsOpen())
		}
		if w.Open(&timer, &e, 3, start); w.Extend(&timer, &e, start.Add(time.Hour)) {
			t.Errorf("%s: the next window goes on with nothing to send", c.name)
		}
	}
}

// A room never sets the timer twice, and finds out if a forgotten room set it.
func TestATimerOfAForgottenRoomIsFoundOnce(t *testing.T) {
	for _, c := range []struct {
		name       string
		inherited  bool
		sets       int
		lostBySet  bool // by the first
		lostByRing bool
		effect     bool
	}{
		{"no timer is set", false, 0, false, true, false},
		{"the room sets it", false, 2, false, false, true},
		{"a forgotten room set it, and this one does not want it", true, 0, false, true, false},
		{"a forgotten room set it, and this one wants it", true, 2, true, false, false},
	} {
		timer := InheritTimer(c.inherited)
		var e Effects
		for n := range c.sets {
			if lost := timer.Set(&e, time.Second); lost != (c.lostBySet && n == 0) {
				t.Errorf("%s: Set %d returned %v", c.name, n, lost)
			}
		}
		if effect := e.Timer == time.Second; effect != c.effect {
			t.Errorf("%s: an effect: %v", c.name, effect)
		}
		if timer.IsSet() != (c.sets > 0) {
			t.Errorf("%s: IsSet is %v", c.name, timer.IsSet())
		}
		if lost := timer.Ring(); lost != c.lostByRing || timer.IsSet() {
			t.Errorf("%s: Ring returned %v", c.name, lost)
		}
	}
}
