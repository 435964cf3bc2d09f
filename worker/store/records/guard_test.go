//go:build !js

package records

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// guarded is a schema with a rule of each kind, and with checks.
func guarded() record.Schema {
	rule := func(text string) record.Rule {
		r, err := record.ParseRule(text)
		if err != nil {
			panic(err)
		}
		return r
	}
	text := func(name string) record.Column { return record.Column{Name: name, SQL: name} }
	five, one := 5.0, 1.0
	rating := record.Column{Name: "rating", SQL: "rating", Type: record.Number, Check: record.Check{Min: &one, Max: &five}}
	optional := func(c record.Column) record.Column { c.Nullable = true; return c }
	return record.Schema{Version: 1, Tables: []record.Table{
		{Name: "visits", SQL: "visits", ID: "id", Columns: []record.Column{text("owner"), optional(rating)},
			Read: rule("owner = sub"), Write: rule("owner = sub")},
		{Name: "places", SQL: "places", ID: "id", Columns: []record.Column{text("owner"), text("team"), text("name")},
			Read: rule("owner = sub or team in teams"), Write: rule("owner = sub or team in teams")},
		{Name: "catalogue", SQL: "catalogue", ID: "id", Columns: []record.Column{text("title"), rating},
			Write: rule("scope edit")},
		{Name: "box", SQL: "box", ID: "id", Columns: []record.Column{text("owner"), text("name")},
			Read: rule("owner = sub")},
	}}
}

// createTables are the statements that make the tables of a schema.
func createTables(schema record.Schema) (statements []abi.Statement) {
	for _, t := range schema.Tables {
		sql := "CREATE TABLE " + t.SQL + " (" + t.ID + " TEXT PRIMARY KEY NOT NULL"
		for _, c := range t.Columns {
			sql += ", " + c.SQL + " " + []string{"TEXT", "REAL", "INTEGER"}[c.Type]
		}
		statements = append(statements, abi.Statement{SQL: sql + `, created_at INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL DEFAULT 0,
			deleted INTEGER NOT NULL DEFAULT 0, stamp INTEGER NOT NULL DEFAULT 0, ahead INTEGER, outcome INTEGER)`},
			abi.Statement{SQL: "CREATE INDEX " + t.SQL + "ByStamp ON " + t.SQL + " (stamp, " + t.ID + ")"})
		for _, name := range t.Read.Columns() {
			column := t.Columns[t.Column(name)].SQL
			statements = append(statements, abi.Statement{SQL: fmt.Sprintf("CREATE INDEX %sBy%s ON %[1]s (%[2]s, stamp, %[3]s)", t.SQL, column, t.ID)})
		}
	}
	return statements
}

// A ruled is a fixture of guarded tables.
type ruled struct{ *fixture }

func newRuled(t *testing.T) *ruled {
	f := newFixture(t)
	if _, err := f.db.Batch(t.Context(), createTables(guarded())); err != nil {
		t.Fatal(err)
	}
	f.Watermelon = newDialect(f.db, guarded(), watermelon.DefaultLimits())
	return &ruled{f}
}

// A person calls with a token.
type person struct {
	*ruled
	record.Caller
}

func (f *ruled) as(subject string, words string, teams ...string) *person {
	c := record.Caller{Subject: subject, Words: words}
	if teams != nil {
		b, _ := json.Marshal(object{"teams": teams})
		c.Claims = string(b)
	}
	return &person{f, c}
}

// rejected is the answer's member.
type rejected map[string][]struct{ ID, Column, Reason string }

func (r rejected) ids(table string) (ids []string) {
	for _, x := range r[table] {
		ids = append(ids, x.ID)
	}
	slices.Sort(ids)
	return ids
}

// pushes pushes changes: "visits+": created, "visits*": updated rows, "visits-": deleted ids.
func (p *person) pushes(since stamp, changes object, more ...any) (rejected, *pushed) {
	p.Helper()
	input := object{"lastPulledAt": since, "changes": tablesOf(changes)}
	if len(more) > 0 {
		input["conflict"] = more[0]
	}
	answer, _, err := p.Push(context.Background(), p.now, p.Caller, p.json(input))
	if err != nil {
		p.Fatalf("push(%s): %v", p.json(input), err)
	}
	var done struct {
		pushed
		Rejected rejected
	}
	if err := json.Unmarshal(answer, &done); err != nil {
		p.Fatal(err)
	}
	if !strings.Contains(string(answer), `"rejected":{`) {
		p.Errorf("the answer is %s", answer)
	}
	return done.Rejected, &done.pushed
}

