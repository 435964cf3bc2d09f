//go:build !js

package main_test

import (
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/wasm/wasmtest"
)

// prisonVariables are those of a server whose spaces are tested for leaks.
var prisonVariables = []string{"YJS_COPY_MILLIS", "0", "LIMIT_REQUESTS_PER_MINUTE", "1000000000", "LIMIT_UPLOADS_PER_MINUTE", "1000000000", "LIMIT_SOCKETS_PER_SUBJECT", "1000000"}

func TestNothingLeaksBetweenSpaces(t *testing.T) {
	wasmtest.Seeds(t, 2, 1, func(t *testing.T) func(uint64) error {
		return func(seed uint64) error {
			s, clock := startGuest(t, prisonVariables...)
			conformance.RunLeaks(t, conformance.Prison{
				Door:   conformance.Door{BaseURL: s.URL, Secret: []byte(secret)},
				Routes: "api/testdata/routes.txt", Seed: seed, Tokens: 60,
				Heard: func() int { return s.Gate.Count("request") },
				Tick:  func() { clock.Advance(time.Second) },
			})
			return nil
		}
	})
}
