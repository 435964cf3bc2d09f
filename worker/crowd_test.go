//go:build !js

package main_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"tidemark/wasm/wasmtest"
)

// The server handles large requests that arrive at once one after the other, or
// refuses some. None of them ends the instance that they share.
func TestManyLargeRequestsAtOnceEndNoInstance(t *testing.T) {
	if testing.Short() {
		t.Skip("moves hundreds of megabytes")
	}
	log := &journal{}
	s := wasmtest.Start(t, wasmtest.Options{
		Guest: "./worker", Config: configured(t), Log: log, Instances: 1, Env: map[string]string{"AUTH_SECRET": secret},
	})
	c := watched{caller{t, s, bearer(t)}, log}
	text, _ := json.Marshal(strings.Repeat("x", 1_100))
	for from := 0; from < 20_000; from += 2_000 {
		if status, answer := c.ask("POST", "/trpc/sync.push", rowsOf("r", from, 2_000, string(text))); status != 200 {
			t.Fatalf("%d %.300s", status, answer)
		}
	}
	if status, answer := c.ask("POST", "/yjs/large", heavy(1, 15<<20)); status != 204 && status != 200 {
		t.Fatalf("%d %.300s", status, answer)
	}
	type request struct {
		method, path string
		body         []byte
	}
	same := rowsOf("r", 0, 13_000, string(text))
	pull, document := request{"GET", "/trpc/sync.pull", nil}, request{"GET", "/yjs/large", nil}
	push := request{"POST", "/trpc/sync.push", same}
	refused := request{"POST", "/trpc/sync.push", bytes.Replace(same, []byte(`"lastPulledAt":null`), []byte(`"lastPulledAt":-1`), 1)}
	for _, round := range []struct {
		what string
		of   []request
	}{
		{"first pulls", []request{pull}}, {"of everything", []request{pull, push, document, refused}},
	} {
		var mu sync.Mutex
		counts := map[int]int{}
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() {
				ask := round.of[i%len(round.of)]
				status, answer := c.ask(ask.method, ask.path, ask.body)
				mu.Lock()
				defer mu.Unlock()
				counts[status]++
				if status >= 500 && status != 503 {
					t.Errorf("%s: %d %.300s", round.what, status, answer)
				}
			})
		}
		group.Wait()
		memory := 0
		for _, m := range s.Worker().Memory() {
			memory += m >> 20
		}
		t.Logf("10 %s: %v, and then %d MB", round.what, counts, memory)
		if counts[200] == 0 {
			t.Errorf("none of 10 %s was served", round.what)
		}
		c.lives(round.what)
	}
}
