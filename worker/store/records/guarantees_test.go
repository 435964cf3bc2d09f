//go:build !js

package records

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
)

// TestGuarantees checks what a design by the clients' clocks, or without tombstones,
// gets wrong. docs/protocol.md, "Rows".
func TestGuarantees(t *testing.T) {
	t.Run("T1_an_offline_edit_of_an_hour_ago_reaches_clients_that_pulled_since", func(t *testing.T) {
		f := newFixture(t)
		f.after(time.Hour)
		b := f.put(0, customer("x", "X", f.now.UnixMilli())).Timestamp
		f.put(b, customer("a", "edited an hour ago", at(0)))
		expect(t, names(f.since(b), "customers"), "a / ")
	})
	t.Run("T1_two_writes_in_one_millisecond_have_two_stamps", func(t *testing.T) {
		f := newFixture(t)
		b := f.put(0, customer("first", "", at(0))).Timestamp
		f.put(0, customer("second", "", at(0)))
		expect(t, names(f.since(b), "customers"), "second / ")
	})
	t.Run("U5_the_author_of_a_losing_row_pulls_the_winner", func(t *testing.T) {
		f := newFixture(t)
		seen := f.pull(nil).Timestamp
		f.put(seen, customer("a", "theirs", at(100)))
		p := f.put(seen, customer("a", "mine", at(50)))
		expect(t, p.Superseded, map[string][]string{"customers": {"a"}})
		expect(t, f.since(seen).rows("customers")["a"]["contact_name"], any("theirs"))
	})
	t.Run("U5_a_winner_that_the_author_had_not_seen_keeps_its_stamp", func(t *testing.T) {
		f := newFixture(t)
		seen := f.pull(nil).Timestamp
		f.put(seen, customer("a", "theirs", at(100)))
		f.unchanged(func() { f.silent(f.put(seen, customer("a", "mine", at(50)))) })
		expect(t, f.since(seen).rows("customers")["a"]["contact_name"], any("theirs"))
	})
	t.Run("c1_rows_of_equal_times_have_one_winner_in_any_order", func(t *testing.T) {
		rows := list{customer("a", "one", at(0)), customer("a", "two", at(0)), customer("a", "", at(0)),
			object{"id": "a", "contact_name": nil, "created_at": at(0), "updated_at": at(0)}, object{"id": "a", "contact_name": "two", "created_at": 3, "updated_at": at(0)}}
		winner := ""
		for first := range rows {
			f := newFixture(t)
			for i := range rows {
				const seen = 1 // nobody has seen another's
				before := f.pull(nil).rows("customers")["a"]
				p := f.put(seen, rows[(first+i)%len(rows)])
				if after := f.pull(nil).rows("customers")["a"]; p.Superseded["customers"] != nil {
					expect(t, after, before)
					expect(t, f.since(seen).rows("customers")["a"], before) // the loser is told
				}
			}
			got := fmt.Sprint(f.pull(nil).rows("customers")["a"])
			if winner == "" {
				winner = got
			}
			expect(t, got, winner)
			f.unchanged(func() {
				for _, row := range rows {
					f.silent(f.put(1, row)) // all again, in any order: no flapping
				}
			})
		}
	})
	t.Run("c2_a_clock_ahead_wins_by_at_most_5_seconds", func(t *testing.T) {
		f := newFixture(t)
		seen := f.put(0, customer("a", "A", at(0))).Timestamp
		f.after(time.Minute)
		f.put(seen, customer("a", "an hour ahead", at(3_600_000)))
		f.after(time.Second)
		f.put(f.pull(nil).Timestamp, customer("a", "later, by a true clock", f.now.UnixMilli()))
		expect(t, f.pull(nil).rows("customers")["a"]["contact_name"], any("later, by a true clock"))
		for ahead, want := range map[int64]int64{5000: f.now.UnixMilli() + 5000, 5001: int64(seen) + 5000} {
			g := newFixture(t)
			g.now = f.now
			g.put(seen, customer("x", "", 0))
			g.query(`UPDATE Clock SET stamp = ?1`, f.now.UnixMilli())
			g.put(seen, customer("b", "", f.now.UnixMilli()+ahead))
			expect(t, g.pull(nil).rows("customers")["b"]["updated_at"], any(float64(want)))
		}
	})
	t.Run("c2_an_author_whose_time_was_replaced_pulls_the_stored_time", func(t *testing.T) {
		f := newFixture(t)
		seen := f.put(0, customer("a", "A", at(5000))).Timestamp
		// It counts as written at seen + 5 s, and is then the same row.
		p := f.put(seen, customer("a", "A", at(3_600_000)))
		expect(t, p.Superseded, map[string][]string{})
		expect(t, f.since(seen).rows("customers")["a"]["updated_at"], any(float64(at(5000))))
	})
	t.Run("c3_a_successor_is_no_conflict", func(t *testing.T) {
		for name, row := range map[string]object{
			"a merge with the older time":    customer("a", "merged", at(50)),
			"a slow clock":                   customer("a", "corrected", at(100-3_600_000)),
			"an updated_at that nobody sets": customer("a", "other", 0),
			"the same time, a smaller text":  customer("a", "a", at(100)),
			"a part of the row":              {"id": "a", "contact_name": "part", "updated_at": at(50)},
		} {
			t.Run(name, func(t *testing.T) {
				f := newFixture(t)
				before := f.pull(nil).Timestamp
				theirs := customer("a", "theirs", at(100))
				seen := f.put(before, theirs).Timestamp
				p := f.put(seen, row)
				expect(t, p.Superseded, map[string][]string{})
				expect(t, p.changed, []syncroom.Change{{Table: "customers", At: syncroom.Position(p.Timestamp)}})
				stored := f.since(seen).rows("customers")["a"]
				expect(t, []any{stored["contact_name"], stored["updated_at"]}, []any{row["contact_name"], float64(at(101))})
				f.unchanged(func() {
					f.silent(f.put(before, theirs)) // late, it does not win it back
					p := f.put(seen, row)           // nor does it lose to itself
					f.silent(p)
					expect(t, p.Superseded, map[string][]string{})
				})
			})
		}
	})
	t.Run("T2_an_update_does_not_revive_a_deleted_row", func(t *testing.T) {
		f := newFixture(t)
		seen := f.put(0, customer("a", "A", at(0))).Timestamp
		gone := f.remove(seen, "a").Timestamp
		f.put(seen, customer("a", "B", at(10)))
		expect(t, names(f.since(seen), "customers"), " / a")
		p := f.put(gone, customer("a", "C", at(20))) // it pulled, and updated a row that it no longer has
		expect(t, p.Superseded, map[string][]string{"customers": {"a"}})
		expect(t, names(f.since(gone), "customers"), " / a")
	})
	t.Run("U2_a_creation_of_a_known_id_neither_revives_nor_overwrites", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("new", "theirs", at(100)), customer("gone", "", at(0)))
		f.remove(0, "gone")
		p := f.push(object{"lastPulledAt": 1, "changes": object{"customers": object{"created": list{customer("new", "mine", at(50)), customer("gone", "mine", at(50))}}}})
		expect(t, p.Superseded, map[string][]string{"customers": {"new", "gone"}})
		expect(t, f.pull(nil).rows("customers")["new"]["contact_name"], any("theirs"))
		expect(t, names(f.pull(nil), "customers"), "new / ")
	})
	t.Run("T1_one_stamp_orders_all_tables", func(t *testing.T) {
		f := newFixture(t)
		for i := range 5 {
			f.put(0, customer("a", fmt.Sprint(i), at(int64(i)))) // a counter of its own would be far ahead
		}
		seen := f.pull(nil).Timestamp
		f.push(object{"lastPulledAt": seen, "changes": object{"products": object{"created": list{object{"id": "p", "updated_at": at(0)}}}}})
		expect(t, names(f.since(seen), "products"), "p / ")
	})
	t.Run("P4_no_push_comes_between_the_rows_and_their_timestamp", func(t *testing.T) {
		f := newFixture(t)
		other := *f
		spy := &spyDB{DB: f.db}
		f.Watermelon = newDialect(spy, record.Default(), watermelon.DefaultLimits())
		i := 0
		spy.before = func([]abi.Statement) { // whatever the batch, a push comes before it
			i++
			other.put(1, customer(fmt.Sprint(i), "", at(0)))
		}
		seen := f.pull(nil)
		next := f.since(seen.Timestamp)
		spy.before = nil
		expect(t, names(seen, "customers"), "1 / ")
		expect(t, names(next, "customers"), "2 / ")
		expect(t, spy.batches, 2)
	})
	t.Run("T4_a_pull_ahead_of_the_server_gets_a_replacement", func(t *testing.T) {
		// There is one primary and no replica to be stale: what is behind the
		// client can only be a restored database.
		f := newFixture(t)
		f.put(0, customer("a", "", at(0)))
		for _, since := range []stamp{1, stamp(at(0)), stamp(at(1)), 1 << 52} {
			p := f.since(since)
			if p.Timestamp < since && p.ExperimentalStrategy != "replacement" {
				t.Errorf("pull(%d) answered %d", since, p.Timestamp)
			}
		}
	})
	t.Run("U9_changes_are_returned_after_the_commit", func(t *testing.T) {
		f := newFixture(t)
		p := f.push(object{"changes": object{"customers": object{"created": list{customer("a", "", at(0))}}, "products": object{"deleted": list{"p"}}}})
		expect(t, p.changed, []syncroom.Change{{Table: "customers", At: syncroom.Position(p.Timestamp)}, {Table: "products", At: syncroom.Position(p.Timestamp)}})
		expect(t, f.pull(nil).Timestamp, p.Timestamp)
		f.silent(f.push(object{"changes": object{"customers": object{"created": list{}}}}))
	})
	t.Run("U6_a_repeated_push_does_not_win_over_newer_edits", func(t *testing.T) {
		f := newFixture(t)
		seen := f.put(0, customer("a", "A", at(0)), customer("b", "B", at(0))).Timestamp
		lost := func() *pushed {
			return f.push(object{"lastPulledAt": seen, "changes": object{"customers": object{
				"updated": list{customer("a", "mine", at(1)), customer("b", "mine", at(1))}, "created": list{customer("c", "mine", at(1))}}}})
		}
		first := lost().Timestamp
		f.put(first, customer("a", "newer", at(2)))
		f.remove(first, "b", "c")
		f.unchanged(func() { f.silent(lost()) })
	})
	t.Run("U11_a_late_creation_of_a_deleted_id_does_not_revive_it", func(t *testing.T) {
		f := newFixture(t)
		create := func() *pushed { return f.put(1, customer("a", "A", at(0))) }
		f.remove(1, "a")
		expect(t, create().Superseded, map[string][]string{"customers": {"a"}})
		expect(t, names(f.pull(nil), "customers"), " / ")
	})
	t.Run("T3_after_a_restore_clients_get_a_replacement", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("a", "A", at(0)))
		rows, clock := f.query(`SELECT * FROM Customers`), f.query(`SELECT stamp FROM Clock`)[0][0]
		f.after(time.Minute)
		seen := f.put(0, customer("lost", "", f.now.UnixMilli())).Timestamp
		f.query(`DELETE FROM Customers WHERE CustomerId = 'lost'`)
		f.query(`UPDATE Clock SET stamp = ?1`, clock)
		expect(t, len(rows), 1)
		// Without a word from the operator: until the stamp has caught up.
		expect(t, f.since(seen).ExperimentalStrategy, "replacement")
		f.after(time.Minute)
		floor, err := f.Restore(context.Background(), f.now)
		if err != nil {
			t.Fatal(err)
		}
		f.after(time.Minute)
		f.put(floor, customer("new", "", f.now.UnixMilli()))
		for _, since := range []stamp{1, seen, floor - 1} {
			p := f.since(since)
			expect(t, p.ExperimentalStrategy, "replacement")
			expect(t, names(p, "customers"), "a new / ")
		}
		expect(t, f.since(floor).ExperimentalStrategy, "")
		if _, err := f.tryPush(object{"lastPulledAt": seen, "changes": object{"customers": object{"created": list{customer("late", "", 0)}}}}); err == nil {
			t.Error("a push from before the restore was taken")
		}
	})
	t.Run("U10_an_older_app_does_not_wipe_a_newer_column", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, object{"id": "a", "contact_name": "A", "notes": "kept", "updated_at": at(0)})
		f.put(0, object{"id": "a", "contact_name": "B", "updated_at": at(1)})
		expect(t, f.pull(nil).rows("customers")["a"]["notes"], any("kept"))
		// Nor does what it does not bring decide a conflict.
		f.put(0, object{"id": "a", "contact_name": "C", "updated_at": at(1)})
		expect(t, f.pull(nil).rows("customers")["a"]["contact_name"], any("C"))
		expect(t, f.pull(nil).rows("customers")["a"]["notes"], any("kept"))
	})
	t.Run("P3_pages_of_one_pull_have_one_timestamp", func(t *testing.T) {
		f := newFixture(t)
		f.fill(20)
		seen := f.pull(nil).Timestamp
		p := f.all(object{"limit": 6}, func() {
			f.after(time.Second)
			f.put(f.pull(nil).Timestamp, customer("c19", "edited", f.now.UnixMilli()), customer("more", "", at(0)))
		})
		expect(t, p.Timestamp, seen)
		expect(t, len(p.rows("customers"))+len(p.rows("products")), 39)
		expect(t, names(f.since(seen), "customers"), "c19 more / ")
	})
}
