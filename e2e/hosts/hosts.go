//go:build !js

// Package hosts starts the two hosts for tests, each as a user runs it: the
// self-hosted server under wazero, and workerd by wrangler dev.
package hosts

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidemark/e2e/conformance"
)

// Secret is the AUTH_SECRET of every host.
const Secret = "a secret that only these tests know"

// StartTimeout is how long a host may take to start.
const StartTimeout = 10 * time.Minute

// A Host is a server in a process of its own. Its data outlives the process, so that
// the host can start again.
type Host struct {
	Port int
	Data string // the folder of its data

	name    string
	args    func(*Host) []string
	declare func(t *testing.T)
	env     []string
	log     Output
	cmd     *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// Wazero returns the self-hosted server, which has not started. Each variable is
// "NAME=value". The server is the one that make built, if TIDEMARK_SERVER names it.
func Wazero(t *testing.T, variables ...string) *Host {
	t.Helper()
	binary, guest := os.Getenv("TIDEMARK_SERVER"), "build/tidemark.wasm"
	if binary == "" {
		dir := t.TempDir()
		binary, guest = filepath.Join(dir, "tidemark"), filepath.Join(dir, "tidemark.wasm")
		Run(t, nil, "go", "build", "-o", binary, "./wasm/cmd/tidemark")
		Run(t, []string{"GOOS=js", "GOARCH=wasm"}, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", guest, "./worker")
	}
	var more []string
	h := newHost(t, "the self-hosted server", variables, func(h *Host) []string {
		return append([]string{binary, "serve", "--wasm", guest, "--addr", h.Address(), "--data", h.Data}, more...)
	})
	h.declare = func(*testing.T) { more = []string{"--tables", conformance.TablesFile} }
	return h
}

// Wrangler returns workerd as wrangler dev runs it, which has not started. Each
// variable is "NAME=value". Wrangler skips the test if npm has not installed wrangler.
// The database is a copy of the one that TIDEMARK_MIGRATED names, if it is set.
func Wrangler(t *testing.T, variables ...string) *Host {
	t.Helper()
	binary := filepath.Join(Root(t), "e2e/node_modules/.bin/wrangler")
	if _, err := os.Stat(binary); err != nil {
		t.Skip("needs Node and the packages of e2e/package.json: make test installs them")
	}
	vars := filepath.Join(t.TempDir(), "dev.vars")
	var text strings.Builder
	for _, variable := range append([]string{"AUTH_SECRET=" + Secret}, variables...) {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Fprintf(&text, "%s=%q\n", name, value)
	}
	if err := os.WriteFile(vars, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, "wrangler", nil, func(h *Host) []string {
		return []string{binary, "dev", "--port", strconv.Itoa(h.Port), "--inspector-port", "0", "--persist-to", h.Data, "--env-file", vars}
	})
	if migrated := os.Getenv("TIDEMARK_MIGRATED"); migrated == "" {
		Run(t, nil, binary, "d1", "migrations", "apply", "DB", "--local", "--persist-to", h.Data)
	} else if err := os.CopyFS(h.Data, os.DirFS(migrated)); err != nil {
		t.Fatal(err)
	}
	h.declare = func(t *testing.T) {
		tables, err := os.ReadFile(filepath.Join(Root(t), conformance.TablesJSONFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vars, fmt.Appendf([]byte(text.String()), "TABLES='%s'\n", bytes.TrimSpace(tables)), 0o600); err != nil {
			t.Fatal(err)
		}
		Run(t, nil, binary, "d1", "execute", "DB", "--local", "--persist-to", h.Data, "--file", conformance.TablesSQLFile, "--yes")
	}
	return h
}

// Declare gives a host that has not started the tables of the conformance suite.
func (h *Host) Declare(t *testing.T) {
	t.Helper()
	h.declare(t)
}

// newHost returns a host that ends with the test, with all processes that it started.
func newHost(t *testing.T, name string, env []string, args func(*Host) []string) *Host {
	h := &Host{Port: FreePort(t), Data: filepath.Join(t.TempDir(), "data"), name: name, env: env, args: args}
	t.Cleanup(func() {
		if h.cmd != nil {
			h.Kill()
		}
		if t.Failed() {
			t.Logf("the last output of %s:\n%s", name, h.log.String())
		}
	})
	return h
}

// Address returns the host and port that it listens on.
func (h *Host) Address() string { return fmt.Sprintf("127.0.0.1:%d", h.Port) }

// URL returns the host's base URL.
func (h *Host) URL() string { return "http://" + h.Address() }

// Door returns the door of the conformance suite to this host.
func (h *Host) Door() conformance.Door {
	return conformance.Door{BaseURL: h.URL(), Token: conformance.Signer([]byte(Secret)), Secret: []byte(Secret)}
}

// Start starts the host, also after Kill, and returns when it is healthy.
func (h *Host) Start(t *testing.T) {
	t.Helper()
	args := h.args(h)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = Root(t), Environment(t, h.env...)
	cmd.Stdout, cmd.Stderr = &h.log, &h.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	h.cmd, h.ended = cmd, ended
	deadline := time.After(StartTimeout)
	for {
		if res, err := http.Get(h.URL() + "/healthz"); err == nil {
			res.Body.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", h.name, h.log.String())
		case <-deadline:
			t.Fatalf("%s did not start:\n%s", h.name, h.log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Kill ends the host and all processes that it started, by SIGKILL.
func (h *Host) Kill() {
	syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL)
	<-h.ended
}

// Pause stops the host's processes for a time, as a machine without memory does, or
// one that moves a container.
func (h *Host) Pause(d time.Duration) {
	syscall.Kill(-h.cmd.Process.Pid, syscall.SIGSTOP)
	time.Sleep(d)
	syscall.Kill(-h.cmd.Process.Pid, syscall.SIGCONT)
}
