//go:build !js

package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"tidemark/e2e/conformance"
)

// TestConformanceElsewhere runs the suite of projects on a server at CONFORMANCE_URL with
// the secret CONFORMANCE_SECRET. If prism is a proxy before it, prism's findings are
// failures, except findings about a request that the server rejected.
func TestConformanceElsewhere(t *testing.T) {
	url, secret := os.Getenv("CONFORMANCE_URL"), []byte(os.Getenv("CONFORMANCE_SECRET"))
	if url == "" {
		t.Skip("needs CONFORMANCE_URL")
	}
	door := conformance.Door{BaseURL: url, Token: conformance.Signer(secret), Secret: secret}
	conformance.RunProjects(t, door, func(t *testing.T, e conformance.Exchange) {
		var found []violation
		if text := e.AnswerHeader.Get("Sl-Violations"); text != "" {
			if err := json.Unmarshal([]byte(text), &found); err != nil {
				t.Errorf("%v: %s", err, text)
			}
		}
		for _, v := range found {
			if e.Status < 300 || slices.Contains(v.Location, any("response")) {
				t.Errorf("%s %s %.500s gets %d, %.500s: %v", e.Method, e.Path, e.Body, e.Status, e.Answer, v)
			}
		}
	})
}

// A violation is a finding of prism: the place, which begins with "request" or "response",
// and the message.
type violation struct {
	Location []any
	Message  string
}
