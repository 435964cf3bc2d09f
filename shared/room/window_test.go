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
	if w.Open(&timer, &e, 3) || e.Timer != w.Least {
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
	if w.Open(&timer, &e, 30) || e.Timer != 30*time.Millisecond {
		t.Errorf("a window for 30 sockets: a timer in %v", e.Timer)
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
