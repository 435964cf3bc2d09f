//go:build js

// Guest of the Yjs benchmark, for V8 and for wazero: shared/yjs behind exports, as
// the Worker has it on its hot path. Bytes go in and out through two buffers in linear memory.
package main

import (
	"runtime"
	"unsafe"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

var (
	in, out []byte
	doc     = yjs.New(yjs.Options{})
	kept    []*yjs.Doc
)

func main() { select {} }

// reserve makes the input buffer at least n bytes long and returns its address.
//
//go:wasmexport reserve
func reserve(n int32) int32 {
	if len(in) < int(n) {
		in = make([]byte, n)
	}
	return int32(uintptr(unsafe.Pointer(unsafe.SliceData(in))))
}

// output is the address of the 64-bit address of the bytes that the last call gave.
// It stays, so that a call is all it takes to get them.
//
//go:wasmexport output
func output() int32 { return int32(uintptr(unsafe.Pointer(&out))) }

//go:wasmexport fresh
func fresh() { doc = yjs.New(yjs.Options{}) }

// keep keeps the document and starts another.
//
//go:wasmexport keep
func keep() { kept, doc = append(kept, doc), yjs.New(yjs.Options{}) }

// apply returns the length of the event, or -1.
//
//go:wasmexport apply
func apply(n int32) int32 {
	event, err := doc.Apply(in[:n])
	if err != nil {
		return -1
	}
	out = event
	return int32(len(event))
}

//go:wasmexport load
func load(n int32) int32 {
	if doc.Load(in[:n]) != nil {
		return -1
	}
	return 0
}

// encode returns the length of the update that a peer in the state of the n
// bytes of input needs.
//
//go:wasmexport encode
func encode(n int32) (size int32) {
	var sv yjs.StateVector
	var err error
	if n > 0 {
		if sv, err = yjs.DecodeStateVector(in[:n]); err != nil {
			return -1
		}
	}
	if out, err = doc.AppendState(out[:0:0], sv); err != nil {
		return -1
	}
	return int32(len(out))
}

// encodeAgain is encode into the buffer of the last call.
//
//go:wasmexport encodeAgain
func encodeAgain(n int32) int32 {
	var sv yjs.StateVector
	if n > 0 {
		sv, _ = yjs.DecodeStateVector(in[:n])
	}
	out, _ = doc.AppendState(out[:0], sv)
	return int32(len(out))
}

//go:wasmexport stateVector
func stateVector() int32 {
	out = doc.AppendStateVector(nil)
	return int32(len(out))
}

// merge returns the length of the update that the updates in the input make,
// varBytes one after the other, or -1.
//
//go:wasmexport merge
func merge(n int32) int32 {
	var updates [][]byte
	for r := lib0.NewReader(in[:n]); r.Len() > 0; {
		update, err := r.Bytes()
		if err != nil {
			return -1
		}
		updates = append(updates, update)
	}
	merged, err := yjs.MergeUpdates(updates...)
	if err != nil {
		return -1
	}
	out = merged
	return int32(len(out))
}

// heap collects garbage and returns the bytes in use.
//
//go:wasmexport heap
func heap() int32 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int32(m.HeapAlloc)
}

//go:wasmexport size
func size() int32 { return int32(doc.Size()) }
