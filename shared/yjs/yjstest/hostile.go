// Package yjstest makes updates for tests. They are valid and short, and cost much more
// memory or time than their bytes suggest. docs/protocol.md, Y10 and Y11.
package yjstest

import (
	"fmt"
	"strings"

	"tidemark/shared/lib0"
)

// Scanning is an update whose n items of client 1, from clock from on, stand each
// beside another unit of a text of length units by client 2: integrating one passes
// those before it. From clock 0 on it brings the text too.
func Scanning(from, n, length int) []byte {
	b := []byte{1}
	if from == 0 {
		b = text([]byte{2}, 2, length)
	}
	b = uints(b, n, 1, from)
	for i := from; i < from+n; i++ {
		b = append(uints(append(b, 0x44), 2, i%length), 1, 'x')
	}
	return append(b, 0)
}

// EmptyBlocks has n blocks without structs, each of another client, and one item.
func EmptyBlocks(n int) []byte {
	b := uints(nil, n+1)
	for i := n; i > 0; i-- {
		b = uints(b, 0, i+10, 0)
	}
	return append(text(b, 1, 1), 0)
}

// SplitByRanges deletes every second unit of one string, n times.
func SplitByRanges(n int) []byte {
	b := uints(text([]byte{1}, 1, 2*n), 1, 1, n)
	for i := range n {
		b = uints(b, 2*i, 1)
	}
	return b
}

// SplitByOrigins has n items that each split a string twice.
func SplitByOrigins(n int) []byte {
	b := uints(text([]byte{2}, 2, 3*n+3), n, 1, 0)
	for i := range n {
		b = append(uints(append(b, 0xc4), 2, 3*i, 2, 3*i+2), 1, 'x')
	}
	return append(b, 0)
}

// Foreign has n items that each refer to two clients of their own.
func Foreign(n int) []byte {
	b := uints(nil, 1, n, 1, 0)
	for i := range n {
		b = append(uints(append(b, 0xc4), 2*i+10, 0, 2*i+11, 0), 1, 'x')
	}
	return append(b, 0)
}

// Keys has n items that each bring a root type and a key of it.
func Keys(n int) []byte {
	b := uints(nil, 1, n, 1, 0)
	for i := range n {
		b = lib0.AppendString(append(b, 0x24, 1), fmt.Sprintf("%x", i))
		b = append(lib0.AppendString(b, fmt.Sprintf("k%x", i)), 1, 'x')
	}
	return append(b, 0)
}

// Unmerged has n items of one unit, of a client, that do not merge.
func Unmerged(client, n int) []byte {
	b := uints(nil, 1, n, client, 0)
	for i := range n {
		b = append(b, 4, 1, 1, 'a'+byte(i%2), 1, 'x')
	}
	return append(b, 0)
}

// Deletes has n delete ranges of client 1: every second unit from clock from on.
func Deletes(from, n int) []byte {
	b := uints(nil, 0, 1, 1, n)
	for i := range n {
		b = uints(b, from+2*i, 1)
	}
	return b
}

// Ascending has n clients from first on, in ascending order, which yjs never writes. Each
// has a text of length units.
func Ascending(first, n, length int) []byte {
	b := uints(nil, n)
	for i := range n {
		b = text(b, first+i, length)
	}
	return append(b, 0)
}

// Typed is one unit of client 1, at a clock, in the root t.
func Typed(clock int) []byte {
	return append(uints(nil, 1, 1, 1, clock), 4, 1, 1, 't', 1, 'x', 0)
}

// Vector is a state vector of n clients.
func Vector(n int) []byte {
	b := uints(nil, n)
	for i := range n {
		b = uints(b, i, 1)
	}
	return b
}

// text appends a block of one string in the root t.
func text(b []byte, client, length int) []byte {
	b = append(uints(b, 1, client, 0), 4, 1, 1, 't')
	return lib0.AppendString(b, strings.Repeat("a", length))
}

func uints(b []byte, values ...int) []byte {
	for _, v := range values {
		b = lib0.AppendUint(b, uint64(v))
	}
	return b
}
