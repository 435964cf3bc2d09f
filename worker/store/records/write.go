package records

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/webhook"
	"tidemark/worker/store"
)

// Write writes a batch at the time now. It returns a *record.ConflictError, a
// *record.StaleError or a *record.RowError if it rejects the batch, which then
// wrote nothing. After any other error the batch may have been written or not: the
// caller may write the same batch again at any time.
func (s *Store) Write(ctx context.Context, now time.Time, batch *record.Batch) (record.Outcome, error) {
	w := &write{Store: s, Batch: batch, now: now.UnixMilli(), writing: s.writing, reads: s.plan.Reads()}
	if w.reads {
		w.sum = s.plan.Sum(batch.Caller)
		w.given = s.plan.Bind(batch.Caller, w.sum)
	} else {
		w.given = s.grants(batch.Caller)
	}
	if w.maybeSimple() {
		done, err := w.runSimple(ctx)
		if !aborted(err) {
			return done, wrap("write", err)
		}
		w.statements, w.steps = nil, nil
	}
	done, err := w.runCompared(ctx)
	if aborted(err) {
		err = w.rejection(ctx, err)
	}
	return done, wrap("write", err)
}

// WriteAsServer is Write of a batch that the server itself writes: the rules of the tables do not count. Callers who
// can no longer read a row hear of that as of any write. The caller of the batch is nobody. X5.
func (s *Store) WriteAsServer(ctx context.Context, now time.Time, batch *record.Batch) (record.Outcome, error) {
	w := &write{Store: s, Batch: batch, now: now.UnixMilli(), writing: s.writingAsServer(batch), given: s.grants(batch.Caller)}
	done, err := w.runCompared(ctx)
	if aborted(err) {
		err = w.rejection(ctx, err)
	}
	return done, wrap("write as the server", err)
}

