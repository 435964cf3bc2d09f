//go:build !js

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tidemark/e2e/conformance"
)

// TestConformanceOnWazero walks the suite through the self-hosted server.
func TestConformanceOnWazero(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the server")
	}
	dir := t.TempDir()
	binary, guest := os.Getenv("TIDEMARK_SERVER"), "build/tidemark.wasm" // which make has built
	if binary == "" {
		binary, guest = filepath.Join(dir, "tidemark"), ""
		command(t, "go", "build", "-o", binary, "./wasm/cmd/tidemark")
	}
	port := freePort(t)
	door := serve(t, port, binary, "serve", "--wasm", guest, "--addr", fmt.Sprintf("127.0.0.1:%d", port), "--data", filepath.Join(dir, "data"))
	t.Run("refusals", func(t *testing.T) {
		testRefusals(t, fmt.Sprintf("127.0.0.1:%d", port), door.Token(conformance.Claims{Subject: "alice", Scope: conformance.NoScope, TTL: time.Hour}))
	})
	conformance.Run(t, door)
	conformance.RunProjects(t, door, nil)
}
