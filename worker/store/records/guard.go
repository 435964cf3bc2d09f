package records

import (
	"fmt"
	"strings"

	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// A guard is the conditions of a table's checks and rules on a write. In them t is the stored
// row, or NULL, and c an incoming one. Each is not true, but may be NULL, if it does not hold.
type guard struct {
	*comparison
	plan *grants.Plan
	mine string // the caller may read and write t
	told told
}

func newGuard(c *comparison, plan *grants.Plan) *guard {
	g := &guard{comparison: c, plan: plan, told: newTold(c.Table, plan)}
	g.mine = g.allowed("t", func(name string) string { return "t." + sqlOf(c.Table, name) })
	return g
}

// newGuardedWriting returns the statements of a guarded table. Those that write leave out what
// is refused. Nobody hears of a refused row: it is no conflict, and not too large.
func newGuardedWriting(g *guard) tableWriting {
	g.refusal = g.why()
	judged := func(which string) string {
		return grants.In(g.judged(g.size())+"\nSELECT json_group_array(id) AS ids FROM judged WHERE refused = 0 AND "+which, 4)
	}
	batch := "WITH " + batchTable(g.rules)
	inserted, replaced := g.simple()
	return tableWriting{
		Table: g.Table, guarded: true,
		simple:    grants.In(simpleWrite(g.Table, g.rules, inserted, " AND "+replaced), 3),
		write:     grants.In(g.write(), 4),
		oversized: judged(fmt.Sprintf("size > %d", record.MaxRowBytes)),
		bury: grants.In(fmt.Sprintf(`%s
INSERT INTO %s (%s, deleted, stamp) SELECT j.value, 1, %s %s WHERE NOT %s AND %s
ON CONFLICT (%[3]s) DO UPDATE SET deleted = 1, stamp = excluded.stamp WHERE deleted = 0`,
			batch, g.SQL, g.ID, next, g.ids(), g.kept(), g.name(g.buries)), 4),
		changed:   fmt.Sprintf("(%s OR EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %s AND f.stamp > Clock.stamp))", changedSince(g.Table), g.told.table),
		conflicts: judged("stored_stamp > " + base),
		buried: grants.In(fmt.Sprintf("%s SELECT json_group_array(j.value) AS ids %s WHERE t.stamp > %s AND t.deleted = 0 AND NOT %s",
			batch, g.ids(), base, g.kept()), 4),
		refused: g.refused(), tellRows: g.tellRows(), keptIDs: g.keptIDs(), tellIDs: g.tellIDs(false), tellEvery: g.tellIDs(true),
	}
}

// allowed is the condition that the caller may read and write the stored row of an alias.
func (g *guard) allowed(alias string, column func(string) string) string {
	write := strings.ReplaceAll(g.writable, "$holds", g.plan.Holds(g.Write, column))
	return "(" + both(write, readable(g.Table, g.plan, alias, g.rules)) + ")"
}

// pushes is the condition that the caller may push a row with these columns.
func (g *guard) pushes(column func(string) string) string {
	return strings.ReplaceAll(g.pushable, "$holds", g.plan.Holds(g.Write, column))
}

// becomes returns the SQL of a column of the stored row as c makes it.
func (g *guard) becomes(name string) string {
	if name == "id" {
		return "c.id"
	}
	i := g.Column(name)
	stored := fmt.Sprintf("CASE WHEN c.at IS NULL THEN %s ELSE t.%s END", store.Literal(g.Columns[i].Absent()), g.Columns[i].SQL)
	return fmt.Sprintf("(CASE WHEN %s THEN %s ELSE %s END)", g.has(i), g.values[i], stored)
}

// Why a row is refused, see guard.why.
const (
	byRule  = 1
	missing = 2 // and more: the number of the column that a new row must bring
)

// why is 0 for a row c that may be written over t, or why it may not.
//
// A row that is stored as it is pushed, and not deleted, is not refused to a caller who could read
// it before, or pushed it: they repeat the push by which they gave it away. K4.
func (g *guard) why() string {
	var lacks strings.Builder
	for i := range g.Columns {
		if g.Columns[i].Required() {
			fmt.Fprintf(&lacks, " WHEN NOT (%s) THEN %d", g.has(i), missing+i)
		}
	}
	fresh := fmt.Sprintf("CASE WHEN (%s) IS NOT TRUE THEN %d%s ELSE 0 END", g.pushes(g.becomes), byRule, lacks.String())
	repeated := fmt.Sprintf("NOT c.dead AND c.claimed IS c.stored_time AND NOT %s AND EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %s AND f.id = c.id AND f.old <> '' AND %s)",
		g.compare("<>"), g.told.table, g.told.match)
	return fmt.Sprintf("max(CASE WHEN %s THEN %d ELSE 0 END, CASE WHEN c.at IS NULL THEN %s WHEN (%s AND %s) IS TRUE THEN 0 WHEN %s THEN 0 ELSE %[2]d END)",
		g.again("c.id", "c.pushed"), byRule, fresh, g.mine, g.pushes(g.becomes), repeated)
}

// again is the condition that the same row, or the same deletion, of the caller was rejected after
// the batch's base: it is the same push once more, and is rejected although the rules may allow it
// now. K4.
func (g *guard) again(id, pushed string) string {
	return fmt.Sprintf("EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %s AND f.id = %s AND f.who = %s AND f.old = '' AND f.stamp > %s AND f.pushed IS %s)",
		g.told.table, id, grants.Who, base, pushed)
}

// refused returns the ids of the rows that are refused, each with a colon and the number of a
// column behind it if the row lacks that.
func (g *guard) refused() string {
	return grants.In(g.judged("")+fmt.Sprintf(`
SELECT json_group_array(CASE refused WHEN %d THEN id ELSE id || ':' || (refused - %d) END) AS ids FROM judged WHERE refused`, byRule, missing), 4)
}

// hidden is the condition that the next pull of the caller does not bring a row t, of that id,
// or its id, as far as the batch's base says.
func (g *guard) hidden(id string) string {
	return fmt.Sprintf(`(%s) IS NOT TRUE AND NOT EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %s AND f.id = %s AND f.stamp > %s AND %s)`,
		both("t.stamp > "+base, readable(g.Table, g.plan, "t", g.rules)), g.told.table, id, base, g.told.match)
}

// tell inserts into Told, of what a query returns: the id, who, old and pushed.
func (g *guard) tell(rows string) string {
	return fmt.Sprintf(`
INSERT INTO Told (tab, id, who, old, stamp, pushed) SELECT %s, id, who, old, %s, pushed FROM (%s) WHERE true
ON CONFLICT (tab, id, who, old) DO UPDATE SET stamp = excluded.stamp, pushed = excluded.pushed`, g.told.table, next, rows)
}

// tellRows tells the caller of rows that are refused, and of those they push and may not read; and
// those who could read a row by the columns that it loses. K2, R3.
func (g *guard) tellRows() string {
	of := fmt.Sprintf("FROM judged AS c LEFT JOIN %s AS t ON t.rowid = c.at WHERE ", g.SQL)
	rows := []string{fmt.Sprintf("SELECT c.id AS id, %s AS who, '' AS old, c.pushed AS pushed %s c.refused AND %s AND %s", grants.Who, of, g.retold, g.hidden("c.id"))}
	if g.Read != nil {
		var old, changed []string
		for _, name := range g.Read.Columns() {
			column := sqlOf(g.Table, name)
			old = append(old, store.Literal(column)+", t."+column)
			changed = append(changed, fmt.Sprintf("t.%s IS NOT %s", column, g.becomes(name)))
		}
		if old != nil {
			rows = append(rows, fmt.Sprintf("SELECT c.id, '', json_object(%s), NULL %s c.refused = 0 AND c.verdict = %d AND %s",
				strings.Join(old, ", "), of, isWin, strings.ReplaceAll(g.withdrawn, "$changed", "("+store.Balanced(" OR ", changed)+")")))
		}
		reads := g.plan.Holds(g.Read, g.becomes)
		rows = append(rows, fmt.Sprintf("SELECT c.id, %s, 'sent', NULL %s c.refused = 0 AND c.verdict IN (%d, %d) AND %s IS NOT TRUE AND %s",
			grants.Who, of, isNew, isSame, reads, g.hidden("c.id")))
	}
	return grants.In(g.judged("")+g.tell(store.UnionAll(rows)), 4)
}

// kept is the condition that an id j to delete is refused: its row t is not the caller's, or there
// is none, and none could be.
func (g *guard) kept() string {
	could := strings.ReplaceAll(g.writable, "$holds", g.plan.Could(g.Write, "j.value"))
	return fmt.Sprintf("(CASE WHEN %s THEN false WHEN t.%s IS NULL THEN %s WHEN t.deleted THEN true ELSE %s END) IS NOT TRUE",
		g.again("j.value", "NULL"), g.ID, could, g.mine)
}

// ids are the ids of ?1, j, with the stored rows t.
func (g *guard) ids() string {
	return fmt.Sprintf("FROM json_each(?1) AS j LEFT JOIN %s AS t ON t.%s = j.value", g.SQL, g.ID)
}

// keptIDs returns the ids to delete that are refused.
func (g *guard) keptIDs() string {
	return grants.In(fmt.Sprintf("WITH %s SELECT json_group_array(j.value) AS ids %s WHERE %s", batchTable(g.rules), g.ids(), g.kept()), 4)
}

// tellIDs tells the caller of ids whose deletion is refused, or with all of every id. K2, K3.
func (g *guard) tellIDs(all bool) string {
	which, pushed := g.retold, "''"
	if !all {
		which, pushed = g.kept()+" AND "+g.revived, "NULL"
	}
	return grants.In("WITH "+batchTable(g.rules)+g.tell(fmt.Sprintf("SELECT j.value AS id, %s AS who, '' AS old, %s AS pushed %s WHERE %s AND %s",
		grants.Who, pushed, g.ids(), which, g.hidden("j.value"))), 4)
}

// simple are the conditions of simpleWrite: one of the row j that is inserted, and one of the row
// that it replaces. They hold for what nobody need be told of.
func (g *guard) simple() (inserted, replaced string) {
	pushed := func(name string) string {
		if name == "id" {
			return "j.value ->> 0"
		}
		return "(" + jsonCell("j.value", g.Table, g.Column(name)) + ")"
	}
	stored := func(name string) string { return g.SQL + "." + sqlOf(g.Table, name) }
	inserted = g.pushes(pushed)
	replaced = g.allowed(g.SQL, stored)
	if g.Read != nil {
		inserted += " AND " + g.plan.Holds(g.Read, pushed)
		for _, name := range g.Read.Columns() {
			replaced += fmt.Sprintf(" AND %s IS excluded.%s", stored(name), sqlOf(g.Table, name))
		}
	}
	return inserted, replaced
}
