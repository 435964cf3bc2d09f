//go:build !js

package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/webtest"
)

// ruledServer serves the tables of the conformance suite, and one that nobody reads, at the root and in the space
// acme. The root has a row in the table that nobody writes.
func ruledServer(t *testing.T, variables map[string]string) http.Handler {
	t.Helper()
	schema := declared(t)
	schema.Tables = append(schema.Tables, record.Table{Name: "sealed", SQL: "sealed", ID: "id", Read: record.Rule{{Kind: record.Nobody}}, Columns: []record.Column{{Name: "text", SQL: "text"}}})
	db := openD1(t)
	for _, sql := range append(additions(&schema), "INSERT INTO archive (id, title, stamp) VALUES ('a', 'x', 1)") {
		if _, err := db.Batch(t.Context(), []abi.Statement{{SQL: sql}}); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]string{"TABLES": string(schema.Encode()), "LIMIT_REQUESTS_PER_MINUTE": "100000000"}
	maps.Copy(all, variables)
	c := configure(t, all)
	if c.Door.Invalid != nil {
		t.Fatal(c.Door.Invalid)
	}
	c.Door.Settings.Auth.Kept = schema.Claims()
	c.Root.Records.Store, c.Root.Tickets = storeIn(db, schema)
	c.Door.Rooms = newRooms(t)
	handler, _ := openSpaces(t, &c, db)
	return webtest.Handler{Of: handler}
}

// signed returns a token with these claims and no others.
func signed(claims map[string]any) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims)).SignedString([]byte(secret))
	if err != nil {
		panic(err)
	}
	return "Bearer " + token
}

// anybody is a request by a token with these claims.
func anybody(h http.Handler, claims map[string]any, method, path string, body any) *httptest.ResponseRecorder {
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		text = string(b)
	}
	return ask(h, method, path, strings.NewReader(text), "Authorization", signed(claims))
}

// whole is a token that may do everything in the root and in all spaces, under every mapping of these tests.
func whole(more map[string]any) map[string]any {
	scope := "sync:read sync:write sync:admin edit"
	claims := map[string]any{"sub": "root", "scope": scope, "permissions": scope, "app": map[string]any{"spaces": []string{"", "*"}}, "spaces": []string{"", "*"}}
	maps.Copy(claims, more)
	return claims
}

// ruledTables have a rule of each kind.
var ruledTables = []string{"customers", "visits", "places", "catalogue", "reports", "letters", "profiles", "archive", "sealed"}

// populate pushes rows of several people to every table.
func populate(t *testing.T, h http.Handler, place string) {
	t.Helper()
	push := func(claims map[string]any, table string, row map[string]any) {
		t.Helper()
		row["created_at"], row["updated_at"] = 1, 2
		w := anybody(h, whole(claims), "POST", place+"/trpc/sync.push", map[string]any{"lastPulledAt": 1, "changes": map[string]any{table: map[string]any{"created": []any{row}}}})
		want(t, w, 200, `"rejected":{}`)
	}
	for _, sub := range []string{"ann", "bob", `a"b`, "é"} {
		id := map[string]string{`a"b`: "quoted", "é": "accent"}[sub]
		if id == "" {
			id = sub
		}
		push(map[string]any{"sub": sub}, "visits", map[string]any{"id": "v." + id, "owner_id": sub})
		push(nil, "letters", map[string]any{"id": "l." + id, "owner_id": sub})
		push(map[string]any{"sub": sub}, "places", map[string]any{"id": "p." + id, "owner_id": sub})
		for _, team := range []string{"red", "blue", "1"} {
			push(map[string]any{"sub": sub}, "places", map[string]any{"id": "p." + id + "." + team, "owner_id": sub, "team": team})
		}
	}
	push(nil, "letters", map[string]any{"id": "l.null"})
	push(nil, "letters", map[string]any{"id": "l.empty", "owner_id": ""})
	for _, sub := range []string{"ann", "bob"} {
		push(map[string]any{"sub": sub}, "profiles", map[string]any{"id": sub, "org_id": map[string]any{"ann": "x", "bob": nil}[sub]})
	}
	push(nil, "reports", map[string]any{"id": "r"})
	push(nil, "sealed", map[string]any{"id": "s"})
	push(nil, "catalogue", map[string]any{"id": "c", "price": 2})
	push(nil, "customers", map[string]any{"id": "k"})
	push(map[string]any{"sub": "ann"}, "visits", map[string]any{"id": "v.gone", "owner_id": "ann"})
	want(t, anybody(h, whole(map[string]any{"sub": "ann"}), "POST", place+"/trpc/sync.push", map[string]any{"lastPulledAt": 1, "changes": map[string]any{"visits": map[string]any{"deleted": []string{"v.gone"}}}}), 200)
}

