//go:build !js

package histories

import "testing"

// TestHistoriesOnWrangler does the same on workerd, in a long run only.
func TestHistoriesOnWrangler(t *testing.T) {
	n := rounds(t)
	if n == 0 {
		t.Skip("takes minutes: set " + roundsVariable)
	}
	record(t, wrangler(t), n)
}
