//go:build !js

package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/abi"
	"tidemark/shared/lib0"
	"tidemark/shared/session"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api"
	documentsapi "tidemark/worker/api/documents"
	"tidemark/worker/store/documents"
	"tidemark/worker/webtest"
)

// liveRooms are rooms of documents over SQLite in memory, without sockets' hosts.
type liveRooms struct {
	t     *testing.T
	rooms map[string]*liveRoom
}

type liveRoom struct {
	*yroom.Room
	log documents.Log
}

func (l *liveRooms) room(name string) *liveRoom {
	if l.rooms[name] == nil {
		db := wasmtest.OpenD1(l.t, nil)
		r := &liveRoom{log: documents.Log{Exec: func(s ...abi.Statement) ([]abi.Result, error) { return db.Batch(context.Background(), s) }}}
		stored, err := r.log.Open()
		if err != nil {
			l.t.Fatal(err)
		}
		r.Room = yroom.New(yroom.DefaultConfig, r.log, stored, nil, time.Now())
		l.rooms[name] = r
	}
	return l.rooms[name]
}

func (l *liveRooms) Call(_ context.Context, _, name string, data ...[]byte) ([]byte, error) {
	r := l.room(name)
	reply, out, err := r.Call(bytes.Join(data, nil), time.Now())
	for _, w := range out.Store {
		if err == nil {
			err = r.log.Write(w)
		}
	}
	return reply, err
}

// A reader sends requests for documents with a token of these claims.
type documentsReader struct {
	*testing.T
	handler http.Handler
	claims  jwt.MapClaims
}

func openDocuments(t *testing.T, variables map[string]string) (documentsReader, *liveRooms) {
	t.Helper()
	rooms := &liveRooms{t, map[string]*liveRoom{}}
	config := configure(t, variables)
	copies := documents.NewCopies(openD1(t))
	config.Root.Documents = &documentsapi.Config{Calls: rooms, Copies: copies, Versions: copies}
	return documentsReader{t, webtest.Handler{Of: api.New(config)}, jwt.MapClaims{"sub": "alice"}}, rooms
}

func (d documentsReader) as(claims jwt.MapClaims) documentsReader {
	d.claims = claims
	return d
}

