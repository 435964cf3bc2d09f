//go:build !js

package edge

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"

	"tidemark/wasm/gojs"
)

// A Module is a compiled guest. Any number of Workers may run it.
type Module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache
}

// Compile compiles a guest, which takes seconds; with a cache directory that
// has seen it before, a fraction of one. "" is no cache.
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
		m.compiled, err = m.runtime.CompileModule(ctx, wasm)
	}
	if err != nil {
		m.Close(ctx)
		return nil, fmt.Errorf("compile: %w", err)
	}
	return m, nil
}

// Close frees the module and everything that still runs it.
func (m *Module) Close(ctx context.Context) error {
	err := m.runtime.Close(ctx)
	if m.cache != nil {
		m.cache.Close(ctx)
	}
	return err
}
