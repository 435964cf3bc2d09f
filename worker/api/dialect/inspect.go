package dialect

import (
	"context"

	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// Rows shows and changes rows for an operator; *records.Store does. It asks no rule.
type Rows interface {
	Census(ctx context.Context) (record.Census, error)
	Page(ctx context.Context, l *record.Listing, b store.Budget) (record.Listed, error)
	Inspect(ctx context.Context, table int, id string, b store.Budget) (record.Inspected, error)
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
	return inspect.AppendPage(nil, &page, l.Newest), nil
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
	return inspect.AppendRow(nil, &w.Schema.Tables[n], &row), row.Stamp, nil
}
