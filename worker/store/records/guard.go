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
	// otherClaims says whether the caller has other claims than at the pull of the base.
	otherClaims string
}

func newGuard(c *comparison, plan *grants.Plan) *guard {
	g := &guard{comparison: c, plan: plan, told: newTold(c.Table, plan)}
	g.otherClaims = fmt.Sprintf("(SELECT ifnull(%s, 0) FROM Clock)", otherThan(plan, "min(CAST(?2 AS INTEGER), Clock.stamp)", c.rules))
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
	inserted, replaced := g.simple()
	return tableWriting{
		Table: g.Table, guarded: true,
		simple:    grants.In(simpleWrite(g.Table, g.rules, inserted, " AND "+replaced), 3),
		write:     grants.In(g.write(), 4),
		oversized: judged(fmt.Sprintf("size > %d", record.MaxRowBytes)),
		bury: grants.In(fmt.Sprintf(`INSERT INTO %s (%s, deleted, stamp) SELECT j.value, 1, %s FROM %s WHERE NOT %s AND %s
ON CONFLICT (%[2]s) DO UPDATE SET deleted = 1, stamp = excluded.stamp WHERE deleted = 0`,
			g.SQL, g.ID, g.stampOfBatch(), g.ids(), g.kept(), g.name(g.buries)), 4),
		changed:   fmt.Sprintf("(%s OR EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %s AND f.who IN ('', ?3) AND f.stamp > Clock.stamp))", changedSince(g.Table), g.told.table),
		conflicts: judged("stored_stamp > " + base),
		buried: grants.In(fmt.Sprintf("SELECT json_group_array(j.value) AS ids FROM %s WHERE t.stamp > %s AND t.deleted = 0 AND NOT %s",
			g.ids(), base, g.kept()), 4),
		refused: g.refused(), tellRows: g.tellRows(), keptIDs: g.keptIDs(), tellIDs: g.tellIDs(false), tellEvery: g.tellIDs(true),
	}
}

// allowed is the condition that the caller may read and write the stored row of an alias.
func (g *guard) allowed(alias string, column func(string) string) string {
	return "(" + both(g.writes(column), readable(g.Table, g.plan, alias, g.rules)) + ")"
}

// writes is the condition that the rule write lets the caller write a row with these columns.
func (g *guard) writes(column func(string) string) string {
	return strings.ReplaceAll(g.writable, "$holds", g.plan.Holds(g.Write, column))
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
	repeated := fmt.Sprintf("NOT c.dead AND c.effective <= c.stored_time AND c.stored_stamp > %s AND NOT %s AND EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %s AND f.id = c.id AND f.old <> '' AND %s)",
		base, g.compare("<>"), g.told.table, g.told.match)
	return fmt.Sprintf("max(CASE WHEN %s THEN %d ELSE 0 END, CASE WHEN c.at IS NULL THEN %s WHEN (%s AND %s) IS TRUE THEN 0 WHEN %s THEN 0 ELSE %[2]d END)",
		g.again("c.id", "c.pushed")+" AND f.stamp >= "+base+")", byRule, fresh, g.mine, g.pushes(g.becomes), repeated)
}

// again begins the condition that the same row, or the same deletion, of the caller was rejected:
// with the batch's base, or a later one, it is the same push once more, and is rejected although the
// rules may allow it now. K4. The condition needs a closing bracket.
func (g *guard) again(id, pushed string) string {
	return fmt.Sprintf("EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %s AND f.id = %s AND f.who = %s AND %s AND f.old = 'again:' || %s", g.told.table, id, grants.Who, g.repeated, pushed)
}

// deletion stands for the hash of a deletion.
const deletion = "'-'"

// refused returns the ids of the rows that are refused, each with a colon and the number of a
// column behind it if the row lacks that.
func (g *guard) refused() string {
	return grants.In(g.judged("")+fmt.Sprintf(`
SELECT json_group_array(CASE refused WHEN %d THEN id ELSE id || ':' || (refused - %d) END) AS ids FROM judged WHERE refused`, byRule, missing), 4)
}

// hidden is the condition that the caller's next pull, since the batch's base, brings neither the
// row t nor its id. The caller's claims count only if the caller had the same claims at the pull of
// that base. The + keeps SQLite from the index of stamps: with it SQLite would read the rows of Told
// that are for other callers.
func (g *guard) hidden(id string) string {
	return fmt.Sprintf(`(NOT %[1]s AND %[2]s) IS NOT TRUE AND NOT EXISTS (SELECT 1 FROM Told AS f WHERE f.tab = %[3]s AND f.id = %[4]s AND +f.stamp > %[5]s
  AND CASE WHEN %[1]s THEN f.old IN ('', 'sent') AND f.who = %[6]s ELSE %[7]s END)`,
		g.otherClaims, both("t.stamp > "+base, readable(g.Table, g.plan, "t", g.rules)), g.told.table, id, base, grants.Who, g.told.match)
}

// A telling is rows of Told: who is told, the column old and the stamp, and the condition.
type telling struct{ who, old, stamp, when string }

