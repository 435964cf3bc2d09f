//go:build !js

package records

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// A ruledWorld is what a world with rules has beside: people with tokens, who join teams and
// leave them, and whom the server has to tell what.
type ruledWorld struct {
	*world
	plan       *grants.Plan
	forgetting *forgetting
	notices    map[[2]string][]notice
	next       []*Statements // of schemas with the same tables and other rules, each for a part of the run
}

var (
	people = []string{"ann", "bob", "cid"}
	teams  = []string{"red", "blue"}
)

// person is the caller of the n-th replica. Some have several replicas.
func (w *ruledWorld) person(n int) record.Caller {
	c := record.Caller{Subject: people[n%len(people)]}
	w.retoken(&c)
	return c
}

// retoken gives a caller a token with other claims.
func (w *ruledWorld) retoken(c *record.Caller) {
	var list []string
	for _, team := range teams {
		if w.random.IntN(2) == 0 {
			list = append(list, team)
		}
	}
	b, _ := json.Marshal(object{"teams": list})
	c.Claims, c.Words = string(b), ""
	if w.random.IntN(3) == 0 {
		c.Words = "sync:write edit"
	}
}

// join gives the replica another token: its user joined a team or left one.
func (r *replica) join() {
	r.ruled.retoken(&r.caller)
	r.trace("%s has the claims %s and the scope %q", r.name, r.caller.Claims, r.caller.Words)
}

// value is a random one for a column: mostly one that the caller may write.
func (w *ruledWorld) value(r *replica, column string) any {
	switch column {
	case "owner":
		if w.random.IntN(3) > 0 {
			return r.caller.Subject
		}
		return people[w.random.IntN(len(people))]
	case "maybe":
		return []any{"red", "blue", "", nil}[w.random.IntN(4)]
	case "note":
		return []any{"n", "m", "n", "bad"}[w.random.IntN(4)]
	case "team":
		return append(slices.Clone(teams), "")[w.random.IntN(len(teams)+1)]
	case "rating":
		return []any{1.0, 2.0, 3.0, 5.0, 6.0, nil}[w.random.IntN(6)]
	}
	return []any{"", "a", "b"}[w.random.IntN(3)]
}

// ownIDs says whether the ids of a table are subjects.
func (w *ruledWorld) ownIDs(t int) bool {
	return slices.ContainsFunc(w.schema.Tables[t].Write, func(term record.Term) bool { return term.Column == "id" })
}

// filled says whether the value counts as absent: WatermelonDB filled it in. K1.
func (w *world) filled(t int, column string, v any) bool {
	table := &w.schema.Tables[t]
	n := table.Column(column)
	return n >= 0 && table.Columns[n].Since > 1 && v == table.Columns[n].Fill() && table.Columns[n].Check.Fails(v) != ""
}

// holds is the model of grants.Plan.Holds.
func holds(rule record.Rule, c record.Caller, id string, raw object) bool {
	if rule == nil {
		return true
	}
	var claims struct{ Teams []string }
	if err := json.Unmarshal([]byte(c.Claims), &claims); err != nil {
		panic(err)
	}
	return slices.ContainsFunc(rule, func(t record.Term) bool {
		value, _ := raw[t.Column].(string)
		if t.Column == "id" {
			value = id
		}
		switch t.Kind {
		case record.HasScope:
			return slices.Contains(strings.Fields(c.Words), t.Claim)
		case record.ColumnIs:
			return value == c.Subject
		case record.ColumnIn:
			return slices.Contains(claims.Teams, value)
		}
		return false
	})
}

// mayRead says whether the replica's caller may read a row.
func (r *replica) mayRead(t int, id string, s *stored) bool {
	return r.ruled == nil || holds(r.schema.Tables[t].Read, r.caller, id, s.raw)
}

// A notice is a row of Told.
type notice struct {
	who   string
	old   object // empty: it is for who
	stamp stamp
}

// look reads whom the server has to tell what, by table and id.
func (w *ruledWorld) look() {
	w.notices = map[[2]string][]notice{}
	for _, cells := range w.run("SELECT tab, id, who, old, stamp FROM Told")[0].Rows {
		key := [2]string{store.CellString(cells[0]), store.CellString(cells[1])}
		n := notice{who: store.CellString(cells[2]), stamp: stamp(store.CellNumber(cells[4]))}
		old := store.CellString(cells[3])
		if strings.HasPrefix(old, "again:") {
			continue
		}
		if strings.HasPrefix(old, "{") {
			if err := json.Unmarshal([]byte(old), &n.old); err != nil {
				w.fail("%v", err)
			}
		}
		w.notices[key] = append(w.notices[key], n)
	}
}

// told is the last stamp at which the server had to tell the replica's caller of an id, or 0.
func (r *replica) told(t int, id string) (last stamp) {
	if r.ruled == nil {
		return 0
	}
	table := &r.schema.Tables[t]
	for _, n := range r.ruled.notices[[2]string{table.SQL, id}] {
		if len(n.old) == 0 && n.who == r.caller.Subject || len(n.old) > 0 && holds(table.Read, r.caller, id, n.old) {
			last = max(last, n.stamp)
		}
	}
	return last
}

