//go:build !js

package edge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"tidemark/shared/abi"
	"tidemark/wasm/gojs"
)

// hostFunction is an import of the guest. a holds its parameters.
type hostFunction struct {
	params  int
	results int
	call    func(i *instance, a []uint64) int32
}

func arg(a []uint64, n int) int32 { return api.DecodeI32(a[n]) }

// testFunctions are the imports that only test guests use, by name.
var testFunctions = map[string]hostFunction{
	"handles": {0, 1, func(i *instance, _ []uint64) int32 { return int32(len(i.handles)) }},
}

// hostFunctions by name; package abi documents them.
var hostFunctions = map[string]hostFunction{
	"env": {2, 1, func(i *instance, a []uint64) int32 {
		return i.keep([]byte(i.s.w.variable(string(i.view(arg(a, 0), arg(a, 1))))))
	}},
	"ready": {0, 0, func(i *instance, _ []uint64) int32 {
		i.ready = true
		return 0
	}},
	"size": {1, 1, func(i *instance, a []uint64) int32 { return int32(i.handles[arg(a, 0)].size()) }},
	"take": {2, 0, func(i *instance, a []uint64) int32 {
		if r, ok := i.handles[arg(a, 0)]; ok {
			r.copyTo(i.view(arg(a, 1), int32(r.size())))
			delete(i.handles, arg(a, 0))
		}
		return 0
	}},
	"read": {3, 0, func(i *instance, a []uint64) int32 {
		if r, ok := i.handles[arg(a, 0)]; ok {
			i.handles[arg(a, 0)] = r.copyNext(i.view(arg(a, 1), arg(a, 2)))
		}
		return 0
	}},
	"drop": {1, 0, func(i *instance, a []uint64) int32 {
		delete(i.handles, arg(a, 0))
		return 0
	}},
	"op": {5, 0, func(i *instance, a []uint64) int32 {
		if c := i.calls[arg(a, 0)]; c != nil {
			c.start(arg(a, 1), arg(a, 2), bytes.Clone(i.view(arg(a, 3), arg(a, 4))))
		}
		return 0
	}},
	"write": {3, 0, func(i *instance, a []uint64) int32 {
		if c := i.calls[arg(a, 0)]; c != nil && !c.responded {
			if arg(a, 2) == 0 {
				c.parts = nil
			} else {
				c.parts = append(c.parts, bytes.Clone(i.view(arg(a, 1), arg(a, 2))))
			}
		}
		return 0
	}},
	"respond": {5, 0, func(i *instance, a []uint64) int32 {
		if c := i.calls[arg(a, 0)]; c != nil {
			head, body := i.view(arg(a, 1), arg(a, 2)), i.view(arg(a, 3), arg(a, 4))
			both := append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
			i.answer(c, answer{head: both[:len(head)], parts: append(c.parts, both[len(head):])})
		}
		return 0
	}},
	"forward": {3, 0, func(i *instance, a []uint64) int32 {
		if c := i.calls[arg(a, 0)]; c != nil {
			i.answer(c, answer{forward: bytes.Clone(i.view(arg(a, 1), arg(a, 2)))})
		}
		return 0
	}},
	"count": {3, 0, func(i *instance, a []uint64) int32 {
		i.count(arg(a, 0), i.view(arg(a, 1), arg(a, 2)))
		return 0
	}},
	"overview": {0, 1, func(i *instance, _ []uint64) int32 { return i.keepOrFail(i.s.w.overview()) }},
	"full": {0, 1, func(i *instance, _ []uint64) int32 {
		if i.full() {
			return 1
		}
		return 0
	}},
	"again": {1, 1, func(i *instance, a []uint64) int32 {
		if c := i.calls[arg(a, 0)]; c != nil && c.again() {
			return 1
		}
		return 0
	}},
	"object_name": {0, 1, onObject(func(i *instance, o *object, _ []uint64) int32 {
		return i.keep([]byte(o.key.class + "\x00" + o.key.name))
	})},
	"object_exec": {2, 1, onObject(func(i *instance, o *object, a []uint64) int32 {
		return i.keepOrFail(o.exec(i.view(arg(a, 0), arg(a, 1)), i.near))
	})},
	"object_try": {2, 1, onObject(func(i *instance, o *object, a []uint64) int32 {
		return i.keepOrFail(o.try(i.view(arg(a, 0), arg(a, 1)), i.near))
	})},
	"object_erase": {0, 0, onObject(func(_ *instance, o *object, _ []uint64) int32 {
		o.erasing = true
		return 0
	})},
	"object_acts": {1, 1, func(*instance, []uint64) int32 { return 0 }}, // an event is a transaction
	"object_size": {0, 1, onObject(func(_ *instance, o *object, _ []uint64) int32 { return o.size() })},
	"object_conns": {0, 1, onObject(func(i *instance, o *object, _ []uint64) int32 {
		return i.keep(abi.AppendConns(nil, o.listConns()))
	})},
	"object_send": {5, 1, onObject(func(i *instance, o *object, a []uint64) int32 {
		n := arg(a, 1)
		if n < 0 || n > 1<<28 {
			return 0
		}
		list := i.view(arg(a, 0), 4*n)
		to := make([]int32, 0, n)
		for at := 0; at < len(list); at += 4 {
			to = append(to, int32(binary.LittleEndian.Uint32(list[at:])))
		}
		return o.send(to, arg(a, 2), bytes.Clone(i.view(arg(a, 3), arg(a, 4))))
	})},
	"object_close": {4, 0, onObject(func(i *instance, o *object, a []uint64) int32 {
		o.close(arg(a, 0), int(arg(a, 1)), string(i.view(arg(a, 2), arg(a, 3))))
		return 0
	})},
	"object_attach": {3, 0, onObject(func(i *instance, o *object, a []uint64) int32 {
		if c := o.conns[arg(a, 0)]; c != nil && arg(a, 2) <= abi.MaxAttachment {
			c.attachment = bytes.Clone(i.view(arg(a, 1), arg(a, 2)))
		}
		return 0
	})},
	"object_alarm": {1, 0, onObject(func(_ *instance, o *object, a []uint64) int32 {
		o.setAlarm(api.DecodeF64(a[0]))
		return 0
	})},
	"object_timer": {2, 0, onObject(func(_ *instance, o *object, a []uint64) int32 {
		o.setTimer(api.DecodeF64(a[0]))
		return 0
	})},
	"object_timer_set": {0, 1, onObject(func(_ *instance, o *object, _ []uint64) int32 {
		if o.timerSet() {
			return 1
		}
		return 0
	})},
	"object_autoreply": {4, 0, onObject(func(i *instance, o *object, a []uint64) int32 {
		o.autoreply.Store(&autoreply{
			ping: string(i.view(arg(a, 0), arg(a, 1))), pong: bytes.Clone(i.view(arg(a, 2), arg(a, 3))),
		})
		return 0
	})},
	"object_reply": {2, 0, onObject(func(i *instance, _ *object, a []uint64) int32 {
		i.reply = bytes.Clone(i.view(arg(a, 0), arg(a, 1)))
		return 0
	})},
	"object_ends": {0, 1, onObject(func(_ *instance, o *object, _ []uint64) int32 {
		if o.forgiven || o.erasing {
			return 0
		}
		return int32(o.s.w.ends(o.key))
	})},
	"object_forgive": {0, 0, onObject(func(_ *instance, o *object, _ []uint64) int32 {
		o.forgiven = true
		return 0
	})},
}

