//go:build !js

package gojs

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero/experimental"
)

// mapped is how many bytes of linear memory all programs have outside of Go's heap.
var mapped atomic.Int64

// Mapped returns how many bytes of linear memory all programs have outside of Go's heap.
// Go's own figures lack them. It is 0 on systems where linear memory is in Go's heap.
func Mapped() int64 { return mapped.Load() }

// A linear is the linear memory of one program. It has its place in the address space from
// the start, so that it grows without a copy, and Free gives it back to the system at once.
// RATIONALE.md has why Go's heap is no place for it.
type linear struct {
	reserved []byte // usable up to size
	size     int
	limit    int
}

// mostLinear is the largest linear memory of 32-bit addresses.
const mostLinear = 1 << 32

// newLinear returns an empty linear memory, which may grow to limit bytes; 0 is no limit. It
// returns nil on systems where linear memory is in Go's heap.
func newLinear(limit int) (*linear, error) {
	if !canReserve {
		return nil, nil
	}
	size := mostLinear
	if limit > 0 {
		size = min(size, limit)
	}
	reserved, err := reserve(size)
	if err != nil {
		return nil, fmt.Errorf("gojs: no address space for linear memory: %w", err)
	}
	return &linear{reserved: reserved, limit: limit}, nil
}

// allocator returns a context in which wazero gives a program this memory.
func (m *linear) allocator(ctx context.Context) context.Context {
	if m == nil {
		return ctx
	}
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(uint64, uint64) experimental.LinearMemory { return m }))
}

// Reallocate returns the memory with the new size. It returns nil if the system has no memory,
// and panics beyond the limit.
func (m *linear) Reallocate(size uint64) []byte {
	if m.limit > 0 && size > uint64(m.limit) {
		panic(errBudget(m.limit))
	}
	n := int(size)
	if n > len(m.reserved) || n > m.size && commit(m.reserved[m.size:n]) != nil {
		return nil
	}
	mapped.Add(int64(n - m.size))
	m.size = n
	return m.reserved[:n:n]
}

// Free gives the memory back. No slice of it may be used any more.
func (m *linear) Free() {
	if m == nil || m.reserved == nil {
		return
	}
	release(m.reserved)
	mapped.Add(-int64(m.size))
	m.reserved, m.size = nil, 0
}

func errBudget(limit int) error {
	return fmt.Errorf("gojs: %w of %d MiB", ErrMemory, limit>>20)
}
