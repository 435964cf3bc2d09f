//go:build !js

package edge

import (
	"fmt"
	"math/bits"
	"sync"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/memory"
	sqlite3 "modernc.org/sqlite/lib"
)

// An allocator gives SQLite its memory. It has blocks of certain sizes, its classes. It
// takes the blocks of a class from spans, and the spans from regions. Blocks that are too
// large for a class have a region each.
// RATIONALE.md has why SQLite does not take its memory from libc.
type allocator struct {
	mu      sync.Mutex
	regions memory.Allocator // keeps some that are free, until trim
	classes [classCount]sizeClass
	spans   []*span // by number; nil: given back to regions
	unused  []int   // numbers of spans that are nil
}

// A sizeClass has the spans of one block size.
type sizeClass struct {
	partial []*span // that have a free block, in no order
	empty   int     // how many spans have no block in use: 0 or 1
}

// A span is memory for blocks of one class.
type span struct {
	number int
	class  int
	base   uintptr
	free   []uint16 // blocks that were used and are free again
	fresh  int      // the first block that was never used
	blocks int
	at     int // in partial; -1: no block is free
}

const (
	blockHeader = 8  // bytes before each block: its span's number times 2, or a large block's size times 2 plus 1
	classStep   = 16 // bytes from one of the smallest blocks, with header, to the next
	classSteps  = 8  // from a size to twice that size
	classCount  = 81
	largestSlot = 72 << 10    // of the last class, which holds the 64 KB of a journal of a statement
	smallSpan   = 64<<10 - 64 // with a region's header less than 64 KB
	largeSpan   = 256<<10 - 64
)

// classOf returns the class of blocks of n bytes with the header, n being at most largestSlot.
func classOf(n int) int {
	units := (n + classStep - 1) / classStep // of the finest step
	if units <= 2*classSteps {
		return max(units, 1) - 1
	}
	shift := bits.Len(uint(units-1)) - bits.Len(uint(2*classSteps-1))
	return (units-1)>>shift + shift*classSteps
}

// slotOf returns the bytes of a class's block with the header.
func slotOf(class int) int {
	if class < 2*classSteps {
		return (class + 1) * classStep
	}
	shift := class/classSteps - 1
	return (class - shift*classSteps + 1) << shift * classStep
}

// sqlMemory is SQLite's allocator, of all connections.
var sqlMemory = &allocator{}

// TrimSQLite gives the system the memory that SQLite has freed.
func TrimSQLite() { sqlMemory.trim() }

func init() {
	tls := libc.NewTLS()
	defer tls.Close()
	args := libc.Xmalloc(tls, 64)
	defer libc.Xfree(tls, args)
	config := func(op int32, list uintptr) {
		if rc := sqlite3.Xsqlite3_config(tls, op, list); rc != sqlite3.SQLITE_OK {
			panic(fmt.Sprintf("sqlite3_config(%d): %d", op, rc))
		}
	}
	config(sqlite3.SQLITE_CONFIG_MALLOC, libc.VaList(args, uintptr(unsafe.Pointer(&memoryMethods))))
	// SQLite takes each page when it needs it, and not the first 20 of a table at once.
	config(sqlite3.SQLITE_CONFIG_PAGECACHE, libc.VaList(args, uintptr(0), int32(0), int32(0)))
}

// memoryMethods are the functions of sqlite3_mem_methods.
var memoryMethods = sqlite3.Tsqlite3_mem_methods{
	FxMalloc:   *(*uintptr)(unsafe.Pointer(&memoryFuncs.malloc)),
	FxFree:     *(*uintptr)(unsafe.Pointer(&memoryFuncs.free)),
	FxRealloc:  *(*uintptr)(unsafe.Pointer(&memoryFuncs.realloc)),
	FxSize:     *(*uintptr)(unsafe.Pointer(&memoryFuncs.size)),
	FxRoundup:  *(*uintptr)(unsafe.Pointer(&memoryFuncs.roundup)),
	FxInit:     *(*uintptr)(unsafe.Pointer(&memoryFuncs.init)),
	FxShutdown: *(*uintptr)(unsafe.Pointer(&memoryFuncs.shutdown)),
}

var memoryFuncs = struct {
	malloc   func(*libc.TLS, int32) uintptr
	free     func(*libc.TLS, uintptr)
	realloc  func(*libc.TLS, uintptr, int32) uintptr
	size     func(*libc.TLS, uintptr) int32
	roundup  func(*libc.TLS, int32) int32
	init     func(*libc.TLS, uintptr) int32
	shutdown func(*libc.TLS, uintptr)
}{
	malloc:   func(_ *libc.TLS, n int32) uintptr { return sqlMemory.malloc(int(n)) },
	free:     func(_ *libc.TLS, p uintptr) { sqlMemory.free(p) },
	realloc:  func(_ *libc.TLS, p uintptr, n int32) uintptr { return sqlMemory.realloc(p, int(n)) },
	size:     func(_ *libc.TLS, p uintptr) int32 { return int32(sqlMemory.size(p)) },
	roundup:  func(_ *libc.TLS, n int32) int32 { return int32(roundUp(int(n))) },
	init:     func(*libc.TLS, uintptr) int32 { return sqlite3.SQLITE_OK },
	shutdown: func(*libc.TLS, uintptr) {},
}

