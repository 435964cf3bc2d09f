//go:build !js

package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
)

// A3: a caller learns nothing about a space that its token does not name, and the object of
// the space does not hear of the request.
func TestASpaceThatATokenDoesNotNameIs403WhetherItExistsOrNot(t *testing.T) {
	f := newTown(t)
	f.push("there", "a")
	object := f.object("there")
	served, entered := object.served.Load(), object.Entered.Load()
	tokens := map[string]string{
		"of another space": f.in("other"),
		"of globs":         f.sign(conformance.Claims{Subject: "ann", Scope: "sync:read spaces:admin", TTL: time.Hour, Space: "o*"}),
		"of the root":      f.sign(conformance.Claims{Subject: "ann", Scope: conformance.NoScope, TTL: time.Hour}),
	}
	for what, token := range tokens {
		for _, c := range [][2]string{
			{"GET", "/sync/pull"}, {"GET", "/sync/checksum"}, {"POST", "/trpc/sync.push"}, {"GET", "/trpc/sync.pull"}, {"GET", "/trpc/a,b?batch=1"},
			{"POST", "/auth/ticket"}, {"GET", "/yjs/r"}, {"GET", "/api/v1/projects/"}, {"GET", "/info"}, {"DELETE", ""}, {"GET", "/nowhere"}, {"GET", "/"},
		} {
			var answers []string
			for _, name := range []string{"there", "nowhere"} {
				status, answer, header := f.exchange(c[0], "/s/"+name+c[1], token, "")
				if status != http.StatusForbidden {
					t.Errorf("%s, %s %s in %s: %d %s", what, c[0], c[1], name, status, answer)
				}
				header.Del("Date")
				answers = append(answers, fmt.Sprint(answer, header))
			}
			if answers[0] != answers[1] {
				t.Errorf("%s, %s %s: %s, and if it is not there %s", what, c[0], c[1], answers[0], answers[1])
			}
		}
		for _, name := range []string{"there", "nowhere"} {
			for _, path := range []string{"/sync/subscribe", "/yjs/r", "/api/v1/projects/p/subscribe", "/nowhere"} {
				f.wantClosed(4403, f.dial("/s/"+name+path+"?token="+token))
			}
		}
	}
	for _, name := range []string{"there", "nowhere"} { // nor do callers without a token
		f.want(401, "GET", "/s/"+name+"/sync/pull", "", "")
		f.want(401, "DELETE", "/s/"+name, "nonsense", "")
		f.wantClosed(4401, f.dial("/s/"+name+"/sync/subscribe?token=nonsense"))
	}
	f.want(401, "GET", "/s/there/sync/pull", "", "", "in the header authorization: Bearer TOKEN\"")
	ctx, cancel := context.WithTimeout(t.Context(), wasmtest.Patience)
	defer cancel()
	if _, _, err := f.dial("/s/there/sync/subscribe").Read(ctx); err == nil || !strings.Contains(err.Error(), "or as ?ticket= or ?token=") {
		t.Errorf("a WebSocket without a token: %v", err)
	}
	if names := f.objects(); fmt.Sprint(names) != "[there]" {
		t.Errorf("the objects are %v", names)
	}
	if object.served.Load() != served || object.Entered.Load() != entered {
		t.Error("the object of the space heard of a request")
	}
	// A1: nor does a token for a space open the root.
	f.want(403, "GET", "/sync/checksum", f.in("there"), "")
	f.wantClosed(4403, f.dial("/sync/subscribe?token="+f.in("there")))
}

func TestWhatIsNoNameOfASpaceIsNotFound(t *testing.T) {
	f := newTown(t)
	all := f.sign(conformance.Claims{Subject: "ann", Scope: "sync:read", TTL: time.Hour, Space: "*"})
	for _, name := range []string{"", ".", "..", ".a", "-a", "_a", "a%20b", "%61", "a%2Fb", "ä", strings.Repeat("a", 65)} {
		if status, answer := f.ask("GET", "/s/"+name+"/sync/pull", all, ""); status != 404 {
			t.Errorf("%q: %d %s", name, status, answer)
		}
		f.wantClosed(4404, f.dial("/s/"+name+"/sync/subscribe?token="+all))
	}
	if names := f.objects(); len(names) > 0 {
		t.Errorf("the objects are %v", names)
	}
	for _, name := range []string{"a", "9", "A.b_c-d", strings.Repeat("a", 64)} {
		f.want(200, "GET", "/s/"+name+"/sync/pull", all, "")
	}
}

