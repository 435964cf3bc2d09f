//go:build !js

package wasmtest

import (
	"fmt"
	"testing"
	"time"
)

func TestTimersRunInOrderEachAtItsTime(t *testing.T) {
	c := NewClock(time.Time{})
	start := c.Now()
	got := ""
	note := func(name string) func() {
		return func() { got += fmt.Sprint(name, "@", c.Now().Sub(start), " ") }
	}
	c.AfterFunc(3*time.Second, note("c"))
	c.AfterFunc(time.Second, func() {
		note("a")()
		c.AfterFunc(time.Second, note("b"))
		c.AfterFunc(time.Hour, note("never"))
	})
	stop := c.AfterFunc(2*time.Second, note("stopped"))
	c.AfterFunc(3*time.Second, note("d"))
	if !stop() || stop() {
		t.Error("stop answers wrongly")
	}
	c.Advance(3 * time.Second)
	if want := "a@1s b@2s c@3s d@3s "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if at, ok := c.Next(); !ok || at.Sub(start) != time.Hour+time.Second {
		t.Errorf("next: %v, %v", at, ok)
	}
	if left := time.Hour - 2*time.Second; !c.Due(left) || c.Due(left-1) {
		t.Errorf("the timer that is left is not due in %v", left)
	}
}