// roundUp returns how many bytes a block for n bytes has.
func roundUp(n int) int {
	if n+blockHeader > largestSlot {
		return (n + 7) &^ 7
	}
	return slotOf(classOf(n+blockHeader)) - blockHeader
}

// header returns the header of a block.
func header(block uintptr) *uint64 {
	p := block - blockHeader
	return *(**uint64)(unsafe.Pointer(&p))
}

// malloc returns a block of at least n bytes, or 0 if there is no memory.
func (a *allocator) malloc(n int) uintptr {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n+blockHeader > largestSlot {
		p, _ := a.regions.UintptrMalloc(n + blockHeader)
		return a.large(p, n)
	}
	class := classOf(n + blockHeader)
	c := &a.classes[class]
	if len(c.partial) == 0 && !a.addSpan(class) {
		return 0
	}
	s := c.partial[len(c.partial)-1]
	if s.used() == 0 {
		c.empty--
	}
	var block int
	if last := len(s.free) - 1; last >= 0 {
		block, s.free = int(s.free[last]), s.free[:last]
	} else {
		block = s.fresh
		s.fresh++
	}
	if s.used() == s.blocks {
		c.remove(s)
	}
	p := s.base + uintptr(block*slotOf(class)) + blockHeader
	*header(p) = uint64(s.number) << 1
	return p
}

// large completes a block of n bytes that has a region; 0: there is no memory.
func (a *allocator) large(p uintptr, n int) uintptr {
	if p == 0 {
		return 0
	}
	p += blockHeader
	*header(p) = uint64(n)<<1 | 1
	return p
}

func isLarge(block uintptr) bool { return *header(block)&1 != 0 }

func (a *allocator) free(p uintptr) {
	if p == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if isLarge(p) {
		a.regions.UintptrFree(p - blockHeader)
		return
	}
	s := a.spans[*header(p)>>1]
	c := &a.classes[s.class]
	s.free = append(s.free, uint16(int(p-blockHeader-s.base)/slotOf(s.class)))
	if s.at < 0 {
		c.add(s)
	}
	if s.used() > 0 {
		return
	}
	if c.empty++; c.empty > 1 { // the class keeps one, for the next block
		c.empty--
		c.remove(s)
		a.spans[s.number] = nil
		a.unused = append(a.unused, s.number)
		a.regions.UintptrFree(s.base)
	}
}

// realloc returns a block of at least n bytes with the content of the block p, which it frees.
// If it returns 0, there is no memory, and p is as it was.
func (a *allocator) realloc(p uintptr, n int) uintptr {
	old := a.size(p)
	if isLarge(p) && n+blockHeader > largestSlot {
		a.mu.Lock()
		defer a.mu.Unlock()
		q, _ := a.regions.UintptrRealloc(p-blockHeader, n+blockHeader)
		return a.large(q, n)
	}
	if roundUp(n) == old {
		return p
	}
	q := a.malloc(n)
	if q != 0 {
		libc.Xmemcpy(nil, q, p, libc.Tsize_t(min(old, n)))
		a.free(p)
	}
	return q
}

// size returns how many bytes a block has.
func (a *allocator) size(p uintptr) int {
	if p == 0 {
		return 0
	}
	if isLarge(p) {
		return int(*header(p) >> 1)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return slotOf(a.spans[*header(p)>>1].class) - blockHeader
}

// trim gives free regions back to the system.
func (a *allocator) trim() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.regions.Trim()
}

// addSpan gives a class a span, unless there is no memory.
func (a *allocator) addSpan(class int) bool {
	bytes := smallSpan
	if slotOf(class) > smallSpan/8 {
		bytes = largeSpan
	}
	base, _ := a.regions.UintptrMalloc(bytes)
	if base == 0 {
		return false
	}
	s := &span{class: class, base: base, blocks: bytes / slotOf(class)}
	if last := len(a.unused) - 1; last >= 0 {
		s.number, a.unused = a.unused[last], a.unused[:last]
		a.spans[s.number] = s
	} else {
		s.number = len(a.spans)
		a.spans = append(a.spans, s)
	}
	a.classes[class].add(s)
	a.classes[class].empty++
	return true
}

func (s *span) used() int { return s.fresh - len(s.free) }

// add adds a span that has a free block.
func (c *sizeClass) add(s *span) {
	s.at = len(c.partial)
	c.partial = append(c.partial, s)
}

// remove removes a span.
func (c *sizeClass) remove(s *span) {
	last := len(c.partial) - 1
	c.partial[s.at] = c.partial[last]
	c.partial[s.at].at = s.at
	c.partial[last] = nil
	c.partial = c.partial[:last]
	s.at = -1
}
