//go:build !js

package edge_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

const internalError = `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"internal error"}}`

// There are more calls than the guest keeps goroutines. Some calls end theirs.
func TestCallsThatEndTheirGoroutineFailAloneAndLeaveNothingBehind(t *testing.T) {
	s := start(t, wasmtest.Options{})
	before := readStats(t, s)
	for range 3 {
		s.Gate.Hold("d1")
		var calls sync.WaitGroup
		const n = 150
		for i := range n {
			calls.Go(func() { want(t, s, "GET", fmt.Sprintf("/d1?n=1&id=%p%d", &calls, i), "", 200, "1") })
		}
		s.Gate.Wait(t, n)
		s.Gate.Open()
		calls.Wait()
		for i := range n {
			switch path := []string{"/goexit", "/panic", "/trivial"}[i%3]; path {
			case "/trivial":
				calls.Go(func() { want(t, s, "GET", path, "", 200, "ok") })
			default:
				calls.Go(func() { want(t, s, "GET", path, "", 500, internalError) })
			}
		}
		calls.Wait()
	}
	atRest(t, s, before.Goroutines)
	if got := readStats(t, s).Boot; got != before.Boot {
		t.Error("another instance")
	}
}

func TestAnAlarmThatEndsItsGoroutineOrItsInstanceIsTriedAgain(t *testing.T) {
	for _, verb := range []string{"alarm-exit", "alarm-die"} {
		t.Run(verb, func(t *testing.T) {
			clock := wasmtest.NewClock(time.Time{})
			s := start(t, wasmtest.Options{Clock: clock})
			want(t, s, "POST", "/room/r/call", verb+" 1000 1", 200, "planned")
			clock.Advance(time.Second)
			eventually(t, s, "r", "log", `["alarm"]`)
			wasmtest.Until(t, "a second try is planned", func() bool {
				at, ok := clock.Next()
				return ok && at.Sub(clock.Now()) <= 2*time.Second
			})
			clock.Advance(2 * time.Second)
			eventually(t, s, "r", "log", `["alarm","alarm"]`)
		})
	}
}

func TestTrimEndsTheInstancesThatDoNothing(t *testing.T) {
	s := start(t, wasmtest.Options{})
	before := readStats(t, s).Boot
	s.Gate.Hold("d1")
	var call sync.WaitGroup
	call.Go(func() { want(t, s, "GET", "/d1?n=1&id=a", "", 200, "1") })
	s.Gate.Wait(t, 1)
	s.Worker().Trim()
	if got := readStats(t, s).Boot; got != before {
		t.Error("an instance that works was ended")
	}
	s.Gate.Open()
	call.Wait()
	atRest(t, s, 1<<20)
	wasmtest.Until(t, "another instance is booted", func() bool {
		s.Worker().Trim()
		return readStats(t, s).Boot != before
	})
}
