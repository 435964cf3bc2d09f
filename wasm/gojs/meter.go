//go:build !js

package gojs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// turnsPerTick is how many turns all loops of a program make together between two
// ticks: less than a millisecond of work.
const turnsPerTick = 1 << 16

// The ids of a module's sections that rewrite changes. WebAssembly
// specification, 5.5.2.
const (
	sectionCustom  = 0
	sectionType    = 1
	sectionImport  = 2
	sectionGlobal  = 6
	sectionExport  = 7
	sectionStart   = 8
	sectionElement = 9
	sectionCode    = 10
	sectionData    = 11
)

// ErrWasm is a module that rewrite does not understand.
var ErrWasm = errors.New("gojs: not a module that Go's linker wrote")

// globalPrefix and a number is the name of the export of a global, from 0.
const globalPrefix = "global "

// rewrite changes a program in three ways.
//
// It calls Config.Tick while it runs, once every turnsPerTick turns of its loops. So the
// host can end a program that loops without end. A goroutine in such a loop also reaches a
// point at which Go's garbage collector can stop it. Stack traces lose their names.
//
// Every loop begins with: if (--turns == 0) { tick(); turns = turnsPerTick }.
// tick is a new import, so each function that the module defines has a number
// one higher than before.
//
// It exports each global, as globalPrefix and its number, so that a Snapshot can read and set it.
//
// It has no data segments: rewrite returns them. wazero would write them to the memory of each
// instance, also of one that gets all of its memory from a Snapshot.
func rewrite(wasm []byte) (_ *rewritten, err error) {
	const header = "\x00asm\x01\x00\x00\x00"
	if len(wasm) < len(header) || string(wasm[:len(header)]) != header {
		return nil, ErrWasm
	}
	in := &wasmReader{b: wasm[len(header):]}
	m := &meter{}
	var data []dataSegment
	out := append(make([]byte, 0, len(wasm)+len(wasm)/4), header...)
	seen := map[byte]bool{}
	for len(in.b) > 0 && !in.failed {
		id := in.byte()
		section := &wasmReader{b: in.take(in.u32())}
		if id == sectionCustom {
			continue
		}
		seen[id] = true
		var body []byte
		if id == sectionData {
			data = segments(section)
		} else {
			body = m.section(id, section)
		}
		if section.failed || len(section.b) > 0 {
			return nil, fmt.Errorf("%w: section %d", ErrWasm, id)
		}
		if id == sectionData {
			continue
		}
		out = binary.AppendUvarint(append(out, id), uint64(len(body)))
		out = append(out, body...)
	}
	if in.failed || !seen[sectionType] || !seen[sectionImport] || !seen[sectionGlobal] || !seen[sectionCode] {
		return nil, ErrWasm
	}
	return &rewritten{out, data, int(m.turns) + 1}, nil
}

// rewritten is what rewrite makes of a module.
type rewritten struct {
	wasm    []byte
	data    []dataSegment // of the memory at the start
	globals int           // how many there are
}

// A meter holds the numbers of the things that rewrite adds.
type meter struct {
	tickType uint64
	tick     uint64 // the function; those from here on have moved up by one
	turns    uint64 // the global
}

// section returns the rewritten form of a section.
//
//layout:long one case for each kind of section
func (m *meter) section(id byte, in *wasmReader) []byte {
	out := make([]byte, 0, len(in.b)+len(in.b)/4)
	switch id {
	case sectionType:
		m.tickType = in.u32()
		out = binary.AppendUvarint(out, m.tickType+1)
		out = append(out, in.rest()...)
		return append(out, 0x60, 0, 0) // no parameters, no results
	case sectionImport:
		n := in.count()
		entries := in.b
		for range n {
			in.take(in.u32())
			in.take(in.u32())
			if kind := in.byte(); kind != 0 {
				in.failed = true // Go imports functions only
			}
			in.u32()
		}
		m.tick = n
		out = binary.AppendUvarint(out, n+1)
		out = append(out, entries[:len(entries)-len(in.b)]...)
		out = append(out, "\x04gojs\x04tick\x00"...)
		return binary.AppendUvarint(out, m.tickType)
	case sectionGlobal:
		m.turns = in.u32()
		out = binary.AppendUvarint(out, m.turns+1)
		out = append(out, in.rest()...)
		out = append(out, 0x7f, 1) // i32, mutable
		return append(appendConst(out, turnsPerTick), opEnd)
	case sectionExport:
		n := in.count()
		out = binary.AppendUvarint(out, n+m.turns+1)
		for range n {
			name := in.take(in.u32())
			out = append(binary.AppendUvarint(out, uint64(len(name))), name...)
			kind := in.byte()
			out = append(out, kind)
			if index := in.u32(); kind == 0 {
				out = binary.AppendUvarint(out, m.moved(index))
			} else {
				out = binary.AppendUvarint(out, index)
			}
		}
		for global := range m.turns + 1 {
			name := globalPrefix + strconv.FormatUint(global, 10)
			out = append(binary.AppendUvarint(out, uint64(len(name))), name...)
			out = binary.AppendUvarint(append(out, kindGlobal), global)
		}
		return out
	case sectionStart:
		return binary.AppendUvarint(out, m.moved(in.u32()))
	case sectionElement:
		return m.elements(in, out)
	case sectionCode:
		n := in.count()
		out = binary.AppendUvarint(out, n)
		var body []byte
		for range n {
			body = m.code(&wasmReader{b: in.take(in.u32())}, body[:0], in)
			out = append(binary.AppendUvarint(out, uint64(len(body))), body...)
		}
		return out
	}
	return in.rest()
}

