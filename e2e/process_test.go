//go:build !js

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidemark/e2e/conformance"
)

const secret = "a secret that only these tests know"

// root is the repository.
const root = ".."

// environment is the process's own, with what a host needs for tests, and the
// tools that npm installed first in PATH.
func environment(t *testing.T, more ...string) []string {
	bin, err := filepath.Abs("node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	return append(append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "AUTH_SECRET="+secret,
		"CI=1", "WRANGLER_SEND_METRICS=false", "CLOUDFLARE_CF_FETCH_ENABLED=false"), more...)
}

// command runs to its end.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = root, environment(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// serve starts a host and answers its door when it is healthy. The host, and
// all that it started, ends with the test.
func serve(t *testing.T, port int, name string, args ...string) conformance.Door {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = root, environment(t)
	var log output
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("%s said at its end:\n%s", name, log.String())
		}
	})
	door := conformance.Door{
		BaseURL: fmt.Sprintf("http://127.0.0.1:%d", port),
		Token:   conformance.Signer([]byte(secret)), Secret: []byte(secret),
	}
	deadline := time.After(10 * time.Minute)
	for {
		if res, err := http.Get(door.BaseURL + "/healthz"); err == nil {
			res.Body.Close()
			return door
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", name, log.String())
		case <-deadline:
			t.Fatalf("%s did not come up:\n%s", name, log.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// output keeps the end of what a process says, short enough to leave the
// failure before it in sight.
type output struct {
	mu sync.Mutex
	b  []byte
}

const kept = 4 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, p...)
	o.b = o.b[max(0, len(o.b)-kept):]
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// lastPort is where freePort looked last: elsewhere in each process.
var lastPort = 20_000 + os.Getpid()*16%10_000

// freePort answers a port below those that systems give out by themselves, so
// that nobody gets it before the host listens.
func freePort(t *testing.T) int {
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
