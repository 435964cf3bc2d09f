//go:build !js

package e2e

import (
	"testing"

	"tidemark/e2e/conformance"
	"tidemark/e2e/hosts"
)

// TestConformanceOnWrangler runs the suite on workerd, by wrangler dev.
func TestConformanceOnWrangler(t *testing.T) {
	if testing.Short() {
		t.Skip("runs wrangler")
	}
	host := hosts.Wrangler(t)
	host.Start(t)
	conformance.Run(t, host.Door())
	conformance.RunProjects(t, host.Door(), nil)
}
