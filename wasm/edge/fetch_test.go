//go:build !js

package edge_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"tidemark/wasm/wasmtest"
)

// other is a server that the guest fetches from; e2e/workerd/fetch.test.mjs has
// the same one.
func other(t *testing.T) string {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", "z")
		w.Header().Set("Content-Type", "text/plain")
		name, n, _ := strings.Cut(r.URL.Path[1:], "/")
		number, _ := strconv.Atoi(n)
		switch name {
		case "redirect":
			w.Header().Del("Content-Type")
			w.Header().Set("Location", "/hello")
			w.WriteHeader(http.StatusFound)
			return
		case "long":
			io.WriteString(w, strings.Repeat("a", number))
			return
		case "never", "endless":
			if name == "endless" {
				io.WriteString(w, "a")
				w.(http.Flusher).Flush()
			}
			select {
			case <-done:
			case <-r.Context().Done():
			}
			return
		case "status":
			w.WriteHeader(number)
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("X"), body)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	return server.URL
}

func TestTheGuestFetches(t *testing.T) {
	text, err := os.ReadFile("../../shared/abi/testdata/fetch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		What, Path, URL, Method, Body string
		MS, Reach                     int
		Max                           *int
		Want                          json.RawMessage
		Error                         string
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	s, server := start(t, wasmtest.Options{}), other(t)
	for _, c := range cases {
		if c.Path != "" {
			c.URL = server + c.Path
		}
		most := 1000
		if c.Max != nil {
			most = *c.Max
		}
		query := url.Values{
			"url": {c.URL}, "method": {cmp.Or(c.Method, "GET")}, "body": {c.Body},
			"ms": {strconv.Itoa(cmp.Or(c.MS, 600_000))}, "max": {strconv.Itoa(most)}, "reach": {strconv.Itoa(c.Reach)},
		}
		_, got := do(t, s, "GET", "/fetch?"+query.Encode(), "")
		var answer struct{ Error *string }
		if err := json.Unmarshal([]byte(got), &answer); err != nil {
			t.Fatalf("%s: %v: %s", c.What, err, got)
		}
		if c.Want == nil {
			if answer.Error == nil || !strings.Contains(*answer.Error, c.Error) {
				t.Errorf("%s: got %s, want an error with %q", c.What, got, c.Error)
			}
			continue
		}
		var gotValue, wantValue map[string]any
		json.Unmarshal([]byte(got), &gotValue)
		json.Unmarshal(c.Want, &wantValue)
		if fmt.Sprint(gotValue) != fmt.Sprint(wantValue) {
			t.Errorf("%s: got %s, want %s", c.What, got, c.Want)
		}
	}
	atRest(t, s, 100)
}

// The URL of a receiver may hold a secret, and the guest logs why a request failed.
func TestTheErrorOfAFetchHasNoURL(t *testing.T) { // M3
	s := start(t, wasmtest.Options{})
	for _, host := range []string{"http://127.0.0.1:1", "https://127.0.0.1:1", "https://nowhere.invalid"} {
		query := url.Values{"url": {host + "/hidden?key=hidden"}, "method": {"POST"}, "ms": {"9000"}, "max": {"9"}}
		if _, got := do(t, s, "GET", "/fetch?"+query.Encode(), ""); !strings.Contains(got, `"error":"`) || strings.Contains(got, "hidden") {
			t.Errorf("%s: %s", host, got)
		}
	}
}
