//go:build !js

package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/web"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api/documents"
	"tidemark/worker/store"
	"tidemark/worker/webtest"
)

// A town is a server with spaces.
type town struct {
	*testing.T
	*spaceObjects
	url  string
	d1   *brokenD1 // with the directory
	now  time.Time
	sign func(conformance.Claims) string
}

// A brokenD1 is a database that fails while broken is true.
type brokenD1 struct {
	strict
	broken bool
	during func() // if not nil, it runs once, before the next Batch
}

func (d *brokenD1) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if during := d.during; during != nil {
		d.during = nil
		during()
	}
	if d.broken {
		return nil, errCut
	}
	return d.strict.Batch(ctx, statements)
}

// townRooms are the SyncRooms of the root and of all projects.
type townRooms struct {
	*rooms
	projects *projectRooms
}

func (r townRooms) Publish(ctx context.Context, binding, room string, message []byte) {
	if room == "sync" {
		r.rooms.Publish(ctx, binding, room, message)
		return
	}
	r.projects.Publish(ctx, binding, room, message)
}

func (r townRooms) Forward(w web.ResponseWriter, q *web.Request, f abi.Forward) error {
	if f.Name == "sync" {
		return r.rooms.Forward(w, q, f)
	}
	return r.projects.Forward(w, q, f)
}

func newTown(t *testing.T, variables ...string) *town {
	f := &town{T: t, d1: &brokenD1{strict: openD1(t)}, now: time.Now(), sign: conformance.Signer([]byte(secret))}
	c := configure(t, pairs(variables))
	c.Root.Records.Store, c.Root.Tickets = storeIn(f.d1.strict, record.Default())
	c.Door.Rooms, c.Door.Now = townRooms{newRooms(t), newProjectRooms(t)}, func() time.Time { return f.now }
	c.Root.Documents = &documents.Config{Calls: silent{}}
	handler, objects := openSpaces(t, &c, f.d1)
	f.spaceObjects = objects
	server := httptest.NewServer(webtest.Handler{Of: handler})
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// in returns a token for one space, of somebody who may do everything there.
func (f *town) in(name string) string { return f.scoped(name, conformance.NoScope) }

func (f *town) scoped(name, scope string) string {
	return f.sign(conformance.Claims{Subject: "ann", Scope: scope, TTL: 12 * time.Hour, Space: name})
}

// admin returns a token for everything that an operator may do in a space, but delete it.
func (f *town) admin(name string) string {
	return f.scoped(name, "sync:admin sync:read sync:write yjs:read yjs:write projects:read projects:write")
}

// operator returns the token that deletes and lists spaces. "*" is not the root.
func (f *town) operator(name string) string { return f.scoped(name, "spaces:admin") }

// ask sends a request.
func (f *town) ask(method, path, token, body string) (status int, answer string) {
	f.Helper()
	status, answer, _ = f.exchange(method, path, token, body)
	return status, answer
}

func (f *town) exchange(method, path, token, body string) (int, string, http.Header) {
	f.Helper()
	r, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// want checks the status of a request, and that its response has these parts.
func (f *town) want(status int, method, path, token, body string, parts ...string) string {
	f.Helper()
	got, answer := f.ask(method, path, token, body)
	if got != status {
		f.Errorf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	for _, part := range parts {
		if !strings.Contains(answer, part) {
			f.Errorf("%s %s: no %q in %s", method, path, part, answer)
		}
	}
	return answer
}

// pushes is a push of one customer.
func pushes(id string, lastPulledAt int64) string {
	return fmt.Sprintf(`{"lastPulledAt":%d,"changes":{"customers":{"created":[{"id":%q,"contact_name":"N","created_at":1,"updated_at":1}],"updated":[],"deleted":[]}}}`, lastPulledAt, id)
}

// deletes is a push that deletes one customer.
func (f *town) deletes(name, id string) string {
	return fmt.Sprintf(`{"lastPulledAt":%d,"changes":{"customers":{"created":[],"updated":[],"deleted":[%q]}}}`, f.pull(name, 0).Timestamp, id)
}

// push pushes a customer to a space.
func (f *town) push(name, id string) {
	f.Helper()
	f.want(200, "POST", "/s/"+name+"/trpc/sync.push", f.in(name), pushes(id, f.pull(name, 0).Timestamp))
}

func (f *town) pull(name string, since int64) view {
	f.Helper()
	path := "/s/" + name + "/sync/pull"
	if since > 0 {
		path += fmt.Sprint("?last_pulled_at=", since)
	}
	var v view
	if err := json.Unmarshal([]byte(f.want(200, "GET", path, f.in(name), "")), &v); err != nil {
		f.Fatal(err)
	}
	return v
}

// ticket returns a ticket of the space, of the root if name is "".
func (f *town) ticket(name string) string {
	f.Helper()
	path := "/auth/ticket"
	if name != "" {
		path = "/s/" + name + path
	}
	var v struct{ Ticket string }
	if err := json.Unmarshal([]byte(f.want(200, "POST", path, f.in(name), "")), &v); err != nil || v.Ticket == "" {
		f.Fatal(err)
	}
	return v.Ticket
}

func (f *town) dial(path string) *websocket.Conn {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, f.url+path, nil)
	if err != nil {
		f.Fatalf("%s: %v", path, err)
	}
	f.Cleanup(func() { conn.CloseNow() })
	return conn
}

// hears reads a message.
func (f *town) hears(conn *websocket.Conn) string {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	_, b, err := conn.Read(ctx)
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// wantClosed reads until the socket is closed with that code.
func (f *town) wantClosed(code int, conn *websocket.Conn) {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			if got := websocket.CloseStatus(err); int(got) != code {
				f.Errorf("closed with %d, %v, want %d", got, err, code)
			}
			return
		}
	}
}

// again boots the object in another instance, which knows nothing but what is stored.
func (o *spaceObjects) again(name string) *spaceObject {
	s := o.object(name)
	s.request.Lock()
	defer s.request.Unlock()
	o.begin(name, s)
	return s
}

// stored runs statements on the storage of a space.
func (f *town) stored(name string, statements ...abi.Statement) []abi.Result {
	f.Helper()
	s := f.object(name)
	var results []abi.Result
	var err error
	entered := s.Object.Enter(context.Background(), func() { results, err = s.Exec(statements...) })
	if entered != nil || err != nil {
		f.Fatal(entered, err)
	}
	return results
}

// listed returns the names in the directory.
func (f *town) listed() string {
	f.Helper()
	results, err := f.d1.strict.Batch(context.Background(), []abi.Statement{{SQL: `SELECT Name FROM Spaces ORDER BY Name`}})
	if err != nil {
		f.Fatal(err)
	}
	var names []string
	for _, row := range results[0].Rows {
		names = append(names, store.CellString(row[0]))
	}
	return strings.Join(names, " ")
}
