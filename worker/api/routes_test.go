//go:build !js

package api

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/logline"
	"tidemark/shared/web"
	"tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	"tidemark/worker/api/overview"
	"tidemark/worker/store/spaces"
	"tidemark/worker/webtest"
)

// allRoutes are the tables of the root and of a space.
func allRoutes() [2]door.Table {
	c := Config{Root: Stores{Documents: &documents.Config{}}, Spaces: noSpaces{}, Overview: &overview.Config{}}
	return [2]door.Table{rootTable(c), spaceTable(c)}
}

type noSpaces struct{}

func (noSpaces) List(context.Context, string, string, int) ([]spaces.Entry, error) { return nil, nil }

// serveBy serves a request by a table whose sections admit everybody.
func serveBy(table door.Table, to http.ResponseWriter, from *http.Request) {
	for _, section := range table {
		section.Admit = func(*door.Call) error { return nil }
	}
	webtest.Func(func(w web.ResponseWriter, r *web.Request) {
		serve(&door.Call{Door: door.New(door.Config{Log: logline.New(func([]byte) {}, time.Now)}), W: w, R: r, Space: &door.Space{}}, table)
	})(to, from)
}

func TestEachRouteHasANameOfItsOwnAndAHandler(t *testing.T) {
	for _, table := range allRoutes() {
		seen := map[string]bool{}
		for _, section := range table {
			for _, r := range section.Routes {
				if seen[r.Name] || r.Name == "" || r.Serve == nil || r.Method == "" || r.Pattern != "" && !strings.HasPrefix(r.Pattern, "/") {
					t.Errorf("the route %+v", r)
				}
				seen[r.Name] = true
			}
		}
		if len(seen) < 45 {
			t.Errorf("%d routes", len(seen))
		}
	}
}

// A route whose pattern a section before it takes would never be served.
func TestEachRouteIsFoundByItsPath(t *testing.T) {
	parameter := regexp.MustCompile(`\{[^}]*\}`)
	for _, table := range allRoutes() {
		for _, section := range table {
			for i := range section.Routes {
				r := &section.Routes[i]
				found := ""
				r.Permission, r.Also, r.Serve = "", "", func(*door.Call) error { found = r.Name; return nil }
				request := httptest.NewRequest(strings.Replace(r.Method, door.AnyMethod, "PUT", 1), "/"+parameter.ReplaceAllString(r.Pattern, "x"), nil)
				request.URL.Path = strings.TrimPrefix(request.URL.Path, "/")
				if r.Upgrade {
					request.Header.Set("Upgrade", "websocket")
				}
				w := httptest.NewRecorder()
				if serveBy(table, w, request); found != r.Name {
					t.Errorf("%s %s: %q, %d %s", request.Method, request.URL, found, w.Code, w.Body)
				}
			}
		}
	}
}

// A path that exists but not with this method gets 405, with the methods that it takes.
func TestAWrongMethodGetsTheMethodsOfThePath(t *testing.T) {
	table := allRoutes()[0]
	for path, want := range map[string]string{
		"/healthz":                       "GET, HEAD",
		"/readyz":                        "GET, HEAD",
		"/dev/login":                     "GET, POST",
		"/sync/pull":                     "GET",
		"/sync/subscribe":                "GET",
		"/sync/purge":                    "POST",
		"/export":                        "GET",
		"/import":                        "",
		"/auth/ticket":                   "POST",
		"/auth/me":                       "GET",
		"/auth/token":                    "POST",
		"/yjs/":                          "GET",
		"/yjs/a/room":                    "GET, HEAD, POST, DELETE",
		"/yjs/versions":                  "GET, HEAD, POST, DELETE",
		"/yjs/a/room/versions":           "GET, POST",
		"/yjs/a/room/presence":           "GET",
		"/yjs/presence":                  "GET, HEAD, POST, DELETE",
		"/yjs/a%2Fpresence":              "GET, HEAD, POST, DELETE",
		"/yjs/a/versions/versions":       "GET, POST",
		"/yjs/a%2Fversions":              "GET, HEAD, POST, DELETE",
		"/yjs/a/room/versions/1":         "GET",
		"/yjs/a/room/versions/1/restore": "POST",
		"/yjs/a/room/versions/1/other":   "GET, HEAD, POST, DELETE",
		"/api/v1/docs":                   "GET",
		"/api/v1/projects/":              "GET, POST",
		"/api/v1/projects/p/":            "GET, PATCH, DELETE",
		"/api/v1/projects/p/tasks/":      "GET, POST",
		"/api/v1/projects/p/tasks/t/":    "GET, PATCH, DELETE",
		"/api/v1/projects/p/sync/":       "GET, POST",
		"/api/v1/projects/p/subscribe":   "GET",
		"/api/v1/projects/p/tasks/-/":    "",
		"/api/v1/projects":               "",
		"/nowhere":                       "",
		"/sync/nowhere":                  "",
		"/healthz/":                      "",
		"/yjs":                           "",
	} {
		w := httptest.NewRecorder()
		serveBy(table, w, httptest.NewRequest(http.MethodPut, path, nil))
		status := http.StatusMethodNotAllowed
		if want == "" {
			status = http.StatusNotFound
		}
		if got := w.Header().Get("Allow"); got != want || w.Code != status {
			t.Errorf("%s: %d, Allow %q, want %q", path, w.Code, got, want)
		}
	}
}

