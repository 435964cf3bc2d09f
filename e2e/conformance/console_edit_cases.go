package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// consoleEditCases are those of the routes by which an operator changes a row.
var consoleEditCases = []testCase{
	{"X5 an edit is seen by the next pull of whoever may read the row, whatever the rules say", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob, admin := s.actor("ann"), s.actor("bob"), s.operator()
		visit := s.row("v", "owner_id", ann.sub, "rating", 2, "note", "é\"", "code", nil, "status", "lead", "level", nil)
		first := ann.want("", edits{"visits": {created: []row{visit}}})
		ann.seen = first.timestamp
		bob.expect("")
		got := admin.edits(t, "visits", s.own("v"), `{"set":{"rating":4,"code":"AB1","note":null}}`).json(t, 200)
		stamp := number(t, got["stamp"])
		if stamp <= first.timestamp || got["state"] != "live" || number(t, got["timestamp"]) < stamp {
			t.Errorf("the row is %v", got)
		}
		edited := plainRow(got["row"])
		if at := edited["updated_at"].(float64); at <= float64(visit["updated_at"].(int64)) {
			t.Errorf("updated_at is %v, and was %v", at, visit["updated_at"])
		}
		want := visit.with("rating", 4, "code", "AB1", "note", nil, "updated_at", edited["updated_at"])
		if encode(t, edited) != encode(t, want) {
			t.Errorf("got %v, want %v", edited, want)
		}
		ann.expect("visits v")
		ann.wantValue("visits", "v", "rating", 4)
		bob.expect("")
		again := admin.edits(t, "visits", s.own("v"), `{"set":{"rating":4.0,"note":null}}`).json(t, 200)
		if number(t, again["stamp"]) != stamp || encode(t, plainRow(again["row"])) != encode(t, edited) {
			t.Errorf("equal values changed the row: %v", again)
		}
		admin.edits(t, "visits", s.own("v"), `{"set":{}}`).json(t, 200)
		ann.expect("")
		admin.edits(t, "visits", s.own("v"), fmt.Sprintf(`{"set":{"owner_id":%q}}`, bob.sub)).json(t, 200)
		ann.expect("visits -v") // R3
		bob.expect("visits v")
	}},
	{"X5 U5 an edit is newer than all that was pushed, and offline edits are in conflict with it", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, admin := s.actor("ann"), s.operator()
		future := millis() + 3_600_000
		ann.seen = ann.want("", edits{"letters": {created: []row{s.row("a", "owner_id", ann.sub), s.row("b", "owner_id", ann.sub), s.row("c", "owner_id", ann.sub, "updated_at", future)}}}).timestamp
		offline := ann.another()
		times := map[string]int64{}
		for _, name := range []string{"a", "b", "c"} {
			got := admin.edits(t, "letters", s.own(name), `{"set":{"text":"by the operator"}}`).json(t, 200)
			times[name] = int64(plainRow(got["row"])["updated_at"].(float64))
		}
		ann.expect("letters a b c")
		for _, name := range []string{"a", "b", "c"} {
			ann.wantValue("letters", name, "text", "by the operator")
		}
		o := offline.pushes(edits{"letters": {updated: []row{
			s.row("a", "owner_id", ann.sub, "text", "older", "updated_at", times["a"]-1), s.row("b", "owner_id", ann.sub, "text", "newer", "updated_at", times["b"]+1)}}})
		if lost := encode(t, at(o.raw, "superseded", "letters")); lost != encode(t, []string{s.own("a")}) {
			t.Errorf("superseded %s", lost)
		}
		ann.want("", edits{"letters": {updated: []row{s.row("c", "owner_id", ann.sub, "text", "by a slow clock", "updated_at", 1)}}})
		ann.seen = 0
		ann.expect("letters a b c")
		for name, text := range map[string]string{"a": "by the operator", "b": "newer", "c": "by a slow clock"} {
			ann.wantValue("letters", name, "text", text)
		}
	}},
	{"X5 checks count, and the error names the column and the reason", refusedEdits},
	{"X7 If-Match takes an edit and a deletion of what one has seen, and of nothing else", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, admin := s.actor("ann"), s.operator()
		first := ann.want("", edits{"letters": {created: []row{s.row("v", "owner_id", ann.sub)}}}).timestamp
		id := s.own("v")
		tag := func(stamp int64) string { return fmt.Sprintf(`If-Match: "%d"`, stamp) }
		admin.edits(t, "letters", id, `{"set":{"text":"x"}}`, tag(first+1)).wantPlain(t, "PRECONDITION_FAILED", 412)
		a := admin.edits(t, "letters", id, `{"set":{"text":"x"}}`, tag(first))
		second := number(t, a.json(t, 200)["stamp"])
		a.wantHeader(t, "ETag", fmt.Sprintf(`"%d"`, second))
		admin.edits(t, "letters", id, `{"set":{"text":"y"}}`, tag(first)).wantPlain(t, "PRECONDITION_FAILED", 412)
		admin.removes(t, "letters", id, tag(first)).wantPlain(t, "PRECONDITION_FAILED", 412)
		admin.edits(t, "letters", id, `{"set":{"text":"y"}}`, "If-Match: yesterday").wantPlain(t, "BAD_REQUEST", 400)
		admin.edits(t, "letters", id, `{"set":{"text":"x"}}`, "If-Match: *").json(t, 200)
		if got := admin.removes(t, "letters", id, tag(second)).json(t, 200); got["state"] != "deleted" {
			t.Errorf("%v", got)
		}
	}},
	{"X6 a deletion is final, and repeating it changes nothing", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob, admin := s.actor("ann"), s.actor("bob"), s.operator()
		ann.seen = ann.want("", edits{"visits": {created: []row{s.row("v", "owner_id", ann.sub)}}}).timestamp
		bob.expect("")
		got := admin.removes(t, "visits", s.own("v")).json(t, 200)
		stamp := number(t, got["stamp"])
		if got["state"] != "deleted" || stamp <= ann.seen || at(got, "row", "owner_id") != ann.sub {
			t.Errorf("the row is %v", got)
		}
		ann.expect("visits -v")
		bob.expect("")
		if again := admin.removes(t, "visits", s.own("v")).json(t, 200); number(t, again["stamp"]) != stamp {
			t.Errorf("repeated: %v", again)
		}
		admin.edits(t, "visits", s.own("v"), `{"set":{"rating":1}}`).wantPlain(t, "CONFLICT", 409)
		admin.removes(t, "visits", s.own("never")).wantPlain(t, "NOT_FOUND", 404)
		admin.edits(t, "visits", s.own("never"), `{"set":{"rating":1}}`).wantPlain(t, "NOT_FOUND", 404)
		ann.expect("")
	}},
	{"X8 subscribers hear of an edit and of a deletion", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, admin := s.actor("ann"), s.operator()
		ann.want("", edits{"letters": {created: []row{s.row("v", "owner_id", ann.sub)}}})
		socket, _ := c.subscribe(t)
		for _, change := range []func() answer{
			func() answer { return admin.edits(t, "letters", s.own("v"), `{"set":{"text":"x"}}`) },
			func() answer { return admin.removes(t, "letters", s.own("v")) },
		} {
			stamp := number(t, change().json(t, 200)["stamp"])
			for heard := int64(0); heard < stamp; { // other cases write, too
				if v := parse(t, socket.read(t)); at(v, "table") == "letters" {
					heard = number(t, at(v, "stamp"))
				}
			}
		}
	}},
	{"an edit and a deletion need sync:admin and sync:write", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.want("", edits{"letters": {created: []row{s.row("v", "owner_id", ann.sub)}}})
		path := "/sync/row?table=letters&id=" + s.own("v")
		for scope, lacks := range map[string]string{NoScope: "sync:admin", "sync:write sync:read": "sync:admin", "sync:admin sync:read": "sync:write"} {
			for _, method := range []string{"PATCH", "DELETE"} {
				a := c.as(scope).do(t, method, path, `{"set":{"text":"x"}}`)
				a.wantPlain(t, "FORBIDDEN", 403)
				if !strings.Contains(string(a.body), lacks) {
					t.Errorf("%s by %q: %v", method, scope, a)
				}
			}
		}
		ann.expect("letters v")
		ann.wantValue("letters", "v", "text", nil)
	}},
	{"X9 X10 X11 the operator learns which rows a token reads and writes, and why", askedAs},
}

