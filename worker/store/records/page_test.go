//go:build !js

package records

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// A spyDB counts batches and sees their statements.
type spyDB struct {
	store.DB
	batches int
	before  func(statements []abi.Statement)
}

func (s *spyDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	s.batches++
	if s.before != nil {
		s.before(statements)
	}
	return s.DB.Batch(ctx, statements)
}

// all pulls page by page, and between two pages does what it is told.
func (f *fixture) all(input object, between ...func()) *pulled {
	f.Helper()
	input = maps.Clone(input)
	whole := f.pull(input)
	for next := whole; next.Cursor != ""; {
		for _, b := range between {
			b()
		}
		input["cursor"] = next.Cursor
		next = f.pull(input)
		if next.Timestamp != whole.Timestamp || next.ExperimentalStrategy != whole.ExperimentalStrategy {
			f.Fatalf("page of %d, %q after one of %d, %q", next.Timestamp, next.ExperimentalStrategy, whole.Timestamp, whole.ExperimentalStrategy)
		}
		for table, c := range next.Changes {
			all := whole.Changes[table]
			all.Updated = append(all.Updated, c.Updated...)
			all.Deleted = append(all.Deleted, c.Deleted...)
			whole.Changes[table] = all
		}
	}
	return whole
}

// fill pushes customers c00…, some with one stamp, and products p00….
func (f *fixture) fill(n int) {
	for i := 0; i < n; i += 5 {
		var customers, products list
		for j := i; j < min(n, i+5); j++ {
			customers = append(customers, customer(fmt.Sprintf("c%02d", j), "", at(0)))
			products = append(products, object{"id": fmt.Sprintf("p%02d", j), "updated_at": at(0)})
		}
		f.push(object{"changes": object{"customers": object{"created": customers}, "products": object{"created": products}}})
	}
}

func TestPagesTogetherAreOneAnswer(t *testing.T) {
	f := newFixture(t)
	f.fill(23)
	f.remove(0, "c03", "c20", "never")
	for _, since := range []any{nil, 0, 1, f.pull(nil).Timestamp - 1, stamp(99 << 40)} {
		want := f.pull(object{"lastPulledAt": since})
		for _, limit := range []int{1, 2, 3, 7, 46, 47, 48, 1000} {
			got := f.all(object{"lastPulledAt": since, "limit": limit})
			for _, table := range []string{"customers", "products"} {
				expect(t, names(got, table), names(want, table))
				expect(t, len(got.Changes[table].Updated), len(want.Changes[table].Updated))
			}
			expect(t, got.Timestamp, want.Timestamp)
			expect(t, got.ExperimentalStrategy, want.ExperimentalStrategy)
		}
	}
}

func TestThePageThatEndsTheRowsHasNoCursor(t *testing.T) {
	f := newFixture(t)
	f.fill(5)
	for limit, want := range map[int]bool{9: true, 10: false, 11: false} {
		p := f.pull(object{"limit": limit})
		if (p.Cursor != "") != want {
			t.Errorf("limit %d of 10 rows: cursor %q", limit, p.Cursor)
		}
	}
}

func TestAPageIsCutByItsOctets(t *testing.T) {
	f := newFixture(t)
	for i := range 12 {
		f.put(0, object{"id": fmt.Sprint("c", i), "notes": strings.Repeat("x", 800_000), "updated_at": at(0)})
	}
	p := f.pull(object{"limit": 100})
	if n := len(p.Changes["customers"].Updated); n != 6 || p.Cursor == "" {
		t.Errorf("%d rows, cursor %q", n, p.Cursor)
	}
	expect(t, len(f.all(object{"limit": 100}).rows("customers")), 12)
}

func TestChangesBetweenPages(t *testing.T) {
	f := newFixture(t)
	f.fill(10)
	t.Run("are left for the next pull", func(t *testing.T) {
		i := 0
		p := f.all(object{"limit": 3}, func() {
			i++
			f.after(time.Second)
			f.put(f.pull(nil).Timestamp, customer("c09", fmt.Sprint("edit ", i), at(int64(i))))
			f.remove(1, fmt.Sprintf("c%02d", 8-i))
			f.put(1, customer(fmt.Sprint("n", i), "", at(0)))
		})
		if _, there := p.rows("customers")["n1"]; there || p.rows("customers")["c09"] != nil {
			t.Errorf("rows that changed after the first page: %v", p.rows("customers"))
		}
		next := f.since(p.Timestamp)
		expect(t, next.rows("customers")["c09"]["contact_name"], any(fmt.Sprint("edit ", i)))
	})
	t.Run("hide no row from a replacement", func(t *testing.T) {
		want := f.pull(nil).rows("customers")
		p := f.all(object{"limit": 3, "lastPulledAt": 99 << 40}, func() {
			f.after(time.Second)
			for id := range want {
				f.put(f.pull(nil).Timestamp, customer(id, "busy", f.now.UnixMilli()))
			}
		})
		expect(t, p.ExperimentalStrategy, "replacement")
		expect(t, len(p.rows("customers")), len(want))
		expect(t, len(p.Changes["customers"].Updated), len(want))
	})
}

func TestACursorIsBoundToItsPull(t *testing.T) {
	f := newFixture(t)
	f.fill(10)
	cursor := f.pull(object{"limit": 3, "schemaVersion": 1}).Cursor
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	refused := func(name string, input object) {
		t.Helper()
		_, err := f.tryPull(input)
		var bad *watermelon.InputError
		if !errors.As(err, &bad) || !strings.Contains(bad.Reason, "cursor") {
			t.Errorf("%s: got %v, want an input error", name, err)
		}
	}
	refused("another lastPulledAt", object{"limit": 3, "lastPulledAt": 5, "cursor": cursor})
	refused("with a migration", object{"limit": 3, "migration": object{"tables": list{"products"}}, "cursor": cursor})
	refused("one bit otherwise", object{"limit": 3, "cursor": base64.RawURLEncoding.EncodeToString(raw)})
	refused("cut short", object{"limit": 3, "cursor": cursor[:len(cursor)-4]})
	expect(t, len(f.pull(object{"cursor": cursor}).rows("products")), 10)

	f.put(0, customer("x", "", at(0)))
	since := f.pull(nil).Timestamp - 5
	cursor = f.pull(object{"limit": 3, "lastPulledAt": since}).Cursor
	if _, err := f.Restore(t.Context(), f.now); err != nil {
		t.Fatal(err)
	}
	if cursor == "" {
		t.Fatal("no cursor")
	}
	refused("of before a restore", object{"limit": 3, "lastPulledAt": since, "cursor": cursor})
}

func TestWhoPullsTooMuchIsToldOfPages(t *testing.T) {
	f := newFixture(t)
	limits := watermelon.DefaultLimits()
	limits.PullBytes = 1000
	f.Watermelon = newDialect(f.db, record.Default(), limits)
	f.put(0, object{"id": "a", "notes": strings.Repeat("x", 1000), "updated_at": at(0)})
	_, err := f.tryPull(nil)
	if err == nil || !strings.Contains(err.Error(), "by limit and cursor") {
		t.Error(err)
	}
	expect(t, names(f.all(object{"limit": 1}), "customers"), "a / ")
}
