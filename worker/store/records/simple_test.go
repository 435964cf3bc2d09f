//go:build !js

package records

import (
	"context"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// A countingDB counts how often it is asked.
type countingDB struct {
	store.DB
	batches int
}

func (c *countingDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	c.batches++
	return c.DB.Batch(ctx, statements)
}

func TestWhatIsUsualAsksTheDatabaseOnce(t *testing.T) {
	db := &countingDB{DB: wasmtest.OpenD1(t, store.Migrations())}
	f := &fixture{t, newDialect(db, record.Default(), watermelon.DefaultLimits()), db, noon}
	whole := func(id, name string, updated int64) object {
		return object{"id": id, "contact_name": name, "company_name": nil, "notes": nil, "created_at": at(0), "updated_at": updated}
	}
	push := func(changes object) func() *pushed {
		return func() *pushed { return f.push(object{"lastPulledAt": noon.UnixMilli(), "changes": changes}) }
	}
	rows := func(rows ...any) object { return object{"customers": object{"created": list(rows)}} }
	pull := func(since int64) func() *pushed {
		return func() *pushed { f.pull(object{"lastPulledAt": since}); return nil }
	}
	type counts = struct{ Created, Updated, Deleted int }
	for _, c := range []struct {
		what    string
		do      func() *pushed
		batches int
		want    counts // applied to customers
	}{
		{"new rows", push(rows(whole("a", "A", at(1)), whole("b", "B", at(1)))), 1, counts{2, 0, 0}},
		{"one new, one later", push(rows(whole("a", "later", at(2)), whole("c", "C", at(2)))), 1, counts{1, 1, 0}},
		{"a deletion, too", push(object{"customers": object{"updated": list{whole("a", "again", at(3))}, "deleted": list{"b", "x"}}}), 1, counts{0, 1, 2}},
		{"the same again", push(rows(whole("a", "again", at(3)))), 2, counts{}},
		{"an earlier one", push(rows(whole("a", "earlier", at(1)), whole("d", "D", at(1)))), 2, counts{1, 0, 0}},
		{"one that was deleted", push(rows(whole("b", "revived", at(9)))), 2, counts{}},
		{"deleted twice", push(object{"customers": object{"deleted": list{"b"}}}), 2, counts{}},
		{"not every column", push(rows(object{"id": "a", "notes": "n", "updated_at": at(4)})), 1, counts{0, 1, 0}},
		{"a time ahead", push(rows(whole("c", "ahead", at(3_600_000)))), 1, counts{0, 1, 0}},
		{"later than a time that was ahead", push(rows(whole("c", "back", at(4_000)))), 2, counts{}},
		{"nothing", push(object{}), 1, counts{}},
		{"a first pull", func() *pushed { f.pull(nil); return nil }, 1, counts{}},
		{"a pull", pull(noon.UnixMilli()), 1, counts{}},
		{"a replacement", pull(at(1 << 40)), 2, counts{}},
	} {
		db.batches = 0
		p := c.do()
		if db.batches != c.batches {
			t.Errorf("%s: the database was asked %d times, want %d", c.what, db.batches, c.batches)
		}
		if p != nil && p.Applied["customers"] != c.want {
			t.Errorf("%s: applied %+v, want %+v", c.what, p.Applied["customers"], c.want)
		}
	}
}