// operator returns a client that changes rows.
func (s *story) operator() *client { return s.client.as("sync:admin sync:write") }

func (c *client) edits(t *testing.T, table, id, body string, headers ...string) answer {
	t.Helper()
	return c.do(t, "PATCH", "/sync/row?table="+table+"&id="+id, body, headers...)
}

func (c *client) removes(t *testing.T, table, id string, headers ...string) answer {
	t.Helper()
	return c.do(t, "DELETE", "/sync/row?table="+table+"&id="+id, "", headers...)
}

func refusedEdits(t *testing.T, c *client) {
	s := newStory(t, c)
	ann, admin := s.actor("ann"), s.operator()
	ann.seen = ann.want("", edits{"visits": {created: []row{s.row("v", "owner_id", ann.sub, "rating", 2)}}}).timestamp
	for _, x := range []struct{ body, column, reason string }{
		{`{"set":{"rating":9}}`, "rating", "it is greater than 5"},
		{`{"set":{"note":"x"}}`, "note", "it is shorter than 2 UTF-16 units"},
		{`{"set":{"code":"ab"}}`, "code", "it does not match the pattern"},
		{`{"set":{"status":"old"}}`, "status", "it is none of lead, active"},
		{`{"set":{"rating":1,"level":2}}`, "level", "it is none of 1, 2.5"},
		{`{"set":{"rating":"4"}}`, "rating", "must be a number"},
		{`{"set":{"owner_id":null}}`, "owner_id", "must be a string"},
		{`{"set":{"rating":1,"rating":2}}`, "rating", "the column is there twice"},
		{`{"set":{"rating":1e999}}`, "", "out of range"},
		{`{"set":{"colour":"red"}}`, "", `no column \"colour\"`},
		{`{"set":{"id":"x"}}`, "", `no column \"id\"`},
		{`{"set":{"created_at":1}}`, "", `no column \"created_at\"`},
		{`{"set":[]}`, "", "set must be a JSON object"},
		{`{"set":{"rating":1},"unset":[]}`, "", `unknown member \"unset\"`},
		{`{}`, "", "the body must be"}, {``, "", "the body must be"}, {`null`, "", "the body must be"},
		{`{"set":{"note":"` + strings.Repeat("é", 500_000) + `"}}`, "", ""},
	} {
		a := admin.edits(t, "visits", s.own("v"), x.body)
		if x.reason == "" {
			a.wantPlain(t, "PAYLOAD_TOO_LARGE", 413)
			continue
		}
		a.wantPlain(t, "BAD_REQUEST", 400)
		if column, _ := at(parse(t, a.body), "error", "column").(string); column != x.column || !strings.Contains(string(a.body), x.reason) {
			t.Errorf("%.100s: want the column %q and the reason %q: %v", x.body, x.column, x.reason, a)
		}
	}
	for _, query := range []string{"", "?table=visits", "?table=nope&id=a", "?table=visits&id=a%20b", "?table=visits&id=a&x=1"} {
		admin.do(t, "PATCH", "/sync/row"+query, `{"set":{}}`).wantPlain(t, "BAD_REQUEST", 400)
		admin.do(t, "DELETE", "/sync/row"+query, "").wantPlain(t, "BAD_REQUEST", 400)
	}
	ann.expect("")
}

