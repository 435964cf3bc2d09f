package conformance

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// A story is a case of several actors. Its ids, subjects and teams end with a mark of its own,
// so that it sees nothing of other cases: what an actor gets without the mark does not count.
type story struct {
	*testing.T
	client *client
	mark   string
}

// newStory begins one on a server that has a row, as a space does not remember who pulled it
// before it had one.
func newStory(t *testing.T, c *client) *story {
	c.push(t, c.stamp(t), changes{created: []row{newCustomer("a story begins", millis())}})
	return &story{t, c, "." + strings.ToLower(rand.Text()[:12])}
}

// own returns a name with the mark.
func (s *story) own(name string) string { return name + s.mark }

// row returns a row that is written now. Pairs of a column and a value follow.
func (s *story) row(name string, pairs ...any) row {
	return row{"id": s.own(name), "created_at": millis(), "updated_at": millis()}.with(pairs...)
}

// An actor is a client with a token of a subject of the story.
type actor struct {
	*client
	story *story
	sub   string
	seen  int64                     // the timestamp of the last pull
	rows  map[string]map[string]row // what the last pull had, by table and id

	pageRows int // of a pull in pages; 0 is 1
}

// actor returns one with a token that has no scope.
func (s *story) actor(name string, teams ...string) *actor {
	p := &actor{client: &client{Door: s.client.Door, http: s.client.http}, story: s, sub: s.own(name)}
	p.member(teams...)
	return p
}

// nobody returns one whose token has no subject.
func (s *story) nobody(teams ...string) *actor {
	p := s.actor("nobody", teams...)
	p.sub = ""
	p.member(teams...)
	return p
}

// member gives the actor a token with these teams; none: it has no such claim.
func (p *actor) member(teams ...string) {
	claims := map[string]any{}
	if teams != nil {
		list := []string{}
		for _, team := range teams {
			list = append(list, p.story.own(team))
		}
		claims["teams"] = list
	}
	p.claim(NoScope, claims)
}

// claim gives the actor a token of that scope, and with these claims.
func (p *actor) claim(scope string, claims map[string]any) {
	p.token = p.Token(Claims{Subject: p.sub, Scope: scope, TTL: time.Hour, More: claims})
}

// another returns another device of the actor.
func (p *actor) another() *actor {
	other := *p
	return &other
}

// edits are a push, by table.
type edits map[string]changes

func (p *actor) input(since int64, e edits, conflict ...string) string {
	all := map[string]any{}
	for table, part := range e {
		all[table] = part.object()
	}
	input := map[string]any{"changes": all, "lastPulledAt": since}
	if len(conflict) > 0 {
		input["conflict"] = conflict[0]
	}
	return encode(p.story.T, input)
}

// byRule is the reason of a rejection by a rule, always.
const byRule = "the rules of the table do not let you write this row"

// An outcome is the answer to a push.
type outcome struct {
	pushed
	rejected string // as "visits v1 rating: it is less than 1; visits v2", sorted; without column and reason: by a rule
}

