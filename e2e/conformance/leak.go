package conformance

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
)

// A Prison is a server whose spaces are tested for leaks. It has no data yet. It copies
// documents to the database at once (YJS_COPY_MILLIS is 0), and limits no test.
type Prison struct {
	Door
	// Routes is the file with the list of all routes: worker/api/testdata/routes.txt.
	Routes string
	Seed   uint64
	Tokens int // that are tried
	// Heard returns how many requests the objects of spaces got so far; nil: not known.
	Heard func() int
	// Tick lets the time of a copy pass.
	Tick func()
}

// RunLeaks fills the root and some spaces with marked secrets. Then it asks for every route
// of the server by random tokens, and holds the answers against a model of the rules A1 to
// A4 of docs/protocol.md and docs/auth.md.
func RunLeaks(t *testing.T, p Prison) {
	w := &jail{Prison: p, http: httpClient(t, 8), random: rand.New(rand.NewPCG(p.Seed, 0)), seen: map[string]int{}}
	w.readRoutes(t)
	for i := range cells {
		w.fill(t, i)
	}
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"A1, A2, A3: a token gets what its space holds, and of the others nothing", w.tryTokens},
		{"A4: a ticket is good for the space that gave it, once", w.tryTickets},
		{"a name that tries to be another names none, or a space of its own", w.tryNames},
		{"the same names in two spaces are two documents, two projects and two rooms", w.tryTwins},
		{"S2: a space counts what the root counts", w.tryCounts},
	} {
		t.Run(c.name, c.run)
	}
}

// cells are the places that hold secrets; "" is the root. The names of some are a part, or
// another case, of others.
var cells = []string{"", "acme", "acme.x", "Acme", "beta"}

// twins are places that do not exist. Their names are as long as those of the cells.
var twins = map[string]string{"acme": "acmf", "acme.x": "acme.y", "Acme": "Acmf", "beta": "betb"}

// scratch is a space that any test may change.
const scratch = "scratch"

// warden may do everything everywhere.
const warden = "warden"

// A jail is a Prison in use.
type jail struct {
	Prison
	http     *http.Client
	random   *rand.Rand
	routes   []leakRoute
	served   map[bool]map[string]bool // methods and paths, by whether they are inside of a space
	versions []string                 // of documents, by cell
	seen     map[string]int           // how often a secret was read by whom it is for, by its kind
}

// A leakRoute is a line of the list of routes.
type leakRoute struct {
	inside             bool // of a space
	method, path       string
	permission         string
	procedure, socket  bool
	needsSubject, open bool
	outside            bool // served to anyone, and the space does not hear of it
}

func (w *jail) readRoutes(t *testing.T) {
	t.Helper()
	w.served = map[bool]map[string]bool{true: {}, false: {}}
	b, err := os.ReadFile(w.Routes)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 4 {
			t.Fatalf("%s: the line %q", w.Routes, line)
		}
		if strings.Contains(f[2], "/trpc") {
			continue // its procedures follow
		}
		r := leakRoute{
			inside: f[0] == "space", method: f[1], path: strings.TrimPrefix(f[2], "/s/{space}"), permission: f[3],
			needsSubject: strings.Contains(f[2], "/api/v1/") && !strings.Contains(f[2], "/operator/"), open: f[3] == "open", outside: f[3] == "outside",
		}
		if r.socket = r.method == "SOCKET" || strings.HasSuffix(r.path, "/subscribe"); r.socket {
			r.method = "GET"
		}
		if r.procedure = f[0] == "trpc"; r.procedure {
			r.path = "/trpc/" + f[2]
			w.served[true][r.method+r.path] = true
		}
		w.served[r.inside][r.method+r.path] = true
		w.routes = append(w.routes, r)
	}
	if len(w.routes) < 90 {
		t.Fatalf("%s has %d routes", w.Routes, len(w.routes))
	}
}

// sign returns a token.
func (w *jail) sign(claims jwt.MapClaims) string {
	all := jwt.MapClaims{"iat": 1}
	maps.Copy(all, claims)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, all).SignedString(w.Secret)
	if err != nil {
		panic(err) // only a key of the wrong type makes it fail
	}
	return token
}

const everything = "sync:read sync:write sync:admin yjs:read yjs:write projects:read projects:write spaces:admin"

// key is a token for everything in the places.
func (w *jail) key(places ...string) string {
	return w.sign(jwt.MapClaims{"sub": warden, "scope": everything, "spaces": places})
}

// in is where the paths of a place begin.
func in(place string) string {
	if place == "" {
		return ""
	}
	return "/s/" + place
}

// The secrets of a cell look like hush.3.docs.note. : the cell, the kind, and a document's room.
var secretForm = regexp.MustCompile(`hush\.(\d+)\.([a-z]+)\.([a-z]*)\.`)

func secret(cell int, kind, room string) string {
	return fmt.Sprintf("hush.%d.%s.%s.", cell, kind, room)
}

// hiddenRoom is a room whose name is a secret, and different in each cell.
func hiddenRoom(cell int) string { return secret(cell, "docs", "hidden") }

