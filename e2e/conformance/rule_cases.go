package conformance

import (
	"strings"
	"testing"
)

// ruleCases use the tables of testdata/tables.toml, and cite the rules of tables: docs/protocol.md,
// Checks and rules.
var ruleCases = []testCase{
	{"D3 a declared table takes rows, and a pull has its columns alone", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		full := s.row("v1", "owner_id", ann.sub, "rating", 2.5, "note", "é\"\\", "code", "AB12", "status", "active", "level", 1)
		bare := s.row("v2", "owner_id", ann.sub)
		ann.expect("")
		o := ann.want("", edits{"visits": {created: []row{full.with("color", "red", "_status", "created", "_changed", ""), bare}}})
		if ignored := encode(t, at(o.raw, "ignored")); ignored != `{"visits":["color"]}` {
			t.Errorf("ignored %s", ignored)
		}
		ann.expect("visits v1 v2")
		for name, want := range map[string]row{
			"v1": full, "v2": bare.with("rating", nil, "note", nil, "code", nil, "status", "lead", "level", nil),
		} {
			got := ann.rows["visits"][name]
			for column, v := range want {
				ann.wantValue("visits", name, column, v)
			}
			if len(got) != len(want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		}
		tables, _ := at(ann.query(t, "sync.pull", `{}`).data(t), "changes").(map[string]any)
		if len(tables) != 9 {
			t.Errorf("a pull has %d tables", len(tables))
		}
	}},
	{"R1 a pull and a checksum have only the rows that one may read", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob")
		ann.want("", edits{"visits": {created: []row{s.row("a1", "owner_id", ann.sub), s.row("a2", "owner_id", ann.sub)}}})
		bob.want("", edits{"visits": {created: []row{s.row("b1", "owner_id", bob.sub)}}})
		bob.seen = 0
		bob.expect("visits b1")
		ann.seen = 0
		ann.expect("visits a1 a2")
		columns := []string{"owner_id", "rating", "note", "code", "status", "level"}
		ann.wantSum("visits", 2, columns...)
		bob.wantSum("visits", 1, columns...)
		s.actor("cid").wantSum("visits", 0, columns...)
		ann.want("", edits{"visits": {updated: []row{s.row("a2", "owner_id", ann.sub, "rating", 4)}, deleted: []string{s.own("a1")}}})
		bob.expect("")
		ann.expect("visits -a1 a2")
		bob.wantSum("visits", 1, columns...)
	}},
	{"R1 P6 a migration brings only the rows that one may read", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob")
		ann.want("", edits{"visits": {created: []row{s.row("a1", "owner_id", ann.sub, "status", "active")}}})
		bob.want("", edits{"visits": {created: []row{s.row("b1", "owner_id", bob.sub, "status", "active")}}})
		for _, added := range []string{`"tables":["visits"],"columns":[]`, `"tables":[],"columns":[{"table":"visits","columns":["status"]}]`} {
			for _, p := range []*actor{ann, bob} {
				stamp := p.stamp(t)
				input := `{"lastPulledAt":` + encode(t, stamp) + `,"schemaVersion":1,"migration":{"from":1,` + added + `}}`
				p.rows = map[string]map[string]row{}
				got := line(p.took("visits", at(p.query(t, "sync.pull", input).data(t), "changes", "visits")))
				if want := "visits " + p.sub[:1] + "1"; got != want {
					t.Errorf("%s, %s: got %q, want %q", p.sub, added, got, want)
				}
			}
		}
	}},
	{"E1 E2 the server tells of a row what a pull of it would, and of others nothing", explained},
	{"R1 a foreign id is rejected like one that one may not write, and the answer names it nowhere else", foreignIDs},
	{"R1 K5 a row that moved away is rejected, and is no conflict", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann", "red"), s.actor("bob", "red")
		ann.want("", edits{"places": {created: []row{s.row("p", "owner_id", ann.sub, "team", s.own("red"), "name", "x")}}})
		bob.seen = 0
		bob.expect("places p")
		away := s.row("p", "owner_id", ann.sub, "team", "", "name", "secret", "updated_at", millis()+5)
		ann.want("", edits{"places": {updated: []row{away}}})
		for _, conflict := range []string{"lww", "abort"} {
			late := s.row("p", "owner_id", bob.sub, "team", s.own("red"), "name", "mine", "updated_at", millis()-1000)
			bob.want("places p", edits{"places": {updated: []row{late}}}, conflict)
			bob.want("places p", edits{"places": {deleted: []string{s.own("p")}}}, conflict)
		}
		bob.expect("places -p")
		bob.expect("")
		ann.seen = 0
		ann.expect("places p")
		ann.wantValue("places", "p", "name", "secret")
	}},
	{"R2 nobody takes, and nobody gives away", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann", "red"), s.actor("bob", "red")
		ann.want("", edits{"places": {created: []row{
			s.row("shared", "owner_id", ann.sub, "team", s.own("red"), "name", "x"), s.row("own", "owner_id", ann.sub, "team", "", "name", "x"),
		}}, "visits": {created: []row{s.row("v", "owner_id", ann.sub)}}})
		bob.seen = 0
		bob.expect("places shared")
		bob.want("places own; places shared", edits{"places": {updated: []row{
			s.row("shared", "owner_id", ann.sub, "team", s.own("blue"), "name", "given"), s.row("own", "owner_id", bob.sub, "team", s.own("red"), "name", "taken"),
		}}})
		bob.want("places own", edits{"places": {deleted: []string{s.own("own")}}})
		ann.want("visits v", edits{"visits": {updated: []row{s.row("v", "owner_id", bob.sub)}}})
		ann.want("visits w", edits{"visits": {created: []row{s.row("w", "owner_id", bob.sub)}}})
		bob.expect("places -own shared")
		bob.wantValue("places", "shared", "team", s.own("red"))
		bob.want("", edits{"places": {updated: []row{s.row("shared", "owner_id", bob.sub, "team", "", "name", "moved", "updated_at", millis()+1)}}})
		ann.seen = 0
		ann.expect("places own; visits v")
	}},
	{"R2 U10 a column that a push lacks counts as it is stored", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann", "red"), s.actor("bob", "red")
		ann.want("", edits{"places": {created: []row{
			s.row("shared", "owner_id", ann.sub, "team", s.own("red"), "name", "x"), s.row("own", "owner_id", ann.sub, "team", "", "name", "x"),
		}}})
		bob.seen = 0
		bob.expect("places shared")
		part := func(name string, pairs ...any) row { return s.row(name, pairs...).with("updated_at", millis()+1) }
		bob.want("places new; places own; visits new", edits{
			"places": {updated: []row{part("shared", "name", "y"), part("own", "name", "y"), part("new", "name", "y")}}, "visits": {created: []row{part("new", "rating", 1)}},
		})
		bob.want("places own; places shared", edits{"places": {updated: []row{part("shared", "team", s.own("blue")), part("own", "team", s.own("red"))}}})
		bob.expect("places -new -own shared; visits -new")
		bob.wantValue("places", "shared", "name", "y")
		bob.wantValue("places", "shared", "owner_id", ann.sub)
	}},
	{"R3 a row that changes hands is deleted for its old readers, and updated for its new ones", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob, cid := s.actor("ann", "red"), s.actor("bob", "red"), s.actor("cid", "blue")
		ann.want("", edits{"places": {created: []row{
			s.row("p", "owner_id", ann.sub, "team", s.own("red"), "name", "x"), s.row("q", "owner_id", ann.sub, "team", s.own("red"), "name", "x"),
		}}})
		for _, p := range []*actor{ann, bob} {
			p.seen = 0
			p.expect("places p q")
		}
		cid.expect("")
		late := bob.another() // a device that does not pull for a while
		ann.want("", edits{"visits": {created: []row{s.row("v", "owner_id", ann.sub)}}})
		cid.expect("") // a later stamp than that of p
		ann.want("", edits{"places": {updated: []row{s.row("p", "owner_id", ann.sub, "team", s.own("blue"), "name", "x", "updated_at", millis()+1)}}})
		cid.expect("places p")
		cid.wantValue("places", "p", "name", "x")
		bob.expect("places -p")
		bob.expect("")
		ann.expect("places p; visits v")
		cid.want("", edits{"places": {updated: []row{s.row("p", "owner_id", ann.sub, "team", s.own("blue"), "name", "y", "updated_at", millis()+2)}}})
		bob.expect("")
		ann.want("", edits{"places": {updated: []row{s.row("p", "owner_id", ann.sub, "team", s.own("red"), "name", "z", "updated_at", millis()+3)}}})
		late.expect("places p")
		late.wantValue("places", "p", "name", "z")
		bob.expect("places p")
		cid.expect("places -p")
	}},
	{"R3 who had a row that changed hands hears of its deletion, and nobody else", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob, cid, dan := s.actor("ann"), s.actor("bob", "red"), s.actor("cid", "blue"), s.actor("dan", "green")
		place := func(team string, after int64) row {
			return s.row("p", "owner_id", ann.sub, "team", s.own(team), "name", "x", "updated_at", millis()+after)
		}
		ann.want("", edits{"places": {created: []row{place("red", 0)}}})
		bob.seen = 0
		bob.expect("places p")
		cid.expect("")
		dan.expect("")
		early := cid.another()
		ann.want("", edits{"places": {updated: []row{place("blue", 1)}}})
		cid.expect("places p")
		ann.want("", edits{"places": {deleted: []string{s.own("p")}}})
		bob.expect("places -p")
		cid.expect("places -p")
		early.expect("places -p")
		dan.expect("")
		ann.seen = 0
		ann.expect("")
	}},
	{"R3 K4 who gives a row away has it no more, and may repeat the push", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob")
		ann.expect("")
		bob.expect("")
		letter := edits{"letters": {created: []row{s.row("l", "owner_id", bob.sub, "text", "x")}}}
		first := ann.want("", letter)
		if again := ann.want("", letter); again.timestamp != first.timestamp {
			t.Errorf("K4: the timestamp went from %d to %d", first.timestamp, again.timestamp)
		}
		ann.expect("letters -l")
		bob.expect("letters l")
		back := edits{"letters": {updated: []row{s.row("l", "owner_id", ann.sub, "text", "y", "updated_at", millis()+1)}}}
		bob.want("", back)
		bob.want("", back)
		bob.expect("letters -l")
		ann.expect("letters l")
		ann.wantValue("letters", "l", "text", "y")
		bob.want("letters l", edits{"letters": {deleted: []string{s.own("l")}}})
		bob.expect("letters -l")
		ann.want("", edits{"letters": {deleted: []string{s.own("l")}}})
		bob.want("letters l", back) // R1: it does not say that the row is deleted
		bob.expect("letters -l")
		ann.expect("letters -l")
	}},
	{"R5 a notification names tables, and never ids", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob")
		ann.expect("")
		bob.expect("")
		socket, _ := bob.subscribe(t)
		first := ann.want("visits bad rating: it is greater than 5", edits{"visits": {created: []row{s.row("v", "owner_id", ann.sub), s.row("bad", "owner_id", ann.sub, "rating", 6)}}})
		last := ann.want("", edits{"reports": {created: []row{s.row("r")}}})
		for told := 0; told < 2; {
			text := socket.read(t)
			v := parse(t, text)
			if strings.Contains(string(text), s.mark) || len(v.(map[string]any)) != 3 || at(v, "type") != "change" {
				t.Fatalf("a notification is %s", text)
			}
			if table, stamp := at(v, "table"), number(t, at(v, "stamp")); table == "visits" && stamp >= first.timestamp || table == "reports" && stamp >= last.timestamp {
				told++
			}
		}
		bob.expect("")
	}},
	{"R6 the server names the ids of a push that lost to another member of the team", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann", "red"), s.actor("bob", "red")
		bob.expect("")
		now := millis()
		ann.want("", edits{"places": {created: []row{s.row("p", "owner_id", ann.sub, "team", s.own("red"), "name", "winner", "updated_at", now)}}})
		late := edits{"places": {created: []row{s.row("p", "owner_id", ann.sub, "team", s.own("red"), "name", "loser", "updated_at", now-5)}}}
		o := bob.pushes(late)
		if superseded := encode(t, at(o.raw, "superseded")); superseded != encode(t, map[string]any{"places": []string{s.own("p")}}) || o.rejected != "" {
			t.Errorf("superseded %s, rejected %q", superseded, o.rejected)
		}
		a := bob.mutate(t, "sync.push", bob.input(bob.seen, late, "abort"))
		a.wantFailure(t, "CONFLICT", -32009, 409, "sync.push")
		if ids := encode(t, at(parse(t, a.body), "error", "data", "ids")); ids != encode(t, map[string]any{"places": []string{s.own("p")}}) {
			t.Errorf("ids %s", ids)
		}
		bob.expect("places p")
		bob.wantValue("places", "p", "name", "winner")
	}},
}

