//go:build !js

package records

import (
	"slices"
	"testing"

	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api/dialect"
)

// parsedRule is the rule of a text that is one.
func parsedRule(text string) record.Rule {
	r, err := record.ParseRule(text)
	if err != nil {
		panic(err)
	}
	return r
}

// ruledSchema is the schema of the simulation of rules: of every kind of rule, with columns that
// may be null, and with a column that has a check, and a table, of version 2.
func ruledSchema() record.Schema {
	text := func(name string) record.Column { return record.Column{Name: name, SQL: name} }
	optional := func(c record.Column) record.Column { c.Nullable = true; return c }
	five, one := 5.0, 1.0
	rating := record.Column{Name: "rating", SQL: "rating", Type: record.Number, Nullable: true, Check: record.Check{Min: &one, Max: &five}}
	note := record.Column{Name: "note", SQL: "note", Since: 2, Default: "n", Check: record.Check{Enum: []any{"n", "m"}}}
	return record.Schema{Version: 2, Tables: []record.Table{
		{Name: "visits", SQL: "visits", ID: "id", Columns: []record.Column{text("owner"), rating},
			Read: parsedRule("owner = sub"), Write: parsedRule("owner = sub")},
		{Name: "places", SQL: "places", ID: "id", Columns: []record.Column{text("owner"), optional(text("maybe")), text("name"), note},
			Read: parsedRule("owner = sub or maybe in teams"), Write: parsedRule("owner = sub or maybe in teams")},
		{Name: "notes", SQL: "notes", ID: "id", Columns: []record.Column{text("owner"), optional(text("maybe"))},
			Write: parsedRule("owner = sub or maybe in teams")},
		{Name: "selves", SQL: "selves", ID: "id", Columns: []record.Column{text("team"), text("name")},
			Read: parsedRule("id = sub or team in teams or scope edit"), Write: parsedRule("id = sub or team in teams")},
		{Name: "drops", SQL: "drops", ID: "id", Columns: []record.Column{optional(text("maybe")), text("owner"), rating},
			Read: parsedRule("maybe in teams or scope edit")},
		{Name: "late", SQL: "late", ID: "id", Since: 2, Columns: []record.Column{text("owner"), text("name")},
			Read: parsedRule("owner = sub"), Write: parsedRule("owner = sub or scope edit")},
	}}
}

// redeclarations are schemas with the tables of ruledSchema, in the order of their deployment. Nobody goes
// back to the rules of before: that, with a push in between, is a known gap.
func redeclarations() []record.Schema {
	fewer, none := ruledSchema(), ruledSchema()
	fewer.Tables[1].Read = parsedRule("maybe in teams")
	fewer.Tables[2].Read = parsedRule("owner = sub")
	fewer.Tables[4].Read = nil
	for i := range none.Tables {
		none.Tables[i].Read, none.Tables[i].Write = nil, nil
	}
	one := none
	one.Tables = slices.Clone(none.Tables)
	one.Tables[5].Read = parsedRule("owner = sub")
	return []record.Schema{none, ruledSchema(), fewer, none, one}
}

// redeclare deploys the next rules.
func (w *ruledWorld) redeclare() {
	s := w.next[0]
	w.next = w.next[1:]
	w.plan, w.forgetting, w.schema = s.plan, &s.forgetting, s.schema
	steps := steppingDB{w.db, func() error { return w.between() }}
	w.Watermelon = &dialect.Watermelon{Records: New(steps, s), Schema: s.schema, Limits: watermelon.DefaultLimits()}
	for _, m := range w.late {
		m.done = false // the rules may reject now what they allowed
	}
	w.trace("the rules are now those of %v", s.schema.Tables)
}

// TestSimulationOfChangedRules is TestSimulationOfRules with rules that change in the middle of a run:
// some databases begin without rules. R4.
func TestSimulationOfChangedRules(t *testing.T) {
	var all []*Statements
	for _, s := range redeclarations() {
		all = append(all, ruledStatements(s, &standard))
	}
	wasmtest.Seeds(t, 100, 20, func(t *testing.T) func(uint64) error {
		db := openRuled(t, ruledSchema())
		return func(seed uint64) error {
			from := seed % 2
			return simulateWith(db, all[from], seed, false, func(w *world) { w.ruled.next = all[from+1:] })
		}
	})
}
