//go:build !js

package bench

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"

	"tidemark/shared/lib0"
)

// file is what a gzip file holds.
func file(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// log is the updates of a trace: varBytes, one after the other.
func log(name string) (updates [][]byte, err error) {
	b, err := file(name)
	if err != nil {
		return nil, err
	}
	for r := lib0.NewReader(b); r.Len() > 0; {
		update, err := r.Bytes()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		updates = append(updates, update)
	}
	return updates, nil
}
