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
	r, err := http.NewRequest("GET", s.URL+"/trpc/sync.pull", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+conformance.Signer([]byte(secret))(conformance.Claims{Subject: "alice", Scope: conformance.NoScope}))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := "the binding DB is missing: wrangler.toml must have it in [[d1_databases]]"; err != nil || response.StatusCode != 503 || !strings.Contains(string(body), want) {
		t.Errorf("got %s %s, %v, want 503 with %q", response.Status, body, err, want)
	}
}
