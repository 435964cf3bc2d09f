//go:build !js

package histories

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidemark/e2e/conformance"
)

const (
	secret = "a secret that only these tests know"
	root   = "../.."
)

// patience is how long a host may take to start, and a client to get its answer.
const patience = 10 * time.Minute

// A host is a server in a process of its own, with a gate before it.
type host struct {
	gate *gate
	port int
	data string // its folder
	args func(h *host) []string
	cmd  *exec.Cmd
	log  output
	gone chan struct{} // closed when the process has ended
}

// environment is that of the process, with what a host needs for tests.
func environment(t *testing.T) []string {
	bin, err := filepath.Abs(root + "/e2e/node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "AUTH_SECRET="+secret,
		"LIMIT_UPLOADS_PER_MINUTE="+manyUploads, "CI=1", "WRANGLER_SEND_METRICS=false", "CLOUDFLARE_CF_FETCH_ENABLED=false")
}

const manyUploads = "100000" // as the tests have few subjects

// command runs to its end.
func command(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = root, append(environment(t), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// wazero is the self-hosted server.
func wazero(t *testing.T) *host {
	binary, guest := os.Getenv("TIDEMARK_SERVER"), "build/tidemark.wasm" // which make has built
	if binary == "" {
		dir := t.TempDir()
		binary, guest = filepath.Join(dir, "tidemark"), filepath.Join(dir, "tidemark.wasm")
		command(t, nil, "go", "build", "-o", binary, "./wasm/cmd/tidemark")
		command(t, []string{"GOOS=js", "GOARCH=wasm"}, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", guest, "./worker")
	}
	return newHost(t, func(h *host) []string {
		return []string{binary, "serve", "--wasm", guest, "--addr", fmt.Sprintf("127.0.0.1:%d", h.port), "--data", h.data}
	})
}

// wrangler is workerd as wrangler dev runs it. It skips the test where there is none.
func wrangler(t *testing.T) *host {
	binary, err := filepath.Abs(root + "/e2e/node_modules/.bin/wrangler")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skip("needs Node and what npm installs into e2e: make test does that")
	}
	vars := filepath.Join(t.TempDir(), "dev.vars")
	text := fmt.Sprintf("AUTH_SECRET=%q\nLIMIT_UPLOADS_PER_MINUTE=%q\n", secret, manyUploads)
	if err := os.WriteFile(vars, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, func(h *host) []string {
		return []string{binary, "dev", "--port", strconv.Itoa(h.port), "--inspector-port", "0", "--persist-to", h.data, "--env-file", vars}
	})
	if migrated := os.Getenv("TIDEMARK_MIGRATED"); migrated != "" { // which make has made
		if err := os.CopyFS(h.data, os.DirFS(migrated)); err != nil {
			t.Fatal(err)
		}
	} else {
		command(t, nil, binary, "d1", "migrations", "apply", "DB", "--local", "--persist-to", h.data)
	}
	return h
}

func newHost(t *testing.T, args func(*host) []string) *host {
	h := &host{port: freePort(t), data: filepath.Join(t.TempDir(), "data"), args: args}
	h.gate = newGate(t, fmt.Sprintf("127.0.0.1:%d", h.port))
	t.Cleanup(func() {
		h.gate.shut()
		if h.cmd != nil {
			h.kill()
		}
		if t.Failed() {
			t.Logf("the host said at its end:\n%s", h.log.String())
		}
	})
	return h
}

// door is the way to the host through the gate.
func (h *host) door() conformance.Door {
	return conformance.Door{BaseURL: "http://" + h.gate.listener.Addr().String(), Token: conformance.Signer([]byte(secret)), Secret: []byte(secret)}
}

// start returns when the host is healthy. The gate stays as it is.
func (h *host) start(t *testing.T) {
	t.Helper()
	args := h.args(h)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = root, environment(t)
	cmd.Stdout, cmd.Stderr = &h.log, &h.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() { cmd.Wait(); close(gone) }()
	h.cmd, h.gone = cmd, gone
	deadline := time.After(patience)
	for {
		if res, err := http.Get(h.direct() + "/healthz"); err == nil {
			res.Body.Close()
			return
		}
		select {
		case <-gone:
			t.Fatalf("the host ended:\n%s", h.log.String())
		case <-deadline:
			t.Fatalf("the host did not come up:\n%s", h.log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// direct is the host's address behind the gate.
func (h *host) direct() string { return fmt.Sprintf("http://127.0.0.1:%d", h.port) }

// kill ends the host, and all that it started, in the middle of what it does.
func (h *host) kill() {
	syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL)
	<-h.gone
}

// pause stops the host's processes for a time, as a machine without memory or a
// container that is moved does.
func (h *host) pause(d time.Duration) {
	syscall.Kill(-h.cmd.Process.Pid, syscall.SIGSTOP)
	time.Sleep(d)
	syscall.Kill(-h.cmd.Process.Pid, syscall.SIGCONT)
}

// restore tells the host that its data is of an earlier time, and returns the floor.
func (h *host) restore(t *testing.T) int64 {
	t.Helper()
	door := h.door()
	door.BaseURL = h.direct()
	c := newClient(door, nil, 0, "operator", "sync:admin")
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		var told struct{ Floor int64 }
		a := c.ask("POST", "/sync/restore", nil)
		if a.status == http.StatusOK && a.read(&told) {
			return told.Floor
		}
		if a.known() || time.Now().After(deadline) { // else a slow machine may ask for patience
			t.Fatalf("restore: %v", a)
		}
	}
}

// output keeps the end of what a process says.
type output struct {
	mu sync.Mutex
	b  []byte
}

const kept = 4 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, p...)
	o.b = bytes.Clone(o.b[max(0, len(o.b)-kept):])
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// lastPort is where freePort looked last: elsewhere in each process.
var lastPort = 25_000 + os.Getpid()*16%7_000

// freePort returns a port below those that systems give out by themselves, so that
// nobody gets it while the host is dead.
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
