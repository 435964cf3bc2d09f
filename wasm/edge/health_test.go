//go:build !js

package edge_test

import (
	"io"
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

func TestHealthIsTheGuestsUnlessEveryInstanceIsBusy(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Log: io.Discard, Health: "/env"})
	want(t, s, "GET", "/env?name=GREETING", "", 200, "hello")
	looped := make(chan struct{})
	go func() {
		defer close(looped)
		do(t, s, "GET", "/loop", "")
	}()
	wasmtest.Until(t, "the request runs", s.Worker().Busy)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		want(t, s, "GET", "/env?name=GREETING", "", 200, `{"status":"ok"}`)
	}()
	wasmtest.Until(t, "the host answers", func() bool {
		clock.Advance(time.Second / 10)
		select {
		case <-answered:
			return true
		default:
			return false
		}
	})
	want(t, s, "GET", "/env?name=GREETING", "", 200, `{"status":"ok"}`) // the guest still has the first request
	whileTimePasses(t, clock, looped)
	wasmtest.Until(t, "the guest answers again", func() bool {
		_, got := do(t, s, "GET", "/env?name=GREETING", "")
		return got == "hello"
	})
}

func TestARequestWaitsForTheFirstInstanceThatIsFree(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Log: io.Discard, Instances: 2})
	looped := make(chan struct{})
	go func() {
		defer close(looped)
		do(t, s, "GET", "/loop", "")
	}()
	wasmtest.Until(t, "the request runs", s.Worker().Busy)
	done := make(chan struct{})
	for range 8 {
		go func() {
			for range 20 {
				want(t, s, "GET", "/trivial", "", 200, "ok")
			}
			done <- struct{}{}
		}()
	}
	for range 8 {
		<-done // though the loop goes on
	}
	whileTimePasses(t, clock, looped)
}