// onObject makes an import that acts on the object whose event is running. It
// returns 0 outside of an event.
func onObject(f func(*instance, *object, []uint64) int32) func(*instance, []uint64) int32 {
	return func(i *instance, a []uint64) int32 {
		if i.object == nil {
			return 0
		}
		return f(i, i.object, a)
	}
}

// instantiateImports provides the modules that guests import.
func instantiateImports(ctx context.Context, r wazero.Runtime) error {
	return errors.Join(
		instantiate(ctx, r, abi.Module, hostFunctions),
		instantiate(ctx, r, abi.TestModule, testFunctions),
	)
}

func instantiate(ctx context.Context, r wazero.Runtime, module string, functions map[string]hostFunction) error {
	b := r.NewHostModuleBuilder(module)
	for name, f := range functions {
		params := make([]api.ValueType, f.params)
		for n := range params {
			params[n] = api.ValueTypeI32
		}
		if name == "object_alarm" || name == "object_timer" {
			params[0] = api.ValueTypeF64
		}
		results := []api.ValueType{api.ValueTypeI32}[:f.results]
		call := api.GoModuleFunc(func(ctx context.Context, _ api.Module, stack []uint64) {
			returned := f.call(gojs.Owner(ctx).(*instance), stack)
			if f.results == 1 {
				stack[0] = api.EncodeI32(returned)
			}
		})
		b.NewFunctionBuilder().WithGoModuleFunction(call, params, results).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	return nil
}