// A4: a ticket is good for the space that gave it, and no other.
func TestATicketIsGoodForItsSpace(t *testing.T) {
	f := newTown(t)
	places := map[string]string{"": "/sync/subscribe?ticket=", "acme": "/s/acme/sync/subscribe?ticket=", "beta": "/s/beta/sync/subscribe?ticket="}
	for of := range places {
		ticket := f.ticket(of)
		for in, path := range places {
			if in != of {
				f.wantClosed(4401, f.dial(path+ticket))
			}
		}
		if hello := f.hears(f.dial(places[of] + ticket)); !strings.Contains(hello, `"hello"`) {
			t.Errorf("%q: %s", of, hello)
		}
		f.wantClosed(4401, f.dial(places[of]+ticket))
	}
	// It allows no more than the token that it is for.
	var v struct{ Ticket string }
	if err := json.Unmarshal([]byte(f.want(200, "POST", "/s/acme/auth/ticket", f.scoped("acme", "yjs:read"), "")), &v); err != nil {
		t.Fatal(err)
	}
	f.wantClosed(4403, f.dial(places["acme"]+v.Ticket))
}

// A3, A4: what is no ticket of the space does not reach it.
func TestAForgedTicketWakesNoSpace(t *testing.T) {
	f := newTown(t)
	of := f.ticket("beta")
	first, rest := "A", of[1:]
	if of[0] == 'A' {
		first = "B"
	}
	for _, ticket := range []string{"nonsense", "x" + of, of + "A", of[:len(of)-1], of[:26], first + rest, strings.ToLower(of), of} {
		f.wantClosed(4401, f.dial("/s/acme/sync/subscribe?ticket="+ticket))
	}
	if woken := f.objects(); !slices.Equal(woken, []string{"beta"}) {
		t.Errorf("woken: %q", woken)
	}
	f.hears(f.dial("/s/beta/sync/subscribe?ticket=" + of))
}

// A5: requests are counted by subject and space.
func TestRequestsAreCountedBySubjectAndSpace(t *testing.T) {
	f := newTown(t, "LIMIT_REQUESTS_PER_MINUTE", "3")
	both := func(subject string) string {
		return f.sign(conformance.Claims{Subject: subject, Scope: "sync:read", TTL: time.Hour, Space: "*"})
	}
	for range 3 {
		f.want(200, "GET", "/s/acme/sync/checksum", both("ann"), "")
	}
	f.want(429, "GET", "/s/acme/sync/checksum", both("ann"), "")
	f.want(200, "GET", "/s/acme/sync/checksum", both("bob"), "")
	f.want(200, "GET", "/s/beta/sync/checksum", both("ann"), "")
	f.want(200, "GET", "/sync/checksum", f.in(""), "")
	f.want(429, "GET", "/s/acme/sync/checksum", both("ann"), "")
	f.now = f.now.Add(time.Minute)
	f.want(200, "GET", "/s/acme/sync/checksum", both("ann"), "")
}