// drawClaims are the claims of a token, whether or not the server accepts it.
func drawClaims(r *rapid.T) map[string]any {
	claims := map[string]any{"sub": "ann", "scope": "sync:read sync:write", "permissions": "sync:read sync:write", "app": map[string]any{"spaces": []string{"", "acme"}}, "spaces": []string{"", "acme"}}
	maybe := func(name string, values ...any) {
		if v := rapid.SampledFrom(values).Draw(r, name); v == "missing" {
			delete(claims, name)
		} else if v != "usual" {
			claims[name] = v
		}
	}
	strange := []any{7, nil, true, "", []string{}, []any{1, "red", nil, "", "red"}, map[string]any{"a": 1}}
	often := []any{"usual", "usual", "usual", "usual", "usual", "usual", "usual"}
	maybe("sub", slices.Concat(often, []any{"usual", "missing", "bob", `a"b`, "é", "red", "", 7, nil, []string{"ann"}})...)
	maybe("teams", slices.Concat(strange, []any{"missing", "red", []string{"red"}, []string{"blue", "1", "red"}, []string{"none"}})...)
	maybe("org", slices.Concat(strange, []any{"missing", "x", []string{"x"}, "y"})...)
	for _, scope := range []string{"scope", "permissions"} {
		maybe(scope, slices.Concat(often, []any{"missing", "sync:read", "sync:write edit", "sync:read  sync:write edit", "sync:read sync:write editor", "", []string{"sync:read", "edit"}, []any{"sync:read", 1}, 7})...)
	}
	maybe("spaces", slices.Concat(often, []any{"missing", []string{""}, []string{"acme"}, []string{"ac*"}, []string{"b*"}, map[string]string{"acme": "sync:read edit", "": "edit"}, map[string]any{"acme": 7}, "acme", 7})...)
	maybe("app", slices.Concat(often, []any{"missing", map[string]any{}, map[string]any{"spaces": []string{"acme"}}, 7})...)
	for _, name := range []string{"exp", "nbf"} {
		maybe(name, slices.Concat(often, []any{"missing", 1, 4_000_000_000, nil, "soon"})...)
	}
	for name, value := range claims { // JSON null is not the same as none
		if value == "usual" {
			delete(claims, name)
		}
	}
	return claims
}

// An asked is the answer of POST /sync/as.
type asked struct {
	Caller struct {
		Subject, Scope string
		Enters         bool
		Why            []string
	}
	Read, Write string
	Rows        []askedRow
	Next        any
}

type askedRow struct {
	ID            string
	Pulls, Writes bool
	Row           map[string]any
	Why           []string
	WriteWhy      []string `json:"write_why"`
}

func asks(t testing.TB, h http.Handler, place string, body map[string]any) (a asked) {
	t.Helper()
	w := anybody(h, whole(nil), "POST", place+"/sync/as", body)
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 {
		t.Fatalf("%v: %d %s", body, w.Code, w.Body)
	}
	return a
}

