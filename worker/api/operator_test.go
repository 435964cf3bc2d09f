//go:build !js

package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/e2e/conformance"
	"tidemark/shared/record"
	"tidemark/worker/api"
	recordsapi "tidemark/worker/api/records"
	"tidemark/worker/webtest"
)

func (p *ports) Restore(context.Context, time.Time) (record.Stamp, error) {
	p.operations = append(p.operations, "restore")
	return 7, p.err
}

func (p *ports) Purge(_ context.Context, _ time.Time, keep time.Duration) (record.Purged, error) {
	p.operations = append(p.operations, fmt.Sprint("purge ", keep.Hours()))
	return record.Purged{Horizon: 7, Tombstones: 3, More: keep == 24*time.Hour}, p.err
}

func scoped(scope string) string {
	return "Bearer " + conformance.Signer([]byte(secret))(conformance.Claims{Subject: "operator", Scope: scope, TTL: time.Hour})
}

func operate(h http.Handler, path, body string) *httptest.ResponseRecorder {
	return ask(h, "POST", path, strings.NewReader(body), "Authorization", scoped("sync:admin"))
}

func TestOnlyTheOperatorRestoresAndPurges(t *testing.T) {
	p := &ports{}
	h := newHandler(t, p)
	for _, path := range []string{"/sync/restore", "/sync/purge"} {
		for _, scope := range []string{conformance.NoScope, "", "sync:write", "sync:read sync:write projects:read projects:write yjs:read yjs:write"} {
			w := ask(h, "POST", path, nil, "Authorization", scoped(scope))
			want(t, w, 403, `{"error":{"code":"FORBIDDEN"`, "sync:admin")
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer error="insufficient_scope", scope="sync:admin"` {
				t.Errorf("WWW-Authenticate: %q", got)
			}
		}
		want(t, ask(h, "POST", path, nil, "Authorization", ""), 401, `{"error":{"code":"UNAUTHORIZED"`)
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			w := ask(h, method, path, nil, "Authorization", scoped("sync:admin"))
			want(t, w, 405, `"code":"METHOD_NOT_SUPPORTED"`)
			if got := w.Header().Get("Allow"); got != "POST" {
				t.Errorf("Allow: %q", got)
			}
		}
	}
	if len(p.operations)+len(p.published) > 0 {
		t.Errorf("what was refused was done: %v, %v", p.operations, p.published)
	}
	want(t, ask(h, "GET", "/sync/checksum", nil, "Authorization", scoped("sync:admin")), 403, "sync:read")
	want(t, operate(h, "/sync/restore", ""), 200, `{"floor":7}`)
	want(t, operate(h, "/sync/purge", ""), 200, `{"horizon":7,"purged":3}`)
	want(t, operate(h, "/sync/purge", `{"keep_days":1}`), 200, `{"horizon":7,"purged":3,"more":true}`)
	want(t, ask(h, "POST", "/sync/purge", nil, "Authorization", scoped("sync:write sync:admin")), 200)
}

func TestThePurgesBodySaysHowManyDaysAreKept(t *testing.T) {
	p := &ports{}
	h := newHandler(t, p, "LIMIT_BODY_BYTES", "1000")
	for body, days := range map[string]int{
		``: 90, `{}`: 90, `{"keep_days":1}`: 1, ` { "keep_days" : 90 } `: 90, `{"keep_days":36500}`: 36_500,
	} {
		p.operations = nil
		want(t, operate(h, "/sync/purge", body), 200)
		if got, want := fmt.Sprint(p.operations), fmt.Sprintf("[purge %d]", days*24); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
	p.operations = nil
	for body, reason := range map[string]string{
		`{"keep_days":0}`:       "keep_days must be an integer from 1 to 36500",
		`{"keep_days":-1}`:      "keep_days must be",
		`{"keep_days":1.5}`:     "keep_days must be",
		`{"keep_days":36501}`:   "keep_days must be",
		`{"keep_days":1e99}`:    "keep_days must be",
		`{"keep_days":"90"}`:    "keep_days must be",
		`{"keep_days":null}`:    "keep_days must be",
		`{"keepDays":9}`:        `Unknown member \"keepDays\"`,
		`{"keep_days":9,"x":1}`: `Unknown member \"x\"`,
		`90`:                    `The body must be {\"keep_days\":n}`,
		`null`:                  "The body must be",
		`[]`:                    "The body must be",
		`{"keep_days":9`:        "The body must be",
	} {
		want(t, operate(h, "/sync/purge", body), 400, `{"error":{"code":"BAD_REQUEST"`, reason)
	}
	want(t, operate(h, "/sync/restore", `{"to":"yesterday"}`), 400, `"code":"BAD_REQUEST"`, "A restore takes no body")
	want(t, operate(h, "/sync/purge", strings.Repeat(" ", 1001)), 413, `"code":"PAYLOAD_TOO_LARGE"`)
	if len(p.operations) > 0 {
		t.Errorf("what was refused was done: %v", p.operations)
	}
}

func TestAnOperationThatFailsTellsNobody(t *testing.T) {
	p := &ports{err: errors.New("D1_ERROR: no such table: Clock")}
	h := newHandler(t, p)
	for _, path := range []string{"/sync/restore", "/sync/purge"} {
		want(t, operate(h, path, ""), 500, `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"Internal error"}}`)
	}
	if len(p.published) > 0 {
		t.Errorf("told of %v", p.published)
	}
}

// An office is a server on a real store, with a clock of its own.
type office struct {
	*testing.T
	http.Handler
	now time.Time
}

func newOffice(t *testing.T) *office {
	o := &office{T: t, now: time.Now()}
	rows, tickets := openStore(t)
	c := configure(t, nil)
	c.Root.Records = recordsapi.Config{Store: rows, Restorers: []recordsapi.Restorer{tickets}}
	c.Root.Tickets, c.Door.Rooms, c.Door.Now = tickets, newRooms(t), func() time.Time { return o.now }
	o.Handler = webtest.Handler{Of: api.New(c)}
	return o
}

// A view is the response to a pull.
type view struct {
	Changes map[string]struct {
		Updated []struct{ ID string }
		Deleted []string
	}
	Timestamp            int64
	ExperimentalStrategy string
}

// String is the strategy, the customers and those deleted.
func (v view) String() string {
	var ids []string
	for _, row := range v.Changes["customers"].Updated {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	return fmt.Sprint(v.ExperimentalStrategy, ids, v.Changes["customers"].Deleted)
}

func (o *office) pull(since int64) (v view) {
	o.Helper()
	w := ask(o, "GET", fmt.Sprint("/sync/pull?lastPulledAt=", since), nil)
	want(o.T, w, 200)
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		o.Fatalf("%s: %v", w.Body, err)
	}
	return v
}

// push writes the customers, and deletes those that begin with a minus.
func (o *office) push(since int64, ids ...string) *httptest.ResponseRecorder {
	created, deleted := []any{}, []string{}
	for _, id := range ids {
		if gone, ok := strings.CutPrefix(id, "-"); ok {
			deleted = append(deleted, gone)
			continue
		}
		created = append(created, map[string]any{"id": id, "updated_at": o.now.UnixMilli()})
	}
	body, err := json.Marshal(map[string]any{"lastPulledAt": since, "changes": map[string]any{
		"customers": map[string]any{"created": created, "updated": []any{}, "deleted": deleted},
	}})
	if err != nil {
		o.Fatal(err)
	}
	return ask(o, "POST", "/trpc/sync.push", strings.NewReader(string(body)))
}

// operate returns the numbers of the operation's response.
func (o *office) operate(path, body string) map[string]int64 {
	o.Helper()
	w := operate(o, path, body)
	want(o.T, w, 200)
	var numbers map[string]int64
	if err := json.Unmarshal(w.Body.Bytes(), &numbers); err != nil {
		o.Fatalf("%s: %v", w.Body, err)
	}
	return numbers
}

func (o *office) expect(got, want any) {
	o.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		o.Errorf("got %v, want %v", got, want)
	}
}

func TestARestoreReplacesWhatClientsHaveAndTellsThem(t *testing.T) {
	o := newOffice(t)
	want(t, o.push(0, "a", "b"), 200)
	before := o.pull(0)
	o.expect(before, "[a b] []")
	o.expect(o.pull(before.Timestamp), "[] []")

	server := httptest.NewServer(o)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, server.URL+"/sync/subscribe", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + token("alice")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	hear := func() string {
		_, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	o.expect(hear(), fmt.Sprintf(`{"type":"hello","table":"*","stamp":%d}`, before.Timestamp))

	floor := o.operate("/sync/restore", "")["floor"]
	if floor <= before.Timestamp {
		t.Errorf("floor %d, the clients are at %d", floor, before.Timestamp)
	}
	o.expect(hear(), fmt.Sprintf(`{"type":"change","table":"*","stamp":%d}`, floor))
	want(t, o.push(before.Timestamp, "late"), 409, `"code":"CONFLICT"`, "pull first")
	after := o.pull(before.Timestamp)
	o.expect(after, "replacement[a b] []")
	if after.Timestamp < floor {
		t.Errorf("the replacement is of %d, the floor is %d", after.Timestamp, floor)
	}
	want(t, o.push(after.Timestamp, "c"), 200)
	o.expect(o.pull(after.Timestamp), "[c] []")
}

func TestAPurgeForgetsOldTombstonesOnly(t *testing.T) {
	const day = 24 * time.Hour
	o := newOffice(t)
	today := o.now
	o.now = today.Add(-200 * day)
	want(t, o.push(0, "a", "b", "c"), 200)
	oldest := o.pull(0).Timestamp
	o.now = today.Add(-100 * day)
	want(t, o.push(oldest, "-b"), 200)
	o.now = today.Add(-50 * day)
	want(t, o.push(oldest, "d"), 200)
	recent := o.pull(oldest).Timestamp
	o.now = today.Add(-10 * day)
	want(t, o.push(recent, "-c"), 200)
	o.now = today
	o.expect(o.pull(oldest), "[d] [b c]")

	done := o.operate("/sync/purge", "")
	o.expect(done["purged"], 1)
	o.expect(done["horizon"], today.Add(-90*day).UnixMilli())
	o.expect(o.pull(oldest), "replacement[a d] []")
	o.expect(o.pull(recent), "[] [c]")
	want(t, o.push(oldest, "late"), 409, `"code":"CONFLICT"`, "pull first")
	want(t, o.push(recent, "e"), 200)

	done = o.operate("/sync/purge", `{"keep_days":5}`)
	o.expect(done["purged"], 1)
	o.expect(done["horizon"], today.Add(-5*day).UnixMilli())
	o.expect(o.pull(recent), "replacement[a d e] []")
	o.expect(o.operate("/sync/purge", `{"keep_days":90}`), fmt.Sprintf("map[horizon:%d purged:0]", done["horizon"]))
}