// S6: to read a space that is not there answers an empty one, and stores nothing.
func TestReadingAnAbsentSpaceStoresNothing(t *testing.T) {
	f := newTown(t)
	if v := f.pull("acme", 0); v.Timestamp != 1 || v.ExperimentalStrategy != "" || len(v.Changes["customers"].Updated) > 0 {
		t.Errorf("the pull is %+v", v)
	}
	f.want(200, "GET", "/s/acme/sync/checksum", f.in("acme"), "")
	f.want(200, "GET", "/s/acme/api/v1/projects/", f.in("acme"), "", `"results":[]`)
	f.want(404, "GET", "/s/acme/api/v1/projects/p/", f.in("acme"), "")
	f.want(200, "GET", "/s/acme/yjs/", f.in("acme"), "")
	f.want(200, "GET", "/s/acme/info", f.admin("acme"), "", `"name":"acme","created_at":null`, `"subscribers":0`, `"customers":{"rows":0,"tombstones":0}`, `"documents":0`)
	if hello := f.hears(f.dial("/s/acme/sync/subscribe?token=" + f.in("acme"))); !strings.Contains(hello, `"stamp":1`) {
		t.Error(hello)
	}
	f.wantClosed(4401, f.dial("/s/acme/sync/subscribe?ticket=nonsense"))
	// Nor does a write that is refused.
	push := "/s/acme/trpc/sync.push"
	f.want(403, "POST", push, f.scoped("acme", "sync:read"), pushes("a", 1))
	f.want(400, "POST", push, f.in("acme"), strings.Replace(pushes("a", 1), "customers", "nope", 1))
	f.want(409, "POST", push, f.in("acme"), pushes("a", 1_700_000_000_000))
	f.want(404, "PATCH", "/s/acme/api/v1/projects/p/", f.in("acme"), `{"name":"P"}`)
	f.want(204, "DELETE", "/s/acme", f.operator("acme"), "")
	f.want(404, "POST", "/s/acme/pause", f.operator("acme"), "")
	f.want(404, "POST", "/s/acme/resume", f.operator("acme"), "")
	// Nor does a request that changes the clock alone.
	f.want(200, "POST", push, f.in("acme"), `{"lastPulledAt":1,"changes":{}}`)
	f.want(200, "POST", "/s/acme/sync/purge", f.admin("acme"), `{"keep_days":1}`)
	f.want(200, "POST", "/s/acme/sync/restore", f.admin("acme"), "")
	s := f.object("acme")
	if s.Stored.Load() != 0 || s.Tables() != 0 || !s.alarm.IsZero() || f.listed() != "" {
		t.Errorf("%d transactions, %d tables, the alarm is %v, the directory has %q", s.Stored.Load(), s.Tables(), s.alarm, f.listed())
	}
	// S7: who pulled the empty space may push at once, and then gets a replacement.
	f.want(200, "POST", push, f.in("acme"), pushes("a", 1))
	f.want(200, "POST", push, f.in("acme"), pushes("b", 1))
	if v := f.pull("acme", 1); v.ExperimentalStrategy != "replacement" || len(v.Changes["customers"].Updated) != 2 {
		t.Errorf("the pull is %+v", v)
	}
}

// C1: a request of a space asks its own object alone, and that one as often, however many
// other spaces there are.
func TestARequestCostsTheSameBesideOtherSpaces(t *testing.T) {
	f := newTown(t)
	f.push("acme", "a")
	s, stamp := f.object("acme"), f.pull("acme", 0).Timestamp
	cost := func() (events, transactions int64) {
		events, transactions = s.Entered.Load(), s.Stored.Load()
		f.want(200, "POST", "/s/acme/trpc/sync.push", f.in("acme"), pushes("b", stamp))
		f.pull("acme", stamp)
		return s.Entered.Load() - events, s.Stored.Load() - transactions
	}
	cost()
	events, transactions := cost()
	for n := range 50 {
		f.push(fmt.Sprint("other-", n), "a")
	}
	others := f.object("other-7").served.Load()
	if e, n := cost(); e != events || n != transactions {
		t.Errorf("%d events and %d transactions beside 50 spaces, %d and %d beside none", e, n, events, transactions)
	}
	if f.object("other-7").served.Load() != others {
		t.Error("another space was asked")
	}
}

// S1: a push commits, and the subscribers are told, in one event of the object.
func TestAPushCommitsAndTellsInOneEvent(t *testing.T) {
	f := newTown(t)
	f.push("acme", "a")
	conn := f.dial("/s/acme/sync/subscribe?token=" + f.in("acme"))
	f.hears(conn)
	s, push := f.object("acme"), pushes("b", f.pull("acme", 0).Timestamp)
	entered, stored := s.Entered.Load(), s.Stored.Load()
	f.want(200, "POST", "/s/acme/trpc/sync.push", f.in("acme"), push)
	if change := f.hears(conn); !strings.Contains(change, `"table":"customers"`) {
		t.Error(change)
	}
	if events, transactions := s.Entered.Load()-entered, s.Stored.Load()-stored; events != 1 || transactions != 1 {
		t.Errorf("a push took %d events and %d transactions", events, transactions)
	}
}

