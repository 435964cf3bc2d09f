//go:build !js

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/shared/auth"
)

func TestTheCommandsOfSpacesAskWithARightOfTheirOwn(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	secret := strings.Repeat("the server's ", 3)
	if err := os.WriteFile(data+".secret", []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := auth.New(auth.Config{Secret: []byte(strings.TrimSpace(secret))})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 10)
	pauses := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _, err := v.Verify(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), time.Now())
		space := ""
		if rest, ok := strings.CutPrefix(r.URL.Path, "/s/"); ok {
			space, _, _ = strings.Cut(rest, "/")
		}
		in, named := id.In(space)
		asked <- fmt.Sprintf("%s %s: %s %v %v", r.Method, r.URL, in.Scope.Words, named, err)
		switch {
		case r.URL.Path == "/spaces" && r.URL.Query().Get("after") == "":
			fmt.Fprint(w, `{"spaces":[{"name":"a","created_at":0}],"next":"a"}`)
		case r.URL.Path == "/spaces":
			fmt.Fprint(w, `{"spaces":[{"name":"b","created_at":1000}],"next":null}`)
		case strings.HasSuffix(r.URL.Path, "/pause"):
			pauses++
			fmt.Fprintf(w, `{"more":%t}`, pauses == 1)
		case r.Method == http.MethodDelete, r.Method == http.MethodPost:
			w.WriteHeader(http.StatusNoContent)
		default:
			fmt.Fprint(w, `{"name":"acme"}`)
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		args, printed string
		want          []string
	}{
		{"list --prefix p", "a\t1970-01-01T00:00:00Z\nb\t1970-01-01T00:00:01Z\n", []string{
			"GET /spaces?limit=1000&prefix=p: spaces:admin true <nil>", "GET /spaces?after=a&limit=1000&prefix=p: spaces:admin true <nil>"}},
		{"info acme", "{\"name\":\"acme\"}\n", []string{"GET /s/acme/info: sync:admin true <nil>"}},
		{"pause acme", "{\"more\":false}\n", []string{"POST /s/acme/pause: spaces:admin true <nil>", "POST /s/acme/pause: spaces:admin true <nil>"}},
		{"resume acme", "", []string{"POST /s/acme/resume: spaces:admin true <nil>"}},
		{"delete acme", "", []string{"DELETE /s/acme: spaces:admin true <nil>"}},
	} {
		name, rest, _ := strings.Cut(c.args, " ")
		args := append([]string{"spaces", name, "--url", server.URL, "--data", data}, strings.Fields(rest)...)
		stdout, stderr, code := command(t, args...)
		if stdout != c.printed || code != 0 {
			t.Errorf("%s: printed %q, exit %d, %s", c.args, stdout, code, stderr)
		}
		for _, want := range c.want {
			if got := <-asked; got != want {
				t.Errorf("%s: asked %s, want %s", c.args, got, want)
			}
		}
	}
}

func TestTheCommandsOfSpacesSayWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"spaces":                      "want spaces list",
		"spaces forget a":             "no command",
		"spaces info":                 "the name of one space",
		"spaces info a b":             "the name of one space",
		"spaces info --space a":       "the name stands at the end",
		"spaces delete .a":            "the name of one space",
		"spaces list a":               "unexpected argument",
		"spaces info a --url x":       "flags come first",
		"spaces delete --token T a":   "--url is needed",
		"spaces list --url http://x/": "--token",
	} {
		if _, stderr, code := command(t, strings.Fields(args)...); code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d, %s; want %q", args, code, stderr, want)
		}
	}
}
