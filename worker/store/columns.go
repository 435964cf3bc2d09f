package store

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// appendRows appends the JSON objects, divided by commas, of a part that holds
// columns: a line for each member, with a JSON array of as many scalars as
// there are rows, written by SQLite, that is without white space. Members stand
// before the values.
func appendRows(b []byte, members [][]byte, part []byte) []byte {
	// Where each column's next value is, and its end. Slices would cost a write
	// barrier each.
	at, ends := make([]int, len(members)), make([]int, len(members))
	fixed := len("},")
	line := 0
	for i := range at {
		fixed += len(members[i])
		at[i] = line + len("[")
		length := bytes.IndexByte(part[min(line, len(part)):], '\n')
		if length < 0 {
			length = len(part) - line
		}
		if length < len("[]") {
			return b // not what the statement answers
		}
		line += length + len("\n")
	}
	for len(at) > 0 && at[0] < len(part) && part[at[0]] != ']' {
		size := fixed
		for i, start := range at {
			end := scalarEnd(part, start)
			size += end - start
			ends[i] = end
		}
		b = slices.Grow(b, size)
		n := len(b)
		b = b[:n+size]
		for i, member := range members {
			n += copy(b[n:], member)
			n += copy(b[n:], part[at[i]:ends[i]])
			at[i] = min(ends[i]+1, len(part))
		}
		b[n] = '}'
		b[n+1] = ','
		if ends[0] < len(part) && part[ends[0]] == ']' {
			break
		}
	}
	return bytes.TrimSuffix(b, []byte{','})
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// either is where the first a or b is in part from i on, or its end.
func either(part []byte, i int, a, b byte) int {
	for ; i+8 <= len(part); i += 8 {
		word := binary.LittleEndian.Uint64(part[i:])
		x, y := word^(ones*uint64(a)), word^(ones*uint64(b))
		if found := ((x-ones)&^x | (y-ones)&^y) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(part) && part[i] != a && part[i] != b {
		i++
	}
	return i
}

// scalarEnd is where the scalar at i ends.
func scalarEnd(part []byte, i int) int {
	if i >= len(part) || part[i] != '"' {
		return either(part, i, ',', ']')
	}
	for i = either(part, i+1, '"', '\\'); i < len(part) && part[i] != '"'; {
		i = either(part, i+2, '"', '\\')
	}
	return min(i+1, len(part))
}
