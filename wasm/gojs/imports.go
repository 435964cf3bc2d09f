//go:build !js

package gojs

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// Instantiate gives a runtime the module "gojs", which programs import.
func Instantiate(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder("gojs")
	for name, f := range imports {
		b.NewFunctionBuilder().WithGoModuleFunction(onStack(f), []api.ValueType{api.ValueTypeI32}, nil).Export(name)
	}
	tick := api.GoModuleFunc(func(ctx context.Context, _ api.Module, _ []uint64) {
		if f := ctx.(*processContext).process.config.Tick; f != nil {
			if err := f(); err != nil {
				panic(err)
			}
		}
	})
	b.NewFunctionBuilder().WithGoModuleFunction(tick, nil, nil).Export("tick")
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("gojs: %w", err)
	}
	return nil
}

// frame is a call's arguments and results, in the program's memory.
type frame struct {
	*Process
	sp uint32
}

func onStack(f func(frame)) api.GoModuleFunction {
	return api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
		f(frame{ctx.(*processContext).process, uint32(stack[0])})
	})
}

// imports by name. Offsets are from SP: the first argument stands at 8.
var imports = map[string]func(frame){
	"runtime.wasmExit": func(f frame) { panic(sys.NewExitError(uint32(f.i32(8)))) },
	"runtime.wasmWrite": func(f frame) {
		f.config.Stderr.Write(f.view(f.i64(16), int64(f.i32(24))))
	},
	"runtime.resetMemoryDataView": func(f frame) {
		f.refresh()
		if limit := f.config.MemoryBytes; limit > 0 && len(f.mem) > limit {
			panic(errBudget(limit))
		}
	},
	"runtime.nanotime1": func(f frame) { f.setI64(8, int64(f.config.Now().Sub(f.started))+1) },
	"runtime.walltime": func(f frame) {
		now := f.config.Now()
		f.setI64(8, now.Unix())
		f.setI32(16, int32(now.Nanosecond()))
	},
	"runtime.scheduleTimeoutEvent": func(f frame) { f.setI32(16, 0) },
	"runtime.clearTimeoutEvent":    func(frame) {},
	"runtime.getRandomData": func(f frame) {
		if _, err := io.ReadFull(f.config.Rand, f.slice(8)); err != nil {
			panic(err)
		}
	},
	"syscall/js.finalizeRef": func(f frame) { f.refs.release(uint32(f.i32(8))) },
	"syscall/js.stringVal":   func(f frame) { f.store(24, f.text(8)) },
	"syscall/js.valueGet": func(f frame) {
		f.store(32, must(get(f.load(8), f.text(16))))
	},
	"syscall/js.valueSet": func(f frame) {
		v, name := f.load(8), f.text(16)
		o, ok := v.(*Object)
		if !ok {
			panic(missing("property to set", name, v))
		}
		o.Props[name] = f.load(32)
	},
	"syscall/js.valueDelete": func(f frame) {
		v, name := f.load(8), f.text(16)
		o, ok := v.(*Object)
		if !ok {
			panic(missing("property to delete", name, v))
		}
		delete(o.Props, name)
	},
	"syscall/js.valueIndex": func(f frame) {
		v, i := f.load(8), f.i64(16)
		switch v := v.(type) {
		case *Array:
			if i >= 0 && i < int64(len(v.Items)) {
				f.store(24, v.Items[i])
				return
			}
		case *Bytes:
			if i >= 0 && i < int64(len(v.Data)) {
				f.store(24, float64(v.Data[i]))
				return
			}
		}
		f.store(24, Undefined)
	},
	"syscall/js.valueSetIndex": func(f frame) {
		v, i := f.load(8), f.i64(16)
		a, ok := v.(*Array)
		if !ok || i < 0 || i > int64(len(a.Items)) {
			panic(missing("index to set", fmt.Sprint(i), v))
		}
		if i == int64(len(a.Items)) {
			a.Items = append(a.Items, Undefined)
		}
		a.Items[i] = f.load(24)
	},
	"syscall/js.valueCall": func(f frame) {
		v, name := f.load(8), f.text(16)
		fn, ok := must(get(v, name)).(*Func)
		if !ok {
			panic(missing("method", name, v))
		}
		f.invoke(56, 64, fn, fn.Call, f.values(32))
	},
	"syscall/js.valueInvoke": func(f frame) {
		fn, ok := f.load(8).(*Func)
		if !ok {
			panic(missing("call", "", f.load(8)))
		}
		f.invoke(40, 48, fn, fn.Call, f.values(16))
	},
	"syscall/js.valueNew": func(f frame) {
		fn, ok := f.load(8).(*Func)
		if !ok {
			panic(missing("constructor", "", f.load(8)))
		}
		f.invoke(40, 48, fn, fn.New, f.values(16))
	},
	"syscall/js.valueLength": func(f frame) { f.setI64(16, int64(must(length(f.load(8))))) },
	"syscall/js.valuePrepareString": func(f frame) {
		b := &Bytes{[]byte(must(text(f.load(8))))}
		f.store(16, b)
		f.setI64(24, int64(len(b.Data)))
	},
	"syscall/js.valueLoadString": func(f frame) {
		if b, ok := f.load(8).(*Bytes); ok {
			copy(f.slice(16), b.Data)
		}
	},
	"syscall/js.valueInstanceOf": func(f frame) {
		class, _ := f.load(16).(*Func)
		is := false
		switch f.load(8).(type) {
		case *Array:
			is = class != nil && class.Name == "Array"
		case *Bytes:
			is = class != nil && class.Name == "Uint8Array"
		}
		f.setBool(24, is)
	},
	"syscall/js.copyBytesToGo": func(f frame) {
		b, ok := f.load(32).(*Bytes)
		if ok {
			f.setI64(40, int64(copy(f.slice(8), b.Data)))
		}
		f.setBool(48, ok)
	},
	"syscall/js.copyBytesToJS": func(f frame) {
		b, ok := f.load(8).(*Bytes)
		if ok {
			f.setI64(40, int64(copy(b.Data, f.slice(16))))
		}
		f.setBool(48, ok)
	},
	"debug": func(f frame) { fmt.Fprintln(f.config.Stderr, f.sp) },
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// invoke calls fn and stores its result, or the exception that it throws.
func (f frame) invoke(at, okAt uint32, fn *Func, call func(*Process, []Value) (Value, error), args []Value) {
	var result Value
	var err error
	switch {
	case fn.goID > 0:
		f.queue = append(f.queue, pendingCall{fn.goID, args})
		result = Undefined
	case call == nil:
		panic(fmt.Errorf("gojs: %s cannot be called", describe(fn)))
	default:
		result, err = call(f.Process, args)
	}
	if thrown, ok := err.(*Thrown); ok {
		f.store(at, thrown.Value)
		f.setBool(okAt, false)
		return
	}
	if err != nil {
		panic(err)
	}
	f.store(at, result)
	f.setBool(okAt, true)
}

func (f frame) bytes(at, n uint32) []byte { return f.mem[f.sp+at:][:n] }

func (f frame) i32(at uint32) int32 { return int32(binary.LittleEndian.Uint32(f.bytes(at, 4))) }
func (f frame) i64(at uint32) int64 { return int64(binary.LittleEndian.Uint64(f.bytes(at, 8))) }

func (f frame) setI32(at uint32, v int32) { binary.LittleEndian.PutUint32(f.bytes(at, 4), uint32(v)) }
func (f frame) setI64(at uint32, v int64) { binary.LittleEndian.PutUint64(f.bytes(at, 8), uint64(v)) }
func (f frame) setBool(at uint32, v bool) {
	f.mem[f.sp+at] = 0
	if v {
		f.mem[f.sp+at] = 1
	}
}

func (f frame) load(at uint32) Value     { return must(f.refs.load(f.bytes(at, 8))) }
func (f frame) store(at uint32, v Value) { f.refs.store(f.bytes(at, 8), v) }

// view returns n bytes of the program's memory, valid until it runs again.
func (f frame) view(ptr, n int64) []byte {
	if ptr < 0 || n < 0 || n > math.MaxInt32 || ptr > int64(len(f.mem))-n {
		panic(fmt.Errorf("gojs: no %d bytes at %#x", n, ptr))
	}
	return f.mem[ptr:][:n]
}

func (f frame) slice(at uint32) []byte { return f.view(f.i64(at), f.i64(at+8)) }
func (f frame) text(at uint32) string  { return strings.ToValidUTF8(string(f.slice(at)), "\uFFFD") }

func (f frame) values(at uint32) []Value {
	b := f.view(f.i64(at), 8*f.i64(at+8))
	values := make([]Value, len(b)/8)
	for i := range values {
		values[i] = must(f.refs.load(b[8*i:]))
	}
	return values
}
