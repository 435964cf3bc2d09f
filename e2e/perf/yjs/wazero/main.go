//go:build !js

// Command wazero runs the Yjs benchmark on the guest under wazero, in the host of
// wasm/gojs, and prints its figures as JSON. Each call lets the guest's
// goroutines run too, as all calls of that host do. Compiling, which a cache on
// disk saves the second time, is not measured. Usage: wazero DATA GUEST.wasm
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"tidemark/e2e/perf/yjs/bench"
	"tidemark/shared/lib0"
	"tidemark/wasm/gojs"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(data, guest string) error {
	ctx := context.Background()
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(dir, "tidemark", "wazero"))
	if err != nil {
		return err
	}
	defer cache.Close(ctx)
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	defer r.Close(ctx)
	if err := gojs.Instantiate(ctx, r); err != nil {
		return err
	}
	wasm, err := os.ReadFile(guest)
	if err != nil {
		return err
	}
	program, err := gojs.Compile(ctx, r, wasm)
	if err != nil {
		return err
	}
	process, err := program.Start(ctx, gojs.Config{})
	if err != nil {
		return err
	}
	defer process.Close()
	e, err := newEngine(process)
	if err != nil {
		return err
	}
	figures, err := bench.Run(e, data)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(figures)
}

// engine is the guest, called through its exports.
type engine struct {
	process  *gojs.Process
	in, room int // the guest's input buffer
	output   int // where the guest has the address of its output
	stack    [1]uint64
	log      []byte
	reserve, fresh, keep, apply, load, encode,
	encodeAgain, stateVector, merge, heap api.Function
}

func newEngine(process *gojs.Process) (*engine, error) {
	e := &engine{process: process}
	var output api.Function
	for name, f := range map[string]*api.Function{
		"reserve": &e.reserve, "fresh": &e.fresh, "keep": &e.keep,
		"apply": &e.apply, "load": &e.load, "encode": &e.encode, "encodeAgain": &e.encodeAgain,
		"stateVector": &e.stateVector, "merge": &e.merge, "heap": &e.heap, "output": &output,
	} {
		if *f = process.Function(name); *f == nil {
			return nil, fmt.Errorf("the guest has no export %s", name)
		}
	}
	var err error
	e.output, err = e.call(output, 0)
	return e, err
}

// call calls an export of at most one parameter and one result.
func (e *engine) call(f api.Function, n int) (int, error) {
	e.stack[0] = uint64(n)
	if err := e.process.Call(f, e.stack[:]); err != nil {
		return 0, err
	}
	result := int(int32(e.stack[0]))
	if result < 0 {
		return 0, errors.New("refused")
	}
	return result, nil
}

// give calls an export with bytes as its input.
func (e *engine) give(f api.Function, input []byte) (n int, err error) {
	if len(input) > e.room {
		e.room = max(2*len(input), 4096)
		if e.in, err = e.call(e.reserve, e.room); err != nil {
			return 0, err
		}
	}
	copy(e.process.Memory()[e.in:], input)
	return e.call(f, len(input))
}

// take copies the n bytes that the last call gave.
func (e *engine) take(n int, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	mem := e.process.Memory()
	from := int(binary.LittleEndian.Uint64(mem[e.output:]))
	return slices.Clone(mem[from : from+n]), nil
}

func (e *engine) Open() error {
	_, err := e.call(e.fresh, 0)
	return err
}

func (e *engine) Apply(update []byte) ([]byte, error) { return e.take(e.give(e.apply, update)) }

func (e *engine) Load(update []byte) error {
	_, err := e.give(e.load, update)
	return err
}

func (e *engine) Encode(sv []byte) ([]byte, error) { return e.take(e.give(e.encode, sv)) }

func (e *engine) EncodeAgain(sv []byte) error {
	_, err := e.give(e.encodeAgain, sv)
	return err
}

func (e *engine) StateVector() ([]byte, error) { return e.take(e.call(e.stateVector, 0)) }

func (e *engine) Keep() error {
	_, err := e.call(e.keep, 0)
	return err
}

func (e *engine) Memory() (float64, error) {
	n, err := e.call(e.heap, 0)
	return float64(n), err
}

func (e *engine) Merge(updates [][]byte) ([]byte, error) {
	e.log = e.log[:0]
	for _, update := range updates {
		e.log = lib0.AppendBytes(e.log, update)
	}
	return e.take(e.give(e.merge, e.log))
}