func foreignIDs(t *testing.T, c *client) {
	s := newStory(t, c)
	ann, bob, reader := s.actor("ann"), s.actor("bob"), s.actor("reader")
	ann.want("", edits{"visits": {created: []row{s.row("a1", "owner_id", ann.sub), s.row("a2", "owner_id", ann.sub), s.row("a3", "owner_id", ann.sub)}}})
	ann.want("", edits{"visits": {deleted: []string{s.own("a2")}}})
	bob.expect("")
	for _, conflict := range []string{"lww", "abort"} {
		ann.want("", edits{"visits": {updated: []row{s.row("a1", "owner_id", ann.sub, "rating", 3, "updated_at", millis()+10)}}})
		for _, rows := range []edits{
			{"visits": {created: []row{s.row("a1", "owner_id", bob.sub), s.row("a2", "owner_id", bob.sub), s.row("new", "owner_id", ann.sub)}}},
			{"visits": {updated: []row{s.row("a1", "owner_id", bob.sub), s.row("a2", "owner_id", bob.sub), s.row("new", "owner_id", ann.sub)}}},
			{"visits": {updated: []row{s.row("a1", "owner_id", ann.sub), s.row("a2", "owner_id", ann.sub), s.row("new", "owner_id", ann.sub)}}},
		} {
			bob.want("visits a1; visits a2; visits new", rows, conflict)
		}
		bob.want("visits a3", edits{"visits": {deleted: []string{s.own("a3")}}}, conflict)
	}
	bob.expect("visits -a1 -a2 -a3 -new")
	bob.expect("")
	ann.seen = 0
	ann.expect("visits a1 a3")
	ann.wantValue("visits", "a1", "rating", 3)

	editor := s.actor("editor")
	editor.claim("sync:read sync:write edit", nil)
	editor.want("", edits{"catalogue": {created: []row{s.row("c", "price", 2)}}})
	reader.seen = number(t, at(reader.query(t, "sync.pull", `{}`).data(t), "timestamp"))
	reader.want("catalogue c; catalogue new", edits{"catalogue": {deleted: []string{s.own("c"), s.own("new")}}})
	reader.want("catalogue c; catalogue new", edits{"catalogue": {updated: []row{s.row("c", "price", 3), s.row("new", "price", 3)}}})
	reader.expect("catalogue -new c")
}