func TestAPreflightNamesTheMethodsOfTheSection(t *testing.T) {
	table := allRoutes()[0]
	for path, want := range map[string]string{
		"/healthz": "GET,POST,OPTIONS", "/trpc/sync.pull": "GET,POST,OPTIONS", "/auth/ticket": "GET,POST,OPTIONS",
		"/nowhere": "GET,POST,OPTIONS", "/yjs/r": "GET,POST,DELETE,OPTIONS", "/api/v1/projects/": "GET,POST,PATCH,DELETE,OPTIONS",
	} {
		w := httptest.NewRecorder()
		serveBy(table, w, httptest.NewRequest(http.MethodOptions, path, nil))
		if got := w.Header().Get("Access-Control-Allow-Methods"); got != want || w.Code != http.StatusNoContent {
			t.Errorf("%s: %d, %q, want %q", path, w.Code, got, want)
		}
	}
}

// A slash that is written %2F divides no path, but the section is that of the path with a slash.
func TestAPathThatNoPatternHasNeedsATokenToo(t *testing.T) {
	c := door.Config{Now: time.Now}
	c.Settings, c.Invalid = door.ReadSettings(func(name string) string {
		return map[string]string{"AUTH_SECRET": strings.Repeat("secret", 8)}[name]
	})
	h := webtest.Handler{Of: New(Config{Door: c, Root: Stores{Documents: &documents.Config{}}})}
	for _, path := range []string{"/trpc%2Fsync.pull", "/sync%2Fpull", "/yjs%2Fr", "/auth%2Fticket", "/api%2Fv1%2Fdocs", "/api/v1/%2Fdocs", "/nowhere"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "token") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// Routes that need no token are few, and no other route becomes one unseen.
func TestWhatNeedsNoToken(t *testing.T) {
	for i, want := range []string{"documents.several projects.getDocs projects.getOpenAPI trpc trpc.none", "documents.several trpc trpc.none"} { // tRPC, and the documents of Hocuspocus, admit the caller themselves
		var open []string
		for _, section := range allRoutes()[i] {
			for _, r := range section.Routes {
				if r.Open {
					open = append(open, r.Name)
				}
			}
		}
		slices.Sort(open)
		if got := strings.Join(open, " "); got != want {
			t.Errorf("open: %s, want %s", got, want)
		}
	}
}

// A change by an operator is in the log, with who made it.
func TestEachChangeOfAnOperatorIsLogged(t *testing.T) {
	reads := map[string]bool{"/sync/as": true} // takes claims in a body
	for _, table := range allRoutes() {
		for _, section := range table {
			for _, r := range section.Routes {
				operators := r.Permission == auth.SyncAdmin || r.Permission == auth.SpacesAdmin
				if operators && r.Method != "GET" && r.Method != "HEAD" && !reads[r.Pattern] && !r.Logged {
					t.Errorf("%s is not Logged", r.Name)
				}
			}
		}
	}
}

var renew = flag.Bool("routes", false, "write testdata/routes.txt")

// listedRoutes is the list of all routes with their permissions, with a plus between if a route needs two: "open" if nobody has
// to be known, "outside" if also no space hears of it, "token" if any token will do. SOCKET is GET with an upgrade. The tests of
// leaks between spaces ask for each. The lines of tRPC's procedures are package records' to check.
const listedRoutes = "testdata/routes.txt"

func TestTheListOfRoutesIsWhole(t *testing.T) {
	var list strings.Builder
	for i, table := range allRoutes() {
		for _, section := range table {
			for _, r := range section.Routes {
				permission := cmp.Or(string(r.Permission), "token")
				if r.Also != "" {
					permission += "+" + string(r.Also)
				}
				if r.Open || section.Roots[0] == "/healthz" || section.Roots[0] == "/readyz" || section.Roots[0] == devLoginPath {
					permission = "open"
				}
				if r.Open && r.Outside {
					permission = "outside"
				}
				method := r.Method
				if r.Upgrade {
					method = "SOCKET"
				}
				fmt.Fprintln(&list, [2]string{"root", "space"}[i], method, [2]string{"", "/s/{space}"}[i]+r.Pattern, permission)
			}
		}
	}
	list.WriteString("trpc GET sync.pull sync:read\ntrpc POST sync.push sync:write\n")
	if *renew {
		if err := os.WriteFile(listedRoutes, []byte(list.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := os.ReadFile(listedRoutes)
	if err != nil {
		t.Fatal(err)
	}
	if string(listed) != list.String() {
		t.Errorf("%s differs from the tables: renew it with -routes, and read the difference", listedRoutes)
	}
}
