//go:build !js

package records

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// dump is everything that the database holds of customers and products, but
// for what their last push came to, which is last.
func (f *fixture) dump() string {
	rows := func(table string) [][]any {
		list := f.query(`SELECT * FROM ` + table + ` ORDER BY 1`)
		for i := range list {
			list[i] = list[i][:len(list[i])-1]
		}
		return list
	}
	return fmt.Sprint(rows("Customers"), rows("Products"), f.query(`SELECT * FROM Clock`))
}

// unchanged runs f, which must write nothing.
func (f *fixture) unchanged(do func()) {
	f.Helper()
	before := f.dump()
	do()
	expect(f.T, f.dump(), before)
}

// silent is a push that changed nothing and tells nobody.
func (f *fixture) silent(p *pushed) {
	f.Helper()
	if p.changed != nil {
		f.Errorf("changed %v, want nothing", p.changed)
	}
}

func TestPush(t *testing.T) {
	t.Run("U1_all_or_nothing", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("a", "A", at(0)))
		big := strings.Repeat("x", 500_000)
		f.push(object{"changes": object{"products": object{"created": list{object{"id": "p", "title": big, "updated_at": at(0)}}}}})
		f.unchanged(func() {
			// The last statement of the batch is refused: the row would become too large.
			_, err := f.tryPush(object{"changes": object{
				"customers": object{"updated": list{customer("a", "B", at(1)), customer("b", "B", at(1))}, "deleted": list{"c"}},
				"products":  object{"updated": list{object{"id": "p", "image": big, "updated_at": at(1)}}},
			}})
			var input *watermelon.InputError
			if !errors.As(err, &input) || input.Table != "products" || input.ID != "p" {
				t.Errorf("got %v", err)
			}
		})
	})
	t.Run("U2_creating_a_known_id_updates_it", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("a", "A", at(0)))
		p := f.push(object{"changes": object{"customers": object{"created": list{customer("a", "B", at(1))}}}})
		expect(t, p.Applied["customers"], struct{ Created, Updated, Deleted int }{0, 1, 0})
		expect(t, f.pull(nil).rows("customers")["a"]["contact_name"], any("B"))
	})
	t.Run("U3_updating_an_unknown_id_creates_it", func(t *testing.T) {
		f := newFixture(t)
		p := f.push(object{"changes": object{"customers": object{"updated": list{customer("a", "A", at(0))}}}})
		expect(t, p.Applied["customers"], struct{ Created, Updated, Deleted int }{1, 0, 0})
		expect(t, names(f.pull(nil), "customers"), "a / ")
	})
	t.Run("U4_deleting_an_unknown_or_deleted_id_is_fine", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("a", "A", at(0)))
		expect(t, f.remove(0, "a", "b").Applied["customers"].Deleted, 2)
		f.unchanged(func() { f.silent(f.remove(0, "a", "b")) })
	})
	t.Run("U5_every_loser_is_told", func(t *testing.T) {
		f := newFixture(t)
		seen := f.pull(nil).Timestamp
		f.put(seen, customer("a", "new", at(10)), customer("b", "new", at(10)))
		p := f.put(seen, customer("a", "old", at(9)), customer("b", "newer", at(11)))
		expect(t, p.Superseded, map[string][]string{"customers": {"a"}})
		expect(t, f.since(seen).rows("customers")["a"]["contact_name"], any("new"))
	})
	t.Run("U5_abort_refuses_the_whole_push_and_names_the_rows", func(t *testing.T) {
		f := newFixture(t)
		seen := f.put(0, customer("a", "A", at(0)), customer("b", "B", at(0)), customer("c", "C", at(0))).Timestamp
		f.put(seen, customer("a", "theirs", at(1)))
		f.remove(seen, "c")
		f.put(seen, customer("d", "theirs", at(1)))
		push := object{"lastPulledAt": seen, "conflict": "abort", "changes": object{"customers": object{
			"created": list{customer("new", "N", at(2))}, "updated": list{customer("a", "mine", at(2)), customer("b", "mine", at(2)), customer("c", "mine", at(2))}, "deleted": list{"d"}}}}
		f.unchanged(func() {
			_, err := f.tryPush(push)
			var conflict *watermelon.ConflictError
			if !errors.As(err, &conflict) {
				t.Fatalf("got %v, want a conflict", err)
			}
			slices.Sort(conflict.IDs["customers"])
			expect(t, conflict.IDs, map[string][]string{"customers": {"a", "c", "d"}})
		})
		push["lastPulledAt"] = f.pull(nil).Timestamp
		p := f.push(push)
		expect(t, p.Applied["customers"], struct{ Created, Updated, Deleted int }{1, 2, 1})
		expect(t, p.Superseded["customers"], []string{"c"})
	})
	t.Run("U6_the_same_push_again_changes_nothing", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("next", "theirs", at(50)), customer("dead", "", at(0)))
		f.remove(0, "dead")
		seen := f.pull(nil).Timestamp
		f.put(seen, customer("lose", "theirs", at(50)))
		push := object{"lastPulledAt": seen, "changes": object{"customers": object{
			"created": list{customer("new", "N", at(2)), customer("ahead", "A", at(3_600_000)), object{"id": "untimed", "notes": "n"}},
			"updated": list{customer("lose", "mine", at(2)), customer("next", "mine", at(2)), customer("dead", "mine", at(2))}, "deleted": list{"never"}}}}
		first := f.push(push)
		expect(t, first.Superseded, map[string][]string{"customers": {"lose", "dead"}})
		for _, wait := range []time.Duration{0, time.Second, 2 * time.Hour, 1000 * time.Hour} {
			f.after(wait)
			f.unchanged(func() {
				p := f.push(push)
				f.silent(p)
				expect(t, p.Superseded, first.Superseded)
				expect(t, p.Timestamp, first.Timestamp)
			})
		}
	})
	t.Run("U6_nor_does_a_claim_from_the_future_when_its_time_has_come", func(t *testing.T) {
		f := newFixture(t)
		seen := f.put(0, customer("a", "A", at(0)), customer("lost", "", at(4_000))).Timestamp
		ahead := object{"lastPulledAt": seen, "changes": object{"customers": object{"updated": list{
			customer("a", "ahead", at(3_600_000)), customer("lost", "ahead", at(3_600_000))}}}}
		f.after(time.Minute)
		f.put(seen, customer("lost", "theirs", at(30_000)))
		expect(t, f.push(ahead).Superseded, map[string][]string{"customers": {"lost"}})
		f.put(f.pull(nil).Timestamp, customer("a", "later", at(61_000)))
		f.after(2 * time.Hour)
		f.unchanged(func() { f.silent(f.push(ahead)) })
		expect(t, f.pull(nil).rows("customers")["a"]["contact_name"], any("later"))
	})
	t.Run("U7_bookkeeping_is_ignored_and_the_watermark_is_the_servers", func(t *testing.T) {
		f := newFixture(t)
		p := f.put(0, object{"id": "a", "contact_name": "A", "_status": "updated", "_changed": "contact_name", "updated_at": at(1 << 40)})
		expect(t, p.Ignored, map[string][]string{})
		if p.Timestamp != stamp(at(0)) {
			t.Errorf("timestamp %d, want the server's %d", p.Timestamp, at(0))
		}
	})
	t.Run("U8_a_refused_push_names_table_id_and_column", func(t *testing.T) {
		f := newFixture(t)
		f.unchanged(func() {
			_, err := f.tryPush(object{"changes": object{"products": object{"updated": list{object{"id": "p", "price": "5"}}}}})
			var input *watermelon.InputError
			if !errors.As(err, &input) {
				t.Fatal(err)
			}
			expect(t, *input, watermelon.InputError{Table: "products", ID: "p", Column: "price", Reason: "must be a number"})
		})
		p := f.put(0, object{"id": "a", "of_a_newer_app": object{"x": 1}, "updated_at": at(0)}, object{"id": "b", "of_a_newer_app": 1, "updated_at": at(0)})
		expect(t, p.Ignored, map[string][]string{"customers": {"of_a_newer_app"}})
		expect(t, p.Applied["customers"].Created, 2)
	})
	t.Run("U9_success_is_answered_after_the_commit", func(t *testing.T) {
		f := newFixture(t)
		broken := errors.New("network connection lost")
		f.Watermelon = newDialect(brokenDB{f.db, broken}, record.Default(), watermelon.DefaultLimits())
		answer, changed, err := f.Push(t.Context(), f.now, record.Caller{}, f.json(object{"changes": object{"customers": object{"deleted": list{"a"}}}}))
		if answer != nil || changed != nil || !errors.Is(err, broken) {
			t.Errorf("%s, %v, %v", answer, changed, err)
		}
	})
	t.Run("U10_absent_columns_stay_as_they_are", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, object{"id": "a", "contact_name": "A", "company_name": "C", "notes": "N", "created_at": 7, "updated_at": at(0)})
		f.put(0, object{"id": "a", "contact_name": "B", "company_name": nil, "updated_at": at(1)})
		expect(t, f.pull(nil).rows("customers")["a"], object{
			"id": "a", "contact_name": "B", "company_name": nil, "notes": "N", "created_at": 7.0, "updated_at": float64(at(1))})
	})
	t.Run("U11_deleting_a_never_seen_id_leaves_a_tombstone", func(t *testing.T) {
		f := newFixture(t)
		f.remove(0, "a")
		p := f.put(0, customer("a", "A", at(1)))
		expect(t, p.Superseded, map[string][]string{"customers": {"a"}})
		expect(t, names(f.pull(nil), "customers"), " / ")
	})
}

