package records

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// Most pushes are plain: every row is whole, claims a time that is believed, and
// is new or later than what is stored; every id to delete is still alive. Such a
// push takes short statements and no comparison of contents. They do not ask
// whether it is one, but count what they changed: if that is not everything, the
// batch ends with an error, and the push is done with care instead.

// errNotPlain says that a push is not plain, and nothing was written.
var errNotPlain = errors.New("the push is not plain")

// plainWrite stores rows that are new or later. Its parameters are ?1 rows and
// ?2 now in milliseconds.
func plainWrite(t *record.Table) string {
	columns, values := []string{t.ID}, []string{"j.value ->> 0"}
	for i, col := range t.Columns {
		columns = append(columns, col.SQL)
		values = append(values, jsonCell("j.value", t, i))
	}
	columns = append(columns, "created_at", "updated_at", "stamp", "outcome")
	values = append(values, "j.value ->> 3", "j.value ->> 2", "max(Clock.stamp + 1, CAST(?2 AS INTEGER))", fmt.Sprint(isNew))
	var set []string
	for _, name := range columns[1 : len(columns)-1] {
		set = append(set, name+" = excluded."+name)
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM json_each(?1) AS j, Clock WHERE true
ON CONFLICT (%s) DO UPDATE SET %s, outcome = %d WHERE deleted = 0 AND ahead IS NULL AND excluded.updated_at >= updated_at + 1`,
		t.SQL, strings.Join(columns, ", "), strings.Join(values, ", "), t.ID, strings.Join(set, ", "), isWin)
}

// closePlain moves the clock, and answers its stamp and of each of the tables
// how many rows are new. It ends the batch like closePush, and if a table has
// not as many rows of this stamp as it should: ?3 and on.
func closePlain(tables []string) string {
	sql := `UPDATE Clock SET stamp = max(stamp + 1, CAST(?1 AS INTEGER))
RETURNING stamp, ` + refuseStale
	for i, table := range tables {
		sql += fmt.Sprintf(`, (SELECT CASE count(*) WHEN ?%d THEN count(*) FILTER (WHERE t.outcome = %d AND t.deleted = 0) ELSE json('not plain') END FROM %s AS t WHERE t.stamp = Clock.stamp) AS t%[1]d`,
			i+3, isNew, table)
	}
	return sql
}

// mayBePlain is whether it is worth trying.
func (b *pushBatch) mayBePlain() bool {
	tables := 0
	for i := range b.Tables {
		w := &b.Tables[i]
		if w.RowCount+w.DeletedCount == 0 {
			continue
		}
		tables++
		if w.Partial || w.Latest > float64(b.now+record.ToleranceMillis) {
			return false
		}
	}
	return tables > 0 && tables+2 <= abi.MaxParams && !b.Abort
}

// runPlain does the push if it is plain.
func (b *pushBatch) runPlain(ctx context.Context) (answer []byte, changed []Change, err error) {
	args := []any{b.now, int64(b.LastPulledAt)}
	var tables []string
	for i := range b.Tables {
		w := &b.Tables[i]
		for _, rows := range w.Rows {
			b.add(i, nil, b.writing[i].plain, abi.Text(rows), b.now)
		}
		for _, ids := range w.Deleted {
			b.add(i, nil, b.writing[i].bury, abi.Text(ids), int64(b.LastPulledAt), b.now)
		}
		if n := w.RowCount + w.DeletedCount; n > 0 {
			tables = append(tables, b.schema.Tables[i].SQL)
			args = append(args, n)
		}
	}
	b.add(-1, nil, closePlain(tables), args...)
	results, err := b.run(ctx)
	if err != nil {
		if strings.Contains(err.Error(), raised) {
			return nil, nil, errNotPlain
		}
		return nil, nil, err
	}
	last := results[len(results)-1]
	tallies := make([]tally, len(b.Tables))
	column := 2
	for i := range b.Tables {
		w := &b.Tables[i]
		if w.RowCount+w.DeletedCount > 0 {
			created := int(store.Number(last, column))
			tallies[i] = tally{created: created, updated: w.RowCount - created, deleted: w.DeletedCount}
			column++
		}
	}
	answer, changed = b.answer(record.Stamp(store.Number(last, 0)), tallies)
	return answer, changed, nil
}