// writingAsServer makes the statements of WriteAsServer, for the tables of the batch. They are rare.
func (s *Statements) writingAsServer(batch *record.Batch) []tableWriting {
	r := *s.rules
	r.readable, r.writable, r.pushable, r.repeated, r.other = "true", "true", "true", "false", "false"
	list := make([]tableWriting, len(s.writing))
	for i := range batch.Tables {
		if batch.Tables[i].RowCount+batch.Tables[i].DeletedCount > 0 {
			list[i] = newTableWriting(&s.schema.Tables[i], s.plan, &r)
		}
	}
	return list
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// An error in a statement is the only way to end a batch. abortText is SQLite's
// error for json() of invalid JSON, by which our statements end theirs.
const abortText = "malformed JSON"

// aborted says whether a statement of ours ended its batch.
func aborted(err error) bool { return err != nil && strings.Contains(err.Error(), abortText) }

// closeWrite moves the clock if any of the tables changed. It ends the batch if
// its base is stale. ?1 is now in milliseconds, ?2 the base, and ?3 the subject of the caller.
//
// If rules say who may read, a caller without claims in Readers moves the clock, too: their claims
// are noted from a stamp on that no pull before had.
func closeWrite(changed []string, reads bool, r *rules) string {
	set := ""
	if reads {
		changed, set = append(changed, "NOT EXISTS (SELECT 1 FROM Readers WHERE who = ?3)"), ", ruled = 1"
	}
	return fmt.Sprintf("UPDATE Clock SET stamp = CASE WHEN %s THEN max(%s, CAST(?1 AS INTEGER)) ELSE stamp END%s\nRETURNING stamp, %s",
		store.Balanced(" OR ", append(changed, "false")), r.next, set, abortStale(r))
}

func abortStale(r *rules) string {
	base := `CAST(?2 AS INTEGER)`
	return `CASE WHEN ` + base + ` < ` + leastBase(r, base) + ` THEN json('stale at ' || stamp) END AS stale`
}

func leastBase(r *rules, base string) string { return strings.ReplaceAll(r.leastBase, "$base", base) }

// A write is one call of Write: its statements, and what each is for.
type write struct {
	*Store
	*record.Batch
	now        int64
	writing    []tableWriting
	reads      bool     // the claims of the caller count, as rules say who may read
	given      abi.Text // the caller's grants, if a table is guarded
	sum        string   // of the caller's claims, if rules say who may read
	statements []abi.Statement
	steps      []step
}

// A step is the table of a statement, and how its result counts.
type step struct {
	table int
	count func(*record.TableOutcome, abi.Result)
}

func (w *write) add(table int, count func(*record.TableOutcome, abi.Result), sql string, args ...any) {
	w.statements = append(w.statements, abi.Statement{SQL: sql, Args: args})
	w.steps = append(w.steps, step{table, count})
}

// ask adds a statement of a table. The grants of the caller are its last parameter if the table
// is guarded.
func (w *write) ask(table int, count func(*record.TableOutcome, abi.Result), sql string, args ...any) {
	if w.writing[table].guarded {
		args = append(args, w.given)
	}
	w.add(table, count, sql, args...)
}

// addEach adds a statement for each text of rows and for each text of ids. A nil
// function adds none.
func (w *write) addEach(rows, ids func(*tableWriting) string, countRows, countIDs func(*record.TableOutcome, abi.Result)) {
	for i := range w.Tables {
		if rows != nil {
			for _, text := range w.Tables[i].Rows {
				w.ask(i, countRows, rows(&w.writing[i]), abi.Text(text), int64(w.Base), w.now)
			}
		}
		if ids != nil {
			for _, text := range w.Tables[i].Deleted {
				w.ask(i, countIDs, ids(&w.writing[i]), abi.Text(text), int64(w.Base), w.now)
			}
		}
	}
}

// runCompared compares every row of the batch with the stored one, and writes the
// winners.
func (w *write) runCompared(ctx context.Context) (record.Outcome, error) {
	if w.Abort {
		w.addEach(
			func(t *tableWriting) string { return abortIfAny(t.conflicts) },
			func(t *tableWriting) string { return abortIfAny(t.buried) }, nil, nil)
	}
	for i := range w.Tables {
		w.writeTable(i)
	}
	var changed []string
	for i := range w.Tables {
		if w.Tables[i].RowCount+w.Tables[i].DeletedCount+len(w.Tables[i].Rejected) > 0 {
			changed = append(changed, w.writing[i].changed)
		}
	}
	sql, args := closeWrite(changed, w.reads, w.rules), []any{w.now, int64(w.Base)}
	if w.guarded && strings.Contains(sql, "?3") {
		args = append(args, w.Caller.Subject)
	}
	closing, results, err := w.close(ctx, sql, args...)
	if err != nil {
		return record.Outcome{}, err
	}
	return record.Outcome{Stamp: record.Stamp(store.Number(closing, 0)), Tables: w.count(results)}, nil
}

// writeTable adds the statements that compare and write the changes to a table.
func (w *write) writeTable(i int) {
	t := &w.writing[i]
	each := func(texts [][]byte, count func(*record.TableOutcome, abi.Result), sql string) {
		for _, text := range texts {
			w.ask(i, count, sql, abi.Text(text), int64(w.Base), w.now)
		}
	}
	told := slices.Clone(w.Tables[i].Filled)
	for _, r := range w.Tables[i].Rejected {
		told = append(told, r.ID)
	}
	each(idsOf(told...), nil, t.tellEvery)
	for _, rows := range w.Tables[i].Rows {
		one := [][]byte{rows}
		if t.guarded {
			each(one, t.countRefused, t.refused)
			each(one, nil, t.tellRows)
		}
		each(one, countWritten, t.write)
	}
	for _, ids := range w.Tables[i].Deleted {
		one := [][]byte{ids}
		if t.guarded {
			each(one, t.countRefused, t.keptIDs)
			each(one, nil, t.tellIDs)
		}
		each(one, nil, t.bury)
		w.add(i, countDeleted, buriedCount)
	}
}

// idsOf are ids as JSON arrays, each short enough for a parameter.
func idsOf(ids ...string) (texts [][]byte) {
	const most = 10_000 // of at most 128 characters each
	for part := range slices.Chunk(ids, most) {
		text := []byte{'['}
		for i, id := range part {
			if i > 0 {
				text = append(text, ',')
			}
			text = ijson.AppendString(text, id)
		}
		texts = append(texts, append(text, ']'))
	}
	return texts
}

// byRules is the reason of a rejection by a rule. It is the same whether the caller may read the
// stored row or not: R1.
const byRules = "the rules of the table do not let you write this row"

// countRefused notes the rows and ids that the statements refused and keptIDs return.
func (t *tableWriting) countRefused(done *record.TableOutcome, r abi.Result) {
	ids, _ := ijson.Texts(store.Text(r, 0))
	for _, id := range ids {
		rejection := record.Rejection{ID: id, Reason: byRules}
		if id, column, lacks := strings.Cut(id, ":"); lacks {
			n, _ := strconv.Atoi(column)
			rejection = record.Rejection{ID: id, Column: t.Columns[n].Name, Reason: "a new row must have the column"}
		}
		done.Rejected = append(done.Rejected, rejection)
	}
}

// abortIfAny ends the batch if the query finds ids.
func abortIfAny(query string) string {
	return `SELECT CASE WHEN ids <> '[]' THEN json('conflict: ' || ids) END AS refused FROM (` + query + `)`
}

// close runs the statements, with one at the end that moves the clock. It returns the result of
// that one, and all of them.
func (w *write) close(ctx context.Context, sql string, args ...any) (closing abi.Result, results []abi.Result, err error) {
	w.announce()
	w.add(-1, nil, sql, args...)
	last := len(w.statements) - 1
	if w.reads {
		w.add(-1, nil, noteWriter, w.Caller.Subject, w.sum)
	}
	if results, err = w.run(ctx); err != nil {
		return abi.Result{}, nil, err
	}
	return results[last], results, nil
}

// announce notes in the outbox which tables the statements before it have changed. The clock has not
// moved yet.
func (w *write) announce() {
	if !w.announces {
		return
	}
	var changed []string
	for i := range w.Tables {
		if w.Tables[i].RowCount+w.Tables[i].DeletedCount > 0 {
			changed = append(changed, announced(&w.schema.Tables[i])+" FROM Clock WHERE "+changedSince(&w.schema.Tables[i]))
		}
	}
	if len(changed) > 0 {
		announcing := store.Announce(store.UnionAll(changed))
		w.add(-1, nil, announcing.SQL, announcing.Args...)
	}
}

// announced begins the row of a table in the outbox.
func announced(t *record.Table) string {
	return "SELECT " + store.Literal(string(webhook.RecordsChanged)) + ", " + store.Literal(t.Name)
}

func (w *write) run(ctx context.Context) ([]abi.Result, error) {
	results, err := w.db.Batch(ctx, w.statements)
	if err == nil && len(results) != len(w.statements) {
		err = errResults
	}
	return results, err
}

// count sums up the results of the statements, table by table. There may be more.
func (w *write) count(results []abi.Result) []record.TableOutcome {
	tables := make([]record.TableOutcome, len(w.Tables))
	for i := range w.Tables {
		tables[i].Rejected = slices.Clip(w.Tables[i].Rejected)
	}
	for i, s := range w.steps {
		if s.count != nil {
			s.count(&tables[s.table], results[i])
		}
	}
	return tables
}

// countWritten counts the outcomes that tableWriting.write returns.
func countWritten(t *record.TableOutcome, r abi.Result) {
	for _, cells := range r.Rows {
		switch outcome := cells[0].(type) {
		case float64:
			if outcome == isNew {
				t.Created++
			} else {
				t.Updated++
			}
		case abi.Text:
			if len(outcome) == 0 {
				continue
			}
			verdict := int(outcome[0] - '0')
			if verdict >= isLost+andRestamped {
				t.Restamped++
				verdict -= andRestamped
			}
			if verdict == isLost {
				t.Superseded = append(t.Superseded, string(outcome[1:]))
			}
		}
	}
}

// buriedCount returns how many rows the statement before it changed. The Changes that a
// database reports may include rows of indexes.
const buriedCount = "SELECT changes()"

func countDeleted(t *record.TableOutcome, r abi.Result) { t.Deleted += int(store.Number(r, 0)) }

// rejection asks the database why it aborted the batch. It returns cause if it
// finds no reason, as when others wrote meanwhile.
func (w *write) rejection(ctx context.Context, cause error) error {
	large := &write{Store: w.Store, Batch: w.Batch, now: w.now, writing: w.writing, given: w.given}
	large.addEach(func(t *tableWriting) string { return t.oversized }, nil, countIDs, nil)
	conflicts := &write{Store: w.Store, Batch: w.Batch, now: w.now, writing: w.writing, given: w.given}
	if w.Abort {
		conflicts.addEach(
			func(t *tableWriting) string { return t.conflicts },
			func(t *tableWriting) string { return t.buried }, countIDs, countIDs)
	}
	statements := slices.Concat([]abi.Statement{{SQL: "SELECT " + leastBase(w.rules, "CAST(?1 AS INTEGER)") + " FROM Clock", Args: []any{int64(w.Base)}}}, large.statements, conflicts.statements)
	results, err := w.db.Batch(ctx, statements)
	if err != nil {
		return fmt.Errorf("ask why a batch was aborted: %w", err)
	}
	if len(results) != len(statements) {
		return errResults
	}
	if oldest := record.Stamp(store.Number(results[0], 0)); w.Base < oldest {
		return &record.StaleError{Base: w.Base, Oldest: oldest}
	}
	results = results[1:]
	for i, t := range large.count(results) {
		if len(t.Superseded) > 0 {
			return &record.RowError{Table: w.schema.Tables[i].Name, ID: t.Superseded[0]}
		}
	}
	ids := map[string][]string{}
	for i, t := range conflicts.count(results[len(large.statements):]) {
		if len(t.Superseded) > 0 {
			ids[w.schema.Tables[i].Name] = t.Superseded
		}
	}
	if len(ids) == 0 {
		return cause
	}
	return &record.ConflictError{IDs: ids}
}

// countIDs notes the ids of a query that returns them as a JSON array.
func countIDs(t *record.TableOutcome, r abi.Result) {
	ids, _ := ijson.Texts(store.Text(r, 0))
	t.Superseded = append(t.Superseded, ids...)
}
