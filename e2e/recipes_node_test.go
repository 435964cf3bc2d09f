//go:build !js

package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/e2e/hosts"
)

// TestRecipesOnWorkerd runs the recipes of the guide with the guest on workerd.
func TestRecipesOnWorkerd(t *testing.T) {
	needWorkerd(t)
	conformance.RunRecipes(t, "../docs/auth.md", func(t *testing.T, variables map[string]string) conformance.Host {
		return conformance.Host{BaseURL: startWorkerd(t, variables), Now: time.Now}
	})
}

// needWorkerd skips a short test, and one for which make test did not make what startWorkerd needs.
func needWorkerd(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs workerd")
	}
	for _, file := range []string{"node_modules/miniflare", "../build/tidemark.wasm"} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("needs Node, the packages of e2e/package.json and the guest: make test makes them")
		}
	}
}

// startWorkerd runs the guest on workerd with these variables, until the test ends. It returns the
// base URL.
func startWorkerd(t *testing.T, variables map[string]string) string {
	t.Helper()
	bindings, err := json.Marshal(variables)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "e2e/workerd/serve.mjs", string(bindings))
	cmd.Dir, cmd.Env = hosts.Root(t), hosts.Environment(t)
	var log hosts.Output
	cmd.Stderr = &log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the last output of workerd:\n%s", log.String())
		}
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("workerd did not start: %v\n%s", err, log.String())
	}
	return strings.TrimSpace(url)
}