// X9, X10: for any claims the answer says what a real pull and real pushes of a token with these claims do.
func TestAsSaysWhatATokenDoes(t *testing.T) {
	for name, variables := range map[string]map[string]string{
		"plain":  nil,
		"mapped": {"AUTH_CLAIMS": "scope=permissions,spaces=app.spaces"},
	} {
		h := ruledServer(t, variables)
		places := []string{"", "/s/acme"}
		for _, place := range places {
			populate(t, h, place)
		}
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				compareAs(r, t, h, rapid.SampledFrom(places).Draw(r, "place"), drawClaims(r))
			})
		})
	}
}

func compareAs(r *rapid.T, t *testing.T, h http.Handler, place string, claims map[string]any) {
	pull := anybody(h, claims, "GET", place+"/sync/pull", nil)
	var pulled struct {
		Changes   map[string]struct{ Updated []struct{ ID string } }
		Timestamp int64
	}
	if pull.Code == 200 {
		if err := json.Unmarshal(pull.Body.Bytes(), &pulled); err != nil {
			r.Fatal(err)
		}
	}
	pushed := rapid.SampledFrom(ruledTables).Draw(r, "pushed")
	for _, table := range ruledTables {
		answer := asks(t, h, place, map[string]any{"claims": claims, "table": table, "limit": 1000})
		if answer.Caller.Enters != (pull.Code == 200) || len(answer.Caller.Why) == 0 && !answer.Caller.Enters {
			r.Fatalf("%v: %+v, and a pull gets %d %s", claims, answer.Caller, pull.Code, pull.Body)
		}
		var got, want []string
		for _, row := range answer.Rows {
			if row.Pulls {
				got = append(got, row.ID)
			}
			if terms := strings.Count(answer.Read, " or ") + 1; !row.Pulls && answer.Caller.Enters && len(row.Why) != terms || row.Pulls && row.Why != nil {
				r.Fatalf("%v: %s %s: the reasons are %q for the rule %q", claims, table, row.ID, row.Why, answer.Read)
			}
		}
		for _, row := range pulled.Changes[table].Updated {
			want = append(want, row.ID)
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			r.Fatalf("%v pulls of %s %v, and the answer is %v", claims, table, want, got)
		}
		if table == pushed {
			comparePush(r, h, place, claims, table, &answer)
		}
	}
}

// comparePush pushes an edit of each row.
func comparePush(r *rapid.T, h http.Handler, place string, claims map[string]any, table string, answer *asked) {
	var now struct{ Timestamp int64 }
	if err := json.Unmarshal(anybody(h, whole(nil), "GET", place+"/sync/checksum", nil).Body.Bytes(), &now); err != nil {
		r.Fatal(err)
	}
	rows := []any{}
	for _, row := range answer.Rows {
		rows = append(rows, map[string]any{"id": row.ID, "updated_at": now.Timestamp})
	}
	push := anybody(h, claims, "POST", place+"/trpc/sync.push", map[string]any{"lastPulledAt": now.Timestamp, "changes": map[string]any{table: map[string]any{"updated": rows}}})
	refused := pushRefuses(r, push, table)
	for _, row := range answer.Rows {
		if row.Writes == (refused == nil || slices.Contains(refused, row.ID)) {
			r.Fatalf("%v: %s %s: writes is %v, and a push gets %d, %v", claims, table, row.ID, row.Writes, push.Code, refused)
		}
	}
}

// pushRefuses returns the ids that a push rejects, or nil if the server refused the push.
func pushRefuses(r *rapid.T, push *httptest.ResponseRecorder, table string) []string {
	if push.Code != 200 {
		return nil
	}
	var done struct {
		Result struct {
			Data struct {
				Rejected map[string][]struct{ ID string }
			}
		}
	}
	if err := json.Unmarshal(push.Body.Bytes(), &done); err != nil {
		r.Fatal(err)
	}
	ids := []string{}
	for _, x := range done.Result.Data.Rejected[table] {
		ids = append(ids, x.ID)
	}
	return ids
}

