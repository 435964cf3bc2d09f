//go:build !js

package main_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

// What it costs to count and log a request that does nothing else. operate.md, M5.
func BenchmarkTrivialRequest(b *testing.B) {
	w, err := edge.Open(edge.Options{
		Module: wasmtest.Compile(b, "./worker"), Config: configured(b), Data: b.TempDir(), Env: map[string]string{"AUTH_SECRET": secret},
		Instances: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer w.ForTests().Crash()
	for name, handler := range map[string]http.Handler{"served": w, "observed": w.Observe(w)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", "/healthz", nil)
				rw := httptest.NewRecorder()
				if handler.ServeHTTP(rw, r); rw.Code != http.StatusOK {
					b.Fatal(rw.Code)
				}
			}
		})
	}
}
