//go:build !js

package edge

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAssetsHaveTheHeadersOfTheirFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.html":    "home",
		"assets/app.js": "js",
		headersFile: "# for all\n/*\n  X-Frame-Options: DENY\n  Content-Security-Policy: default-src 'self'; img-src https://a.example\n\n" +
			"/assets/*\n\tCache-Control: public, immutable\n  Vary: a\n/assets/app.js\n  Vary: b\n",
	} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := &Config{Dir: dir}
	c.Assets.Directory = "."
	a, err := openAssets(c)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string) (http.Header, bool) {
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "Accept-Encoding") // set by the handler that compresses
		found := a.serve(w, httptest.NewRequest("GET", path, nil))
		return w.Header(), found
	}
	for path, want := range map[string]map[string]string{
		"/": {
			"X-Frame-Options": "DENY", "Content-Security-Policy": "default-src 'self'; img-src https://a.example",
			"Cache-Control": "public, max-age=0, must-revalidate", "Vary": "Accept-Encoding",
		},
		"/assets/app.js": {"X-Frame-Options": "DENY", "Cache-Control": "public, immutable", "Vary": "Accept-Encoding, a, b"},
	} {
		got, found := ask(path)
		if !found {
			t.Errorf("%s is not served", path)
		}
		for name, value := range want {
			if got := strings.Join(got.Values(name), ", "); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
	for _, path := range []string{"/" + headersFile, "/nothing"} {
		if got, found := ask(path); found || len(got) > 1 {
			t.Errorf("%s is served, with %v", path, got)
		}
	}
}

func TestHeaderRulesThatThisHostDoesNotKnowAreRefused(t *testing.T) {
	for text, line := range map[string]string{
		"  A: b":                   "line 1",
		"/a\n  no header":          "line 2",
		"/a\n  ! Cache-Control: x": "line 2",
		"/a/*/b":                   "line 1",
		"/:name":                   "line 1",
		"\nhttps://a.example/*":    "line 2",
	} {
		if _, err := parseHeaderRules(text); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q: %v, want an error that names %s", text, err, line)
		}
	}
}
