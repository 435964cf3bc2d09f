//go:build !js

package e2e

import (
	"os"
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
	t.Run("root", func(t *testing.T) {
		conformance.Run(t, host.Door())
		conformance.RunProjects(t, host.Door(), nil)
	})
	t.Run("space", func(t *testing.T) {
		space := host.Door().In("acme")
		conformance.Run(t, space)
		conformance.RunProjects(t, space, nil, groupsInSpaces()...)
	})
}

// groupsInSpaces are the groups of the projects' cases that run in a space, too. The others
// take most of the time, and try what the guest alone decides: all groups run in package api
// without a host, and here with EVERY_HOST. No names means all.
func groupsInSpaces() []string {
	if os.Getenv("EVERY_HOST") != "" {
		return nil
	}
	return []string{"1_pull", "3_deletion", "4_rest", "5_upload", "room"}
}