func tablesOf(changes object) object {
	tables := object{}
	for name, list := range changes {
		table, kind := name[:len(name)-1], map[byte]string{'+': "created", '*': "updated", '-': "deleted"}[name[len(name)-1]]
		if tables[table] == nil {
			tables[table] = object{}
		}
		tables[table].(object)[kind] = list
	}
	return tables
}

// pulls returns the answer as one line: "visits v1 v2 -v3".
func (p *person) pulls(since stamp, limit ...int) (string, stamp) {
	p.Helper()
	input := object{"lastPulledAt": since}
	if len(limit) > 0 {
		input["limit"] = limit[0]
	}
	var line []string
	ids := map[string][]string{}
	strategy := ""
	for {
		answer, _, err := p.Pull(context.Background(), p.Caller, p.json(input), store.Budget{})
		if err != nil {
			p.Fatalf("pull(%s): %v", p.json(input), err)
		}
		var got pulled
		if err := json.Unmarshal(answer.Bytes(), &got); err != nil {
			p.Fatalf("%s: %v", answer.Bytes(), err)
		}
		for table, c := range got.Changes {
			for _, row := range c.Updated {
				ids[table] = append(ids[table], row["id"].(string))
			}
			for _, id := range c.Deleted {
				ids[table] = append(ids[table], "-"+id)
			}
		}
		if got.ExperimentalStrategy != "" {
			strategy = " all"
		}
		if input["cursor"] = got.Cursor; got.Cursor == "" {
			for _, t := range p.Schema.Tables {
				if list := ids[t.Name]; list != nil {
					slices.Sort(list)
					line = append(line, t.Name+" "+strings.Join(list, " "))
				}
			}
			return strings.Join(line, "; ") + strategy, got.Timestamp
		}
	}
}

func (p *person) expect(since stamp, want string) stamp {
	p.Helper()
	got, at := p.pulls(since)
	if got != want {
		p.Errorf("%s pulls since %d: %q, want %q", p.Subject, since, got, want)
	}
	if paged, _ := p.pulls(since, 1); paged != want {
		p.Errorf("%s pulls pages since %d: %q, want %q", p.Subject, since, paged, want)
	}
	return at
}

func row(id string, updatedAt int64, columns ...any) object {
	r := object{"id": id, "created_at": at(0), "updated_at": updatedAt}
	for i := 0; i < len(columns); i += 2 {
		r[columns[i].(string)] = columns[i+1]
	}
	return r
}

func (f *ruled) same(what string, got, want any) {
	f.Helper()
	if a, b := string(f.json(got)), string(f.json(want)); a != b {
		f.Errorf("%s: got %s, want %s", what, a, b)
	}
}

