//go:build !js

package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// startCompressed serves a handler as the command does.
func startCompressed(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	handler, err := compress(h)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// ask sends a request and does not decode the response's body.
func ask(t *testing.T, url string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

var long = strings.Repeat("tidemark ", 1000)

func TestWhatIsCompressed(t *testing.T) {
	server := startCompressed(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.FormValue("type"))
		w.Header().Add("Vary", "origin")
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, long[:len(long)/len(r.FormValue("short")+"x")])
	})
	for _, c := range []struct {
		contentType, accepts string
		short, compressed    bool
	}{
		{"application/json", "gzip", false, true},
		{"application/json", "gzip, deflate, br", false, true},
		{"application/json; charset=utf-8", "br;q=1, gzip;q=0.5", false, true},
		{"application/problem+json", "gzip", false, true},
		{"text/html", "gzip", false, true},
		{"text/javascript; charset=utf-8", "gzip", false, true},
		{"image/svg+xml", "gzip", false, true},
		{"application/octet-stream", "gzip", false, false},
		{"image/png", "gzip", false, false},
		{"application/json", "", false, false},
		{"application/json", "identity", false, false},
		{"application/json", "gzip;q=0", false, false},
		{"application/json", "br", false, false},
		{"application/json", "gzip", true, false},
	} {
		query, want := "?type="+url.QueryEscape(c.contentType), long
		if c.short {
			query, want = query+"&short="+strings.Repeat("x", 9), long[:len(long)/10]
		}
		res := ask(t, server+query, "Accept-Encoding", c.accepts)
		body := io.Reader(res.Body)
		if compressed := res.Header.Get("Content-Encoding") == "gzip"; compressed != c.compressed {
			t.Errorf("%+v: content-encoding %q", c, res.Header.Get("Content-Encoding"))
		} else if compressed {
			var err error
			if body, err = gzip.NewReader(res.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != want {
			t.Errorf("%+v: got %d bytes, %v", c, len(got), err)
		}
		if vary := strings.Join(res.Header.Values("Vary"), ", "); vary != "origin, Accept-Encoding" {
			t.Errorf("%+v: vary %q", c, vary)
		}
	}
}

// A compressed response has an ETag of its own. In requests, the handler gets its
// own ETag instead.
func TestTheETagOfACompressedAnswer(t *testing.T) {
	server := startCompressed(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v0", "v1"` || r.Header.Get("If-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, long)
	})
	if tag := ask(t, server, "Accept-Encoding", "gzip").Header.Get("ETag"); tag != `"v1-gzip"` {
		t.Errorf("compressed: got %s", tag)
	}
	if tag := ask(t, server).Header.Get("ETag"); tag != `"v1"` {
		t.Errorf("not compressed: got %s", tag)
	}
	for name, tags := range map[string]string{"If-None-Match": `"v0-gzip", "v1-gzip"`, "If-Match": `"v1-gzip"`} {
		if res := ask(t, server, name, tags, "Accept-Encoding", "gzip"); res.StatusCode != http.StatusNotModified {
			t.Errorf("%s: got %d", name, res.StatusCode)
		}
	}
}

func TestALineThatIsFlushedIsReadBeforeTheNextIsWritten(t *testing.T) {
	read := make(chan struct{})
	server := startCompressed(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for range 3 {
			fmt.Fprintln(w, `{"line":1}`)
			http.NewResponseController(w).Flush()
			select {
			case <-read:
			case <-r.Context().Done():
			}
		}
	})
	res := ask(t, server, "Accept-Encoding", "gzip")
	body, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(body)
	for range 3 {
		if line, err := lines.ReadString('\n'); line != "{\"line\":1}\n" {
			t.Errorf("got %q, %v", line, err)
		}
		read <- struct{}{}
	}
}

func TestAWebSocketIsNotCompressed(t *testing.T) {
	server := startCompressed(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		ws.Write(r.Context(), websocket.MessageText, []byte(long))
		ws.Close(websocket.StatusNormalClosure, "")
	})
	ws, res, err := websocket.Dial(t.Context(), server, &websocket.DialOptions{HTTPHeader: http.Header{"Accept-Encoding": {"gzip"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ws.SetReadLimit(int64(len(long)))
	if _, got, err := ws.Read(t.Context()); string(got) != long || err != nil || res.Header.Get("Vary") != "" {
		t.Errorf("got %d bytes, %v, vary %q", len(got), err, res.Header.Get("Vary"))
	}
}
