//go:build !js

package gojs

import (
	"encoding/binary"
	"fmt"
	"math"
)

// refs is the table of the JavaScript values that the program holds. A ref is
// 8 bytes: 0 is undefined, a float64 that is neither 0 nor NaN is itself, and
// the rest are NaNs with a type in bits 32 to 34 and an id in the low 32.
// Go source: syscall/js/js.go, type ref.
type refs struct {
	values []Value
	counts []int32 // negative: never freed
	ids    map[Value]uint32
	free   []uint32
}

const (
	nanHead = 0x7FF80000

	typeNone     = 0
	typeObject   = 1
	typeString   = 2
	typeFunction = 4
)

func newRefs(global, program *Object) refs {
	r := refs{
		values: []Value{math.NaN(), 0.0, nil, true, false, global, program},
		counts: []int32{-1, -1, -1, -1, -1, -1, -1},
		ids:    map[Value]uint32{},
	}
	for id := 1; id < len(r.values); id++ {
		r.ids[r.values[id]] = uint32(id)
	}
	return r
}

func (r *refs) load(b []byte) (Value, error) {
	bits := binary.LittleEndian.Uint64(b)
	if f := math.Float64frombits(bits); f == 0 {
		return Undefined, nil
	} else if f == f {
		return f, nil
	}
	if id := uint32(bits); int(id) < len(r.values) {
		return r.values[id], nil
	}
	return nil, fmt.Errorf("gojs: no value has the reference %#x", bits)
}

func (r *refs) store(b []byte, v Value) {
	if f, ok := v.(float64); ok && f != 0 {
		if f != f {
			binary.LittleEndian.PutUint64(b, nanHead<<32)
			return
		}
		binary.LittleEndian.PutUint64(b, math.Float64bits(f))
		return
	}
	kind := uint64(typeNone)
	switch v := v.(type) {
	case undefined:
		binary.LittleEndian.PutUint64(b, 0)
		return
	case float64: // 0 and -0 are one
	case string:
		kind = typeString
	case *Func:
		kind = typeFunction
	case *Object, *Array, *Bytes:
		kind = typeObject
	case nil, bool:
	default:
		panic(fmt.Errorf("gojs: a %T is no JavaScript value", v))
	}
	id, ok := r.ids[v]
	if !ok {
		if n := len(r.free); n > 0 {
			id, r.free = r.free[n-1], r.free[:n-1]
			r.values[id] = v
		} else {
			id = uint32(len(r.values))
			r.values, r.counts = append(r.values, v), append(r.counts, 0)
		}
		r.ids[v] = id
	}
	if r.counts[id] >= 0 {
		r.counts[id]++
	}
	binary.LittleEndian.PutUint64(b, nanHead<<32|kind<<32|uint64(id))
}

func (r *refs) release(id uint32) {
	if int(id) >= len(r.counts) || r.counts[id] <= 0 {
		return
	}
	if r.counts[id]--; r.counts[id] == 0 {
		delete(r.ids, r.values[id])
		r.values[id] = nil
		r.free = append(r.free, id)
	}
}