// pushes pushes what the actor has changed since their last pull.
func (p *actor) pushes(e edits, conflict ...string) outcome {
	p.story.Helper()
	t := p.story.T
	o := outcome{pushed: readPushed(t, p.mutate(t, "sync.push", p.input(p.seen, e, conflict...)))}
	members, _ := o.raw.(map[string]any)
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, []string{"applied", "ignored", "rejected", "superseded", "timestamp"}) {
		t.Errorf("the answer to a push has %v", got)
	}
	tables, ok := members["rejected"].(map[string]any)
	if !ok {
		t.Fatalf("rejected is %v", members["rejected"])
	}
	var lines []string
	for table, list := range tables {
		if list, _ := list.([]any); len(list) == 0 {
			t.Errorf("rejected has the table %s, and no row of it", table)
		}
		for _, r := range list.([]any) {
			line := table + " " + strings.TrimSuffix(fmt.Sprint(at(r, "id")), p.story.mark)
			reason := at(r, "reason")
			if column := at(r, "column"); column != nil {
				line += fmt.Sprintf(" %s: %s", column, reason)
			} else if reason != byRule || len(r.(map[string]any)) != 2 {
				t.Errorf("a rule is the reason of %v", r)
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	o.rejected = strings.Join(lines, "; ")
	return o
}

// want pushes, and checks what is rejected, and that nothing is superseded.
func (p *actor) want(rejected string, e edits, conflict ...string) outcome {
	p.story.Helper()
	o := p.pushes(e, conflict...)
	if o.rejected != rejected {
		p.story.Errorf("%s pushes %v\ngot  %q\nwant %q", p.sub, e, o.rejected, rejected)
	}
	if superseded, _ := at(o.raw, "superseded").(map[string]any); len(superseded) > 0 {
		p.story.Errorf("%s pushes %v: superseded %v", p.sub, e, superseded)
	}
	return o
}

// ways are the ways to pull since a stamp: whole, for the turbo mode and in pages.
func (p *actor) ways(since int64) map[string][]any {
	t := p.story.T
	whole := p.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d,"schemaVersion":1,"migration":null}`, since)).data(t)
	turbo := p.do(t, "GET", fmt.Sprintf("/sync/pull?lastPulledAt=%d&schemaVersion=1&migration=null", since), "").json(t, 200)
	limit := max(p.pageRows, 1)
	if since == 0 || at(whole, "experimentalStrategy") != nil {
		limit = 100 // it brings rows of other cases
	}
	var pages []any
	for cursor := any(nil); ; {
		input := fmt.Sprintf(`{"lastPulledAt":%d,"limit":%d,"cursor":%s}`, since, limit, encode(t, cursor))
		page := p.query(t, "sync.pull", input).data(t)
		pages = append(pages, page)
		if cursor = at(page, "cursor"); cursor == nil {
			return map[string][]any{"whole": {whole}, "turbo": {turbo}, "pages": pages}
		}
	}
}

// expect pulls in every way, and checks what of the story comes: as "places p1; visits -v2 v3",
// sorted, with " all" behind it if it is a replacement.
func (p *actor) expect(want string) {
	p.story.Helper()
	ways := p.ways(p.seen)
	for _, way := range slices.Sorted(maps.Keys(ways)) {
		p.rows = map[string]map[string]row{}
		var parts []string
		for _, page := range ways[way] {
			tables, _ := at(page, "changes").(map[string]any)
			for table := range tables {
				parts = append(parts, p.took(table, tables[table])...)
			}
		}
		got := line(parts)
		if at(ways[way][0], "experimentalStrategy") != nil {
			got += " all"
		}
		if got != want {
			p.story.Errorf("%s pulls since %d (%s)\ngot  %q\nwant %q", p.sub, p.seen, way, got, want)
		}
	}
	p.seen = number(p.story.T, at(ways["whole"][0], "timestamp"))
}

// took keeps the rows of the story, and returns their ids with the table before them.
func (p *actor) took(table string, part any) (parts []string) {
	for _, kind := range []string{"created", "updated"} {
		list, _ := at(part, kind).([]any)
		for _, v := range list {
			r := row(v.(map[string]any))
			id, own := strings.CutSuffix(r.id(), p.story.mark)
			if !own {
				continue
			}
			if parts = append(parts, table+" "+id); kind == "created" {
				p.story.Errorf("P10: %s is in created", r.id())
			}
			if p.rows[table] == nil {
				p.rows[table] = map[string]row{}
			}
			p.rows[table][id] = r
		}
	}
	list, _ := at(part, "deleted").([]any)
	for _, v := range list {
		if id, own := strings.CutSuffix(v.(string), p.story.mark); own {
			parts = append(parts, table+" -"+id)
		}
	}
	return parts
}

// line joins "places p1", "visits v1" and "visits v2" to "places p1; visits v1 v2".
func line(parts []string) string {
	slices.Sort(parts)
	var b strings.Builder
	last := ""
	for _, part := range parts {
		table, id, _ := strings.Cut(part, " ")
		switch {
		case table == last:
			b.WriteString(" " + id)
		case last == "":
			b.WriteString(part)
		default:
			b.WriteString("; " + part)
		}
		last = table
	}
	return b.String()
}

// wantValue checks a value of a row of the last pull.
func (p *actor) wantValue(table, name, column string, want any) {
	p.story.Helper()
	got := p.rows[table][name]
	if g, w := encode(p.story.T, plain(got[column])), encode(p.story.T, want); got == nil || g != w {
		p.story.Errorf("%s of %s: got %v in %v, want %v", column, name, g, got, w)
	}
}

// wantSum checks the checksum of a table against its rows in a first pull.
func (p *actor) wantSum(table string, count int64, columns ...string) {
	p.story.Helper()
	t := p.story.T
	first := p.query(t, "sync.pull", `{"lastPulledAt":null}`).data(t)
	list, _ := at(first, "changes", table, "updated").([]any)
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(at(a, "id").(string), at(b, "id").(string)) })
	hash := sha256.New()
	for _, r := range list {
		values := []any{at(r, "id")}
		for _, column := range append(columns, "created_at", "updated_at") {
			values = append(values, plain(at(r, column)))
		}
		fmt.Fprintf(hash, "%s\n", encode(t, values))
	}
	sum := at(p.do(t, "GET", "/sync/checksum", "").json(t, 200)["tables"], table)
	if n := number(t, at(sum, "count")); n != count || int(n) != len(list) || at(sum, "checksum") != hex.EncodeToString(hash.Sum(nil)) {
		t.Errorf("%s: the checksum of %s is %v, and it pulls %d rows, of %d", p.sub, table, sum, len(list), count)
	}
}

// plain returns a number of JSON as a float64, which encode writes as JavaScript does, and any
// other value as it is.
func plain(v any) any {
	if n, ok := v.(json.Number); ok {
		f, _ := n.Float64()
		return f
	}
	return v
}
