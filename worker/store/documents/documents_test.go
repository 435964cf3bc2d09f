//go:build !js

package documents

import (
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// noon is when the tests begin.
var noon = time.UnixMilli(1_700_000_000_000)

func openDB(t testing.TB) *wasmtest.D1 {
	t.Helper()
	return wasmtest.OpenD1(t, store.Migrations())
}
