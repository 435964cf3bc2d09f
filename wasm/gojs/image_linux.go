package gojs

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const canMap = true

// A memoryFile is a file in memory, or none.
type memoryFile struct{ file *os.File }

func newMemoryFile(content []byte) (memoryFile, error) {
	fd, err := unix.MemfdCreate("snapshot", unix.MFD_CLOEXEC)
	if err != nil {
		return memoryFile{}, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "snapshot")
	if err := f.Truncate(int64(len(content))); err != nil {
		f.Close()
		return memoryFile{}, err
	}
	// A page of zeros stays a hole.
	page := os.Getpagesize()
	zeros := string(make([]byte, page))
	for at := 0; at < len(content); at += page {
		b := content[at : at+page]
		if string(b) == zeros {
			continue
		}
		if _, err := f.WriteAt(b, int64(at)); err != nil {
			f.Close()
			return memoryFile{}, err
		}
	}
	return memoryFile{f}, nil
}

// mapTo maps the file in place of a mapping that begins and ends at a page of the system.
func (f memoryFile) mapTo(place []byte) error {
	_, err := unix.MmapPtr(int(f.file.Fd()), 0, unsafe.Pointer(unsafe.SliceData(place)), uintptr(len(place)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	runtime.KeepAlive(f.file)
	return os.NewSyscallError("mmap", err)
}

func (f memoryFile) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
