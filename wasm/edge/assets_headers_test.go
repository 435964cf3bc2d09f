//go:build !js

package edge

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
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
	a, err := openAssets(c, nil)
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

// Files inside the program have no time of change. They have an ETag instead, and the headers
// that files of a folder have. F1.
func TestAssetsInsideTheProgramHaveAnETag(t *testing.T) {
	files := fstest.MapFS{
		"index.html": {Data: []byte("home")}, "app.js": {Data: []byte("js")},
		headersFile: {Data: []byte("/*\n  X-Frame-Options: DENY\n")},
	}
	c := &Config{}
	c.Assets.Directory = "a folder that is not there"
	a, err := openAssets(c, files)
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for _, path := range []string{"/", "/app.js"} {
		w := httptest.NewRecorder()
		if !a.serve(w, httptest.NewRequest("GET", path, nil)) || w.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, w.Code)
		}
		tags[path] = w.Header().Get("ETag")
		if w.Header().Get("X-Frame-Options") != "DENY" || w.Header().Get("Cache-Control") == "" {
			t.Errorf("%s has the headers %v", path, w.Header())
		}
		for tag, want := range map[string]int{tags[path]: http.StatusNotModified, `"another"`: http.StatusOK} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("If-None-Match", tag)
			w := httptest.NewRecorder()
			if a.serve(w, r); w.Code != want {
				t.Errorf("%s, If-None-Match %s: %d, want %d", path, tag, w.Code, want)
			}
		}
	}
	if tags["/"] == "" || tags["/"] == tags["/app.js"] {
		t.Errorf("the ETags are %v", tags)
	}
}

// A page is served without ".html", and with a slash behind its name the host redirects to it, as Cloudflare does.
func TestAPageWithASlashBehindItsNameIsRedirected(t *testing.T) {
	files := fstest.MapFS{
		"index.html": {Data: []byte("home")}, "console.html": {Data: []byte("console")}, "docs/index.html": {Data: []byte("docs")},
		headersFile: {Data: []byte("/*\n  X-Frame-Options: DENY\n")},
	}
	a, err := openAssets(&Config{}, files)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		status   int // 0: it is not served
		location string
	}{
		"/":               {200, ""},
		"/console":        {200, ""},
		"/console/":       {307, "/console"},
		"/console/?a=b":   {307, "/console?a=b"},
		"/docs/":          {200, ""},
		"//console/":      {307, "/console"},
		"/console/x/":     {},
		"/nothing/":       {},
		"//nothing.test/": {},
	} {
		w := httptest.NewRecorder()
		served := a.serve(w, httptest.NewRequest("GET", "http://localhost"+path, nil))
		if served != (want.status != 0) || served && (w.Code != want.status || w.Header().Get("Location") != want.location) {
			t.Errorf("%s: served is %v, %d to %q, want %+v", path, served, w.Code, w.Header().Get("Location"), want)
		}
		if served && w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s has the headers %v", path, w.Header())
		}
	}
}

// What is beside the config comes before what is inside the program. F1.
func TestFoldersInsideTheProgramStandInForMissingOnes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"here", "both"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "place"), []byte("folder"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inside := fstest.MapFS{"both/place": {Data: []byte("inside")}, "within/place": {Data: []byte("inside")}}
	for _, c := range []struct {
		config     Config
		name, want string
	}{
		{Config{Dir: dir}, "here", "folder"},
		{Config{Dir: dir}, "within", ""},
		{Config{Dir: filepath.Join(dir, "both")}, "../here", "folder"},
		{Config{Dir: dir, Inside: inside}, "both", "folder"},
		{Config{Dir: dir, Inside: inside}, "./within/", "inside"},
		{Config{Dir: dir, Inside: inside}, "nowhere", ""},
		{Config{Inside: inside}, "both", "inside"},
		{Config{Inside: inside}, "here", ""},
	} {
		got, err := fs.ReadFile(c.config.Folder(c.name), "place")
		if string(got) != c.want || c.want == "" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q of %q: got %q, %v, want %q", c.name, c.config.Dir, got, err, c.want)
		}
	}
}
