//go:build !js

package edge

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"

	"tidemark/shared/abi"
	"tidemark/wasm/gojs"
)

// A Module is a compiled guest. Any number of Workers may run it.
type Module struct {
	runtime wazero.Runtime
	program *gojs.Program
	cache   wazero.CompilationCache
}

// Compile compiles a guest, which takes seconds. If cacheDir has the compiled
// guest already, it takes a fraction of a second. "" is no cache.
func Compile(ctx context.Context, wasm []byte, cacheDir string) (*Module, error) {
	config := wazero.NewRuntimeConfig()
	m := &Module{}
	if cacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
		if err != nil {
			return nil, fmt.Errorf("compile: %w", err)
		}
		m.cache = cache
		config = config.WithCompilationCache(cache)
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	err := gojs.Instantiate(ctx, m.runtime)
	if err == nil {
		err = instantiateImports(ctx, m.runtime)
	}
	if err == nil {
		m.program, err = gojs.Compile(ctx, m.runtime, wasm)
	}
	if err == nil {
		err = abi.CheckImports(m.program.ImportModules())
	}
	if err != nil {
		m.Close(ctx)
		return nil, fmt.Errorf("compile: %w", err)
	}
	if cacheDir != "" {
		prune(cacheDir)
	}
	return m, nil
}

// keptInCache is how many compiled guests a cache keeps, of about 30 MB each.
const keptInCache = 8

// prune removes the oldest files of a cache. Another process may need such a
// file: it compiles again.
func prune(dir string) {
	type file struct {
		path string
		time time.Time
	}
	var files []file
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			files = append(files, file{path, info.ModTime()})
		}
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return b.time.Compare(a.time) })
	for _, f := range files[min(keptInCache, len(files)):] {
		os.Remove(f.path)
	}
}

// Close frees the module and every instance that still runs it.
func (m *Module) Close(ctx context.Context) error {
	err := m.runtime.Close(ctx)
	if m.cache != nil {
		m.cache.Close(ctx)
	}
	return err
}
