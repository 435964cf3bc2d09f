//go:build !js

package e2e

import (
	"os"
	"testing"

	"tidemark/e2e/conformance"
	"tidemark/e2e/hosts"
)

// elsewhere are the cases of many hundred requests that the guest alone answers. They run
// in worker/api and on the self-hosted server, and with EVERY_HOST here, too.
func elsewhere() map[string]string {
	cases := map[string]string{}
	if os.Getenv("EVERY_HOST") == "" {
		for _, name := range []string{
			"4_input/every_field_is_checked_for_type_and_range",
			"6_roles/every_deed_by_every_role_and_nobody_else",
			"2_numbers/a_cold_row_arrives_after_a_hot_row_in_every_collection",
		} {
			cases["projects/"+name] = "TestConformanceOnWazero runs it; EVERY_HOST runs it here"
		}
	}
	return cases
}

// TestConformanceOnWrangler runs the suite on workerd, by wrangler dev.
func TestConformanceOnWrangler(t *testing.T) {
	if testing.Short() {
		t.Skip("runs wrangler")
	}
	host := hosts.Wrangler(t)
	host.Declare(t)
	host.Start(t)
	t.Run("root", func(t *testing.T) {
		door := host.Door()
		door.Elsewhere = elsewhere()
		conformance.Run(t, door)
		conformance.RunProjects(t, door, nil)
	})
	t.Run("space", func(t *testing.T) {
		space := host.Door().In("acme")
		space.Elsewhere = elsewhere()
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
