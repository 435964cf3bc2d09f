package records

import (
	"context"
	"fmt"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// Most batches are simple: every row is whole, claims a time that the server
// believes, and is new or later than the stored one; every id to delete is still
// alive. Such a batch takes short statements that compare no contents. They do not
// ask whether the batch is simple. They count what they changed, and if that is not
// everything, they abort the batch. Write then compares every row.

// simpleWrite stores rows that are new or later. Its parameters are ?1 rows, ?2 now in
// milliseconds, and of a guarded table ?3 the grants of the caller. inserted and replaced are
// conditions of guard.simple.
func simpleWrite(t *record.Table, r *rules, inserted, replaced string) string {
	columns, values := []string{t.ID}, []string{"j.value ->> 0"}
	for i, col := range t.Columns {
		columns = append(columns, col.SQL)
		values = append(values, jsonCell("j.value", t, i))
	}
	columns = append(columns, "created_at", "updated_at", "stamp", "outcome")
	values = append(values, "j.value ->> 3", "j.value ->> 2", "max("+r.simpleNext+", CAST(?2 AS INTEGER))", fmt.Sprint(isNew))
	var set []string
	for _, name := range columns[1 : len(columns)-1] {
		set = append(set, name+" = excluded."+name)
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM jsonb_each(?1) AS j, Clock WHERE %s
ON CONFLICT (%s) DO UPDATE SET %s%s, outcome = %d WHERE %s AND %s AND %s%s`,
		t.SQL, strings.Join(columns, ", "), strings.Join(values, ", "), inserted, t.ID, r.simpleRevives, strings.Join(set, ", "), isWin,
		r.simpleAlive, r.simpleClaims, r.simpleLater, replaced)
}

// closeSimple moves the clock, and returns its stamp and for each of the tables how
// many rows are new. It aborts the batch like closeWrite, and also if a table does
// not have as many rows of this stamp as it should: ?3 and on.
//
// If rules say who may read, the last parameter are the grants of the caller, whose claims must be
// those of the pull of the base.
func closeSimple(tables []string, plan *grants.Plan, r *rules) string {
	set, same := "", ""
	if plan.Reads() {
		set = ", ruled = 1"
		same = fmt.Sprintf(", CASE WHEN %s THEN %s END AS claims", grants.In(otherThan(plan, "CAST(?2 AS INTEGER)", r), len(tables)+3), r.simpleAbort)
	}
	sql := `UPDATE Clock SET stamp = max(` + r.simpleNext + `, CAST(?1 AS INTEGER))` + set + `
RETURNING stamp, ` + abortStale(r)
	for i, table := range tables {
		sql += fmt.Sprintf(`, (SELECT CASE count(*) WHEN ?%d THEN count(*) FILTER (WHERE t.outcome = %d AND t.deleted = 0) ELSE %s END FROM %s AS t WHERE t.stamp = Clock.stamp) AS t%[1]d`,
			i+3, isNew, r.simpleAbort, table)
	}
	return sql + same
}

// closingOf returns closeSimple of tables. It keeps that of one table, as most pushes change only one.
func (s *Statements) closingOf(tables []string) string {
	if len(tables) != 1 {
		return closeSimple(tables, s.plan, s.rules)
	}
	sql, known := s.closings.Load(tables[0])
	if !known {
		sql, _ = s.closings.LoadOrStore(tables[0], closeSimple(tables, s.plan, s.rules))
	}
	return sql.(string)
}

// maybeSimple says whether the batch can be simple.
func (w *write) maybeSimple() bool {
	tables := 0
	for i := range w.Tables {
		t := &w.Tables[i]
		if len(t.Rejected) > 0 {
			return false
		}
		if t.RowCount+t.DeletedCount == 0 {
			continue
		}
		tables++
		if t.Partial || t.Latest > float64(w.now+record.ToleranceMillis) {
			return false
		}
	}
	return tables > 0 && tables+3 <= abi.MaxParams && !w.Abort
}

// runSimple writes the batch if it is simple. Otherwise the database aborts it.
func (w *write) runSimple(ctx context.Context) (record.Outcome, error) {
	args := []any{w.now, int64(w.Base)}
	var tables []string
	for i := range w.Tables {
		t := &w.Tables[i]
		for _, rows := range t.Rows {
			w.ask(i, nil, w.writing[i].simple, abi.Text(rows), w.now)
		}
		for _, ids := range t.Deleted {
			w.ask(i, nil, w.writing[i].bury, abi.Text(ids), int64(w.Base), w.now)
		}
		if n := t.RowCount + t.DeletedCount; n > 0 {
			tables = append(tables, w.schema.Tables[i].SQL)
			args = append(args, n)
		}
	}
	if w.plan.Reads() {
		args = append(args, w.given)
	}
	last, _, err := w.close(ctx, w.closingOf(tables), args...)
	if err != nil {
		return record.Outcome{}, err
	}
	done := record.Outcome{Stamp: record.Stamp(store.Number(last, 0)), Tables: make([]record.TableOutcome, len(w.Tables))}
	column := 2
	for i := range w.Tables {
		t := &w.Tables[i]
		if t.RowCount+t.DeletedCount > 0 {
			created := int(store.Number(last, column))
			done.Tables[i] = record.TableOutcome{Created: created, Updated: t.RowCount - created, Deleted: t.DeletedCount}
			column++
		}
	}
	return done, nil
}
