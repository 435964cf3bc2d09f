package records

import (
	"fmt"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// idBytes is at least how many octets an id has in a JSON array.
const idBytes = 140

// A told is the SQL for what pulls bring beside the rows that changed: the rows for which Told
// has an entry for the caller. The pull brings such a row if the caller may read it. Otherwise it
// brings the id, as that of a deleted row. K2, R3.
type told struct {
	table string // its name, as a literal; "" if Told has no entries of the table
	match string // the condition that f, of Told, is for the caller
}

// newTold returns that of a table.
func newTold(t *record.Table, plan *grants.Plan) told {
	if !t.Guarded() {
		return told{}
	}
	before := "false"
	if t.Read != nil {
		before = plan.Holds(t.Read, func(name string) string {
			if name == "id" {
				return "f.id"
			}
			return "f.old ->> " + store.Literal(sqlOf(t, name))
		})
	}
	return told{store.Literal(t.SQL), fmt.Sprintf("CASE WHEN f.old IN ('', 'sent') THEN f.who = %s WHEN f.old < '{' THEN false ELSE %s END", grants.Who, before)}
}

// sqlOf is the SQL name of a column that a rule names, or of the id.
func sqlOf(t *record.Table, name string) string {
	if name == "id" {
		return t.ID
	}
	return t.Columns[t.Column(name)].SQL
}

// readable is the condition that the caller may read the row of an alias, or "": they may read
// every row. It is not true, but may be NULL, if they may not.
func readable(t *record.Table, plan *grants.Plan, alias string, r *rules) string {
	if t.Read == nil {
		return ""
	}
	return strings.ReplaceAll(r.readable, "$holds", plan.HoldsStored(t.Read, alias, func(name string) string { return alias + "." + sqlOf(t, name) }))
}

// both joins conditions; "" is one that always holds.
func both(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " AND " + b
}

// brings is the condition of t's rows that a pull brings because they changed after since, or
// meet the condition also.
func (r *tableReading) brings(since, also string) string {
	return both(changedRows(since, also), r.reads)
}

// shown is the condition that the caller gets t's row, and not its id as a deleted one.
func (r *tableReading) shown() string { return "(" + both("t.deleted = 0", r.reads) + ")" }

// ask returns a statement of the table that has these parameters, and the grants if the table
// asks for them.
func (r *tableReading) ask(sql string, given abi.Text, args ...any) abi.Statement {
	if r.told.table != "" {
		args = append(args, given)
	}
	return abi.Statement{SQL: sql, Args: args}
}

// askLive returns a statement of the live rows that the caller may read. It has the grants if the
// caller may not read every row.
func (r *tableReading) askLive(sql string, given abi.Text, args ...any) abi.Statement {
	if r.reads != "" {
		args = append(args, given)
	}
	return abi.Statement{SQL: sql, Args: args}
}

// fromTold are the rows f of Told after since that are for the caller, with t's row if there is
// one. The condition that follows is to be joined by AND.
func (r *tableReading) fromTold(since, also string) string {
	return fmt.Sprintf(`(SELECT f.id AS id, max(f.stamp) AS stamp FROM Told AS f INDEXED BY ToldByStamp WHERE f.tab = %s AND f.who IN ('', %s) AND f.stamp > %s AND %[3]s >= 0 AND %s GROUP BY f.id) AS f
LEFT JOIN %s AS t ON t.%s = f.id WHERE (%s) IS NOT TRUE`, r.told.table, grants.Who, since, r.told.match, r.SQL, r.ID, r.brings(since, also))
}

// toldBytes is about how many octets t's row, or f's id, has in an answer.
func (r *tableReading) toldBytes(size string) string {
	return fmt.Sprintf("(ifnull(%s, 0) + %d)", size, idBytes)
}
