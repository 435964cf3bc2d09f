//go:build !js

package records

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
)

// plan is how SQLite would run a statement, a step a line.
func (f *fixture) plan(sql string) string {
	var steps []string
	var args []any
	for n := range abi.MaxParams + 1 {
		if strings.Contains(sql, fmt.Sprint("?", n)) {
			args = make([]any, n)
		}
	}
	for _, row := range f.query("EXPLAIN QUERY PLAN "+sql, args...) {
		steps = append(steps, fmt.Sprintf("%s", row[3]))
	}
	return strings.Join(steps, "\n")
}

func TestNoStatementReadsMoreThanItMust(t *testing.T) {
	f := newFixture(t)
	f.query(`ANALYZE`)
	s := NewStatements(record.Default(), 1<<20)
	w, r, p := &s.writing[0], &s.reading[0][0], &s.pages[0]
	for name, sql := range map[string]string{
		"simple": w.simple, "write": w.write, "close simple": closeSimple([]string{"Customers"}, s.plan, &standard), "bury": w.bury, "conflicts": w.conflicts, "buried": w.buried, "oversized": w.oversized,
		"close": closeWrite([]string{w.changed}, false, &standard), "changes": r.changes, "deltas": s.deltas[0], "page": p.changes, "replacement": p.replacement,
	} {
		if plan := f.plan(sql); strings.Contains(plan, "SCAN t") && !strings.Contains(plan, "SCAN t USING INDEX sqlite_autoindex") {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
	}
	for name, c := range map[string][]string{
		"changes": {r.changes, "CustomersByStamp (stamp>?)"},
		"deltas":  {s.deltas[0], "CustomersByStamp (stamp>?)"},
		"page":    {p.changes, "CustomersByStamp ((stamp,CustomerId)>(?,?)"},
		"close":   {closeWrite([]string{w.changed}, false, &standard), "CustomersByStamp (stamp>?)"},
		"write":   {w.write, "sqlite_autoindex_Customers_1 (CustomerId=?)"},
		"next":    {s.forgetting.next, "COVERING INDEX CustomersTombstones (stamp<?)"},
		"count":   {s.forgetting.count[0], "COVERING INDEX CustomersTombstones (stamp<?)"},
		"delete":  {s.forgetting.delete[0], "COVERING INDEX CustomersTombstones (stamp<?)"},
	} {
		if plan := f.plan(c[0]); !strings.Contains(plan, c[1]) {
			t.Errorf("%s does not use %s:\n%s", name, c[1], plan)
		}
	}
}

// A pull of a table with rules reads the caller's own rows, not the table.
func TestAGuardedTableIsReadByItsRule(t *testing.T) {
	f := newRuled(t)
	s := NewStatements(guarded(), 1<<20)
	r, p := &s.reading[0][0], &s.pages[0]
	for name, c := range map[string][]string{
		"first pull":    {r.changes, "visitsByowner (owner=? AND stamp>?)"},
		"size":          {r.changesSize, "visitsByowner (owner=? AND stamp>?)"},
		"deltas":        {s.deltas[0], "visitsByowner (owner=? AND stamp>?)"},
		"told":          {s.deltas[0], "ToldByStamp (tab=? AND who=? AND stamp>?)"},
		"page":          {p.changes, "visitsByowner (owner=? AND (stamp,id)>(?,?) AND stamp<?)"},
		"replacement":   {p.replacement, "visitsByowner (owner=?)"},
		"several terms": {s.deltas[0], "placesByteam (team=? AND stamp>?)"},
		"checksum":      {s.sums[0], "visitsByowner (owner=?)"},
		"push":          {s.writing[0].write, "sqlite_autoindex_visits_1 (id=?)"},
		"tell":          {s.writing[0].tellRows, "sqlite_autoindex_visits_1 (id=?)"},
		"deleted":       {s.writing[0].keptIDs, "sqlite_autoindex_visits_1 (id=?)"},
		"claims":        {s.readClaims, "Readers USING PRIMARY KEY (who=? AND stamp<?)"},
		"purge of Told": {s.forgetting.delete[len(s.schema.Tables)], "ToldByStamp (tab=?)"},
		"rejected":      {s.writing[0].tellRows, "SEARCH f USING PRIMARY KEY (tab=? AND id=?"},
	} {
		plan := f.plan(c[0])
		if !strings.Contains(plan, c[1]) || strings.Contains(plan, "SCAN t\n") {
			t.Errorf("%s does not use %s:\n%s", name, c[1], plan)
		}
	}
}

func TestAGuardedWriteReadsNothingOfOthers(t *testing.T) {
	f := newRuled(t)
	s := NewStatements(guarded(), 1<<20)
	plan := f.plan(closeWrite([]string{s.writing[0].changed}, true, &standard))
	for _, step := range []string{"ToldByStamp (tab=? AND who=? AND stamp>?)", "visitsByStamp (stamp>?)", "Readers USING PRIMARY KEY (who=?)"} {
		if !strings.Contains(plan, step) {
			t.Errorf("the end of a write does not use %s:\n%s", step, plan)
		}
	}
}
