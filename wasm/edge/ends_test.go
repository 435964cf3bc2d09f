//go:build !js

package edge_test

import (
	"io"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

func TestTheEndsOfInstancesAreRememberedInTheObjectThatEndedThem(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	a, other := dial(t, s, "r", "a"), dial(t, s, "other", "b")
	a.ask("ends", "0")
	a.send(websocket.MessageText, "goroutine-panic")
	a.wantClosed(websocket.StatusInternalError, "internal error")
	want(t, s, "GET", "/exit", "", 500, lostAnswer) // in no object
	want(t, s, "POST", "/room/r/call", "ends", 200, "1")
	if status, _ := do(t, s, "POST", "/room/r/call", "goroutine-panic"); status != 500 {
		t.Errorf("got %d", status)
	}
	want(t, s, "POST", "/room/r/call", "ends", 200, "3") // a call is tried twice
	other.ask("ends", "0")
	s.Crash()
	want(t, s, "POST", "/room/r/call", "ends", 200, "3")
	want(t, s, "POST", "/room/r/call", "forgive", 200, "0")
	s.Restart()
	want(t, s, "POST", "/room/r/call", "ends", 200, "0")
}

func TestAnAlarmThatEndsItsInstanceComesLaterEachTime(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Log: io.Discard})
	want(t, s, "POST", "/room/r/call", "alarm-again 1000", 200, "planned")
	clock.Advance(time.Second)
	log := `["alarm"]`
	for n := range 4 {
		eventually(t, s, "r", "log", log)
		wasmtest.Until(t, "the next try is planned", func() bool {
			return clock.Due(2 * time.Second << n)
		})
		want(t, s, "POST", "/room/r/call", "alarm-again 0", 200, "planned") // no event makes it run sooner
		clock.Advance(2*time.Second<<n - time.Millisecond)
		want(t, s, "POST", "/room/r/call", "log", 200, log)
		clock.Advance(time.Millisecond)
		log = log[:len(log)-1] + `,"alarm"]`
	}
	eventually(t, s, "r", "log", log)
	wasmtest.Until(t, "the next try is planned", func() bool {
		return clock.Due(32 * time.Second)
	})
	s.Crash()
	clock.Advance(31 * time.Second)
	want(t, s, "POST", "/room/r/call", "log", 200, log)
	clock.Advance(time.Second)
	eventually(t, s, "r", "log", log[:len(log)-1]+`,"alarm"]`)
}
