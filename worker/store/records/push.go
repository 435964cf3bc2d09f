package records

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// A Change is a table that a push really changed, and the stamp of its rows.
type Change struct {
	Table string
	Stamp record.Stamp
}

// closePush moves the clock if any of the tables changed. It refuses what was
// pulled before the floor or the horizon: what it would have to be compared with
// may be gone. An error in a statement is the only way to end a batch.
func closePush(changed []string) string {
	return `UPDATE Clock SET stamp = CASE WHEN ` + store.Balanced(" OR ", append(changed, "false")) + ` THEN max(stamp + 1, CAST(?1 AS INTEGER)) ELSE stamp END
RETURNING stamp, ` + refuseStale
}

const refuseStale = `CASE WHEN CAST(?2 AS INTEGER) < max(floor, horizon) THEN json('stale at ' || stamp) END AS stale`

// raised is what SQLite says of json() of what is none.
const raised = "malformed JSON"

// Push answers {"timestamp":…,"applied":{table:{"created":n,"updated":n,"deleted":n}},"superseded":{table:[ids]},"ignored":{table:[columns]}}
// to {changes, lastPulledAt, conflict?}, and says which tables it really
// changed: tell subscribers of these. Errors: *watermelon.InputError,
// *watermelon.ConflictError, watermelon.ErrTooLarge; any other is internal,
// and the push may then have been done or not: the same push may be sent again
// at any time.
func (s *Store) Push(ctx context.Context, now time.Time, input []byte) (answer []byte, changes []Change, err error) {
	p, err := watermelon.DecodePush(&s.schema, s.limits, input)
	if err != nil {
		return nil, nil, err
	}
	b := pushBatch{Store: s, Push: p, now: now.UnixMilli()}
	if b.mayBePlain() {
		answer, changes, err = b.runPlain(ctx)
		if err == nil {
			return answer, changes, nil
		} else if err != errNotPlain {
			return nil, nil, fmt.Errorf("push: %w", err)
		}
		b = pushBatch{Store: s, Push: p, now: b.now}
	}
	if p.Abort {
		b.addEach(refuseConflict, refuseBuried)
	}
	changed := b.addWrites()
	b.add(-1, nil, closePush(changed), b.now, int64(p.LastPulledAt))
	results, err := b.run(ctx)
	if err != nil {
		if why := b.refusal(ctx); why != nil {
			return nil, nil, why
		}
		return nil, nil, fmt.Errorf("push: %w", err)
	}
	answer, changes = b.answer(record.Stamp(store.Number(results[len(results)-1], 0)), b.tallies(results))
	return answer, changes, nil
}

// A pushBatch is a batch for one push: its statements, and what each is for.
type pushBatch struct {
	*Store
	*watermelon.Push
	now        int64
	statements []abi.Statement
	steps      []step
}

// A step is which table a statement is about, and how its result counts.
type step struct {
	table int
	count func(*tally, abi.Result)
}

// A tally is what a push did to one table.
type tally struct {
	created, updated, restamped, deleted int
	lost                                 []string
}

func (b *pushBatch) add(table int, count func(*tally, abi.Result), sql string, args ...any) {
	b.statements = append(b.statements, abi.Statement{SQL: sql, Args: args})
	b.steps = append(b.steps, step{table, count})
}

// addEach adds a statement for each text of rows and for each of ids.
func (b *pushBatch) addEach(rows, ids func(*writing) string) {
	for i := range b.Tables {
		if rows != nil {
			for _, text := range b.Tables[i].Rows {
				b.add(i, (*tally).countLost, rows(&b.writing[i]), abi.Text(text), int64(b.LastPulledAt), b.now)
			}
		}
		if ids != nil {
			for _, text := range b.Tables[i].Deleted {
				b.add(i, (*tally).countLost, ids(&b.writing[i]), abi.Text(text), int64(b.LastPulledAt), b.now)
			}
		}
	}
}

// addWrites answers the conditions that a table changed.
func (b *pushBatch) addWrites() (changed []string) {
	for i := range b.Tables {
		w := &b.writing[i]
		for _, rows := range b.Tables[i].Rows {
			b.add(i, (*tally).countWritten, w.write, abi.Text(rows), int64(b.LastPulledAt), b.now)
		}
		for _, ids := range b.Tables[i].Deleted {
			b.add(i, (*tally).countDeleted, w.bury, abi.Text(ids), int64(b.LastPulledAt), b.now)
		}
		if len(b.Tables[i].Rows)+len(b.Tables[i].Deleted) > 0 {
			changed = append(changed, w.changed)
		}
	}
	return changed
}

func (b *pushBatch) run(ctx context.Context) ([]abi.Result, error) {
	results, err := b.db.Batch(ctx, b.statements)
	if err == nil && len(results) != len(b.statements) {
		err = errors.New("the database answered another number of statements")
	}
	return results, err
}