// A reply is what a client got: of a socket, the code with which it was closed, or 101, and its messages.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) String() string { return fmt.Sprintf("%d %v %.600q", r.status, r.header, r.body) }

// ask sends a request. Its path is sent as it is.
func (w *jail) ask(t *testing.T, method, path, token, body string) reply {
	t.Helper()
	request, err := http.NewRequest(method, w.BaseURL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if request.URL, err = request.URL.Parse(path); err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Request-Id", "same") // so that equal answers are equal byte by byte
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if method == "POST" || method == "PATCH" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := w.http.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	answer.Header.Del("Date")
	return reply{answer.StatusCode, answer.Header, b}
}

// listen opens a socket, asks for a document's state, and reads until the answer to a ping.
func (w *jail) listen(t *testing.T, path string, header http.Header, protocols ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, answer, err := websocket.Dial(ctx, w.BaseURL+path, &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
	if err != nil {
		if answer == nil {
			t.Fatalf("%s: %v", path, err)
		}
		b, _ := io.ReadAll(answer.Body) // the first bytes, which Dial keeps
		return reply{answer.StatusCode, answer.Header, b}
	}
	defer ws.CloseNow()
	ws.SetReadLimit(1 << 20)
	if strings.Contains(path, "/yjs/") {
		ws.Write(ctx, websocket.MessageBinary, []byte{0, 0, 1, 0}) // a sync step 1
	}
	ws.Write(ctx, websocket.MessageText, []byte("ping")) // fails if the socket is closed, as Read then says
	got := reply{status: http.StatusSwitchingProtocols}
	for {
		_, b, err := ws.Read(ctx)
		var closed websocket.CloseError
		if errors.As(err, &closed) {
			got.status, got.body = int(closed.Code), append(got.body, closed.Reason...)
			return got
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if string(b) == "pong" {
			return got
		}
		got.body = append(append(got.body, b...), '\n')
	}
}

// updateOf returns a Yjs update of a new client that writes a text.
func updateOf(client byte, text string) string {
	return string(append(append([]byte{1, 1, client, 0, 4, 1, 1, 't', byte(len(text))}, text...), 0))
}

// fill puts the secrets into a cell.
func (w *jail) fill(t *testing.T, cell int) {
	t.Helper()
	at, key := in(cells[cell]), w.key(cells[cell])
	must := func(status int, method, path, body string) reply {
		t.Helper()
		r := w.ask(t, method, at+path, key, body)
		if r.status != status {
			t.Fatalf("%s %s%s: %v", method, at, path, r)
		}
		return r
	}
	r := newCustomer(secret(cell, "rows", ""), millis()).with("id", "twin")
	must(200, "POST", "/trpc/sync.push", pushInput(t, number(t, member(t, must(200, "GET", "/sync/pull", "").body, "timestamp")), changes{created: []row{r}}))
	for i, room := range []string{"note", "private", hiddenRoom(cell)} {
		name := []string{"note", "private", "hidden"}[i]
		must(204, "POST", "/yjs/"+room, updateOf(byte(i+1), secret(cell, "docs", name)))
	}
	w.versions = append(w.versions, member(t, must(201, "POST", "/yjs/note/versions", secret(cell, "docs", "note")).body, "id").(string))
	must(201, "POST", "/api/v1/projects/", `{"id":"twin","name":"`+secret(cell, "projects", "")+`"}`)
	must(201, "POST", "/api/v1/projects/twin/tasks/", `{"id":"task","name":"`+secret(cell, "projects", "")+`"}`)
	deadline := time.Now().Add(patience)
	for !bytes.Contains(must(200, "GET", "/yjs/", "").body, []byte(hiddenRoom(cell))) {
		if time.Now().After(deadline) {
			t.Fatalf("%q: the documents were not copied", cells[cell])
		}
		w.Tick()
	}
}

// member returns a member of an object.
func member(t *testing.T, b []byte, name string) any {
	t.Helper()
	return at(parse(t, b), name)
}

// path returns the path of a route with values for its parameters.
func (w *jail) path(r leakRoute) (path, room string) {
	room = w.any("note", "private", hiddenRoom(w.random.IntN(len(cells))))
	path = strings.NewReplacer(
		"{room...}", room, "{version}", w.any(w.versions...), "{project_id}", "twin", "{id}", w.any("task", "twin"),
	).Replace(r.path)
	switch {
	case r.procedure && r.method == "GET":
		path += "?input=" + url.QueryEscape(`{"lastPulledAt":null,"schemaVersion":1,"migration":null}`)
	case r.path == "/sync/rows":
		path += "?table=customers"
	case r.path == "/sync/explain", r.path == "/sync/row":
		path += "?table=customers&id=" + w.any("twin", "none")
	case r.path == "/yjs/{room...}/versions/{version}":
		path += w.any("", "?format=json", "?format=text&name=t")
	case r.path == "/yjs/{room...}" && !r.socket && r.method == "GET":
		path += w.any("", "?format=json", "?format=text&name=t", "?sv="+base64.RawURLEncoding.EncodeToString([]byte{0}))
	}
	return path, room
}

func (w *jail) any(list ...string) string { return list[w.random.IntN(len(list))] }
