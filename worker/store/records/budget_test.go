//go:build !js

package records

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// A weighedDB says how many octets of text its last batch returned.
type weighedDB struct {
	store.DB
	octets int
}

func (w *weighedDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	results, err := w.DB.Batch(ctx, statements)
	w.octets = 0
	for _, r := range results {
		for _, row := range r.Rows {
			for _, cell := range row {
				w.octets += len(store.CellText(cell))
			}
		}
	}
	return results, err
}

// What the database returns never takes more memory than the pull holds, nor the
// answer, whatever the rows are and whatever was pulled before.
func TestAPullHoldsWhatItsResultsTake(t *testing.T) {
	f := newFixture(t).with(grown())
	db := &weighedDB{DB: f.db}
	limits := watermelon.DefaultLimits()
	limits.PullBytes = 4 << 20
	s := newDialect(db, grown(), limits)
	held, most := 0, 0
	b := store.Budget{Hold: func(_ context.Context, bytes int) error {
		if db.octets > held {
			t.Errorf("the database returned %d octets while %d were held", db.octets, held)
		}
		held, db.octets = bytes, 0
		most = max(most, held)
		return nil
	}}
	pull := func(input any) error {
		held, db.octets = 64, 0 // the clock
		answer, octets, err := s.Pull(t.Context(), record.Caller{}, f.json(input), b)
		if db.octets > held {
			t.Errorf("%v: the database returned %d octets while %d were held", input, db.octets, held)
		}
		if n := len(answer.Bytes()); n > octets || octets > held || n < octets*9/10-1000 {
			t.Errorf("%v: an answer of %d octets is said to have %d, and %d were held", input, n, octets, held)
		}
		return err
	}
	migration := object{"from": 1, "tables": list{"products"}, "columns": list{object{"table": "customers", "columns": list{"notes"}}}}
	inputs := []any{
		nil, object{"lastPulledAt": 1}, object{"lastPulledAt": 99 << 40}, object{"limit": 1000}, object{"limit": 1000, "lastPulledAt": 1},
		object{"limit": 1000, "lastPulledAt": 99 << 40}, object{"lastPulledAt": 1, "migration": migration},
	}
	everything := func(what string) {
		t.Helper()
		for range 2 {
			for _, input := range inputs {
				if err := pull(input); err != nil {
					t.Errorf("%s: %v: %v", what, input, err)
				}
			}
		}
	}
	everything("nothing")
	put := func(prefix string, n int, text string) {
		var rows, products list
		for i := range n {
			rows = append(rows, object{"id": fmt.Sprint(prefix, i), "notes": text, "updated_at": at(0)})
			products = append(products, object{"id": fmt.Sprint(prefix, i), "title": text, "price": i, "updated_at": at(0)})
		}
		f.push(object{"changes": object{"customers": object{"created": rows}, "products": object{"created": products}}})
	}
	put("small", 500, "x")
	everything("small rows")
	put("long", 5, strings.Repeat("x", 100_000))
	everything("long rows, too")
	put("escaped", 4, strings.Repeat("\x01", 30_000))
	everything("escaped rows, too")
	put("many", 20, strings.Repeat("\x01", 30_000))
	for _, input := range inputs {
		if err := pull(input); strings.Contains(fmt.Sprint(input), "limit") && err != nil {
			t.Errorf("%v: %v", input, err)
		} else if err != nil && !errors.Is(err, watermelon.ErrTooLarge) {
			t.Errorf("%v: %v", input, err)
		}
	}
	if err := pull(nil); !errors.Is(err, watermelon.ErrTooLarge) {
		t.Errorf("more than LIMIT_PULL_BYTES: %v", err)
	}
	if 10*most > 25*limits.PullBytes {
		t.Errorf("%d bytes were held for an answer of at most %d", most, limits.PullBytes)
	}
}

// A pull whose memory is not to be had asks the database nothing more.
func TestAPullThatMayNotHoldEnds(t *testing.T) {
	f := newFixture(t)
	spy := &spyDB{DB: f.db}
	f.Watermelon = newDialect(spy, record.Default(), watermelon.DefaultLimits())
	f.put(0, customer("a", "A", at(0)))
	full := errors.New("full")
	for _, input := range []any{nil, object{"lastPulledAt": 1}, object{"limit": 5, "lastPulledAt": 1}} {
		spy.batches = 0
		_, _, err := f.Pull(t.Context(), record.Caller{}, f.json(input), store.Budget{Hold: func(context.Context, int) error { return full }})
		if !errors.Is(err, full) || spy.batches > 0 {
			t.Errorf("%v: %v after %d batches", input, err, spy.batches)
		}
	}
}
