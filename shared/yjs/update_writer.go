package yjs

import (
	"cmp"
	"slices"

	"tidemark/shared/lib0"
)

// An updateWriter builds an update from structs and delete ranges. It fills in the
// number of structs at the end of a block, and the number of blocks at the end of the
// update.
type updateWriter struct {
	// rest holds the fields that are in no column. In V1 it is the update with countRoom
	// bytes for each count, so that a large one is in memory once. In V2 it has no heads
	// of blocks.
	rest   []byte
	blocks []blockHead
	end    uint64    // of the struct before
	v2     *v2Writer // nil: the update is V1
	// ordered puts the blocks into the order of a merge. V1 only: in V2 they are
	// bound to their columns.
	ordered bool
}

// A blockHead stands before the bytes of rest from start to end.
type blockHead struct {
	client         uint64
	clock, structs uint32
	start, end     int
}

// newUpdateWriter starts an update, V1 or V2, that will have about size bytes
// and blocks.
func newUpdateWriter(format, size, blocks int) *updateWriter {
	w := &updateWriter{blocks: make([]blockHead, 0, blocks)}
	if format == 2 {
		w.rest, w.v2 = make([]byte, 0, size), new(v2Writer)
	} else {
		w.rest = make([]byte, countRoom, size+countRoom*(blocks+2))
	}
	return w
}

// reset starts another update of the same format, in the same memory.
func (w *updateWriter) reset() {
	w.blocks, w.end, w.ordered = w.blocks[:0], 0, false
	if w.v2 != nil {
		w.rest, w.v2 = w.rest[:0], new(v2Writer)
	} else {
		w.rest = w.rest[:countRoom]
	}
}

// write appends s. It starts a block if s does not follow the struct before.
func (w *updateWriter) write(s *wireStruct) {
	if n := len(w.blocks); n == 0 || w.blocks[n-1].client != s.client || w.end != s.clock {
		w.blocks = append(w.blocks, blockHead{client: s.client, clock: uint32(s.clock), start: len(w.rest)})
		if w.v2 != nil {
			w.v2.client.write(s.client)
		} else {
			w.rest = lib0.AppendUint(append(w.rest, make([]byte, countRoom)...), s.client)
			w.rest = lib0.AppendUint(w.rest, s.clock)
		}
	}
	w.end = s.end()
	switch {
	case w.v2 != nil:
		w.rest = w.v2.write(w.rest, s)
	case s.tail != nil:
		w.rest = append(append(w.rest, s.info), s.tail...)
	default:
		w.rest = appendStruct(w.rest, s)
	}
	block := &w.blocks[len(w.blocks)-1]
	block.structs++
	block.end = len(w.rest)
}

// finish returns the update, with a delete set that may be in any order.
func (w *updateWriter) finish(deletes []deleteRange) []byte {
	deletes = sortDeleteSet(deletes)
	if w.ordered {
		slices.SortStableFunc(w.blocks, func(a, b blockHead) int {
			return cmp.Or(cmp.Compare(b.client, a.client), cmp.Compare(a.clock, b.clock))
		})
	}
	if w.v2 != nil {
		return w.finishV2(deletes)
	}
	from := w.rest
	out := w.rest // the counts are shorter than their room: each byte moves to the front
	if w.ordered {
		out = make([]byte, 0, len(w.rest)+rangeRoom*len(deletes))
	}
	out = lib0.AppendUint(out[:0], uint64(len(w.blocks)))
	for _, b := range w.blocks {
		out = lib0.AppendUint(out, uint64(b.structs))
		out = append(out, from[b.start+countRoom:b.end]...)
	}
	out = appendDeleteSet(out, deletes)
	if len(out) < cap(out)/2 {
		out = slices.Clone(out)
	}
	return out
}

// rangeRoom is the greatest length of a delete range, except the first of a client.
const rangeRoom = 10

func (w *updateWriter) finishV2(deletes []deleteRange) []byte {
	const headRoom = 15
	out := slices.Grow(w.v2.appendColumns(nil), len(w.rest)+headRoom*len(w.blocks)+rangeRoom*len(deletes)+20)
	out = lib0.AppendUint(out, uint64(len(w.blocks)))
	for _, b := range w.blocks {
		out = lib0.AppendUint(out, uint64(b.structs))
		out = lib0.AppendUint(out, uint64(b.clock))
		out = append(out, w.rest[b.start:b.end]...)
	}
	return appendDeleteSetV2(out, deletes)
}

// appendStruct appends s in V1.
func appendStruct(dst []byte, s *wireStruct) []byte {
	dst = append(dst, s.info)
	switch s.ref() {
	case refGC, refSkip:
		return lib0.AppendUint(dst, s.length)
	}
	if s.info&flagOrigin != 0 {
		dst = appendID(dst, s.origin)
	}
	if s.info&flagRightOrigin != 0 {
		dst = appendID(dst, s.rightOrigin)
	}
	if s.info&(flagOrigin|flagRightOrigin) == 0 {
		if s.parentIsRoot {
			dst = lib0.AppendBytes(append(dst, 1), s.root)
		} else {
			dst = appendID(append(dst, 0), s.parent)
		}
		if s.info&flagParentSub != 0 {
			dst = lib0.AppendBytes(dst, s.sub)
		}
	}
	switch s.ref() {
	case refDeleted:
		return lib0.AppendUint(dst, s.length)
	case refJSON, refAny:
		return append(lib0.AppendUint(dst, s.length), s.content...)
	case refEmbed:
		return appendJSON(dst, s)
	case refFormat:
		return appendJSON(lib0.AppendBytes(dst, s.name), s)
	case refType:
		dst = lib0.AppendUint(dst, s.typeRef)
		if s.typeRef == typeXMLElement || s.typeRef == typeXMLHook {
			dst = lib0.AppendBytes(dst, s.name)
		}
		return dst
	case refDoc:
		return append(lib0.AppendBytes(dst, s.name), s.content...)
	}
	return lib0.AppendBytes(dst, s.content) // binary or string
}

func appendID(dst []byte, id ID) []byte {
	return lib0.AppendUint(lib0.AppendUint(dst, id.Client), id.Clock)
}

// appendJSON appends the value of an embed or a format as a string of JSON.
func appendJSON(dst []byte, s *wireStruct) []byte {
	if s.valueIsAny {
		return lib0.AppendBytes(dst, lib0.AppendAnyJSON(nil, s.content))
	}
	return lib0.AppendBytes(dst, s.content)
}
