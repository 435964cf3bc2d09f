package conformance

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
)

// tryTokens asks for each route once in a while, by each random token.
func (w *jail) tryTokens(t *testing.T) {
	places := slices.Concat(cells, slices.Sorted(maps.Values(twins)), []string{scratch})
	var deck []leakRoute
	for range w.Tokens {
		s := w.suspect()
		for _, place := range places {
			for range 6 {
				if len(deck) == 0 {
					deck = slices.Clone(w.routes)
					w.random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
				}
				r := deck[0]
				deck = deck[1:]
				w.tryRoute(t, s, place, r)
			}
		}
	}
	for _, kind := range []string{"rows", "docs", "projects"} {
		if w.seen[kind] == 0 {
			t.Errorf("no token has read %s: the test sees nothing", kind)
		}
	}
}

// tryRoute asks for a route of a place by a token.
func (w *jail) tryRoute(t *testing.T, s *suspect, place string, r leakRoute) {
	t.Helper()
	path, room := w.path(r)
	verdict := w.verdict(s, place, r, room)
	reading := r.method == "GET" || r.method == "HEAD"
	if verdict == allowed && !reading && place != scratch {
		return // it would change the cell
	}
	asks := w.request(t, s, r, path)
	heard := w.heard()
	got := asks(place)
	what := func() string {
		return fmt.Sprintf("seed %d: %s %s by %v, invalid %v", w.Seed, r.method, in(place)+path, s.claims, s.invalid)
	}
	for _, m := range secretForm.FindAllSubmatch(slices.Concat(got.body, []byte(fmt.Sprint(got.header))), -1) {
		cell, _ := strconv.Atoi(string(m[1]))
		kind := string(m[2])
		asked := kind == "docs" && string(m[3]) == "hidden" && strings.Contains(path, string(m[0])) // it stands in the request
		if cells[cell] != place && !asked || verdict != allowed || !s.sees(r, cell, kind, string(m[3])) {
			t.Errorf("%s: a secret of %q: %v", what(), cells[cell], got)
		}
		w.seen[kind]++
	}
	if r.socket {
		verdict = socketStatus(verdict)
	}
	named, _ := s.may(place)
	switch {
	case place == scratch && named && !s.invalid && (got.status == 503 || got.status == socketStatus(503)): // it was paused
	case verdict != allowed && got.status != verdict:
		t.Errorf("%s: want %d: %v", what(), verdict, got)
	case verdict == allowed && (got.status == 401 || got.status == 4401 || got.status >= 500 && got.status < 600):
		t.Errorf("%s: want it served: %v", what(), got)
	}
	if place == "" || named && !s.invalid {
		return
	}
	if w.heard() != heard {
		t.Errorf("%s: the object of the space heard of it", what())
	}
	twin := twins[place]
	if named, _ := s.may(twin); twin == "" || named && !s.invalid {
		return
	}
	if other := asks(twin); !reflect.DeepEqual(got, other) {
		t.Errorf("%s: got %v\nand in %q, which does not exist, %v", what(), got, twin, other)
	}
}

// request returns a function that sends one request to a place.
func (w *jail) request(t *testing.T, s *suspect, r leakRoute, path string) func(place string) reply {
	body := ""
	if r.method == "POST" || r.method == "PATCH" {
		body = w.any("{}", "", `{"name":"x"}`, strings.Repeat("x", 1<<17))
	}
	way := w.random.IntN(3)
	return func(place string) reply {
		t.Helper()
		if !r.socket {
			return w.ask(t, r.method, in(place)+path, s.token, body)
		}
		header := http.Header{}
		at := in(place) + path
		switch {
		case s.token == "":
		case way == 0:
			header.Set("Authorization", "Bearer "+s.token)
		case way == 1:
			return w.listen(t, at, nil, "tidemark", s.token)
		default:
			at += "?token=" + s.token
		}
		return w.listen(t, at, header)
	}
}

// socketStatus is the close code of a refusal.
func socketStatus(status int) int {
	if status == allowed {
		return allowed
	}
	return 4000 + status
}

func (w *jail) heard() int {
	if w.Heard == nil {
		return 0
	}
	return w.Heard()
}

