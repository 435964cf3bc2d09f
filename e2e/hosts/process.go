//go:build !js

package hosts

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Root returns the folder of the repository: the nearest one above that has a go.mod.
func Root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the working folder")
		}
		dir = filepath.Dir(dir)
	}
}

// Environment returns the test's own environment with Secret, the tools that npm
// installed, and more.
func Environment(t *testing.T, more ...string) []string {
	t.Helper()
	bin := filepath.Join(Root(t), "e2e/node_modules/.bin")
	return append(append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "AUTH_SECRET="+Secret,
		"CI=1", "WRANGLER_SEND_METRICS=false", "CLOUDFLARE_CF_FETCH_ENABLED=false"), more...)
}

// Run runs a command in Root to its end, with env in its environment.
func Run(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = Root(t), Environment(t, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// Output keeps the last 4 KB that a process writes. Its zero value is ready.
type Output struct {
	mu sync.Mutex
	b  []byte
}

const keptBytes = 4 << 10 // short enough to leave the failure above it in sight

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, p...)
	o.b = bytes.Clone(o.b[max(0, len(o.b)-keptBytes):])
	return len(p), nil
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// Processes that run at the same time begin to look at different ports.
var lastPort = 20_000 + os.Getpid()*16%12_000

// FreePort returns a port below those that systems assign, so that no other process
// gets it before the host listens, or while the host is down.
func FreePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		lastPort++
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lastPort)); err == nil {
			l.Close()
			return lastPort
		}
	}
	t.Fatal("no port is free")
	return 0
}
