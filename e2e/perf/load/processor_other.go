//go:build !linux

package main

import (
	"errors"
	"time"
)

// processorTime fails: the benchmarks read /proc, too.
func processorTime(int) (time.Duration, error) {
	return 0, errors.New("the processor time of a process can be read on Linux alone")
}