type brokenDB struct {
	store.DB
	err error
}

func (b brokenDB) Batch(ctx context.Context, s []abi.Statement) ([]abi.Result, error) {
	b.DB.Batch(ctx, s)
	return nil, b.err
}

func TestState(t *testing.T) {
	t.Run("T1_stamps_increase_over_all_tables", func(t *testing.T) {
		f := newFixture(t)
		last := f.pull(nil).Timestamp
		for i := range 6 {
			f.after(time.Duration(1-i) * time.Millisecond)
			table := []string{"customers", "products"}[i%2]
			p := f.push(object{"lastPulledAt": last, "changes": object{table: object{"created": list{object{"id": fmt.Sprint(i), "updated_at": at(0)}}}}})
			if want := max(last+1, stamp(f.now.UnixMilli())); p.Timestamp != want {
				t.Errorf("stamp %d after %d, want %d", p.Timestamp, last, want)
			}
			expect(t, p.changed, []syncroom.Change{{Table: table, At: syncroom.Position(p.Timestamp)}})
			last = p.Timestamp
		}
		s, err := f.Stamp(t.Context())
		if err != nil || s != last {
			t.Errorf("%d, %v, want %d", s, err, last)
		}
	})
	t.Run("T2_tombstones_are_final", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("a", "A", at(0)))
		f.remove(0, "a")
		for _, list := range []string{"created", "updated"} {
			p := f.push(object{"lastPulledAt": f.pull(nil).Timestamp, "changes": object{"customers": object{list: []any{customer("a", "B", at(3_600_000))}}}})
			expect(t, p.Superseded, map[string][]string{"customers": {"a"}})
		}
		expect(t, names(f.pull(nil), "customers"), " / ")
	})
	t.Run("T3_below_the_horizon_is_a_replacement", func(t *testing.T) {
		f := newFixture(t)
		old := f.put(0, customer("a", "A", at(0)), customer("b", "B", at(0))).Timestamp
		f.after(time.Hour)
		gone := f.remove(old, "a").Timestamp
		f.after(time.Hour)
		f.remove(gone, "never")
		horizon := stamp(f.now.Add(-30 * time.Minute).UnixMilli())
		purged, err := f.Purge(t.Context(), f.now, 30*time.Minute)
		if want := (record.Purged{Horizon: horizon, Tombstones: 1}); err != nil || purged != want {
			t.Fatalf("%+v, %v, want %+v", purged, err, want)
		}
		for since, want := range map[stamp]string{0: "", 1: "replacement", old: "replacement", gone: "replacement", horizon - 1: "replacement", horizon: "", horizon + 1: ""} {
			for _, limit := range []any{nil, 1} {
				p := f.all(object{"lastPulledAt": since, "limit": limit})
				expect(t, p.ExperimentalStrategy, want)
				if want != "" {
					expect(t, names(p, "customers"), "b / ")
				}
			}
		}
		f.unchanged(func() {
			_, err := f.tryPush(object{"lastPulledAt": old, "changes": object{"customers": object{"created": list{customer("a", "late", at(0))}}}})
			var conflict *watermelon.ConflictError
			if !errors.As(err, &conflict) {
				t.Errorf("a push from below the horizon: %v", err)
			}
		})
	})
	t.Run("T3_a_quiet_database_keeps_its_clients", func(t *testing.T) {
		f := newFixture(t)
		seen := f.put(0, customer("a", "A", at(0))).Timestamp
		f.after(10_000 * time.Hour)
		if _, err := f.Purge(t.Context(), f.now, time.Hour); err != nil {
			t.Fatal(err)
		}
		expect(t, f.since(seen).ExperimentalStrategy, "")
		f.put(seen, customer("a", "B", f.now.UnixMilli()))
	})
	t.Run("T4_ahead_of_the_stamp_is_a_replacement", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("a", "A", at(0)))
		f.remove(0, "b")
		now := f.pull(nil).Timestamp
		for _, limit := range []any{nil, 1} {
			p := f.all(object{"lastPulledAt": now + 1, "limit": limit})
			expect(t, p.ExperimentalStrategy, "replacement")
			expect(t, names(p, "customers"), "a / ")
			expect(t, p.Timestamp, now)
			expect(t, f.all(object{"lastPulledAt": now, "limit": limit}).ExperimentalStrategy, "")
		}
	})
}
