package edge

import (
	"syscall"
	"testing"
	"unsafe"
)

// isMapped reports whether a page is in the address space of the process.
func isMapped(page uintptr) bool {
	var resident byte
	_, _, errno := syscall.Syscall(syscall.SYS_MINCORE, page&^(pageBytes-1), pageBytes, uintptr(unsafe.Pointer(&resident)))
	return errno == 0
}

// SQLite makes the text of a first pull again and again. To map it each time, and to unmap it, took
// a fifth of a pull.
func TestALargeBlockStaysUntilATrim(t *testing.T) {
	a := &allocator{}
	const n = 3 << 20
	p := a.malloc(n)
	a.free(p)
	if !isMapped(p) {
		t.Fatal("a free block went to the system at once")
	}
	if q := a.malloc(n); q != p {
		t.Fatalf("another block: %x, want %x", q, p)
	}
	other := a.malloc(n)
	a.free(other)
	a.trim()
	if isMapped(other) {
		t.Error("a free block is still mapped after a trim")
	}
	if !isMapped(p) {
		t.Error("a trim took a block that is in use")
	}
	bytesAt(p, n)[n-1] = 1
	a.free(p)
}
