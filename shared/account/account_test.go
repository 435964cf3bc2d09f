package account

import (
	"testing"

	"pgregory.net/rapid"
)

func TestClaimsAreGrantedInOrder(t *testing.T) {
	a := New(100, 10, 5)
	var first, second, third, small Claim
	ask := func(c *Claim, bytes int, want Verdict) {
		t.Helper()
		if got := a.Hold(c, bytes); got != want {
			t.Errorf("Hold(%d): got %v, want %v", bytes, got, want)
		}
	}
	ready := func(c *Claim, want bool, ahead int) {
		t.Helper()
		if got, before := a.Ready(c); got != want || before != ahead {
			t.Errorf("Ready: got %v after %d, want %v after %d", got, before, want, ahead)
		}
	}
	ask(&first, 80, Granted)
	ask(&second, 60, Wait)
	ask(&third, 20, Wait) // it would fit, but is behind
	ask(&small, 5, Granted)
	ask(&Claim{}, 101, Never)
	ready(&second, false, 0)
	ready(&third, false, 1)
	ask(&first, 40, Granted)
	ready(&second, true, 0)
	ready(&third, false, 0)
	ask(&first, 90, Wait) // who holds something goes first
	ready(&third, false, 1)
	a.Leave(&second)
	ready(&first, true, 0)
	ready(&third, false, 0)
	a.Leave(&first)
	ready(&third, true, 0)
	ask(&third, 3, Granted) // from the reserve
	if a.Held() != 8 || a.Waiting() != 0 {
		t.Errorf("%d held, %d waiting", a.Held(), a.Waiting())
	}
	a.Leave(&third)
	a.Leave(&small)
	a.Leave(&small)
	if a.Held() != 0 {
		t.Errorf("%d held at the end", a.Held())
	}
}

// Of small claims the smallest is granted first, and of equal ones the first.
func TestTheSmallestClaimGoesFirst(t *testing.T) {
	a := New(100, 10, 10)
	var all, ten, three, seven, other Claim
	for _, ask := range []struct {
		c     *Claim
		bytes int
	}{{&all, 10}, {&ten, 10}, {&three, 3}, {&seven, 7}, {&other, 3}} {
		a.Hold(ask.c, ask.bytes)
	}
	for want, c := range []*Claim{&three, &other, &seven, &ten} {
		if ready, before := a.Ready(c); ready || before != want {
			t.Errorf("the claim of %d is after %d, want %d", c.wanted, before, want)
		}
	}
	a.Leave(&all)
	if three.held != 3 || other.held != 3 || seven.held != 0 {
		t.Errorf("%d, %d and %d are held", three.held, other.held, seven.held)
	}
}

// Whatever is asked and left, no lane gives more than it has, nobody waits while
// the first of the queue fits, and at the end nothing is held.
func TestAccountAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := New(100, 20, 10)
		claims := make([]Claim, 8)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			c := &claims[rapid.IntRange(0, len(claims)-1).Draw(t, "claim")]
			if rapid.Bool().Draw(t, "leave") {
				a.Leave(c)
			} else {
				bytes := rapid.IntRange(0, 120).Draw(t, "bytes")
				verdict := a.Hold(c, bytes)
				if verdict == Never && bytes <= 100 || verdict == Granted && c.held != bytes {
					t.Fatalf("Hold(%d): %v, holds %d", bytes, verdict, c.held)
				}
			}
			held := 0
			for i := range claims {
				held += claims[i].held
			}
			if held != a.Held() {
				t.Fatalf("%d held, %d said", held, a.Held())
			}
			for _, l := range []*lane{&a.large, &a.small} {
				if l.held > l.capacity || l.held < 0 {
					t.Fatalf("%d of %d held", l.held, l.capacity)
				}
				if len(l.queue) > 0 && l.held-l.queue[0].held+l.queue[0].wanted <= l.capacity {
					t.Fatal("the first of the queue fits, and waits")
				}
			}
		}
		for i := range claims {
			a.Leave(&claims[i])
		}
		if a.Held() != 0 || a.Waiting() != 0 {
			t.Fatalf("%d held and %d waiting at the end", a.Held(), a.Waiting())
		}
	})
}
