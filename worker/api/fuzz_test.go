//go:build !js

package api_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tidemark/worker/api"
	"tidemark/worker/webtest"
)

// FuzzRequest sends any request to the real store: every response is JSON of the
// right form or has no body.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/trpc/sync.pull", "input=%7B%7D", "", "", []byte(nil))
	f.Add("POST", "/trpc/sync.push,sync.push", "batch=1", "application/json", "application/jsonl", []byte(`{"0":{"changes":{},"lastPulledAt":1},"1":[`))
	f.Add("POST", "/trpc/sync.push", "", "application/json", "", []byte(`{"changes":{"customers":{"created":[{"id":"a","updated_at":1}],"updated":[],"deleted":["b"]}},"lastPulledAt":0}`))
	f.Add("GET", "/sync/pull", "lastPulledAt=1&migration=null&cursor=x", "", "", []byte(nil))
	c := configure(f, nil)
	c.Root.Records.Store, c.Root.Tickets = openStore(f)
	c.Door.Rooms = &ports{}
	h := webtest.Handler{Of: api.New(c)}
	f.Fuzz(func(t *testing.T, method, path, query, contentType, accept string, body []byte) {
		switch method {
		case "GET", "POST", "PUT", "DELETE", "OPTIONS":
		default:
			method = "POST"
		}
		u, err := url.Parse("http://x/" + strings.TrimLeft(path, "/"))
		if err != nil || strings.Contains(path, "?") {
			return
		}
		u.RawQuery = query
		r := httptest.NewRequest(method, "/", bytes.NewReader(body))
		r.URL = u
		r.Header.Set("Authorization", "Bearer "+token("alice"))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Trpc-Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 501 {
			t.Fatalf("%s %s %q: %d %s", method, u, body, w.Code, w.Body)
		}
		if w.Code != 204 && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s %q: no JSON: %s", method, u, body, w.Body)
		}
	})
}
