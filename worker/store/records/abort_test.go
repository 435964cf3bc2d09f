//go:build !js

package records

import (
	"errors"
	"testing"

	"tidemark/shared/watermelon"
)

// docs/protocol.md, U5: a push that aborts on conflicts is for clients that merge
// and try again, and WatermelonDB pushes what it merged with the old updated_at.
func TestAbortTakesWhatWasMerged(t *testing.T) {
	f := newFixture(t)
	abort := func(since stamp, rows ...any) *pushed {
		return f.push(object{"lastPulledAt": since, "conflict": "abort", "changes": object{"customers": object{"updated": rows}}})
	}
	first := f.put(0, customer("a", "first", at(0)), customer("gone", "", at(0))).Timestamp
	theirs := customer("a", "theirs", at(100))
	theirs["notes"] = nil
	seen := f.put(first, theirs).Timestamp

	merged := object{"id": "a", "contact_name": "theirs", "notes": "mine", "created_at": at(0), "updated_at": at(50)}
	p := abort(seen, merged)
	expect(t, p.Superseded, map[string][]string{})
	got := f.since(seen).rows("customers")["a"]
	expect(t, []any{got["contact_name"], got["notes"], got["updated_at"]}, []any{"theirs", "mine", float64(at(101))})

	// Neither that push nor theirs changes anything more.
	f.unchanged(func() {
		var conflict *watermelon.ConflictError
		_, err := f.tryPush(object{"lastPulledAt": seen, "conflict": "abort", "changes": object{"customers": object{"updated": list{merged}}}})
		if !errors.As(err, &conflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		f.silent(f.put(first, theirs))
	})
	// Who lost the answer pulls and pushes the same row again: it is told its time.
	again := f.pull(nil).Timestamp
	p = abort(again, merged)
	expect(t, p.Superseded, map[string][]string{})
	expect(t, f.since(again).rows("customers")["a"], got)
	// What is stored as it came is no change.
	now := f.pull(nil).Timestamp
	merged["updated_at"] = at(101)
	f.unchanged(func() { f.silent(abort(now, merged)) })

	// A tombstone stays one, and the loser is told.
	gone := f.remove(now, "gone").Timestamp
	p = abort(gone, customer("gone", "back", at(1000)))
	expect(t, p.Superseded, map[string][]string{"customers": {"gone"}})
	expect(t, names(f.since(gone), "customers"), " / gone")
}
