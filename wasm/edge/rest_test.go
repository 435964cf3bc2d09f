//go:build !js

package edge_test

import (
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

// grow makes the only instance grow, and returns its memory.
func grow(t *testing.T, s *wasmtest.Server) int {
	t.Helper()
	before := memoryOf(t, s)
	want(t, s, "GET", "/memory?mb=24", "", 200, "24")
	atRest(t, s, 1<<20)
	after := memoryOf(t, s)
	if after <= 2*before {
		t.Fatalf("it has grown from %d to %d bytes only", before, after)
	}
	return after
}

// memoryOf returns the linear memory of the only instance, which it boots if there is none.
func memoryOf(t *testing.T, s *wasmtest.Server) int {
	t.Helper()
	if err := s.Worker().Boot(); err != nil {
		t.Fatal(err)
	}
	return s.Worker().Memory()[0]
}

func ended(s *wasmtest.Server) bool { return len(s.Worker().Memory()) == 0 }

// pass moves the clock by the time, in steps in which the socket shows that it is alive.
func pass(clock *wasmtest.Clock, a *client, d time.Duration) {
	const step = 20 * time.Second
	for ; d > step; d -= step {
		clock.Advance(step)
		a.ask("echo still here", "still here")
	}
	clock.Advance(d)
}

func TestAGrownInstanceEndsAfterAMinuteAndItsSocketsStay(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	a, b := dial(t, s, "r", "a"), dial(t, s, "r", "b")
	a.ask("attach remembered", "attached")
	grown := grow(t, s)
	pass(clock, a, time.Minute-time.Second)
	if ended(s) {
		t.Fatal("the instance ended before its time")
	}
	clock.Advance(time.Second)
	if !ended(s) {
		t.Fatalf("an instance of %d bytes still runs", s.Worker().Memory()[0])
	}
	a.ask("count", "1") // the room is a new one
	a.ask("conns", `[[1,"remembered"],[2,"b"]]`)
	b.send(1, "all hello")
	a.want("hello")
	b.want("hello")
	if now := memoryOf(t, s); now >= grown {
		t.Errorf("the next instance has %d bytes, the one before had %d", now, grown)
	}
}

func TestAnInstanceThatHasNotGrownStays(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	boot := readStats(t, s).Boot
	clock.Advance(24 * time.Hour)
	if got := readStats(t, s).Boot; got != boot {
		t.Error("it was replaced")
	}
}

func TestAGrownInstanceStaysWhileSomethingIsUnderWay(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	a := dial(t, s, "r", "a")
	grow(t, s)
	a.ask("timer 70000", "set")
	pass(clock, a, time.Minute+5*time.Second)
	if ended(s) {
		t.Fatal("it ended although an object waits for its timer")
	}
	pass(clock, a, 10*time.Second)
	if !ended(s) {
		t.Fatal("it still runs after the timer")
	}
	a.ask("log", `["timer 6"]`)

	grow(t, s)
	pass(clock, a, 2*time.Minute-30*time.Second)
	want(t, s, "POST", "/room/other/call", "erase", 200, "erased")
	pass(clock, a, 59*time.Second)
	if ended(s) {
		t.Fatal("it ended although it remembers a deletion")
	}
	if clock.Advance(time.Second); !ended(s) {
		t.Fatal("it still runs a minute after the deletion")
	}
}

func TestAnInstanceThatGrowsAgainStaysTwiceAsLong(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	for _, minutes := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		grow(t, s)
		clock.Advance(minutes*time.Minute - time.Second)
		if ended(s) {
			t.Fatalf("ended before %d minutes", minutes)
		}
		clock.Advance(time.Second)
		if !ended(s) {
			t.Fatalf("runs after %d minutes", minutes)
		}
	}
	clock.Advance(time.Hour + time.Second)
	grow(t, s)
	if clock.Advance(time.Minute); !ended(s) {
		t.Error("after a quiet hour the next one stays longer than a minute")
	}
}