// explained asks for rows by GET /sync/explain, as those who may read them and as others.
func explained(t *testing.T, c *client) {
	s := newStory(t, c)
	ann, bob := s.actor("ann"), s.actor("bob")
	visit := s.row("v", "owner_id", ann.sub, "rating", 2.5, "note", "é\"\\", "code", nil, "status", "active", "level", nil)
	first := ann.want("", edits{"visits": {created: []row{visit, s.row("gone", "owner_id", ann.sub)}}})
	ann.seen = first.timestamp
	last := ann.want("", edits{"visits": {deleted: []string{s.own("gone")}}})
	for _, x := range []struct {
		by       *actor
		id, want string
	}{
		{ann, s.own("v"), encode(t, map[string]any{"state": "live", "stamp": first.timestamp, "ahead": nil, "row": map[string]any(visit)})},
		{ann, s.own("gone"), encode(t, map[string]any{"state": "deleted", "stamp": last.timestamp, "ahead": nil, "row": nil})},
		{ann, s.own("never"), unknownRow}, {bob, s.own("v"), unknownRow}, {bob, s.own("gone"), unknownRow},
	} {
		if got := x.by.has(t, "visits", x.id); got != x.want {
			t.Errorf("%s asks for %s\ngot  %s\nwant %s", x.by.sub, x.id, got, x.want)
		}
	}
	for _, query := range []string{"", "?table=visits", "?table=nope&id=a", "?table=visits&id=a%20b", "?table=visits&id=%FF", "?table=%FF&id=a"} {
		ann.do(t, "GET", "/sync/explain"+query, "").wantPlain(t, "BAD_REQUEST", 400)
	}
	c.as("sync:write").do(t, "GET", "/sync/explain?table=customers&id=a", "").wantPlain(t, "FORBIDDEN", 403)
}
