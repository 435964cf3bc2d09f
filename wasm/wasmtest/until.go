//go:build !js

package wasmtest

import (
	"testing"
	"time"
)

// Patience is how long a test waits for an event in another goroutine or process.
// It is long enough for a slow machine; only a failure takes so long.
const Patience = 10 * time.Minute

// Until waits for the condition, and fails the test if Patience is over.
func Until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}
