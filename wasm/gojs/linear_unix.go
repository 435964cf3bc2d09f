//go:build linux || darwin

package gojs

import "syscall"

const canReserve = true

// reserve returns n bytes of the address space, which take no memory and may not be used.
func reserve(n int) ([]byte, error) {
	return syscall.Mmap(-1, 0, n, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
}

// commit makes a part usable, which begins and ends at a page of the system. It is zero.
func commit(part []byte) error { return syscall.Mprotect(part, syscall.PROT_READ|syscall.PROT_WRITE) }

// release gives up what reserve has returned.
func release(b []byte) { syscall.Munmap(b) }