func TestRules(t *testing.T) {
	t.Run("R1 everybody gets their own rows", func(t *testing.T) {
		f := newRuled(t)
		a, b, none := f.as("a", ""), f.as("b", ""), f.as("", "")
		a.pushes(0, object{"visits+": list{row("a1", at(0), "owner", "a", "rating", 3), row("a2", at(0), "owner", "a")}})
		b.pushes(0, object{"visits+": list{row("b1", at(0), "owner", "b")}})
		ta, tb := a.expect(0, "visits a1 a2"), b.expect(0, "visits b1")
		none.expect(0, "")
		a.pushes(ta, object{"visits-": list{"a1"}, "visits*": list{row("a2", at(5), "owner", "a", "rating", 1)}})
		a.expect(ta, "visits -a1 a2")
		b.expect(tb, "")
		sums, err := f.Watermelon.Checksum(t.Context(), b.Caller, store.Budget{})
		if err != nil || !strings.Contains(string(sums), `"visits":{"count":1`) {
			t.Errorf("the checksum of b is %s, %v", sums, err)
		}
	})
	t.Run("R1 a row that one may not read is rejected like one that one may not write", func(t *testing.T) {
		f := newRuled(t)
		a, b := f.as("a", ""), f.as("b", "")
		a.pushes(0, object{"visits+": list{row("a1", at(0), "owner", "a")}})
		tb := b.expect(0, "")
		for _, conflict := range []string{"lww", "abort"} {
			got, _ := b.pushes(tb, object{"visits*": list{row("a1", at(9), "owner", "b"), row("b1", at(9), "owner", "a")}, "visits-": list{"b2"}}, conflict)
			f.same("rejected", got.ids("visits"), []string{"a1", "b1"})
			if got["visits"][0].Reason != got["visits"][1].Reason || got["visits"][0].Column != "" {
				t.Errorf("the reasons differ: %v", got)
			}
		}
		b.expect(tb, "visits -a1 -b1")
		a.expect(0, "visits a1")
	})
	t.Run("R2 nobody takes and nobody gives away", func(t *testing.T) {
		f := newRuled(t)
		a, b := f.as("a", ""), f.as("b", "", "red")
		_, done := a.pushes(0, object{"places+": list{row("p1", at(0), "owner", "a", "team", "red", "name", "x"), row("p2", at(0), "owner", "a", "team", "", "name", "x")}})
		f.same("created", done.Applied["places"].Created, 2)
		tb := b.expect(0, "places p1")
		got, _ := b.pushes(tb, object{"places*": list{row("p1", at(9), "owner", "a", "team", "blue", "name", "x")}, "places-": list{"p2"}})
		f.same("given away and taken", got.ids("places"), []string{"p1", "p2"})
		b.expect(tb, "places -p2 p1")
		got, _ = b.pushes(tb, object{"places*": list{row("p1", at(9), "owner", "b", "team", "", "name", "y")}})
		f.same("moved", got, rejected{})
		a.expect(done.Timestamp, "places -p1")
	})
	t.Run("R3 a row goes to its new readers and leaves the old ones", func(t *testing.T) {
		f := newRuled(t)
		a, b, c := f.as("a", "", "red"), f.as("b", "", "red"), f.as("c", "", "blue")
		a.pushes(0, object{"places+": list{row("p", at(0), "owner", "a", "team", "red", "name", "x")}})
		ta, tb, tc := a.expect(0, "places p"), b.expect(0, "places p"), c.expect(0, "")
		a.pushes(ta, object{"places*": list{row("p", at(1), "owner", "a", "team", "blue", "name", "x")}})
		a.expect(ta, "places p")
		b.expect(tb, "places -p")
		tc = c.expect(tc, "places p")
		f.after(1)
		a.pushes(ta, object{"places-": list{"p"}})
		c.expect(tc, "places -p")
		b.expect(tb, "places -p")
	})
	t.Run("R4 other claims bring a replacement", func(t *testing.T) {
		f := newRuled(t)
		a, b := f.as("a", "", "red"), f.as("b", "", "blue", "red")
		a.pushes(0, object{"places+": list{row("p", at(0), "owner", "a", "team", "red", "name", "x")}})
		tb := b.expect(0, "places p")
		tb = b.expect(tb, "")
		b.Caller = f.as("b", "more", "red", "blue", "red").Caller
		tb = b.expect(tb, "")
		b.Caller = f.as("b", "", "blue").Caller
		tb = b.expect(tb, " all")
		tb = b.expect(tb, "")
		b.Caller = f.as("b", "", "red").Caller
		b.expect(tb, "places p all")
		f.as("new", "").expect(tb, " all")
	})
	t.Run("a scope writes what everybody reads", func(t *testing.T) {
		f := newRuled(t)
		editor, reader := f.as("e", "sync:write edit"), f.as("r", "sync:write")
		got, _ := editor.pushes(0, object{"catalogue+": list{row("c1", at(0), "title", "x", "rating", 2)}})
		f.same("rejected", got, rejected{})
		tr := reader.expect(0, "catalogue c1")
		got, _ = reader.pushes(tr, object{"catalogue+": list{row("c2", at(0), "title", "x", "rating", 2)}, "catalogue*": list{row("c1", at(4), "title", "mine", "rating", 2)}})
		f.same("rejected", got.ids("catalogue"), []string{"c1", "c2"})
		reader.expect(tr, "catalogue -c2 c1")
		got, _ = reader.pushes(tr, object{"catalogue-": list{"c1", "c9"}})
		f.same("rejected", got.ids("catalogue"), []string{"c1", "c9"})
		reader.expect(tr, "catalogue -c2 -c9 c1")
	})
	t.Run("K4 who gives a row away may repeat it", func(t *testing.T) {
		f := newRuled(t)
		a, b := f.as("a", ""), f.as("b", "")
		gift := object{"box+": list{row("g", at(0), "owner", "b", "name", "x")}}
		ta := a.expect(0, "")
		for range 2 {
			got, _ := a.pushes(ta, gift)
			f.same("rejected", got, rejected{})
			a.expect(ta, "box -g")
		}
		tb := b.expect(0, "box g")
		gift = object{"box*": list{row("g", at(3), "owner", "a", "name", "y")}}
		for range 2 {
			got, _ := b.pushes(tb, gift)
			f.same("rejected", got, rejected{})
			b.expect(tb, "box -g")
		}
		a.expect(ta, "box g")
	})
	t.Run("K4 whoever gives a row away may repeat it, whatever their clock says", func(t *testing.T) {
		f := newRuled(t)
		a, b := f.as("a", ""), f.as("b", "")
		ta := a.expect(0, "")
		for range 2 {
			got, _ := a.pushes(ta, object{"box+": list{row("ahead", at(3_600_000), "owner", "b", "name", "x"), row("g", at(0), "owner", "b", "name", "x")}})
			f.same("rejected", got, rejected{})
		}
		tb := b.expect(0, "box ahead g")
		for range 2 {
			got, _ := b.pushes(tb, object{"box*": list{row("g", at(0), "owner", "a", "name", "y")}})
			f.same("rejected", got, rejected{})
		}
		a.expect(ta, "box -ahead g")
	})
	t.Run("R1 who gives a row away and repeats it does not learn that it was deleted", func(t *testing.T) {
		f := newRuled(t)
		a, b := f.as("a", ""), f.as("b", "")
		gift := object{"box+": list{row("g", at(0), "owner", "b", "name", "x")}}
		ta := a.expect(0, "")
		_, done := a.pushes(ta, gift)
		b.pushes(b.expect(0, "box g"), object{"box-": list{"g"}})
		got, again := a.pushes(ta, gift)
		f.same("rejected", got.ids("box"), []string{"g"})
		f.same("superseded", again.Superseded, done.Superseded)
	})
}