// S1: no request of a space touches D1, but for the directory.
func TestASpaceNeedsNoD1(t *testing.T) {
	f := newTown(t)
	f.push("acme", "a")
	f.d1.broken = true
	f.push("acme", "b")
	f.want(201, "POST", "/s/acme/api/v1/projects/", f.in("acme"), `{"name":"P"}`)
	f.hears(f.dial("/s/acme/sync/subscribe?ticket=" + f.ticket("acme")))
}

// S9.
func TestTheDirectoryListsSpaces(t *testing.T) {
	f := newTown(t)
	for _, name := range []string{"b", "acme-2", "acme"} {
		f.push(name, "a")
	}
	operator := f.sign(conformance.Claims{Subject: "ops", Scope: "spaces:admin", TTL: time.Hour})
	at := f.now.UnixMilli()
	entry := func(name string) string { return fmt.Sprintf(`{"name":%q,"created_at":%d}`, name, at) }
	for query, want := range map[string]string{
		"":                           `{"spaces":[` + entry("acme") + "," + entry("acme-2") + "," + entry("b") + `],"next":null}`,
		"?limit=2":                   `{"spaces":[` + entry("acme") + "," + entry("acme-2") + `],"next":"acme-2"}`,
		"?limit=2&after=acme-2":      `{"spaces":[` + entry("b") + `],"next":null}`,
		"?prefix=acme":               `{"spaces":[` + entry("acme") + "," + entry("acme-2") + `],"next":null}`,
		"?prefix=acme&after=acme":    `{"spaces":[` + entry("acme-2") + `],"next":null}`,
		"?prefix=c":                  `{"spaces":[],"next":null}`,
		"?limit=1000&prefix=acme-2x": `{"spaces":[],"next":null}`,
	} {
		if got := f.want(200, "GET", "/spaces"+query, operator, ""); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x"} {
		f.want(400, "GET", "/spaces"+query, operator, "", "limit")
	}
	f.want(403, "GET", "/spaces", f.sign(conformance.Claims{Subject: "ops", Scope: conformance.NoScope, TTL: time.Hour}), "") // A2
	f.want(403, "GET", "/spaces", f.operator("*"), "")
	f.want(401, "GET", "/spaces", "", "")
	f.want(404, "GET", "/s/acme/spaces", f.operator("acme"), "")
}

// S10.
func TestInfoSaysWhatASpaceHolds(t *testing.T) {
	f := newTown(t)
	f.push("acme", "a")
	f.push("acme", "b")
	f.want(200, "POST", "/s/acme/trpc/sync.push", f.in("acme"), f.deletes("acme", "b"))
	f.stored("acme", abi.Statement{SQL: `INSERT INTO YjsRooms (RoomId, YjsState) VALUES ('r', '')`})
	f.hears(f.dial("/s/acme/sync/subscribe?token=" + f.in("acme")))
	var info struct {
		Name         string
		Created      int64 `json:"created_at"`
		Bytes, Stamp int64
		Subscribers  int
		Tables       map[string]struct{ Rows, Tombstones int }
		Documents    int
	}
	if err := json.Unmarshal([]byte(f.want(200, "GET", "/s/acme/info", f.admin("acme"), "")), &info); err != nil {
		t.Fatal(err)
	}
	if info.Bytes < 10_000 || info.Name != "acme" || info.Created != f.now.UnixMilli() || info.Stamp != f.pull("acme", 0).Timestamp || info.Subscribers != 1 ||
		info.Documents != 1 || fmt.Sprint(info.Tables) != "map[customers:{1 1} products:{0 0}]" {
		t.Errorf("got %+v", info)
	}
	f.want(403, "GET", "/s/acme/info", f.in("acme"), "", "sync:admin")
	f.want(405, "POST", "/s/acme/info", f.admin("acme"), "")
}

