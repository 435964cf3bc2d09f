//go:build !js

package histories

import "testing"

// TestHistoriesOnWrangler is TestHistoriesOnWazero on workerd. It runs only if the
// variable is set.
func TestHistoriesOnWrangler(t *testing.T) {
	n := rounds(t)
	if n == 0 {
		t.Skip("takes minutes: set " + roundsVariable)
	}
	record(t, wrangler(t), n)
}
