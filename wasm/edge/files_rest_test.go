//go:build !js

package edge_test

import (
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

func TestAFileWithoutAnEventIsClosedAfterAMinute(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	a, b := dial(t, s, "a", "a"), dial(t, s, "b", "b")
	a.ask("add one", "1")
	clock.Advance(30 * time.Second)
	b.ask("add one", "1")
	open := func(want int) {
		t.Helper()
		if got := s.Worker().OpenFiles(); got != want {
			t.Errorf("%d files are open, want %d", got, want)
		}
	}
	open(2)
	clock.Advance(30*time.Second - time.Millisecond)
	open(2)
	clock.Advance(time.Millisecond)
	open(1)
	a.ask("add two", "2") // which opens it again
	open(2)
	clock.Advance(30 * time.Second)
	open(1)
	a.ask("echo still here", "still here") // uses no file
	clock.Advance(30 * time.Second)
	open(0)
	a.ask("log", `["one","two"]`)
	b.ask("log", `["one"]`)
	open(2)
	s.Restart()
	want(t, s, "POST", "/room/a/call", "sql SELECT count(*) FROM log WHERE entry IN ('one', 'two')", 200, "2")
}