// want returns the body of a response, which must have that status.
func (d documentsReader) want(status int, method, path, body string) string {
	d.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, d.claims).SignedString([]byte(secret))
	if err != nil {
		d.Fatal(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	if w.Code != status {
		d.Errorf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	return w.Body.String()
}

// typing returns an update by which a client inserts text at the beginning of the root "note".
func typing(client byte, text string) string {
	return string([]byte{1, 1, client, 0, 4, 1, 4}) + "note" + string([]byte{byte(len(text))}) + text + "\x00"
}

func TestPresenceNeedsTheRightsOfItsDocument(t *testing.T) {
	d, rooms := openDocuments(t, nil)
	room := rooms.room("a/note")
	room.Connect(1, yroom.Admission{Write: true, Subject: "bob", Session: session.Session{Subject: session.MarkOf("bob")}}, time.Now())
	const bob = `{"sockets":1,"people":[{"subject":"bob","sockets":1,"writes":true,"states":[]}]}`
	for _, path := range []string{"/yjs/a/note/presence", "/yjs/a%2Fnote/presence"} {
		if got := d.want(200, "GET", path, ""); got != bob {
			t.Errorf("%s: %s", path, got)
		}
	}
	d.as(jwt.MapClaims{"sub": "alice", "scope": "yjs:read", "rooms": []string{"a/*"}}).want(200, "GET", "/yjs/a/note/presence", "")
	for _, claims := range []jwt.MapClaims{
		{"sub": "alice", "scope": "yjs:write sync:admin"},
		{"sub": "alice", "scope": "yjs:read", "rooms": []string{"b/*"}},
		{"sub": "alice", "rooms": []string{}},
	} {
		answer := d.as(claims).want(403, "GET", "/yjs/a/note/presence", "")
		if strings.Contains(answer, "bob") {
			t.Error(answer)
		}
	}
	if answer := d.want(400, "GET", "/yjs/a/note/presence?limit=1", ""); !strings.Contains(answer, "limit=1") {
		t.Error(answer)
	}
	d.want(404, "GET", "/yjs/"+strings.Repeat("r", 600)+"/presence", "")
	d.want(405, "POST", "/yjs/a/note/presence", "")
	d.want(404, "GET", "/yjs/a%2Fnote%2Fpresence", "") // the document of that name
}

// A long reply is asked for again, with memory for it.
func TestPresenceThatIsLongIsWhole(t *testing.T) {
	d, rooms := openDocuments(t, nil)
	for i := range 1500 {
		subject := fmt.Sprintf("subject number %d, whose name has about the length of a usual one", i)
		rooms.room("r").Connect(int32(i+1), yroom.Admission{Subject: subject, Session: session.Session{Subject: session.MarkOf(subject)}}, time.Now())
	}
	var shown struct {
		Sockets int
		People  []struct{ Subject string }
		More    bool
	}
	if err := json.Unmarshal([]byte(d.want(200, "GET", "/yjs/r/presence", "")), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Sockets != 1500 || len(shown.People) != 1000 || !shown.More {
		t.Errorf("%d sockets, %d people, more %t", shown.Sockets, len(shown.People), shown.More)
	}
}

// S6: a document that nobody has opened in a space is not asked, and the space stores nothing.
func TestPresenceMakesNoSpace(t *testing.T) {
	f := newTown(t)
	if got := f.want(200, "GET", "/s/acme/yjs/note/presence", f.in("acme"), ""); got != `{"sockets":0,"people":[]}` {
		t.Error(got)
	}
	if s := f.object("acme"); s.Stored.Load() != 0 || len(f.calls) > 0 || f.listed() != "" {
		t.Errorf("%d transactions, calls %q, the directory has %q", s.Stored.Load(), f.calls, f.listed())
	}
	f.want(204, "POST", "/s/acme/yjs/note", f.in("acme"), "\x00\x00")
	f.calls = nil
	f.want(200, "GET", "/s/acme/yjs/note/presence", f.in("acme"), "")
	if !slices.Equal(f.calls, []string{"SPACE_YJS_ROOM acme/note"}) {
		t.Errorf("calls %q", f.calls)
	}
	f.want(403, "GET", "/s/acme/yjs/note/presence", f.scoped("acme", "yjs:write"), "")
	f.want(403, "GET", "/s/acme/yjs/note/presence", f.in("beta"), "")
}

// A version has the forms of a document, and neither needs the other.
func TestAVersionIsShownInTheFormsOfADocument(t *testing.T) {
	d, rooms := openDocuments(t, nil)
	keep := func(name string) (id string) {
		var v struct{ ID string }
		if err := json.Unmarshal([]byte(d.want(201, "POST", "/yjs/r/versions", name)), &v); err != nil {
			t.Fatal(err)
		}
		return v.ID
	}
	forms := []string{"?format=text&name=note", "?format=json", "?format=tree", "", "?sv=AQEC"}
	show := func(path string) (all []string) {
		for _, form := range forms {
			all = append(all, d.want(200, "GET", path+form, ""))
		}
		return all
	}
	d.want(204, "POST", "/yjs/r", typing(1, "yesterday"))
	then := show("/yjs/r")
	if then[0] != "yesterday" || then[1] != `{"note":"yesterday"}` {
		t.Errorf("got %q", then)
	}
	version := "/yjs/r/versions/" + keep("yesterday")
	d.want(204, "POST", "/yjs/r", typing(2, "today "))
	if now := d.want(200, "GET", "/yjs/r"+forms[0], ""); now != "yesterdaytoday " && now != "today yesterday" {
		t.Errorf("now it is %q", now)
	}
	rooms.rooms = map[string]*liveRoom{} // no room is asked for a version
	if got := show(version); !slices.Equal(got, then) {
		t.Errorf("got %q, want %q", got, then)
	}
	if len(rooms.rooms) > 0 {
		t.Error("a room was asked")
	}
	d.want(404, "GET", version+"?format=text&name=nope", "")
	d.want(404, "GET", version+"x?format=text&name=note", "")
	d.want(400, "GET", version+"?format=html", "")
	for _, claims := range []jwt.MapClaims{{"sub": "a", "scope": "yjs:write"}, {"sub": "a", "rooms": []string{"other"}}} {
		d.as(claims).want(403, "GET", version+forms[0], "")
	}
}

// The forms of a version take memory, as those of a document do. Its update takes less.
func TestAVersionThatIsTooLargeForAFormIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		clients   int // of 380 bytes each, and 30 in the update
		variables map[string]string
		status    int
		says      string
	}{
		"it fits":                {50_000, nil, 200, "xxx"},
		"no memory":              {50_000, map[string]string{"LIMIT_MEMORY_MB": "32"}, 413, "LIMIT_MEMORY_MB"},
		"it can only be merged":  {100_000, nil, 413, "too large for this format"},
		"short, and less memory": {1_000, map[string]string{"LIMIT_MEMORY_MB": "32"}, 200, "xxx"},
	} {
		t.Run(name, func(t *testing.T) {
			state := lib0.AppendUint(nil, uint64(c.clients))
			for client := c.clients; client > 0; client-- {
				state = append(lib0.AppendUint(lib0.AppendUint(state, 1), uint64(client)), 0, 4, 1, 4)
				state = lib0.AppendString(append(state, "note"...), strings.Repeat("x", 10))
			}
			state = append(state, 0)
			copies := documents.NewCopies(openD1(t))
			if err := copies.PutVersion(context.Background(), "r", documents.Version{ID: "v"}, state); err != nil {
				t.Fatal(err)
			}
			config := configure(t, c.variables)
			config.Root.Documents = &documentsapi.Config{Versions: copies}
			d := documentsReader{t, webtest.Handler{Of: api.New(config)}, jwt.MapClaims{"sub": "alice"}}
			if got := d.want(c.status, "GET", "/yjs/r/versions/v?format=text&name=note", ""); !strings.Contains(got, c.says) {
				t.Errorf("got %.200s", got)
			}
			if got := d.want(200, "GET", "/yjs/r/versions/v", ""); got != string(state) {
				t.Errorf("the update has %d bytes, want %d", len(got), len(state))
			}
		})
	}
}
