//go:build !js

package gojs

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// A Config is the world of one process. The zero value runs a program without
// arguments and environment.
type Config struct {
	Args []string          // after the program's name
	Env  map[string]string // of the process
	// Context is the global "context", whose env has the bindings. Start adds env, ctx
	// and binding if they are absent. A process of a Snapshot has that of the Snapshot.
	Context *Object
	Stderr  io.Writer        // gets the program's output; os.Stderr if nil
	Now     func() time.Time // time.Now if nil
	Rand    io.Reader        // crypto/rand if nil
	// MemoryBytes is the limit of the program's memory: beyond it, the program ends.
	// 0 is no limit.
	MemoryBytes int
	// The program calls Tick, if not nil, while it runs. An error ends it.
	Tick func() error
	// Owner is the result of Owner(ctx) in host functions.
	Owner any
}

// A Process is a running program. One goroutine uses it at a time.
type Process struct {
	config  Config
	ctx     *processContext
	module  api.Module
	linear  *linear // nil: the memory is in Go's heap
	resume  api.Function
	mem     []byte // the whole linear memory; renewed whenever it grows
	refs    refs
	program *Program
	// goObject is the Go object of the runtime.
	goObject *Object
	started  time.Time
	queue    []pendingCall
	err      error // the reason of its end
}

type pendingCall struct {
	id   int64
	args []Value
}

// processContext carries the process to host functions: wazero passes the
// context on as it is, and a type assertion costs less than a look-up.
type processContext struct {
	context.Context
	process *Process
}

// Owner returns the Config.Owner of the process that called a host function.
func Owner(ctx context.Context) any { return ctx.(*processContext).process.config.Owner }

// ErrMemory is why a program ended that needed more than Config.MemoryBytes.
var ErrMemory = errors.New("out of the memory budget")

// ErrExited is the error of every use of a process that has ended, joined with the
// reason of its end.
var ErrExited = errors.New("gojs: the program has ended")

// argument block: it starts at 4096 and must end below the data at 12288.
// Go source: cmd/link/internal/ld/data.go, wasmMinDataAddr.
const (
	argumentsAt  = 4096
	argumentsEnd = 4096 + 8192
)

// Start runs the program until it waits. The caller closes the process.
func (g *Program) Start(ctx context.Context, config Config) (*Process, error) {
	goObject := newProgram()
	p, err := g.instantiate(ctx, config, newRefs(newGlobal(config.Context), goObject), goObject)
	if err != nil {
		return nil, err
	}
	run := p.module.ExportedFunction("run")
	if err = p.begin(run); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// instantiate returns a process whose memory is empty.
func (g *Program) instantiate(ctx context.Context, config Config, refs refs, goObject *Object) (*Process, error) {
	if config.Stderr == nil {
		config.Stderr = os.Stderr
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Rand == nil {
		config.Rand = rand.Reader
	}
	p := &Process{config: config, program: g, refs: refs, goObject: goObject, started: config.Now()}
	p.ctx = &processContext{ctx, p}
	memory, err := newLinear(config.MemoryBytes)
	if err != nil {
		return nil, err
	}
	p.linear = memory
	p.module, err = g.runtime.InstantiateModule(memory.allocator(p.ctx), g.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		memory.Free()
		return nil, fmt.Errorf("gojs: %w", err)
	}
	p.resume = p.module.ExportedFunction("resume")
	if p.resume == nil || p.module.Memory() == nil {
		p.Close()
		return nil, errNotGo
	}
	p.refresh()
	return p, nil
}

var errNotGo = errors.New("gojs: the module was not built with GOOS=js GOARCH=wasm")

// begin writes what the memory has at the start, and calls run.
func (p *Process) begin(run api.Function) error {
	if run == nil {
		return errNotGo
	}
	for _, s := range p.program.data {
		if s.end() > uint64(len(p.mem)) {
			return errNotGo
		}
		copy(p.mem[s.at:], s.bytes)
	}
	argc, argv, err := p.writeArguments()
	if err != nil {
		return err
	}
	if err := p.end(run.CallWithStack(p.ctx, []uint64{uint64(argc), uint64(argv)})); err != nil {
		return err
	}
	return p.drain()
}

// Function returns an export, or nil.
func (p *Process) Function(name string) api.Function { return p.module.ExportedFunction(name) }

// Call calls an export with its parameters in stack. Then it runs every goroutine
// that the export made ready. Results, if any, are in stack. After an error the
// process cannot be used any more.
func (p *Process) Call(f api.Function, stack []uint64) error {
	if p.err != nil {
		return p.err
	}
	if err := p.end(f.CallWithStack(p.ctx, stack)); err != nil {
		return err
	}
	if err := p.end(p.resume.CallWithStack(p.ctx, nil)); err != nil {
		return err
	}
	return p.drain()
}

// drain runs the queued calls of Go functions.
func (p *Process) drain() error {
	for len(p.queue) > 0 {
		call := p.queue[0]
		p.queue = p.queue[1:]
		p.goObject.Props["_pendingEvent"] = &Object{Name: "event", Open: true, Props: map[string]Value{
			"id": float64(call.id), "this": Undefined, "args": &Array{call.args},
		}}
		if err := p.end(p.resume.CallWithStack(p.ctx, nil)); err != nil {
			return err
		}
	}
	return nil
}

// end stores the reason of the program's end, if it has ended.
func (p *Process) end(err error) error {
	if err == nil {
		return nil
	}
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("exit code %d", exit.ExitCode())
	}
	p.err = errors.Join(ErrExited, err)
	return p.err
}

// Err returns the reason of the program's end, or nil.
func (p *Process) Err() error { return p.err }

// Memory returns the program's whole memory, valid until it runs again.
func (p *Process) Memory() []byte { return p.mem }

// Close frees the instance.
func (p *Process) Close() error {
	if p.err == nil {
		p.err = ErrExited
	}
	p.mem = nil
	return p.module.Close(p.ctx)
}

func (p *Process) refresh() {
	memory := p.module.Memory()
	p.mem, _ = memory.Read(0, memory.Size())
}

// writeArguments writes argv and the environment to the place where Go's runtime
// reads them.
func (p *Process) writeArguments() (argc, argv int, err error) {
	offset := argumentsAt
	put := func(s string) (at int) {
		at = offset
		if next := (offset + len(s) + 1 + 7) &^ 7; next < argumentsEnd {
			copy(p.mem[offset:], s)
			p.mem[offset+len(s)] = 0
			offset = next
		} else {
			err = errors.New("gojs: arguments and environment are too long")
		}
		return at
	}
	var pointers []int
	args := append([]string{"js"}, p.config.Args...)
	for _, arg := range args {
		pointers = append(pointers, put(arg))
	}
	pointers = append(pointers, 0)
	keys := make([]string, 0, len(p.config.Env))
	for key := range p.config.Env {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		pointers = append(pointers, put(key+"="+p.config.Env[key]))
	}
	pointers = append(pointers, 0)
	argv = offset
	if argv+8*len(pointers) >= argumentsEnd {
		err = errors.New("gojs: arguments and environment are too long")
	}
	if err != nil {
		return 0, 0, err
	}
	for _, pointer := range pointers {
		binary.LittleEndian.PutUint64(p.mem[offset:], uint64(pointer))
		offset += 8
	}
	return len(args), argv, nil
}