// S12.
func TestAFullSpaceTakesDeletionsAlone(t *testing.T) {
	f := newTown(t)
	const limit = "LIMIT_SPACE_BYTES"
	f.push("acme", "a")
	f.push("acme", "a2")
	projects := "/s/acme/api/v1/projects/"
	f.want(201, "POST", projects, f.in("acme"), `{"id":"p","name":"P"}`)
	f.want(201, "POST", projects+"p/tasks/", f.in("acme"), `{"id":"t","name":"T"}`)
	f.want(204, "POST", "/s/acme/yjs/r", f.in("acme"), "an update")
	var version struct{ ID string }
	if err := json.Unmarshal([]byte(f.want(201, "POST", "/s/acme/yjs/r/versions", f.in("acme"), "v")), &version); err != nil {
		t.Fatal(err)
	}
	f.config.Bytes = f.object("acme").Size()
	push := "/s/acme/trpc/sync.push"
	batch := func(n int, changes string) string {
		return fmt.Sprintf(`{"client_batch_id":"00000000-0000-4000-8000-%012d","changes":{"tasks":%s}}`, n, changes)
	}
	since := f.pull("acme", 0).Timestamp
	f.want(413, "POST", push, f.in("acme"), pushes("b", since), limit)
	f.want(413, "PATCH", "/s/acme/sync/row?table=customers&id=a", f.admin("acme"), `{"set":{"notes":"more"}}`, limit)
	f.want(413, "POST", projects, f.in("acme"), `{"name":"Q"}`, limit)
	f.want(413, "POST", projects+"p/tasks/", f.in("acme"), `{"name":"U"}`, limit)
	f.want(413, "PATCH", projects+"p/tasks/t/", f.in("acme"), `{"name":"U"}`, limit)
	f.want(413, "POST", projects+"p/memberships/", f.in("acme"), `{"user_id":"bob","role":"Viewer"}`, limit)
	f.want(413, "POST", projects+"p/sync/", f.in("acme"), batch(1, `{"created":[{"id":"00000000-0000-4000-8000-000000000001","name":"N"}]}`), limit)
	f.want(413, "POST", "/s/acme/yjs/r", f.in("acme"), "\x00\x00", limit)
	f.want(413, "POST", "/s/acme/yjs/r/versions", f.in("acme"), `{"name":"v"}`, limit)
	f.want(413, "POST", "/s/acme/yjs/r/versions/"+version.ID+"/restore", f.in("acme"), "", limit)
	// What reads or deletes goes on.
	f.pull("acme", since)
	f.want(200, "GET", projects+"p/tasks/t/", f.in("acme"), "")
	f.want(200, "POST", projects+"p/sync/", f.in("acme"), batch(2, `{"deleted":["t"]}`))
	f.want(204, "DELETE", projects+"p/", f.in("acme"), "")
	f.want(200, "POST", push, f.in("acme"), f.deletes("acme", "a"))
	if v := f.pull("acme", since); fmt.Sprint(v.Changes["customers"].Deleted) != "[a]" {
		t.Errorf("the pull is %+v", v)
	}
	f.want(200, "DELETE", "/s/acme/sync/row?table=customers&id=a2", f.admin("acme"), "", `"state":"deleted"`)
	f.hears(f.dial("/s/acme/sync/subscribe?ticket=" + f.ticket("acme")))
	f.push("beta", "a") // another space has its own limit
	f.config.Bytes = 1 << 30
	f.push("acme", "b")
}

// TestReadingADocumentThatIsNotThereCallsNoRoom checks S6: the room would store that it was
// asked, and no deletion would find it.
func TestReadingADocumentThatIsNotThereCallsNoRoom(t *testing.T) {
	f := newTown(t)
	f.push("acme", "c1")
	f.onDocument = func(op yroom.Op) { t.Errorf("the room was called: %d", op) }
	for _, name := range []string{"acme", "nowhere"} {
		f.want(404, "GET", "/s/"+name+"/yjs/any", f.in(name), "")
		f.want(404, "GET", "/s/"+name+"/yjs/any?format=json", f.in(name), "")
		f.want(404, "POST", "/s/"+name+"/yjs/any/versions", f.in(name), "v")
		f.want(204, "DELETE", "/s/"+name+"/yjs/any", f.in(name), "")
	}
	f.onDocument = nil
	f.want(204, "POST", "/s/acme/yjs/any", f.in("acme"), "an update")
	f.want(200, "GET", "/s/acme/yjs/any", f.in("acme"), "")
	called := len(f.calls)
	f.want(204, "DELETE", "/s/acme/yjs/any", f.in("acme"), "")
	if len(f.calls) == called {
		t.Error("the room of a document was not called to delete it")
	}
}
