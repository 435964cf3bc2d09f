//go:build !js

package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
)

// The budget of the module, in bytes: what it had when somebody last made it smaller, and 1 %. An isolate
// compiles the module before its first request, and Cloudflare's free plan takes 3 MiB of what workerd runs, compressed:
// of the module with its memory before the boot.
// Somebody who raises the budget writes into RATIONALE.md what the bytes bring.
const (
	moduleBytes     = 9_486_000
	compressedBytes = 2_475_000
)

func TestTheModuleStaysWithinItsBudget(t *testing.T) {
	module, err := os.ReadFile("../build/tidemark.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if len(module) > moduleBytes {
		t.Errorf("the module has %d bytes, and may have %d", len(module), moduleBytes)
	}
	uploaded, err := os.ReadFile("../build/worker.wasm")
	if err != nil {
		t.Fatal(err)
	}
	var counted counter
	w, err := gzip.NewWriterLevel(&counted, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, bytes.NewReader(uploaded)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if counted > compressedBytes {
		t.Errorf("what workerd runs has %d bytes, compressed, and may have %d", counted, compressedBytes)
	}
	t.Logf("%d bytes, %d of what workerd runs, compressed", len(module), counted)
}

// A counter counts what is written to it.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