// tryTickets uses tickets of each cell in all the others.
func (w *jail) tryTickets(t *testing.T) {
	key := w.key("*", "")
	for _, path := range []string{"/sync/subscribe", "/yjs/note", "/api/v1/projects/twin/subscribe"} {
		for i, from := range cells {
			ticket := member(t, w.ask(t, "POST", in(from)+"/auth/ticket", key, "").body, "ticket").(string)
			use := func(place string) reply {
				t.Helper()
				return w.listen(t, in(place)+path+"?ticket="+ticket, nil)
			}
			for _, place := range slices.Concat(cells, slices.Sorted(maps.Values(twins))) {
				if place == from {
					continue
				}
				if got := use(place); got.status != 4401 || secretForm.Match(got.body) {
					t.Errorf("a ticket of %q for %s of %q: %v", from, path, place, got)
				}
			}
			got := use(from)
			if got.status != 101 {
				t.Errorf("a ticket of %q there, for %s: %v", from, path, got)
			}
			for _, m := range secretForm.FindAllSubmatch(got.body, -1) {
				if string(m[1]) != strconv.Itoa(i) {
					t.Errorf("%s of %q: %v", path, from, got)
				}
			}
			if got := use(from); got.status != 4401 {
				t.Errorf("a ticket of %q for %s, once more: %v", from, path, got)
			}
		}
	}
}

