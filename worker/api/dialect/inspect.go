package dialect

import (
	"context"
	"errors"
	"time"

	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// Rows shows and changes rows for an operator; *records.Store does. It asks no rule.
type Rows interface {
	Census(ctx context.Context) (record.Census, error)
	Page(ctx context.Context, l *record.Listing, b store.Budget) (record.Listed, error)
	Inspect(ctx context.Context, table int, id string, b store.Budget) (record.Inspected, error)
	WriteAsServer(ctx context.Context, now time.Time, batch *record.Batch) (record.Outcome, error)
}

// Tables returns the declared tables, and how many rows each has.
func (w *Watermelon) Tables(ctx context.Context) ([]byte, error) {
	census, err := w.Census(ctx)
	if err != nil {
		return nil, err
	}
	return inspect.Tables(&w.Schema, census)
}

// List returns one page of the rows of a table; get returns a parameter, or "".
func (w *Watermelon) List(ctx context.Context, get func(string) string, b store.Budget) ([]byte, error) {
	l, err := inspect.DecodeListing(&w.Schema, get)
	if err != nil {
		return nil, err
	}
	page, err := w.Page(ctx, l, b)
	if err != nil {
		return nil, err
	}
	return inspect.Page(&page, l.Newest), nil
}

// Look returns what the server has of one row, and its stamp, 0 if it has none.
func (w *Watermelon) Look(ctx context.Context, table, id string, b store.Budget) ([]byte, record.Stamp, error) {
	n, err := watermelon.FindRow(&w.Schema, table, id)
	if err != nil {
		return nil, 0, err
	}
	row, err := w.Inspect(ctx, n, id, b)
	if err != nil {
		return nil, 0, err
	}
	return inspect.Row(&w.Schema.Tables[n], &row), row.Stamp, nil
}

// Change changes or deletes one row as the server itself, and returns what the server then has of it, and the tables that
// changed. Its errors are those of a push, inspect.ErrUnknown, inspect.ErrDeleted and inspect.ErrChanged. X5.
func (w *Watermelon) Change(ctx context.Context, now time.Time, change *inspect.Change, b store.Budget) (answer []byte, stamp record.Stamp, changed []syncroom.Change, err error) {
	n, err := watermelon.FindRow(&w.Schema, change.Table, change.ID)
	if err != nil {
		return nil, 0, nil, err
	}
	t := &w.Schema.Tables[n]
	set, err := change.Values(t)
	if err != nil {
		return nil, 0, nil, err
	}
	row, err := w.Inspect(ctx, n, change.ID, b)
	if err != nil {
		return nil, 0, nil, err
	}
	part, err := change.Batch(t, set, &row, now)
	if err != nil {
		return nil, 0, nil, err
	}
	if part != nil {
		batch := &record.Batch{Base: change.Base(&row), Abort: change.If != 0, Tables: make([]record.TableBatch, len(w.Schema.Tables))}
		batch.Tables[n] = *part
		done, err := w.WriteAsServer(ctx, now, batch)
		if err != nil {
			return nil, 0, nil, changeError(err)
		}
		count(ctx, t.Name, &done.Tables[n])
		if done.Tables[n].Changed() {
			changed = append(changed, syncroom.Change{Table: t.Name, At: syncroom.Position(done.Stamp)})
		}
		if len(done.Tables[n].Superseded) > 0 {
			return nil, 0, changed, inspect.ErrDeleted // meanwhile
		}
		if row, err = w.Inspect(ctx, n, change.ID, b); err != nil {
			return nil, 0, changed, err
		}
	}
	return inspect.Row(t, &row), row.Stamp, changed, nil
}

// changeError returns the error of a write for an operator.
func changeError(err error) error {
	var conflict *record.ConflictError
	if errors.As(err, &conflict) {
		return inspect.ErrChanged
	}
	return watermelon.Explain(err)
}

// As returns which rows of a table the bearer of a token with the claims in the body would pull, and may write. enter says
// what such a token may do at all.
func (w *Watermelon) As(ctx context.Context, body []byte, enter func(claims []byte) (inspect.Entry, record.Caller, error), b store.Budget) ([]byte, error) {
	as, err := inspect.DecodeAs(&w.Schema, body)
	if err != nil {
		return nil, err
	}
	entry, caller, err := enter(as.Claims)
	if err != nil {
		return nil, err
	}
	l, err := as.Listing(&caller)
	if err != nil {
		return nil, err
	}
	page, err := w.Page(ctx, l, b)
	if err != nil {
		return nil, err
	}
	return as.Answer(&w.Schema.Tables[as.Table], &entry, &caller, &page), nil
}
