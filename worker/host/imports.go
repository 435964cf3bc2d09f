//go:build js && wasm

package host

import (
	"runtime"
	"unsafe"

	"tidemark/shared/abi"
)

// The imports of package abi. The name of their module is abi.Module. The compiler
// accepts only a literal here.

//go:wasmimport tidemark_abi_6 env
func hostEnv(name unsafe.Pointer, n int32) int32

//go:wasmimport tidemark_abi_6 ready
func hostReady()

//go:wasmimport tidemark_abi_6 size
func hostSize(handle int32) int32

//go:wasmimport tidemark_abi_6 take
func hostTake(handle int32, ptr unsafe.Pointer)

//go:wasmimport tidemark_abi_6 read
func hostRead(handle int32, ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 drop
func hostDrop(handle int32)

//go:wasmimport tidemark_abi_6 op
func hostOp(call, op, kind int32, ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 write
func hostWrite(call int32, ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 respond
func hostRespond(call int32, head unsafe.Pointer, headLen int32, body unsafe.Pointer, bodyLen int32)

//go:wasmimport tidemark_abi_6 forward
func hostForward(call int32, ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 count
func hostCount(call int32, ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 overview
func hostOverview() int32

//go:wasmimport tidemark_abi_6 full
func hostFull() int32

//go:wasmimport tidemark_abi_6 again
func hostAgain(call int32) int32

//go:wasmimport tidemark_abi_6 object_name
func hostObjectName() int32

//go:wasmimport tidemark_abi_6 object_exec
func hostObjectExec(ptr unsafe.Pointer, n int32) int32

//go:wasmimport tidemark_abi_6 object_try
func hostObjectTry(ptr unsafe.Pointer, n int32) int32

//go:wasmimport tidemark_abi_6 object_erase
func hostObjectErase()

//go:wasmimport tidemark_abi_6 object_size
func hostObjectSize() int32

//go:wasmimport tidemark_abi_6 object_acts
func hostObjectActs(call int32) int32

//go:wasmimport tidemark_abi_6 object_conns
func hostObjectConns() int32

//go:wasmimport tidemark_abi_6 object_send
func hostObjectSend(conns unsafe.Pointer, n, kind int32, ptr unsafe.Pointer, size int32) int32

//go:wasmimport tidemark_abi_6 object_close
func hostObjectClose(conn, code int32, ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 object_attach
func hostObjectAttach(conn int32, ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 object_alarm
func hostObjectAlarm(millis float64)

//go:wasmimport tidemark_abi_6 object_timer
func hostObjectTimer(millis float64, holds int32)

//go:wasmimport tidemark_abi_6 object_timer_set
func hostObjectTimerSet() int32

//go:wasmimport tidemark_abi_6 object_autoreply
func hostObjectAutoreply(ping unsafe.Pointer, pingLen int32, pong unsafe.Pointer, pongLen int32)

//go:wasmimport tidemark_abi_6 object_reply
func hostObjectReply(ptr unsafe.Pointer, n int32)

//go:wasmimport tidemark_abi_6 object_ends
func hostObjectEnds() int32

//go:wasmimport tidemark_abi_6 object_forgive
func hostObjectForgive()

// address returns the address of b. The caller keeps b alive until the import returns.
func address(b []byte) uint32 { return uint32(uintptr(pointer(b))) }

func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

// inbox is where the host may put the bytes of an export's handle.
var inbox [abi.InboxBytes]byte

//go:wasmexport inbox
func inboxAddress() unsafe.Pointer { return unsafe.Pointer(&inbox) }

// take returns the n bytes of a handle. Those of handle 0 are in the inbox, until the export ends.
func take(handle, n int32) []byte {
	if handle == 0 {
		return append([]byte(nil), inbox[:n]...)
	}
	Collect(int(n))
	b := make([]byte, n)
	hostTake(handle, pointer(b))
	return b
}

// takeText is take for a text.
func takeText(handle, n int32) string {
	if handle == 0 {
		return string(inbox[:n])
	}
	return string(take(handle, n))
}

// muchBytes is the size from which Collect runs the collector, which takes some
// milliseconds.
const muchBytes = 4 << 20

// Collect frees the garbage of earlier requests before one that needs that many
// bytes. Linear memory does not shrink: without Collect it would grow by the new
// bytes while the garbage is still there.
func Collect(bytes int) {
	if bytes >= muchBytes {
		runtime.GC()
	}
}

// Full reports whether the instance has grown so much that the host begins no new
// call in it. A call that waits for memory finds more in the next instance.
func Full() bool { return hostFull() != 0 }

// takeResult returns the result of an import: the bytes of a handle, or, for a
// negative handle, an error with its text.
func takeResult(handle int32) ([]byte, error) {
	if handle < 0 {
		return nil, abi.OpError(take(-handle, hostSize(-handle)))
	}
	return take(handle, hostSize(handle)), nil
}
