package bench

import (
	"syscall"
	"unsafe"
)

// ran is the time in ms that this thread was on the CPU, now: that of getrusage
// is as old as the last tick. The caller must have locked its thread.
func ran() float64 {
	const threadTime = 3 // CLOCK_THREAD_CPUTIME_ID of linux/time.h
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadTime, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic(errno)
	}
	return float64(t.Nano()) / 1e6
}
