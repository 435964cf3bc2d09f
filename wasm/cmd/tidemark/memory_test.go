//go:build !js

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

func TestASizeOfMemoryIsRead(t *testing.T) {
	for text, want := range map[string]int64{
		"268435456": 256 << 20, "256M": 256 << 20, "2g": 2 << 30, "1GiB": 1 << 30, "300MB": 300 << 20, "1048576K": 1 << 30,
		"": 0, "255M": 0, "-2G": 0, "2 G": 0, "much": 0, "9999999999T": 0,
	} {
		if got, err := parseMemory(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	if n := firstNumber("MemTotal:       2048 kB\nMemFree: 1 kB", "MemTotal:"); n != 2<<20 {
		t.Errorf("got %d", n)
	}
	if n := firstNumber("max\n", ""); n != 0 {
		t.Errorf("got %d", n)
	}
}

func TestLargeWorkWaitsAndIsRefusedWhileMemoryIsTight(t *testing.T) {
	trimmed := 0
	g := &memoryGuard{bound: 1000, patience: time.Millisecond, trim: func() { trimmed++ }}
	handler := g.admit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ask := func(size int, header ...string) int {
		r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", size)))
		for _, name := range header {
			r.Header.Set(name, "websocket")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "5" {
			t.Errorf("refused without a time: %v", w.Header())
		}
		return w.Code
	}
	for _, step := range []struct {
		used   int64
		status int
		trims  int
	}{{900, 200, 0}, {901, 503, 1}, {850, 503, 1}, {799, 200, 1}, {850, 200, 1}, {950, 503, 2}} {
		g.note(step.used)
		if got := ask(smallBody + 1); got != step.status || trimmed != step.trims {
			t.Errorf("%+v: got %d after %d trims", step, got, trimmed)
		}
		if got := ask(0, "Upgrade"); got != step.status {
			t.Errorf("%+v: a WebSocket got %d", step, got)
		}
		if got := ask(smallBody); got != 200 {
			t.Errorf("%+v: a small one got %d", step, got)
		}
	}
	g.patience = wasmtest.Patience
	done := make(chan int)
	go func() { done <- ask(smallBody + 1) }()
	g.note(700)
	if got := <-done; got != 200 {
		t.Errorf("one that waited got %d", got)
	}
}