// toldByOtherClaims says whether a push changed no row, and its author had other claims at the pull
// before. If the row is not the author's any more, the server tells them, to be sure.
func (w *world) toldByOtherClaims(before state, m *message) bool {
	if w.ruled == nil || m.pulled == w.ruled.plan.Sum(m.caller) {
		return false
	}
	return slices.EqualFunc(before.tables, w.server.tables, func(a, b map[string]*stored) bool { return maps.EqualFunc(a, b, (*stored).equal) })
}

// rejections returns the ids of each table that a push was done without. It checks R2, by the
// model: a row that changed was the caller's to write, before and after. And K1: what was
// rejected did not change.
func (w *world) rejections(before state, m *message, answer []byte) [][]string {
	all := make([][]string, len(w.schema.Tables))
	if w.ruled == nil {
		return all
	}
	var told struct {
		Rejected map[string][]struct{ ID, Column, Reason string }
	}
	if err := json.Unmarshal(answer, &told); err != nil {
		w.fail("%v", err)
	}
	for t := range w.schema.Tables {
		table := &w.schema.Tables[t]
		for _, r := range told.Rejected[table.Name] {
			all[t] = append(all[t], r.ID)
			if !slices.Contains(m.ids[t], r.ID) && !slices.ContainsFunc(m.rows[t], func(raw object) bool { return raw["id"] == r.ID }) {
				w.fail("R1: the server tells %s of %s, which it did not push", m.from, r.ID)
			}
		}
		for id, s := range w.server.tables[t] {
			old := before.tables[t][id]
			if old != nil && old.equal(s) {
				continue
			}
			touched := old == nil || old.deleted != s.deleted
			for c, v := range s.raw {
				touched = touched || old.raw[c] != v
			}
			mine := func(s *stored) bool {
				return holds(table.Write, m.caller, id, s.raw) && holds(table.Read, m.caller, id, s.raw)
			}
			switch {
			case slices.Contains(all[t], id):
				w.fail("K1: %s pushed %s, which is rejected, and it went from %+v to %+v", m.from, id, old, s)
			case old != nil && !mine(old):
				w.fail("R2: %s may not write %s, %+v, and made it %+v", m.from, id, old, s)
			case touched && !s.deleted && !holds(table.Write, m.caller, id, s.raw):
				w.fail("R2: %s may not push %s as %+v", m.from, id, s)
			}
			for _, c := range table.Columns {
				if v := s.raw[c.Name]; !s.deleted && c.Check.Fails(v) != "" {
					w.fail("K1: the %s of %s is %v", c.Name, id, v)
				}
			}
		}
	}
	for t := range m.rejected {
		for _, id := range m.rejected[t] {
			if m.done && !slices.Contains(all[t], id) {
				w.fail("K4: the server no longer tells %s of %s, whose push it rejects: %v", m.from, id, all)
			}
		}
	}
	m.rejected = all
	return all
}

func openRuled(t testing.TB, schema record.Schema) store.DB {
	db := wasmtest.OpenD1(t, store.Migrations())
	if _, err := db.Batch(t.Context(), createTables(schema)); err != nil {
		t.Fatal(err)
	}
	return db
}

func ruledStatements(schema record.Schema, r *rules) *Statements {
	s := newStatements(schema, watermelon.DefaultLimits().PullBytes, r)
	s.forgetting.rows, s.forgetting.steps = 1, 2
	return s
}

// TestSimulationOfRules is TestSimulation of tables with rules and checks: everybody has what
// they may read. R6.
func TestSimulationOfRules(t *testing.T) {
	statements := ruledStatements(ruledSchema(), &standard)
	wasmtest.Seeds(t, 500, 50, func(t *testing.T) func(uint64) error {
		db := openRuled(t, ruledSchema())
		return func(seed uint64) error { return simulate(db, statements, seed, false) }
	})
}

// TestTheSimulationMissesEveryRuleOfTables takes them out one by one.
func TestTheSimulationMissesEveryRuleOfTables(t *testing.T) {
	for name, change := range map[string]func(*rules){
		"R1 everybody may read every row":             func(r *rules) { r.readable = "($holds OR true)" },
		"R2 anybody may write what is stored":         func(r *rules) { r.writable = "($holds OR true)" },
		"R2 anybody may push whatever they like":      func(r *rules) { r.pushable = "($holds OR true)" },
		"R3 the server does not tell who loses a row": func(r *rules) { r.withdrawn = "false AND $changed" },
		"R4 a pull does not know the claims of before": func(r *rules) {
			r.claimsThen = "(SELECT claims FROM Readers WHERE who = ?1 AND ?2 > 0 ORDER BY stamp DESC LIMIT 1)"
		},
		"R4 new claims do not move the clock":                   func(r *rules) { r.noted = "stamp" },
		"K2 the server does not tell who pushed a rejected row": func(r *rules) { r.retold = "false" },
		"K3 a rejected deletion stays one":                      func(r *rules) { r.revived = "false" },
		"K4 what was rejected is taken the next time":           func(r *rules) { r.repeated = "false" },
		"R4 every push has the claims of the pull":              func(r *rules) { r.other = "$other AND false" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := standard
			change(&changed)
			db, statements := openRuled(t, ruledSchema()), ruledStatements(ruledSchema(), &changed)
			findHole(t, func(seed uint64) error { return simulate(db, statements, seed, false) })
		})
	}
}