// X11: the reasons are plain sentences, one for each term of the rule.
func TestAsGivesReasons(t *testing.T) {
	h := ruledServer(t, nil)
	populate(t, h, "")
	all := "sync:read sync:write"
	for _, c := range []struct {
		claims    map[string]any
		table, id string
		why       string
	}{
		{map[string]any{"sub": "ann", "scope": all}, "visits", "v.bob", `owner_id is "bob", and the claim sub is "ann"`},
		{map[string]any{"scope": all}, "visits", "v.bob", `owner_id is "bob", and the token has no claim sub`},
		{map[string]any{"sub": "ann", "scope": all}, "letters", "l.null", `owner_id is null, and the claim sub is "ann"`},
		{map[string]any{"sub": "ann", "scope": all, "teams": []string{"b", "a"}}, "places", "p.bob.red", `owner_id is "bob", and the claim sub is "ann"; team is "red", and the claim teams has "a", "b"`},
		{map[string]any{"sub": "ann", "scope": all, "teams": "red"}, "places", "p.bob.red", `owner_id is "bob", and the claim sub is "ann"; team is "red", and the claim teams is a string, and no list`},
		{map[string]any{"sub": "ann", "scope": all, "teams": []string{""}}, "places", "p.bob.red", `owner_id is "bob", and the claim sub is "ann"; team is "red", and the claim teams is an empty list`},
		{map[string]any{"sub": "ann", "scope": all, "teams": 7}, "places", "p.bob.red", `owner_id is "bob", and the claim sub is "ann"; team is "red", and the token has no string and no list in the claim teams`},
		{map[string]any{"sub": "ann", "scope": all, "teams": strings.Split("abcdefg", "")}, "places", "p.bob.red", `owner_id is "bob", and the claim sub is "ann"; team is "red", and the claim teams has "a", "b", "c", "d", "e", and 2 more`},
		{map[string]any{"sub": "bob", "scope": all, "org": []string{"x"}}, "profiles", "ann", `id is "ann", and the claim sub is "bob"; org_id is "x", and the claim org is a list, and no string`},
		{map[string]any{"sub": "bob", "scope": all, "org": ""}, "profiles", "ann", `id is "ann", and the claim sub is "bob"; org_id is "x", and the claim org is empty`},
		{map[string]any{"sub": "bob", "scope": all}, "reports", "r", `the scope has no edit`},
		{map[string]any{"sub": "bob", "scope": all}, "sealed", "s", `the rule is none: nobody may`},
		{map[string]any{"sub": "ann", "scope": all}, "visits", "v.gone", `the row is deleted: a pull has at most its id`},
		{map[string]any{"sub": "ann", "scope": all}, "visits", "never", `the server has no row with this id`},
	} {
		a := asks(t, h, "", map[string]any{"claims": c.claims, "table": c.table, "id": c.id})
		if len(a.Rows) != 1 || a.Rows[0].Pulls || a.Rows[0].ID != c.id || strings.Join(a.Rows[0].Why, "; ") != c.why || !a.Caller.Enters || a.Next != nil {
			t.Errorf("%v, %s: got %+v\nwant %s", c.claims, c.id, a, c.why)
		}
	}
	if a := asks(t, h, "", map[string]any{"claims": map[string]any{"sub": "ann", "scope": all}, "table": "catalogue", "id": "c"}); !a.Rows[0].Pulls || a.Rows[0].Writes || fmt.Sprint(a.Rows[0].WriteWhy) != "[the scope has no edit]" || a.Rows[0].Why != nil {
		t.Errorf("a row that one reads and does not write: %+v", a)
	}
	for _, c := range []struct {
		claims map[string]any
		why    string
	}{
		{map[string]any{"sub": "ann", "exp": 1_000_000_000}, "[the token ended at 2001-09-09T01:46:40Z]"},
		{map[string]any{"sub": "ann", "nbf": 4_000_000_000}, "[the token begins at 2096-10-02T07:06:40Z]"},
		{map[string]any{"sub": "ann", "scope": "sync:write"}, "[its scope has no sync:read]"},
		{map[string]any{"sub": "ann", "spaces": []string{"acme"}}, `[its claim spaces does not name the root, which is ""]`},
		{map[string]any{"sub": 7}, "[the server rejects the token: its subject is not a string]"},
		{map[string]any{"sub": "ann", "exp": "soon"}, "[the server rejects the token: its exp is not a time]"},
	} {
		a := asks(t, h, "", map[string]any{"claims": c.claims, "table": "visits"})
		if a.Caller.Enters || fmt.Sprint(a.Caller.Why) != c.why || slices.ContainsFunc(a.Rows, func(row askedRow) bool { return row.Pulls }) {
			t.Errorf("%v: got %+v, want %s", c.claims, a.Caller, c.why)
		}
	}
	if a := asks(t, h, "/s/acme", map[string]any{"claims": map[string]any{"sub": "ann"}, "table": "visits"}); fmt.Sprint(a.Caller.Why) != "[its claim spaces does not name this space]" {
		t.Errorf("in a space: %+v", a.Caller)
	}
	if a := asks(t, h, "", map[string]any{"claims": map[string]any{"sub": "ann", "scope": "sync:read edit"}, "table": "visits"}); !a.Caller.Enters || a.Caller.Scope != "sync:read edit" || fmt.Sprint(a.Caller.Why) != "[its scope has no sync:write]" {
		t.Errorf("who reads only: %+v", a.Caller)
	}
}

