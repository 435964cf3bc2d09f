//go:build !js

package e2e

import (
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/e2e/hosts"
)

// TestNothingLeaksOnWorkerd runs the suite of leaks between spaces with the guest on workerd.
func TestNothingLeaksOnWorkerd(t *testing.T) {
	needWorkerd(t)
	variables := map[string]string{
		"AUTH_SECRET": hosts.Secret, "YJS_COPY_MILLIS": "0", "LIMIT_REQUESTS_PER_MINUTE": "1000000000",
		"LIMIT_UPLOADS_PER_MINUTE": "1000000000", "LIMIT_SOCKETS_PER_SUBJECT": "1000000",
	}
	conformance.RunLeaks(t, conformance.Prison{
		Door:   conformance.Door{BaseURL: startWorkerd(t, variables), Secret: []byte(hosts.Secret)},
		Routes: "../worker/api/testdata/routes.txt", Seed: 1, Tokens: 25,
		Tick: func() { <-time.After(20 * time.Millisecond) },
	})
}
