package main

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// processorTime returns what all threads of a process have used, those that ended too. It is
// exact, where /proc has hundredths of a second. Of process 0 it returns 0.
func processorTime(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	var used syscall.Timespec
	clock := ^pid<<3 | 2 // clock_getcpuclockid(3): the scheduler's clock of a process
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&used)), 0); errno != 0 {
		return 0, fmt.Errorf("the processor time of process %d: %w", pid, errno)
	}
	return time.Duration(used.Nano()), nil
}
