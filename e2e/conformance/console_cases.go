package conformance

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// consoleCases are those of the routes that show an operator the rows of all callers. They use the tables of
// testdata/tables.toml.
var consoleCases = []testCase{
	{"X1 the tables are those of the declaration, with the number of their rows", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, admin := s.actor("ann"), c.as("sync:admin")
		counts := func() (rows, tombstones int64) {
			got := admin.do(t, "GET", "/sync/tables", "").json(t, 200)
			number(t, got["timestamp"])
			visits := at(got, "tables", 2)
			if at(visits, "name") != "visits" || at(visits, "read") != "owner_id = sub" || at(visits, "write") != "owner_id = sub" {
				t.Fatalf("the third table is %v", visits)
			}
			rating := `{"max":5,"min":1,"name":"rating","optional":true,"since":1,"type":"number"}`
			if column := encode(t, at(visits, "columns", 1)); column != rating {
				t.Errorf("got %s, want %s", column, rating)
			}
			return number(t, at(visits, "rows")), number(t, at(visits, "tombstones"))
		}
		rows, dead := counts()
		ann.seen = ann.want("", edits{"visits": {created: []row{s.row("a", "owner_id", ann.sub), s.row("b", "owner_id", ann.sub)}}}).timestamp
		ann.want("", edits{"visits": {deleted: []string{s.own("b")}}})
		if more, deader := counts(); more <= rows || deader <= dead { // other cases write there, too
			t.Errorf("%d rows and %d tombstones, and then %d and %d", rows, dead, more, deader)
		}
	}},
	{"X2 an operator sees the rows of everybody, page by page", listedRows},
	{"X3 X4 an operator sees one row, a deleted one too, and is no reader of it", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob, admin := s.actor("ann"), s.actor("bob"), c.as("sync:admin")
		visit := s.row("v", "owner_id", ann.sub, "rating", 2, "note", nil, "code", nil, "status", "lead", "level", nil)
		ann.seen = ann.want("", edits{"visits": {created: []row{visit}}}).timestamp
		see := func() (map[string]any, string) {
			a := admin.do(t, "GET", "/sync/row?table=visits&id="+s.own("v"), "")
			return a.json(t, 200), a.header.Get("ETag")
		}
		got, tag := see()
		if encode(t, plainRow(got["row"])) != encode(t, visit) || got["state"] != "live" || tag != fmt.Sprintf(`"%d"`, ann.seen) || number(t, got["stamp"]) != ann.seen {
			t.Errorf("%v, ETag %s", got, tag)
		}
		bob.want("visits v", edits{"visits": {deleted: []string{s.own("v")}}})
		got, _ = see()
		if kinds := encode(t, []any{at(got, "verdicts", 0, "kind"), at(got, "verdicts", 0, "subject")}); !strings.Contains(encode(t, got["verdicts"]), `"rejected_deletion"`) || !strings.Contains(kinds, bob.sub) {
			t.Errorf("the verdicts are %v", got["verdicts"])
		}
		last := ann.want("", edits{"visits": {deleted: []string{s.own("v")}}})
		if got, _ = see(); got["state"] != "deleted" || number(t, got["stamp"]) != last.timestamp || at(got, "row", "owner_id") != ann.sub {
			t.Errorf("a deleted row is %v", got)
		}
		if got := admin.do(t, "GET", "/sync/row?table=visits&id="+s.own("never"), "").json(t, 200); got["state"] != "unknown" || got["row"] != nil || got["stamp"] != nil {
			t.Errorf("an unknown row is %v", got)
		}
	}},
	{"the console's routes need sync:admin, and refuse what they do not know", func(t *testing.T, c *client) {
		admin := c.as("sync:admin")
		for _, path := range []string{"/sync/tables", "/sync/rows?table=visits", "/sync/row?table=visits&id=a"} {
			for _, scope := range []string{NoScope, "sync:read sync:write spaces:admin"} {
				c.as(scope).do(t, "GET", path, "").wantPlain(t, "FORBIDDEN", 403)
			}
			divider := "?"
			if strings.Contains(path, divider) {
				divider = "&"
			}
			a := admin.do(t, "GET", path+divider+"colunm=x", "")
			a.wantPlain(t, "BAD_REQUEST", 400)
			if !strings.Contains(string(a.body), "colunm") {
				t.Errorf("the error does not name the parameter: %v", a)
			}
		}
		for _, query := range []string{"rows", "rows?table=nope", "rows?table=visits&limit=1001", "rows?table=visits&limit=1&limit=2", "rows?table=visits&column=deleted&is=null", "rows?table=%FF",
			"row", "row?table=visits", "row?table=nope&id=a", "row?table=visits&id=a%20b"} {
			admin.do(t, "GET", "/sync/"+query, "").wantPlain(t, "BAD_REQUEST", 400)
		}
	}},
}

// plainRow is a row as the client wrote it.
func plainRow(v any) row {
	r, _ := v.(map[string]any)
	copied := row{}
	for name, value := range r {
		copied[name] = plain(value)
	}
	return copied
}

func listedRows(t *testing.T, c *client) {
	s := newStory(t, c)
	ann, bob, admin := s.actor("ann"), s.actor("bob"), c.as("sync:admin")
	ann.seen = ann.want("", edits{"visits": {created: []row{
		s.row("a1", "owner_id", ann.sub, "rating", 1), s.row("a2", "owner_id", ann.sub, "rating", 2), s.row("a3", "owner_id", ann.sub, "note", "é%")}}}).timestamp
	bob.want("", edits{"visits": {created: []row{s.row("b1", "owner_id", bob.sub, "rating", 4)}}})
	ann.want("", edits{"visits": {deleted: []string{s.own("a2")}}})
	for _, x := range []struct{ query, want string }{
		{"limit=1", "a1 a3 b1"},
		{"deleted=also&limit=2", "a1 a2(deleted) a3 b1"},
		{"deleted=only", "a2(deleted)"},
		{"order=changed&deleted=also&limit=1", "a2(deleted) b1 a3 a1"},
		{"column=owner_id&is=equal&value=" + ann.sub, "a1 a3"},
		{"column=owner_id&is=starts&value=bob&limit=1", "b1"},
		{"column=rating&is=greater&value=1.5&deleted=also", "a2(deleted) b1"},
		{"column=rating&is=less&value=4", "a1"},
		{"column=rating&is=null", "a3"},
		{"column=note&is=contains&value=" + url.QueryEscape("%"), "a3"},
		{"column=id&is=equal&value=" + s.own("b1"), "b1"},
		{"column=id&is=contains&value=" + url.QueryEscape(s.mark) + "&limit=1", "a1 a3 b1"},
		{"column=stamp&is=greater&value=1", "a1 a3 b1"},
		{"column=status&is=equal&value=lead", "a1 a3 b1"},
	} {
		var got []string
		for after := ""; ; {
			page := admin.do(t, "GET", "/sync/rows?table=visits&"+x.query+"&after="+after, "").json(t, 200)
			list, _ := page["rows"].([]any)
			for _, r := range list {
				name, own := strings.CutSuffix(fmt.Sprint(at(r, "row", "id")), s.mark)
				if !own {
					continue
				}
				if number(t, at(r, "stamp")); at(r, "state") != "live" {
					name += fmt.Sprintf("(%s)", at(r, "state"))
				}
				got = append(got, name)
			}
			next, more := page["next"].(string)
			if !more {
				break
			}
			after = next
		}
		if !slices.Equal(got, strings.Fields(x.want)) {
			t.Errorf("%s: got %v, want %s", x.query, got, x.want)
		}
	}
}
