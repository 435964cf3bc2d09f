//go:build !js

// Package wasmtest runs guests in tests: compiled once, on a clock that the
// test drives, with crashes, hibernation and deliveries that it can hold back.
package wasmtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tidemark/wasm/edge"
)

type once[T any] struct {
	sync.Once
	value T
	err   error
}

var (
	mu      sync.Mutex
	builds  = map[string]*once[[]byte]{}
	modules = map[string]*once[*edge.Module]{}
)

func get[T any](m map[string]*once[T], key string, make func() (T, error)) (T, error) {
	mu.Lock()
	o := m[key]
	if o == nil {
		o = &once[T]{}
		m[key] = o
	}
	mu.Unlock()
	o.Do(func() { o.value, o.err = make() })
	return o.value, o.err
}

// Build returns the Wasm of a guest, built once per test binary. The package
// is named from the module's root ("./worker/testguest") or by its import path.
func Build(t testing.TB, pkg string) []byte {
	t.Helper()
	wasm, err := get(builds, pkg, func() ([]byte, error) { return build(pkg) })
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func build(pkg string) ([]byte, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "wasmtest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "guest.wasm")
	// Without the commit in it, the same source gives the same Wasm, and the cache has it.
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, pkg)
	command.Dir = root
	command.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return os.ReadFile(file)
}

// Root is the folder of the module's go.mod.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// Compile returns a guest compiled for wazero, once per test binary and with
// a cache on disk that outlives it.
func Compile(t testing.TB, pkg string) *edge.Module {
	t.Helper()
	wasm := Build(t, pkg)
	m, err := get(modules, pkg, func() (*edge.Module, error) {
		return edge.Compile(context.Background(), wasm, CacheDir())
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// CacheDir is the folder of compiled guests.
func CacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "tidemark", "wazero")
}
