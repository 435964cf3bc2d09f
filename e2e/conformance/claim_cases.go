package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// claimCases are the cases of rules about what a token claims.
var claimCases = []testCase{
	{"R4 other claims bring a replacement, and the same in another order do not", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann", "red", "blue"), s.actor("bob", "red", "blue")
		place := func(name, team string) row {
			return s.row(name, "owner_id", ann.sub, "team", s.own(team), "name", name)
		}
		ann.want("", edits{"places": {created: []row{place("r", "red"), place("b", "blue"), place("g", "green")}}})
		bob.seen = 0
		bob.expect("places b r")
		bob.member("blue", "red", "blue")
		bob.expect("")
		bob.claim("sync:read sync:write other", map[string]any{"teams": []string{s.own("red"), s.own("blue")}, "level": 3, "TEAMS": "x"})
		bob.expect("")
		gone := bob.another()
		bob.member("green", "red")
		bob.expect("places g r all")
		bob.expect("")
		bob.member("green")
		bob.expect("places g all")
		bob.member()
		bob.expect(" all")
		bob.expect("")
		bob.member("red", "blue")
		bob.expect("places b r all")
		gone.expect("") // its own pull was for these claims
		gone.member("green")
		gone.expect("places g all")
	}},
	{"R4 P4 a cursor goes on with the same claims alone", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob", "red", "blue")
		bob.expect("")
		var rows []row
		for i := range 3 {
			rows = append(rows, s.row(fmt.Sprint("p", i), "owner_id", ann.sub, "team", s.own("red")))
		}
		ann.want("", edits{"places": {created: rows}})
		ask := func(cursor any) answer {
			return bob.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d,"limit":1,"cursor":%s}`, bob.seen, encode(t, cursor)))
		}
		cursor := at(ask(nil).data(t), "cursor")
		bob.member("blue", "red")
		cursor = at(ask(cursor).data(t), "cursor")
		for _, teams := range [][]string{{"red"}, {"blue"}, nil} {
			bob.member(teams...)
			a := ask(cursor)
			a.wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.pull")
			if message, _ := at(parse(t, a.body), "error", "message").(string); !strings.Contains(message, "begin again") {
				t.Errorf("the error says %q", message)
			}
		}
		bob.member("red")
		bob.expect("places p0 p1 p2 all")
	}},
	{"R4 a claim that changes while rows change brings what one may read", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob", "red")
		ann.want("", edits{"places": {created: []row{s.row("p", "owner_id", ann.sub, "team", s.own("red")), s.row("q", "owner_id", ann.sub, "team", s.own("blue"))}}})
		bob.seen = 0
		bob.expect("places p")
		ann.want("", edits{"places": {updated: []row{
			s.row("p", "owner_id", ann.sub, "team", s.own("blue"), "updated_at", millis()+1), s.row("q", "owner_id", ann.sub, "team", s.own("red"), "updated_at", millis()+1),
		}}})
		bob.member("blue")
		bob.expect("places p all")
		ann.want("", edits{"places": {deleted: []string{s.own("p")}}})
		bob.expect("places -p")
	}},
	{"R4 a claim that no rule compares, or of another type, is none", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob")
		ann.want("", edits{"places": {created: []row{s.row("q", "owner_id", ann.sub, "team", s.own("red"))}}})
		for _, teams := range []any{s.own("red"), 1, true, nil, map[string]any{"red": s.own("red")}, []any{}, []any{""}} {
			bob.seen = 0
			bob.claim(NoScope, map[string]any{"teams": teams})
			bob.expect("")
			bob.want("places w", edits{"places": {created: []row{s.row("w", "owner_id", ann.sub, "team", s.own("red"))}}})
		}
	}},
	{"a token without sub has no rows of its own, and may have those of a team", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, nobody := s.actor("ann"), s.nobody("red")
		ann.want("", edits{"visits": {created: []row{s.row("v", "owner_id", ann.sub)}}, "places": {created: []row{s.row("p", "owner_id", ann.sub, "team", s.own("red"), "name", "x")}}})
		nobody.expect("places p")
		nobody.want("visits w; visits x", edits{"visits": {created: []row{s.row("w", "owner_id", ""), s.row("x", "owner_id", "null")}}})
		nobody.want("places q", edits{"places": {created: []row{s.row("q", "owner_id", "", "team", "")}}})
		nobody.want("", edits{"places": {updated: []row{s.row("p", "owner_id", ann.sub, "team", s.own("red"), "name", "theirs", "updated_at", millis()+1)}}})
		nobody.expect("places -q p; visits -w -x")
		nobody.wantValue("places", "p", "name", "theirs")
	}},
	{"scope NAME: a token has a NAME only if its claim scope names it", func(t *testing.T, c *client) {
		s := newStory(t, c)
		editor, reader := s.actor("editor"), s.actor("reader")
		editor.claim("sync:read sync:write edit", nil)
		made := edits{"catalogue": {created: []row{s.row("c", "price", 2)}}, "reports": {created: []row{s.row("r", "title", "x")}}}
		for _, scope := range []string{NoScope, "sync:read sync:write", "sync:read sync:write EDIT editor edit:all"} {
			reader.claim(scope, map[string]any{"edit": true, "scopes": "edit"})
			reader.want("catalogue c", edits{"catalogue": made["catalogue"]})
		}
		editor.want("", made)
		reader.seen = 0
		reader.expect("catalogue c")
		reader.want("", edits{"reports": {created: []row{s.row("r2", "title", "y")}}})
		reader.expect("reports -r2")
		reader.claim("sync:read edit", nil)
		reader.expect("catalogue c; reports r r2 all")
		reader.claim("sync:read", nil)
		reader.expect("catalogue c all")
		editor.seen = 0
		editor.expect("catalogue c; reports r r2")
	}},
	{"COLUMN = CLAIM compares an id and a claim of one's own", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann, bob := s.actor("ann"), s.actor("bob")
		org := func(name string) map[string]any { return map[string]any{"org": s.own(name)} }
		mine := s.row("ann", "org_id", s.own("acme"), "name", "Ann")
		ann.want("profiles cid", edits{"profiles": {created: []row{mine, s.row("cid", "org_id", s.own("acme"), "name", "Cid")}}})
		bob.claim(NoScope, org("acme"))
		bob.seen = 0
		bob.expect("profiles ann")
		bob.want("profiles ann", edits{"profiles": {updated: []row{mine.with("name", "Bob", "updated_at", millis()+1)}}})
		bob.want("profiles ann; profiles dan", edits{"profiles": {deleted: []string{s.own("ann"), s.own("dan")}}})
		bob.want("", edits{"profiles": {deleted: []string{s.own("bob")}}})
		bob.expect("profiles -bob -dan ann")
		bob.wantValue("profiles", "ann", "name", "Ann")
		bob.claim(NoScope, org("other"))
		bob.expect(" all")
		ann.want("", edits{"profiles": {updated: []row{mine.with("org_id", s.own("other"), "updated_at", millis()+2)}}})
		bob.expect("profiles ann")
	}},
	{"none: nobody writes", func(t *testing.T, c *client) {
		s := newStory(t, c)
		ann := s.actor("ann")
		ann.claim("sync:read sync:write sync:admin edit none all", nil)
		ann.expect("")
		ann.want("archive a; archive b; archive c", edits{"archive": {created: []row{s.row("a")}, updated: []row{s.row("b")}, deleted: []string{s.own("c")}}})
		ann.expect("archive -a -b -c")
		ann.expect("")
	}},
}