// tryNames asks by odd names, each with a token that reaches all spaces.
func (w *jail) tryNames(t *testing.T) {
	key := w.key("*")
	long := strings.Repeat("n", 64)
	for _, c := range []struct {
		name   string
		exists bool // it is the name of a space
	}{
		{"acme/note", false}, {"acme%2Fnote", false}, {"acme%2f", false}, {"%61cme", false}, {"acm%65", false}, {"acme%00", false}, {"acme%20", false},
		{"", false}, {".acme", false}, {"-acme", false}, {"_acme", false}, {"acme%2e", false}, {"..%2Facme", false}, {"acme;x", false}, {"acme:x", false},
		{"acme~", false}, {"%C3%A4cme", false}, {long + "n", false}, {"*", false}, {"acme,beta", false},
		{"ACME", true}, {"aCME", true}, {"acme.", true}, {"acme..", true}, {"acme-", true}, {"acme_", true}, {long, true}, {"0", true}, {"sync", true},
	} {
		for _, path := range []string{"/sync/pull", "/yjs/note", "/yjs/", "/api/v1/projects/", "/info", "/trpc/sync.pull"} {
			got := w.ask(t, "GET", "/s/"+c.name+path, key, "")
			odd := got.status != 200 && got.status != 404 && path != "/trpc/sync.pull" // whose input is missing
			if secretForm.Match(got.body) || odd || !c.exists && got.status != 404 {
				t.Errorf("/s/%s%s: %v", c.name, path, got)
			}
		}
		path := "/s/" + c.name + "/sync/subscribe"
		want := 4404
		if c.exists {
			want = 101
		}
		if got := w.listen(t, path+"?token="+key, nil); got.status != want {
			t.Errorf("%s: want %d: %v", path, want, got)
		}
	}
	for _, path := range []string{"/s", "/s/", "/S/acme/sync/pull", "/%73/acme/sync/pull", "/s%2Facme/sync/pull", "/s//sync/pull", "/s/acme//sync/pull", "/s/acme/s/beta/sync/pull", "/s/acme/"} {
		for _, key := range []string{key, w.key("")} {
			if got := w.ask(t, "GET", path, key, ""); got.status != 403 && got.status != 404 || secretForm.Match(got.body) {
				t.Errorf("%s: %v", path, got)
			}
		}
	}
	// The two hosts read .. each in its way. Neither reaches what the token does not name.
	for _, path := range []string{"/s/acme/../beta/sync/pull", "/s/acme/%2e%2e/beta/sync/pull", "/s/acme/../../sync/pull", "/s/acme/yjs/../../beta/yjs/note", "/s/acme/yjs/..%2F..%2Fbeta%2Fyjs%2Fnote"} {
		if got := w.ask(t, "GET", path, w.key("acme"), ""); got.status != 403 && got.status != 404 || secretForm.Match(got.body) {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// tryTwins writes by the same names in several places, and hears of each place what was
// written there alone.
func (w *jail) tryTwins(t *testing.T) {
	key := w.key("*", "")
	// These rooms of the root are named like those of the objects of spaces.
	for _, room := range []string{"acme/note", "space/acme/project/twin", "sync", "acme", "project/twin"} {
		if got := w.ask(t, "GET", "/yjs/"+room+"?format=text&name=t", key, ""); got.status != 404 {
			t.Errorf("the document %s of the root: %v", room, got)
		}
		if got := w.ask(t, "POST", "/yjs/"+room, key, updateOf(9, "of the root")); got.status != 204 {
			t.Errorf("an edit of %s of the root: %v", room, got)
		}
	}
	for i, place := range cells {
		if got := w.ask(t, "GET", in(place)+"/yjs/note?format=text&name=t", key, ""); string(got.body) != secret(i, "docs", "note") {
			t.Errorf("the document note of %q: %v", place, got)
		}
	}
	header := http.Header{"Authorization": {"Bearer " + key}}
	for _, path := range []string{"/sync/subscribe", "/yjs/note", "/api/v1/projects/twin/subscribe"} {
		var subscribers []socket
		for _, place := range cells {
			ws, _, err := (&client{Door: w.Door}).dial(in(place)+path, header)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { ws.CloseNow() })
			subscribers = append(subscribers, socket{ws})
		}
		for _, s := range subscribers {
			s.untilPong(t)
		}
		for i, place := range cells {
			w.change(t, key, in(place), path, i)
			change := []byte(`"change"`)
			if path == "/yjs/note" {
				change = fmt.Appendf(nil, "change.%d.", i)
			}
			w.until(t, subscribers[i], change)
			for other, s := range subscribers {
				if other == i {
					continue
				}
				if got := s.untilPong(t); bytes.Contains(got, []byte("change")) {
					t.Errorf("%s of %q hears of a change in %q: %q", path, cells[other], place, got)
				}
			}
		}
	}
	// The projects keep apart although their ids are equal.
	for i, place := range cells {
		got := w.ask(t, "GET", in(place)+"/api/v1/projects/twin/", key, "")
		if !bytes.Contains(got.body, fmt.Appendf(nil, `"change.%d."`, i)) {
			t.Errorf("the project twin of %q: %v", place, got)
		}
	}
	if got := w.ask(t, "GET", "/spaces", w.sign(jwt.MapClaims{"sub": warden, "scope": "spaces:admin"}), ""); !bytes.Contains(got.body, []byte("acme.x")) {
		t.Errorf("the directory: %v", got)
	}
}

// tryCounts deletes rows by a push that is not of the usual form, in each cell.
func (w *jail) tryCounts(t *testing.T) {
	key := w.key("*", "")
	for _, place := range cells {
		push := func(c changes) any {
			since := number(t, member(t, w.ask(t, "GET", in(place)+"/sync/pull", key, "").body, "timestamp"))
			got := w.ask(t, "POST", in(place)+"/trpc/sync.push", key, pushInput(t, since, c))
			return at(parse(t, got.body), "result", "data", "applied", "customers", "deleted")
		}
		rows := []row{newCustomer("a", millis()), newCustomer("b", millis())}
		push(changes{created: rows})
		if got := push(changes{deleted: []string{rows[0].id(), rows[1].id()}}); fmt.Sprint(got) != "2" {
			t.Errorf("in %q two rows are deleted, counted are %v", place, got)
		}
		again := newCustomer("c", millis())
		push(changes{created: []row{again}})
		// One is deleted already, so that the server compares each.
		if got := push(changes{deleted: []string{rows[0].id(), again.id()}}); fmt.Sprint(got) != "1" {
			t.Errorf("in %q one row is deleted, counted are %v", place, got)
		}
	}
}

// change writes in a place, by a name that its subscribers hear of or may ask for.
func (w *jail) change(t *testing.T, key, at, path string, cell int) {
	t.Helper()
	name := fmt.Sprintf("change.%d.", cell)
	var got reply
	switch path {
	case "/sync/subscribe":
		since := number(t, member(t, w.ask(t, "GET", at+"/sync/pull", key, "").body, "timestamp"))
		got = w.ask(t, "POST", at+"/trpc/sync.push", key, pushInput(t, since, changes{created: []row{newCustomer(name, millis())}}))
	case "/yjs/note":
		got = w.ask(t, "POST", at+path, key, updateOf(byte(20+cell), name))
	default:
		got = w.ask(t, "PATCH", at+"/api/v1/projects/twin/", key, `{"name":"`+name+`"}`)
	}
	if got.status >= 300 {
		t.Fatalf("%s%s: %v", at, path, got)
	}
}

// until lets time pass until a message has that part.
func (w *jail) until(t *testing.T, s socket, part []byte) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !bytes.Contains(s.untilPong(t), part) {
		if time.Now().After(deadline) {
			t.Fatalf("no message has %q", part)
		}
		w.Tick()
	}
}

// untilPong returns the messages before the answer to a ping.
func (s socket) untilPong(t *testing.T) (messages []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Write(ctx, websocket.MessageText, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	for {
		_, b, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if string(b) == "pong" {
			return messages
		}
		messages = append(append(messages, b...), '\n')
	}
}
