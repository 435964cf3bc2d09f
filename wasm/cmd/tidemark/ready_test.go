//go:build !js

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// F3.
func TestHealthIsGoodOnlyIfTheServerIsReady(t *testing.T) {
	for _, c := range []struct {
		status     int
		body, want string // want: of the error; "": none
	}{
		{200, `{"status":"ready"}`, ""},
		{503, `{"error":{"message":"the database DB takes no writes"}}`, "503 Service Unavailable: {\"error\":{\"message\":\"the database DB takes no writes\"}}"},
		{204, "", "204 No Content"},
		{302, "", readyRedirect},
		{404, "404 page not found", "/readyz returns 404 Not Found: 404 page not found"},
	} {
		asked := ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.Method + " " + r.URL.Path
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}))
		var said strings.Builder
		err := health(server.URL+"/", &said)
		server.Close()
		if asked != "GET /readyz" {
			t.Errorf("%d: asked %s", c.status, asked)
		}
		switch {
		case c.want == "" && (err != nil || said.String() != c.body+"\n"):
			t.Errorf("%d: got %q, %v", c.status, said.String(), err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%d: got %v, want %s", c.status, err, c.want)
		}
		if err := health(server.URL, io.Discard); err == nil {
			t.Error("a server that is gone is healthy")
		}
	}
}
