//go:build !linux && !darwin && !js

package gojs

// Linear memory is in Go's heap.
const canReserve = false

func reserve(int) ([]byte, error) { return nil, nil }
func commit([]byte) error         { return nil }
func release([]byte)              {}
