//go:build !js

package edge_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

// Compile rejects a guest of another ABI before it runs. The error names both numbers. F2.
func TestAGuestOfAnotherABIDoesNotCompile(t *testing.T) {
	guest := wasmtest.Build(t, "./worker/testguest")
	other := bytes.ReplaceAll(guest, []byte(abi.Module), []byte("tidemark_abi_9"))
	if bytes.Equal(guest, other) {
		t.Fatal("the guest does not import from " + abi.Module)
	}
	m, err := edge.Compile(context.Background(), other, wasmtest.CacheDir())
	if err == nil {
		m.Close(context.Background())
	}
	if want := fmt.Sprintf("built for the host ABI 9, and this host implements %d", abi.Number); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
