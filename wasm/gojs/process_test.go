//go:build !js

package gojs

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

var guestWasm = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "gojs")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "guest.wasm")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", file, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.New(string(out))
	}
	return os.ReadFile(file)
})

var guest = sync.OnceValues(func() (*Program, error) {
	wasm, err := guestWasm()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	config := wazero.NewRuntimeConfig()
	if dir, err := os.UserCacheDir(); err == nil { // compiling takes seconds, a minute under the race detector
		if cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(dir, "tidemark", "wazero")); err == nil {
			config = config.WithCompilationCache(cache)
		}
	}
	r := wazero.NewRuntimeWithConfig(ctx, config)
	if err := Instantiate(ctx, r); err != nil {
		return nil, err
	}
	return Compile(ctx, r, wasm)
})

// start runs the test guest and returns its output.
func start(t *testing.T, config Config, args ...string) (*Process, *bytes.Buffer, error) {
	t.Helper()
	g, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	config.Args, config.Stderr = args, out
	p, err := g.Start(context.Background(), config)
	if err == nil {
		t.Cleanup(func() { p.Close() })
	}
	return p, out, err
}

func TestAProgramPrintsAndReadsItsEnvironment(t *testing.T) {
	_, out, err := start(t, Config{Env: map[string]string{"A": "1"}}, "print")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"to stdout 1\n", "to stderr\n", "by println\n", "open: open x: not implemented"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want %q", out, want)
		}
	}
}

func TestValuesGoThereAndBack(t *testing.T) {
	p, out, err := start(t, Config{}, "values")
	if err != nil {
		t.Fatal(err, out)
	}
	if want := "é 1.5 0 2 true true true abc true string object 3\n"; out.String() != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if n := len(p.refs.values); n > 15_000 {
		t.Errorf("%d values are kept, after 20,000 garbage strings", n)
	}
}

func TestAProgramReadsTheBindingsOfItsContext(t *testing.T) {
	env := &Object{Name: "env", Open: true, Props: map[string]Value{"NAME": "value"}}
	_, out, err := start(t, Config{Context: &Object{Name: "context", Props: map[string]Value{"env": env}}}, "context")
	if err != nil || out.String() != "value <undefined>\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestTheClockIsTheHosts(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	_, out, err := start(t, Config{Now: func() time.Time { return now }}, "time")
	if err != nil || out.String() != "2026-01-02T03:04:05.000006Z 8 <nil>\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestAnUnknownPropertyNamesItself(t *testing.T) {
	for arg, want := range map[string]string{
		"unknown": `no property "document" of globalThis`,
		"call":    `function Date cannot be called`,
	} {
		_, _, err := start(t, Config{}, arg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", arg, err, want)
		}
	}
}

func TestAnExportRunsAndItsGoroutinesAfterIt(t *testing.T) {
	p, _, err := start(t, Config{}, "")
	if err != nil {
		t.Fatal(err)
	}
	stack := []uint64{2, 3}
	if err := p.Call(p.Function("add"), stack); err != nil || int32(stack[0]) != 5 {
		t.Errorf("add: %d, %v", stack[0], err)
	}
	if err := p.Call(p.Function("start"), nil); err != nil {
		t.Fatal(err)
	}
	if err := p.Call(p.Function("started"), stack); err != nil || stack[0] != 1 {
		t.Errorf("%d goroutines ran, %v", stack[0], err)
	}
}

func TestAProgramThatEndsStaysEnded(t *testing.T) {
	for export, want := range map[string]string{
		"exit": "exit code 3", "recurse": "", "allocate": "out of the memory budget",
	} {
		p, _, err := start(t, Config{MemoryBytes: 64 << 20}, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err := p.Call(p.Function(export), []uint64{100})
			if !errors.Is(err, ErrExited) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", export, err, want)
			}
		}
	}
}

func TestArgumentsBeyondTheirBlockAreRefused(t *testing.T) {
	_, _, err := start(t, Config{Env: map[string]string{"A": strings.Repeat("x", 9000)}}, "")
	if err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}