// X11: pages of the answer are those of the table, and its body is checked.
func TestAsHasPages(t *testing.T) {
	h := ruledServer(t, nil)
	populate(t, h, "")
	var ids []string
	body := map[string]any{"claims": map[string]any{"sub": "ann"}, "table": "places", "limit": 3, "after": nil}
	for pages := 1; ; pages++ {
		a := asks(t, h, "", body)
		for _, row := range a.Rows {
			ids = append(ids, row.ID)
		}
		if a.Next == nil {
			if pages != 6 || len(ids) != 16 || !slices.IsSorted(ids) {
				t.Errorf("%d pages have %v", pages, ids)
			}
			break
		}
		body["after"] = a.Next
	}
	for text, reason := range map[string]string{
		``: "the body must be a JSON object", `[]`: "the body must be a JSON object", `{"claims":{},"table":"visits","x":1}`: `unknown member \"x\"`,
		`{"table":"visits"}`: "claims must be an object", `{"claims":[],"table":"visits"}`: "claims must be an object", `{"claims":{}}`: `unknown table \"\"`,
		`{"claims":{},"table":"Clock"}`: `unknown table \"Clock\"`, `{"claims":{},"table":1}`: "table must be a string", `{"claims":{},"table":"visits","limit":0}`: "limit must be",
		`{"claims":{},"table":"visits","limit":"1"}`: "limit must be", `{"claims":{},"table":"visits","after":"x"}`: "after must be", `{"claims":{},"table":"visits","id":"a b"}`: "id must be 1 to 128",
		`{"claims":{},"table":"visits","id":null}`: "id must be 1 to 128", `{"claims":{},"table":"visits","id":"a","limit":1}`: "id asks for one row", `{"claims":{},"claims":{},"table":"visits"}`: "comes twice",
	} {
		want(t, ask(h, "POST", "/sync/as", strings.NewReader(text), "Authorization", signed(whole(nil))), 400, `"code":"BAD_REQUEST"`, reason)
	}
	want(t, ask(h, "POST", "/sync/as?table=visits", nil, "Authorization", signed(whole(nil))), 400, `unknown parameter \"table\"`)
	long := `{"claims":{"x":"` + base64.StdEncoding.EncodeToString(make([]byte, 48<<10)) + `"},"table":"visits"}`
	want(t, ask(h, "POST", "/sync/as", strings.NewReader(long), "Authorization", signed(whole(nil))), 413)
}