// tallies sums up the results of the batch, table by table.
func (b *pushBatch) tallies(results []abi.Result) []tally {
	tallies := make([]tally, len(b.Tables))
	for i, s := range b.steps {
		if s.count != nil {
			s.count(&tallies[s.table], results[i])
		}
	}
	return tallies
}

// countWritten counts outcomes as writing.write answers them.
func (t *tally) countWritten(r abi.Result) {
	for _, cells := range r.Rows {
		switch outcome := cells[0].(type) {
		case float64:
			if outcome == isNew {
				t.created++
			} else {
				t.updated++
			}
		case abi.Text:
			if len(outcome) == 0 {
				continue
			}
			verdict := int(outcome[0] - '0')
			if verdict >= isLost+andRestamped {
				t.restamped++
				verdict -= andRestamped
			}
			if verdict == isLost {
				t.lost = append(t.lost, string(outcome[1:]))
			}
		}
	}
}

func (t *tally) countDeleted(r abi.Result) { t.deleted += r.Changes }

func (t *tally) countLost(r abi.Result) {
	ids, _ := ijson.Texts(store.Text(r, 0))
	t.lost = append(t.lost, ids...)
}

func refuseConflict(w *writing) string { return refuse(w.conflicts) }
func refuseBuried(w *writing) string   { return refuse(w.buried) }

// refuse ends the batch if the query finds ids.
func refuse(query string) string {
	return `SELECT CASE WHEN ids <> '[]' THEN json('conflict: ' || ids) END AS refused FROM (` + query + `)`
}

// refusal asks why a batch ended with an error: nil if not because of the push.
func (b *pushBatch) refusal(ctx context.Context) error {
	ask := func(rows, ids func(*writing) string) ([]abi.Result, []tally) {
		q := pushBatch{Store: b.Store, Push: b.Push, now: b.now}
		q.add(-1, nil, `SELECT max(floor, horizon) FROM Clock`)
		q.addEach(rows, ids)
		results, err := q.run(ctx)
		if err != nil {
			return nil, nil
		}
		return results, q.tallies(results)
	}
	results, tallies := ask(func(w *writing) string { return w.oversized }, nil)
	if results == nil {
		return nil
	}
	if oldest := record.Stamp(store.Number(results[0], 0)); b.LastPulledAt < oldest {
		return &watermelon.ConflictError{Reason: fmt.Sprintf(
			"lastPulledAt is %d, but what was deleted or restored before %d is forgotten: pull first", b.LastPulledAt, oldest)}
	}
	for i, t := range tallies {
		if len(t.lost) > 0 {
			return &watermelon.InputError{Table: b.schema.Tables[i].Name, ID: t.lost[0], Reason: "the row would become too large"}
		}
	}
	if !b.Abort {
		return nil
	}
	ids := map[string][]string{}
	_, tallies = ask(func(w *writing) string { return w.conflicts }, func(w *writing) string { return w.buried })
	for i, t := range tallies {
		if len(t.lost) > 0 {
			ids[b.schema.Tables[i].Name] = t.lost
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return &watermelon.ConflictError{IDs: ids, Reason: "rows of the push were changed since lastPulledAt"}
}

func (b *pushBatch) answer(stamp record.Stamp, tallies []tally) (answer []byte, changed []Change) {
	applied, superseded, ignored := []byte{}, []byte{}, []byte{}
	for i, t := range tallies {
		name := b.schema.Tables[i].Name
		if t.created+t.updated+t.restamped+t.deleted > 0 {
			changed = append(changed, Change{name, stamp})
		}
		if w := &b.Tables[i]; len(w.Rows)+len(w.Deleted) > 0 {
			applied = ijson.AppendString(comma(applied), name)
			applied = append(strconv.AppendInt(append(applied, `:{"created":`...), int64(t.created), 10), `,"updated":`...)
			applied = append(strconv.AppendInt(applied, int64(t.updated), 10), `,"deleted":`...)
			applied = append(strconv.AppendInt(applied, int64(t.deleted), 10), '}')
		}
		superseded = appendList(superseded, name, t.lost)
		ignored = appendList(ignored, name, b.Tables[i].Ignored)
	}
	answer = strconv.AppendInt([]byte(`{"timestamp":`), int64(stamp), 10)
	answer = append(append(answer, `,"applied":{`...), applied...)
	answer = append(append(answer, `},"superseded":{`...), superseded...)
	answer = append(append(answer, `},"ignored":{`...), ignored...)
	return append(answer, "}}"...), changed
}

func comma(b []byte) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	return b
}

// appendList appends the member name:[list], unless the list is empty.
func appendList(b []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(ijson.AppendString(comma(b), name), ':', '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendString(b, s)
	}
	return append(b, ']')
}