// tell inserts into Told every telling of the ids that from has.
func (g *guard) tell(from, id string, rows ...telling) string {
	var n, who, old, stamp, when strings.Builder
	for i, t := range rows {
		fmt.Fprintf(&n, ",%d", i)
		for part, value := range map[*strings.Builder]string{&who: t.who, &old: t.old, &stamp: t.stamp, &when: t.when} {
			fmt.Fprintf(part, " WHEN %d THEN %s", i, value)
		}
	}
	return fmt.Sprintf(`
INSERT INTO Told (tab, id, who, old, stamp) SELECT %s, %s, CASE k.value%s END, CASE k.value%s END, CASE k.value%s END
FROM json_each('[%s]') AS k CROSS JOIN %s WHERE CASE k.value%s END
ON CONFLICT (tab, id, who, old) DO UPDATE SET stamp = max(stamp, excluded.stamp)`,
		g.told.table, id, who.String(), old.String(), stamp.String(), n.String()[1:], from, when.String())
}

// tellRows writes to Told which rows the next pulls bring. The caller gets the rows that the server
// rejected, the new rows that the caller may not read, and, if the caller pushes with other claims than
// at the pull of the base, every row of the push. If the push changes columns that the rule reads, everybody
// who could read the row before gets it, or its id. K2, R3.
func (g *guard) tellRows() string {
	next := g.stampOfBatch()
	rows := []telling{
		{grants.Who, "''", next, both("c.refused AND "+g.retold, g.hidden("c.id"))},
		{grants.Who, "'again:' || c.pushed", base, "c.refused"},
	}
	if g.Read != nil {
		var old, changed []string
		for _, name := range g.Read.Columns() {
			column := sqlOf(g.Table, name)
			old = append(old, store.Literal(column)+", t."+column)
			changed = append(changed, fmt.Sprintf("t.%s IS NOT %s", column, g.becomes(name)))
		}
		if old != nil {
			rows = append(rows, telling{"''", "json_object(" + strings.Join(old, ", ") + ")", next, fmt.Sprintf("c.refused = 0 AND c.verdict = %d AND %s",
				isWin, strings.ReplaceAll(g.withdrawn, "$changed", "("+store.Balanced(" OR ", changed)+")"))})
		}
		rows = append(rows, telling{grants.Who, "'sent'", next, fmt.Sprintf("c.refused = 0 AND (%s OR c.verdict = %d AND %s IS NOT TRUE) AND %s",
			g.otherClaims, isNew, g.plan.Holds(g.Read, g.becomes), g.hidden("c.id"))})
	}
	return grants.In(g.judged("")+g.tell(fmt.Sprintf("judged AS c LEFT JOIN %s AS t ON t.rowid = c.at", g.SQL), "c.id", rows...), 4)
}

// kept is the condition that the server rejects the deletion of an id j: its row t is not the
// caller's, or there is no row, and the caller could not have created it.
func (g *guard) kept() string {
	could := strings.ReplaceAll(g.writable, "$holds", g.plan.Could(g.Write, "j.value"))
	return fmt.Sprintf("(CASE WHEN %s THEN false WHEN t.%s IS NULL THEN %s WHEN t.deleted THEN true ELSE %s END) IS NOT TRUE",
		g.again("j.value", deletion)+" AND f.stamp >= "+base+")", g.ID, could, g.mine)
}

// ids are the ids of ?1, j, with the stored rows t.
func (g *guard) ids() string {
	return fmt.Sprintf("json_each(?1) AS j LEFT JOIN %s AS t ON t.%s = j.value", g.SQL, g.ID)
}

// keptIDs returns the ids to delete that are refused.
func (g *guard) keptIDs() string {
	return grants.In(fmt.Sprintf("SELECT json_group_array(j.value) AS ids FROM %s WHERE %s", g.ids(), g.kept()), 4)
}

// tellIDs writes to Told that the caller gets the ids whose deletion the server rejects, or, if all
// is true, every id. K2, K3.
func (g *guard) tellIDs(all bool) string {
	told := func(which string) telling {
		return telling{grants.Who, "''", g.stampOfBatch(), which + " AND " + g.hidden("j.value")}
	}
	rows := []telling{told(g.retold)}
	if !all {
		rows = []telling{told(g.kept() + " AND " + g.revived), {grants.Who, "'again:' || " + deletion, base, g.kept()}}
	}
	return grants.In(g.tell(g.ids(), "j.value", rows...), 4)
}

// simple are the conditions of simpleWrite: one of the row j that is inserted, and one of the row
// that it replaces. They hold for rows that need no entry in Told.
func (g *guard) simple() (inserted, replaced string) {
	pushed := func(name string) string {
		if name == "id" {
			return "j.value ->> 0"
		}
		return "(" + jsonCell("j.value", g.Table, g.Column(name)) + ")"
	}
	stored := func(name string) string { return g.SQL + "." + sqlOf(g.Table, name) }
	inserted = g.pushes(pushed) + fmt.Sprintf(" AND NOT %s)", g.again("j.value ->> 0", fmt.Sprintf("(j.value ->> %d)", len(g.Columns)+4)))
	replaced = g.allowed(g.SQL, stored)
	if g.Read != nil {
		inserted += " AND " + g.plan.Holds(g.Read, pushed)
		for _, name := range g.Read.Columns() {
			replaced += fmt.Sprintf(" AND %s IS excluded.%s", stored(name), sqlOf(g.Table, name))
		}
	}
	return inserted, replaced
}
