//go:build !js

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"tidemark/e2e/conformance"
)

// TestConformanceOnWrangler walks the suite through wrangler dev.
func TestConformanceOnWrangler(t *testing.T) {
	if testing.Short() {
		t.Skip("runs wrangler")
	}
	wrangler, err := filepath.Abs("node_modules/.bin/wrangler")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(wrangler); err != nil {
		t.Skip("needs Node and what npm installs into e2e: make test does that")
	}
	dir := t.TempDir()
	vars := filepath.Join(dir, "dev.vars")
	if err := os.WriteFile(vars, []byte("AUTH_SECRET=\""+secret+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if migrated := os.Getenv("TIDEMARK_MIGRATED"); migrated != "" { // which make has made
		if err := os.CopyFS(dir, os.DirFS(migrated)); err != nil {
			t.Fatal(err)
		}
	} else {
		command(t, wrangler, "d1", "migrations", "apply", "DB", "--local", "--persist-to", dir)
	}
	port := freePort(t)
	door := serve(t, port, wrangler, "dev", "--port", strconv.Itoa(port), "--inspector-port", "0",
		"--persist-to", dir, "--env-file", vars)
	conformance.Run(t, door)
	conformance.RunProjects(t, door, nil)
}
