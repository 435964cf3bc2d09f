//go:build !js

package gojs

import (
	"context"
	"fmt"
	"iter"

	"github.com/tetratelabs/wazero"
)

// A Program is a compiled module. Any number of processes may run it.
type Program struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	data     []dataSegment // of the memory at the start
	globals  int
}

// Compile compiles a module that was built with GOOS=js GOARCH=wasm. The runtime must have
// passed through Instantiate.
func Compile(ctx context.Context, r wazero.Runtime, wasm []byte) (*Program, error) {
	module, err := rewrite(wasm)
	if err != nil {
		return nil, err
	}
	compiled, err := r.CompileModule(ctx, module.wasm)
	if err != nil {
		return nil, fmt.Errorf("gojs: %w", err)
	}
	return &Program{r, compiled, module.data, module.globals}, nil
}

// ImportModules lists the modules that the program imports from, some more than once.
func (g *Program) ImportModules() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range g.compiled.ImportedFunctions() {
			if module, _, _ := f.Import(); !yield(module) {
				return
			}
		}
	}
}
