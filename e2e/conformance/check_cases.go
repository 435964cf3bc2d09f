package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// checkCases are the cases of checks, and of what becomes of rejected rows.
var checkCases = []testCase{
	{"K1 a value at a bound meets the check, and one beyond it does not", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.expect("")
		for column, checks := range map[string]map[string][]any{
			"rating": {"": {nil, 1, 5, 2.5}, "it is greater than 5": {5.000000001, 1e300}, "it is less than 1": {0.999, 0, -1e300}},
			"note": {
				"":                                  {nil, "ab", "abcd", "😀", "😀😀", "a\u0000", "éé"},
				"it is longer than 4 UTF-16 units":  {"abcde", "😀😀a", "😀😀😀"},
				"it is shorter than 2 UTF-16 units": {"", "a", "é"},
			},
			"code":   {"": {nil, "AB1", "XY0987654321"}, "it does not match the pattern [A-Z]{2}[0-9]+": {"", "ab1", "AB1 ", " AB1", "AB1\n", "AB", "ÄB1", "xAB1"}},
			"status": {"": {"lead", "active"}, "it is none of lead, active": {"", "Lead", "lead ", "gone"}},
			"level":  {"": {nil, 1, 2.5, 1.0}, "it is none of 1, 2.5": {0, 2, 2.4999, -1}},
		} {
			for reason, values := range checks {
				var rows []row
				var want []string
				for i, v := range values {
					name := fmt.Sprintf("%s%d%d", column, len(reason), i)
					rows = append(rows, s.row(name, "owner_id", ann.sub, column, v))
					if reason != "" {
						want = append(want, fmt.Sprintf("visits %s %s: %s", name, column, reason))
					}
				}
				ann.want(strings.Join(want, "; "), edits{"visits": {created: rows}})
				ann.want(strings.Join(want, "; "), edits{"visits": {updated: rows}})
			}
		}
	}},
	{"K1 a new row must have the column whose check it fails without", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.claim("sync:read sync:write edit", nil)
		ann.seen = ann.stamp(t)
		const missing = "catalogue c price: a new row must have the column"
		lacking := s.row("c", "title", "x")
		ann.want(missing, edits{"catalogue": {created: []row{lacking}}})
		ann.want(missing, edits{"catalogue": {updated: []row{lacking}}}) // K4
		ann.want("", edits{"catalogue": {created: []row{lacking.with("price", 1)}}})
		ann.want("", edits{"catalogue": {updated: []row{lacking.with("title", "y", "updated_at", millis()+1)}}}) // U10
		ann.seen = 0
		ann.expect("catalogue c")
		ann.wantValue("catalogue", "c", "price", 1)
		ann.wantValue("catalogue", "c", "title", "y")
	}},
	{"K1 the rest of the push is done", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.want("", edits{"visits": {created: []row{s.row("old", "owner_id", ann.sub), s.row("bad", "owner_id", ann.sub)}}})
		ann.seen = 0
		ann.expect("visits bad old")
		o := ann.want("archive a; visits bad rating: it is less than 1; visits theirs", edits{
			"visits": {
				created: []row{s.row("good", "owner_id", ann.sub, "rating", 3), s.row("theirs", "owner_id", "x")},
				updated: []row{s.row("bad", "owner_id", ann.sub, "rating", 0, "updated_at", millis()+1)}, deleted: []string{s.own("old")},
			},
			"archive": {created: []row{s.row("a")}},
			"places":  {created: []row{s.row("p", "owner_id", ann.sub)}},
		})
		want := `{"archive":{"created":0,"deleted":0,"updated":0},"places":{"created":1,"deleted":0,"updated":0},"visits":{"created":1,"deleted":1,"updated":0}}`
		applied, _ := at(o.raw, "applied").(map[string]any)
		for table := range applied {
			if !strings.Contains(want, `"`+table+`"`) {
				delete(applied, table)
			}
		}
		if got := encode(t, applied); got != want {
			t.Errorf("applied\ngot  %s\nwant %s", got, want)
		}
		ann.expect("archive -a; places p; visits -old -theirs bad good")
		ann.wantValue("visits", "bad", "rating", nil)
	}},
	{"K1 K2 many rows are rejected among many", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob")
		ann.expect("")
		var rows []row
		var rejected, pulled []string
		for i := range 300 {
			r, name := s.row(fmt.Sprint("v", i), "owner_id", ann.sub, "rating", 5), fmt.Sprint("v", i)
			switch i % 3 {
			case 0:
				r["rating"] = 6
				rejected, pulled = append(rejected, "visits "+name+" rating: it is greater than 5"), append(pulled, "visits -"+name)
			case 1:
				r["owner_id"] = bob.sub
				rejected, pulled = append(rejected, "visits "+name), append(pulled, "visits -"+name)
			default:
				pulled = append(pulled, "visits "+name)
			}
			rows = append(rows, r)
		}
		slices.Sort(rejected)
		for range 2 {
			ann.want(strings.Join(rejected, "; "), edits{"visits": {created: rows}})
		}
		ann.pageRows = 50
		ann.expect(line(pulled))
		ann.expect("")
		bob.seen = 0
		bob.expect("")
	}},
	{"K1 U8 a value of another type refuses the push as a whole", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.expect("")
		good := s.row("good", "owner_id", ann.sub)
		for column, v := range map[string]any{"rating": "5", "owner_id": nil, "note": 12, "status": nil} {
			bad := s.row("bad", "owner_id", ann.sub, "level", 7, column, v)
			a := ann.mutate(t, "sync.push", ann.input(ann.seen, edits{"visits": {created: []row{good, bad}}}))
			a.wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
			if data := at(parse(t, a.body), "error", "data"); at(data, "table") != "visits" || at(data, "id") != bad.id() || at(data, "column") != column {
				t.Errorf("the error names %v", data)
			}
		}
		ann.expect("")
	}},
	{"K2 K3 K4 whoever pushed a rejected row pulls what the server has, and a retry changes nothing", retries},
	{"K2 a rejected row that is corrected is taken", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.expect("")
		bad := s.row("v", "owner_id", ann.sub, "rating", 9)
		ann.want("visits v rating: it is greater than 5", edits{"visits": {created: []row{bad}}})
		late := ann.another()
		ann.expect("visits -v")
		ann.want("", edits{"visits": {created: []row{bad.with("rating", 5, "updated_at", millis()+1)}}})
		ann.expect("visits v")
		late.expect("visits v")
		ann.want("visits v rating: it is greater than 5", edits{"visits": {updated: []row{bad.with("rating", 6, "updated_at", millis()+9)}}})
		ann.expect("visits v")
		ann.wantValue("visits", "v", "rating", 5)
		ann.expect("")
		ann.want("", edits{"visits": {deleted: []string{s.own("v")}}})
		ann.expect("visits -v")
		late.expect("visits -v")
	}},
	{"K5 abort is about conflicts only", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, other := s.actor("ann"), s.actor("ann")
		ann.expect("")
		other.expect("")
		other.want("", edits{"visits": {created: []row{s.row("v", "owner_id", ann.sub)}}})
		rejected := edits{"visits": {updated: []row{s.row("v", "owner_id", ann.sub, "rating", 8), s.row("w", "owner_id", "x")}}}
		ann.want("visits v rating: it is greater than 5; visits w", rejected, "abort")
		both := edits{"visits": {updated: []row{s.row("v", "owner_id", ann.sub, "rating", 4), s.row("w", "owner_id", "x"), s.row("x", "owner_id", ann.sub)}}}
		a := ann.mutate(t, "sync.push", ann.input(ann.seen, both, "abort"))
		a.wantFailure(t, "CONFLICT", -32009, 409, "sync.push")
		if ids := encode(t, at(parse(t, a.body), "error", "data", "ids")); ids != encode(t, map[string]any{"visits": []string{s.own("v")}}) {
			t.Errorf("ids %s", ids)
		}
		ann.expect("visits -w v")
		ann.want("visits w", both, "abort")
	}},
	{"rejected is {} if nothing is, also in a push of nothing", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.want("", edits{})
		ann.want("", edits{"customers": {created: []row{newCustomer("x", millis())}}, "visits": {}})
	}},
}