// elements rewrites the element segments. It accepts only the form that Go's linker
// writes: active, for table 0, of functions.
func (m *meter) elements(in *wasmReader, out []byte) []byte {
	n := in.count()
	out = binary.AppendUvarint(out, n)
	for range n {
		if in.u32() != 0 || in.byte() != opI32Const {
			in.failed = true
			return nil
		}
		out = append(out, 0, opI32Const)
		out = append(out, in.leb()...)
		out = append(out, in.byte()) // end
		functions := in.count()
		out = binary.AppendUvarint(out, functions)
		for range functions {
			out = binary.AppendUvarint(out, m.moved(in.u32()))
		}
	}
	return out
}

func (m *meter) moved(function uint64) uint64 {
	if function >= m.tick {
		return function + 1
	}
	return function
}

const kindGlobal = 3 // of an export

const (
	opLoop      = 0x03
	opIf        = 0x04
	opEnd       = 0x0b
	opCall      = 0x10
	opGlobalGet = 0x23
	opGlobalSet = 0x24
	opI32Const  = 0x41
	opI32Eqz    = 0x45
	opI32Sub    = 0x6b
	opRefFunc   = 0xd2
	opPrefix    = 0xfc
)

// code rewrites a function. It sets outer.failed at an unknown instruction.
func (m *meter) code(in *wasmReader, out []byte, outer *wasmReader) []byte {
	locals := in.b
	for range in.count() {
		in.u32()
		in.byte()
	}
	out = append(out, locals[:len(locals)-len(in.b)]...)
	for len(in.b) > 0 && !in.failed {
		at := in.b
		op := in.byte()
		if op == opCall || op == opRefFunc {
			out = binary.AppendUvarint(append(out, op), m.moved(in.u32()))
			continue
		}
		in.immediates(op)
		out = append(out, at[:len(at)-len(in.b)]...)
		if op == opLoop {
			out = m.count(out)
		}
	}
	outer.failed = outer.failed || in.failed
	return out
}

// count appends the instructions that begin a loop.
func (m *meter) count(out []byte) []byte {
	get := func() { out = binary.AppendUvarint(append(out, opGlobalGet), m.turns) }
	set := func() { out = binary.AppendUvarint(append(out, opGlobalSet), m.turns) }
	get()
	out = append(appendConst(out, 1), opI32Sub)
	set()
	get()
	out = append(out, opI32Eqz, opIf, 0x40)
	out = binary.AppendUvarint(append(out, opCall), m.tick)
	out = appendConst(out, turnsPerTick)
	set()
	return append(out, opEnd)
}

// appendConst appends an i32.const that is not negative.
func appendConst(out []byte, n uint64) []byte {
	out = binary.AppendUvarint(append(out, opI32Const), n)
	if last := len(out) - 1; out[last]&0x40 != 0 { // the sign
		out[last] |= 0x80
		out = append(out, 0)
	}
	return out
}

// A wasmReader reads a module from front to back. After an error, failed stays set.
type wasmReader struct {
	b      []byte
	failed bool
}

func (r *wasmReader) byte() byte {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (r *wasmReader) take(n uint64) []byte {
	if r.failed || n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *wasmReader) rest() []byte { return r.take(uint64(len(r.b))) }

func (r *wasmReader) u32() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<32-1 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads the number of the items that follow. Each has at least one byte.
func (r *wasmReader) count() uint64 {
	n := r.u32()
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return 0
	}
	return n
}

// leb skips a number of any sign and length, and returns its bytes.
func (r *wasmReader) leb() []byte {
	for i, b := range r.b {
		if b < 0x80 {
			return r.take(uint64(i + 1))
		}
	}
	r.failed, r.b = true, nil
	return nil
}

// immediates skips the immediate arguments of an opcode. WebAssembly specification
// 5.4, without vectors, threads and exceptions, which Go's compiler does not use.
func (r *wasmReader) immediates(op byte) {
	switch {
	case 0x02 <= op && op <= opIf, // a block's type
		op == 0x0c, op == 0x0d, // a label
		0x20 <= op && op <= 0x26,     // a local, a global, a table
		op == opI32Const, op == 0x42, // a number
		op == 0xd0: // a type
		r.leb()
	case op == 0x0e: // labels
		for range r.count() {
			r.leb()
		}
		r.leb()
	case op == 0x11, // a type, a table
		0x28 <= op && op <= 0x3e: // an alignment, an offset
		r.leb()
		r.leb()
	case op == 0x1c: // types
		r.take(r.u32())
	case op == 0x3f, op == 0x40: // a memory
		r.byte()
	case op == 0x43:
		r.take(4)
	case op == 0x44:
		r.take(8)
	case op == opPrefix:
		switch sub := r.u32(); {
		case sub <= 7:
		case sub == 9, sub == 11, sub == 13, 15 <= sub && sub <= 17:
			r.leb()
		case sub == 8, sub == 10, sub == 12, sub == 14:
			r.leb()
			r.leb()
		default:
			r.failed = true
		}
	case op <= 0x01, op == 0x05, op == opEnd, op == 0x0f, op == 0x1a, op == 0x1b, opI32Eqz <= op && op <= 0xc4, op == 0xd1:
	default:
		r.failed = true
	}
}