func askedAs(t *testing.T, c *client) {
	s := newStory(t, c)
	ann, bob, admin := s.actor("ann"), s.actor("bob"), c.as("sync:admin")
	ann.want("", edits{"visits": {created: []row{s.row("a", "owner_id", ann.sub)}}})
	bob.want("", edits{"visits": {created: []row{s.row("b", "owner_id", bob.sub)}}})
	claims := map[string]any{"sub": ann.sub, "scope": "sync:read sync:write"}
	if c.Space != "" {
		claims["spaces"] = []string{c.Space}
	}
	ask := func(claims map[string]any, more ...any) map[string]any {
		t.Helper()
		return admin.do(t, "POST", "/sync/as", encode(t, row{"claims": claims, "table": "visits"}.with(more...))).json(t, 200)
	}
	seen := map[string]string{}
	for after := any(nil); ; {
		got := ask(claims, "limit", 2, "after", after)
		if caller := encode(t, got["caller"]); caller != encode(t, map[string]any{"enters": true, "scope": "sync:read sync:write", "subject": ann.sub, "why": []any{}}) || got["read"] != "owner_id = sub" {
			t.Errorf("the caller is %s, the rule %v", caller, got["read"])
		}
		list, _ := got["rows"].([]any)
		for _, r := range list {
			if name, own := strings.CutSuffix(fmt.Sprint(at(r, "id")), s.mark); own {
				seen[name] = encode(t, []any{at(r, "pulls"), at(r, "writes"), at(r, "row", "owner_id"), at(r, "why")})
			}
		}
		if after = got["next"]; after == nil {
			break
		}
	}
	if want := encode(t, []any{true, true, ann.sub, nil}); seen["a"] != want {
		t.Errorf("her own row: got %s, want %s", seen["a"], want)
	}
	why := []string{fmt.Sprintf("owner_id is %q, and the claim sub is %q", bob.sub, ann.sub)}
	if want := encode(t, []any{false, false, bob.sub, why}); seen["b"] != want {
		t.Errorf("the row of another: got %s, want %s", seen["b"], want)
	}
	one := ask(claims, "id", s.own("b"))
	if list, _ := one["rows"].([]any); len(list) != 1 || at(list, 0, "id") != s.own("b") || encode(t, at(list, 0, "why")) != encode(t, why) {
		t.Errorf("one row: %v", one)
	}
	expired := ask(row(claims).with("exp", 1_000_000_000), "id", s.own("a"))
	if at(expired, "caller", "enters") != false || at(expired, "rows", 0, "pulls") != false || !strings.Contains(encode(t, at(expired, "caller", "why")), "the token ended at 2001-09-09T01:46:40Z") {
		t.Errorf("a token that has ended: %v", expired)
	}
	for _, scope := range []string{NoScope, "sync:read sync:write"} {
		c.as(scope).do(t, "POST", "/sync/as", `{"claims":{},"table":"visits"}`).wantPlain(t, "FORBIDDEN", 403)
	}
	admin.do(t, "POST", "/sync/as", `{"claims":{},"table":"visits","rows":1}`).wantPlain(t, "BAD_REQUEST", 400)
}
