// Package dialect serves a dialect of package shared over a store: it decodes a
// request, asks the store, and encodes the answer. A store knows no dialect, and a
// dialect knows no store.
package dialect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/shared/ijson"
	"tidemark/shared/metric"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// Records keeps rows; *records.Store does.
type Records interface {
	Write(ctx context.Context, now time.Time, batch *record.Batch) (record.Outcome, error)
	Changes(ctx context.Context, since *record.Since, b store.Budget) (*record.Page, error)
	Checksum(ctx context.Context, caller record.Caller, b store.Budget) (record.Sums, error)
	Row(ctx context.Context, caller record.Caller, table int, id string, b store.Budget) (record.Stored, error)
	Stamp(ctx context.Context) (record.Stamp, error)
	Restore(ctx context.Context, now time.Time) (floor record.Stamp, err error)
	Purge(ctx context.Context, now time.Time, keep time.Duration) (record.Purged, error)
	Rows
}

// Watermelon serves WatermelonDB's dialect. Its errors are *watermelon.InputError,
// *watermelon.ConflictError, watermelon.ErrTooLarge, or internal.
type Watermelon struct {
	Records
	Schema record.Schema // of Records
	Limits watermelon.Limits
}

// Pull returns the answer to a pull, and about how many octets it has.
func (w *Watermelon) Pull(ctx context.Context, caller record.Caller, input []byte, b store.Budget) (answer ijson.Pieces, octets int, err error) {
	p, err := watermelon.DecodePull(&w.Schema, w.Limits, input)
	if err != nil {
		return nil, 0, err
	}
	p.Caller = caller
	page, err := w.Changes(ctx, &p.Since, b)
	if errors.Is(err, record.ErrTooLarge) {
		return nil, 0, fmt.Errorf("pull: %w for one answer: ask for pages, by limit and cursor", watermelon.ErrTooLarge)
	}
	if err != nil {
		return nil, 0, watermelon.Explain(err)
	}
	for i := range page.Tables {
		metric.Add(ctx, metric.PullRows, float64(page.Tables[i].Count), page.Tables[i].Name)
	}
	return p.Answer(page), page.Octets(), nil
}

// Push returns the answer to a push, and the tables that changed. After an internal
// error the push may have been done or not: the client may send the same again.
func (w *Watermelon) Push(ctx context.Context, now time.Time, caller record.Caller, input []byte) (answer []byte, changed []syncroom.Change, err error) {
	p, err := watermelon.DecodePush(&w.Schema, w.Limits, input)
	if err != nil {
		return nil, nil, err
	}
	p.Caller = caller
	done, err := w.Write(ctx, now, &p.Batch)
	if err != nil {
		return nil, nil, watermelon.Explain(err)
	}
	for i := range done.Tables {
		count(ctx, w.Schema.Tables[i].Name, &done.Tables[i])
		if done.Tables[i].Changed() {
			changed = append(changed, syncroom.Change{Table: w.Schema.Tables[i].Name, At: syncroom.Position(done.Stamp)})
		}
	}
	return watermelon.AppendPushed(nil, &w.Schema, p, done), changed, nil
}

// count counts what a push did to a table.
func count(ctx context.Context, table string, t *record.TableOutcome) {
	for _, outcome := range [...]struct {
		name string
		rows int
	}{
		{metric.Created, t.Created}, {metric.Updated, t.Updated}, {metric.Deleted, t.Deleted},
		{metric.Superseded, len(t.Superseded)}, {metric.Rejected, len(t.Rejected)},
	} {
		metric.Add(ctx, metric.PushRows, float64(outcome.rows), table, outcome.name)
	}
}

// Checksum returns the checksum of each table, of the rows that the caller may read.
func (w *Watermelon) Checksum(ctx context.Context, caller record.Caller, b store.Budget) ([]byte, error) {
	sums, err := w.Records.Checksum(ctx, caller, b)
	if err != nil {
		return nil, err
	}
	return watermelon.AppendChecksum(nil, sums), nil
}

// Row returns what the server has of one row, as far as the caller may read it.
func (w *Watermelon) Row(ctx context.Context, caller record.Caller, table, id string, b store.Budget) ([]byte, error) {
	n, err := watermelon.FindRow(&w.Schema, table, id)
	if err != nil {
		return nil, err
	}
	row, err := w.Records.Row(ctx, caller, n, id, b)
	if err != nil {
		return nil, err
	}
	return watermelon.AppendStored(nil, row), nil
}
