//go:build !js && soak

package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"tidemark/wasm/edge"
)

// serverClock is a clock that `make soak` sets forward and back: it is as many seconds away from
// the wall clock as the file TIDEMARK_SOAK_CLOCK says. As on a machine whose clock is set,
// timers run on.
func serverClock() edge.Clock { return jumpingClock{os.Getenv("TIDEMARK_SOAK_CLOCK")} }

type jumpingClock struct{ file string }

func (c jumpingClock) Now() time.Time {
	text, _ := os.ReadFile(c.file) // without it the clock is right
	seconds, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return time.Now().Add(time.Duration(seconds) * time.Second)
}

func (jumpingClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}
