//go:build !js

package gojs

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// maxGap is how many zeros between two data segments join them. Go's linker writes 100,000
// segments, which is the most that a module may have: it leaves out each run of zeros.
const maxGap = 64

// A dataSegment is bytes of the linear memory at the start.
type dataSegment struct {
	at    uint64
	bytes []byte // a copy
}

// segments returns the data segments: two become one, if few zeros are between them. It accepts
// only the form that Go's linker writes: active, for memory 0, and none over another.
func segments(in *wasmReader) []dataSegment {
	segments := make([]dataSegment, in.count())
	for i := range segments {
		segments[i] = in.segment()
	}
	slices.SortFunc(segments, func(a, b dataSegment) int { return cmp.Compare(a.at, b.at) })
	joined := segments[:0]
	for _, s := range segments {
		last := len(joined) - 1
		switch {
		case last < 0 || s.at > joined[last].end()+maxGap:
			s.bytes = bytes.Clone(s.bytes)
			joined = append(joined, s)
		case s.at < joined[last].end():
			in.failed = true
			return nil
		default:
			zeros := make([]byte, s.at-joined[last].end())
			joined[last].bytes = append(append(joined[last].bytes, zeros...), s.bytes...)
		}
	}
	return joined
}

func (r *wasmReader) segment() dataSegment {
	if r.u32() != 0 || r.byte() != opI32Const {
		r.failed = true
	}
	at, ok := nonNegative(r.leb())
	if end := r.byte(); !ok || end != opEnd {
		r.failed = true
	}
	return dataSegment{at, r.take(r.u32())}
}

func (s *dataSegment) end() uint64 { return s.at + uint64(len(s.bytes)) }

// nonNegative returns the number of a signed LEB128, unless it is negative.
func nonNegative(leb []byte) (uint64, bool) {
	n, size := binary.Uvarint(leb)
	return n, size > 0 && leb[size-1]&0x40 == 0
}
