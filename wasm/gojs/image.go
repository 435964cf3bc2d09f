//go:build !js

package gojs

import "bytes"

// An image is the content of a linear memory. On Linux it is a file in memory: a process maps it,
// and gets a copy of a page when it first writes to that page. Without files in memory, as a
// system may forbid them, a process gets a copy of the whole.
type image struct {
	size   int
	file   memoryFile
	memory []byte // if there is no file
}

func newImage(memory []byte) *image {
	i := &image{size: len(memory)}
	if canReserve && canMap {
		var err error
		if i.file, err = newMemoryFile(memory); err == nil {
			return i
		}
		// A sandbox may refuse it, as by seccomp or vm.memfd_noexec. The program must run all the same.
	}
	i.memory = bytes.Clone(memory)
	return i
}

// share lets the process from which the image was taken have its pages in common with those that start from it.
func (i *image) share(m *linear, memory []byte) error {
	if i.memory != nil {
		return nil
	}
	return i.fill(m, memory)
}

// fill gives a process's memory the content of the image. m is where that memory is; nil: in Go's heap.
func (i *image) fill(m *linear, memory []byte) error {
	if i.memory != nil {
		copy(memory, i.memory)
		return nil
	}
	return i.file.mapTo(m.reserved[:i.size])
}

func (i *image) close() error {
	i.memory = nil
	return i.file.close()
}