func TestChecks(t *testing.T) {
	t.Run("K1 a row that fails is rejected by itself", func(t *testing.T) {
		f := newRuled(t)
		a := f.as("a", "edit")
		got, done := a.pushes(0, object{
			"visits+":    list{row("v1", at(0), "owner", "a", "rating", 9), row("v2", at(0), "owner", "a", "rating", 5), row("v3", at(0), "owner", "a", "rating", nil)},
			"catalogue+": list{row("c1", at(0), "title", "x")},
		})
		f.same("rejected", got, rejected{"visits": {{"v1", "rating", "it is greater than 5"}}, "catalogue": {{"c1", "rating", "a new row must have the column"}}})
		f.same("created", done.Applied["visits"].Created, 2)
		a.expect(0, "visits v2 v3")
	})
	t.Run("K2 K3 K4 whoever pushed it gets what the server has", func(t *testing.T) {
		f := newRuled(t)
		editor, a := f.as("e", "edit"), f.as("a", "")
		editor.pushes(0, object{"catalogue+": list{row("c1", at(0), "title", "x", "rating", 2), row("c2", at(0), "title", "y", "rating", 2)}})
		ta := a.expect(0, "catalogue c1 c2")
		var before stamp
		for i := range 3 {
			got, done := a.pushes(ta, object{"catalogue*": list{row("c1", at(9), "title", "z", "rating", 7)}, "catalogue-": list{"c2"}, "visits+": list{row("v", at(9), "owner", "a", "rating", 0)}})
			f.same("rejected", got, rejected{"catalogue": {{"c1", "rating", "it is greater than 5"}, {"c2", "", byRules}}, "visits": {{"v", "rating", "it is less than 1"}}})
			if i > 0 && done.Timestamp != before {
				t.Errorf("K4: the same push again moves the clock from %d to %d", before, done.Timestamp)
			}
			before = done.Timestamp
		}
		ta = a.expect(ta, "visits -v; catalogue c1 c2")
		a.expect(ta, "")
		editor.expect(0, "catalogue c1 c2")
	})
	t.Run("K4 the retry of a row that lacks a column answers the same", func(t *testing.T) {
		f := newRuled(t)
		a := f.as("a", "edit")
		ta := a.expect(0, "")
		for range 2 {
			got, _ := a.pushes(ta, object{"catalogue+": list{row("c1", at(0), "title", "x")}})
			f.same("rejected", got, rejected{"catalogue": {{"c1", "rating", "a new row must have the column"}}})
		}
	})
	t.Run("K5 abort is about conflicts only", func(t *testing.T) {
		f := newRuled(t)
		editor, a := f.as("e", "edit"), f.as("a", "")
		ta := a.expect(0, "")
		editor.pushes(0, object{"catalogue+": list{row("c1", at(0), "title", "x", "rating", 2)}})
		got, _ := a.pushes(ta, object{"catalogue*": list{row("c1", at(9), "title", "z", "rating", 3)}}, "abort")
		f.same("rejected", got.ids("catalogue"), []string{"c1"})
		a.pushes(ta, object{"visits+": list{row("v", at(0), "owner", "a")}})
		_, _, err := f.Push(t.Context(), f.now, a.Caller, f.json(object{"lastPulledAt": ta, "conflict": "abort", "changes": tablesOf(object{
			"catalogue*": list{row("c1", at(9), "title", "z", "rating", 3)}, "visits*": list{row("v", at(0), "owner", "a", "rating", 2)}})}))
		if err == nil || !strings.Contains(err.Error(), "changed since lastPulledAt") {
			t.Errorf("got %v", err)
		}
	})
}
