//go:build !js

package e2e

import (
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/e2e/hosts"
)

// TestConformanceOnWazero runs the suite on the self-hosted server.
func TestConformanceOnWazero(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the server")
	}
	host := hosts.Wazero(t)
	host.Declare(t)
	host.Start(t)
	door := host.Door()
	t.Run("refusals", func(t *testing.T) {
		testRefusals(t, host.Address(), door.Token(conformance.Claims{Subject: "alice", Scope: conformance.NoScope, TTL: time.Hour}))
	})
	t.Run("root", func(t *testing.T) {
		conformance.Run(t, door)
		conformance.RunProjects(t, door, nil)
	})
	t.Run("space", func(t *testing.T) {
		conformance.Run(t, door.In("acme"))
		conformance.RunProjects(t, door.In("acme"), nil)
	})
}
