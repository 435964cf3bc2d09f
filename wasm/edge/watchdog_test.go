//go:build !js

package edge_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

// whileTimePasses moves the clock on until done is closed. A jump of the clock
// counts for a second only, so that a machine that slept ends nothing.
func whileTimePasses(t *testing.T, clock *wasmtest.Clock, done <-chan struct{}) {
	t.Helper()
	wasmtest.Until(t, "the watchdog ends what loops", func() bool {
		clock.Advance(time.Second)
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

// noCallLimit keeps the clock from ending a call: for that it would need the isolate's lock,
// which an instance that loops holds until the clock moves on.
var noCallLimit = map[string]string{"LIMIT_CALL_MS": "1000000000"}

func TestARequestThatLoopsIsEndedAndTheNextIsServed(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: noCallLimit, Log: io.Discard})
	before := readStats(t, s).Boot
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		want(t, s, "GET", "/loop", "", 500, lostAnswer)
	}()
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		want(t, s, "GET", "/trivial", "", 200, "ok")
	}()
	began := clock.Now()
	whileTimePasses(t, clock, ended)
	if ran := clock.Now().Sub(began); ran < 30*time.Second {
		t.Errorf("ended after %v", ran)
	}
	<-waited
	if readStats(t, s).Boot == before {
		t.Error("the instance lives")
	}
}

func TestAJumpOfTheClockEndsNothing(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: noCallLimit})
	done := make(chan struct{})
	go func() {
		defer close(done)
		want(t, s, "GET", "/spin?ms=3600000", "", 200, "spun")
	}()
	wasmtest.Until(t, "the request returns", func() bool {
		clock.Advance(2 * time.Hour)
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}

func TestARoomThatLoopsIsClosedAndRemembered(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: noCallLimit, Log: io.Discard})
	a, b, other := dial(t, s, "r", "a"), dial(t, s, "r", "b"), dial(t, s, "other", "c")
	// All read all the time, so that they answer the host's pings however much time passes.
	closed, counted := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		var both sync.WaitGroup
		for _, c := range []*client{a, b} {
			both.Go(func() { c.wantClosed(websocket.StatusTryAgainLater, "the room took too long") })
		}
		both.Wait()
	}()
	go func() {
		defer close(counted)
		other.want("1")
	}()
	a.send(websocket.MessageText, "loop")
	whileTimePasses(t, clock, closed)
	other.send(websocket.MessageText, "count")
	<-counted
	want(t, s, "POST", "/room/r/call", "ends", 200, "1")
	// A call that loops is not tried again.
	called := make(chan struct{})
	go func() {
		defer close(called)
		if status, _ := do(t, s, "POST", "/room/r/call", "loop"); status != 500 {
			t.Errorf("got %d", status)
		}
	}()
	whileTimePasses(t, clock, called)
	want(t, s, "POST", "/room/r/call", "ends", 200, "2")
}

func TestARoomThatLoopedWhenTheProcessWasKilledIsRemembered(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: noCallLimit, Log: io.Discard})
	called := make(chan struct{})
	go func() {
		defer close(called)
		do(t, s, "POST", "/room/r/call", "loop")
	}()
	wasmtest.Until(t, "the room is suspected", func() bool {
		clock.Advance(time.Second)
		return s.Worker().Suspects() == 1
	})
	s.Crash()
	<-called
	want(t, s, "POST", "/room/r/call", "ends", 200, "1")
	if n := s.Worker().Suspects(); n != 0 {
		t.Errorf("%d objects are suspected", n)
	}
}

func TestALongEventThatReturnsIsNotHeldAgainstItsRoom(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: noCallLimit})
	done := make(chan struct{})
	go func() {
		defer close(done)
		want(t, s, "POST", "/room/r/call", "spin 3600000", 200, "spun")
	}()
	wasmtest.Until(t, "the room is suspected", func() bool {
		clock.Advance(time.Second)
		return s.Worker().Suspects() == 1
	})
	clock.Advance(2 * time.Hour)
	<-done
	s.Crash()
	want(t, s, "POST", "/room/r/call", "ends", 200, "0")
}

func TestAnEndOfTheWorkerDoesNotWaitForALoop(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	a := dial(t, s, "r", "a")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		status, answer := do(t, s, "GET", "/loop", "")
		if status != 500 || !strings.Contains(answer, "the instance ended") && !strings.Contains(answer, "the worker has stopped") {
			t.Errorf("%d %s", status, answer) // "stopped" if it had not begun to run
		}
	}()
	wasmtest.Until(t, "the request runs", s.Worker().Busy)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		a.wantClosed(websocket.StatusGoingAway, "going away")
	}()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Worker().Close(ctx); err != nil {
		t.Error(err)
	}
	<-closed
	<-ended
}
