//go:build !linux && !js

package gojs

import "errors"

const canMap = false

// A memoryFile does not exist on this system.
type memoryFile struct{}

func newMemoryFile([]byte) (memoryFile, error) { return memoryFile{}, errors.ErrUnsupported }
func (memoryFile) mapTo([]byte) error          { return errors.ErrUnsupported }
func (memoryFile) close() error                { return nil }
