//go:build js && wasm

package host

import (
	"os"
	"unsafe"
)

// warm prepares the snapshot for the boot and the first call. V8 compiles each function when it first
// runs: what makes goroutines, grows stacks and takes memory from the heap would be a third of that.
func warm() {
	newWorker().begin(func() { useStack() })
	for _, size := range sizeClasses {
		warmSpan(func() unsafe.Pointer { return pointer(make([]byte, size)) })
		warmSpan(func() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(make([]*byte, size/wordBytes))) })
	}
}

// warmStack is more stack than what the boot and most calls use, in bytes.
const warmStack = 20 << 10

//go:noinline
func useStack() byte {
	var frame [warmStack]byte
	return frame[len(os.Args)]
}

// sizeClasses are those of Go's heap, in bytes, but for larger objects.
var sizeClasses = [...]int{8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480, 512}

const (
	wordBytes = 8
	spanBytes = 8 << 10
)

// warmSpan allocates objects of a size until one is the first of its span: then there is room for those to come.
//
//go:noinline
func warmSpan(allocate func() unsafe.Pointer) {
	for range spanBytes / wordBytes {
		if uintptr(allocate())%spanBytes == 0 {
			return
		}
	}
}