// retries pushes rows of which the server rejects a creation, an update and a deletion, twice.
func retries(t *testing.T, c *client) {
	s := newStory(t, c)
	editor, ann, bob := s.actor("editor"), s.actor("ann"), s.actor("bob")
	editor.claim("sync:read sync:write edit", nil)
	stored := s.row("c1", "title", "stored", "price", 2)
	editor.want("", edits{"catalogue": {created: []row{stored, s.row("c2", "price", 2), s.row("c3", "price", 2)}}, "visits": {created: []row{s.row("e", "owner_id", editor.sub)}}})
	for _, p := range []*actor{editor, ann, bob} {
		p.seen = number(t, at(p.query(t, "sync.pull", `{}`).data(t), "timestamp"))
	}
	push := edits{
		"catalogue": {updated: []row{stored.with("title", "mine", "updated_at", millis()+1), s.row("c3", "price", 0)}, deleted: []string{s.own("c2")}},
		"visits":    {created: []row{s.row("v", "owner_id", ann.sub, "rating", 0), s.row("w", "owner_id", ann.sub)}},
	}
	const rejected = "catalogue c1; catalogue c2; catalogue c3 price: it is less than 1; visits v rating: it is less than 1"
	first := ann.want(rejected, push)
	for _, again := range []outcome{ann.want(rejected, push), ann.want(rejected, push)} {
		if again.timestamp != first.timestamp {
			t.Errorf("K4: the timestamp went from %d to %d", first.timestamp, again.timestamp)
		}
	}
	ann.expect("catalogue c1 c2 c3; visits -v w")
	ann.wantValue("catalogue", "c1", "title", "stored")
	ann.expect("")
	ann.seen = first.timestamp
	ann.want(rejected, push) // a copy of the request arrives late
	ann.expect("catalogue c1 c2 c3; visits -v")
	bob.expect("")
	editor.expect("")
}
