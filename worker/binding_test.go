//go:build !js

package main_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"tidemark/e2e/conformance"
	"tidemark/wasm/wasmtest"
)

func TestWithoutItsDatabaseTheServerNamesTheBinding(t *testing.T) {
	config := configured(t)
	config.D1Databases = nil
	s := wasmtest.Start(t, wasmtest.Options{Guest: "./worker", Config: config, Env: map[string]string{"AUTH_SECRET": secret}})
	const missing = "the binding DB is missing: wrangler.toml must have it in [[d1_databases]]"
	for path, want := range map[string]string{
		"/trpc/sync.pull": missing,
		"/readyz":         `{"status":"unready","failures":[{"database":"DB","error":"` + missing + `"}]}`, // F3
	} {
		r, err := http.NewRequest("GET", s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+conformance.Signer([]byte(secret))(conformance.Claims{Subject: "alice", Scope: conformance.NoScope}))
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 503 || !strings.Contains(string(body), want) {
			t.Errorf("GET %s: got %s %s, %v, want 503 with %q", path, response.Status, body, err, want)
		}
	}
}
