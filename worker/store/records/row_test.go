//go:build !js

package records

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// has returns what the server tells the person of a row, without what it tells of the database.
func (p *person) has(table, id string) object {
	p.Helper()
	answer, err := p.Row(context.Background(), p.Caller, table, id, store.Budget{})
	if err != nil {
		p.Fatalf("the row %s of %s: %v", id, table, err)
	}
	var got object
	if err := json.Unmarshal(answer, &got); err != nil {
		p.Fatalf("%s: %v", answer, err)
	}
	for _, name := range []string{"timestamp", "horizon", "floor"} {
		if _, there := got[name]; !there {
			p.Errorf("%s lacks %s", answer, name)
		}
		delete(got, name)
	}
	return got
}

var nothing = object{"state": "unknown", "stamp": nil, "ahead": nil, "row": nil}

func TestRow(t *testing.T) {
	t.Run("E1_a_row_as_a_pull_brings_it_and_what_decides_conflicts", func(t *testing.T) {
		f := newRuled(t)
		ann := f.as("ann", "")
		late := at(60_000) // 55 seconds more than the server believes
		_, done := ann.pushes(1, object{"visits+": list{row("v", at(0), "owner", "ann", "rating", 2.5), row("w", late, "owner", "ann")}})
		f.same("a row", ann.has("visits", "v"), object{"state": "live", "stamp": done.Timestamp, "ahead": nil,
			"row": object{"id": "v", "owner": "ann", "rating": 2.5, "created_at": at(0), "updated_at": at(0)}})
		if got := ann.has("visits", "w"); got["ahead"] != float64(late) {
			t.Errorf("ahead: got %v, want %d", got["ahead"], late)
		}
		f.after(time.Second)
		_, done = ann.pushes(done.Timestamp, object{"visits-": list{"v"}})
		f.same("a deleted row", ann.has("visits", "v"), object{"state": "deleted", "stamp": done.Timestamp, "ahead": nil, "row": nil})
		f.same("a row that never was", ann.has("visits", "never"), nothing)
	})
	t.Run("E2_a_row_that_one_may_not_read_looks_like_none", func(t *testing.T) {
		f := newRuled(t)
		ann, bob := f.as("ann", "", "red"), f.as("bob", "", "red")
		ann.pushes(1, object{"visits+": list{row("v", at(0), "owner", "ann"), row("gone", at(0), "owner", "ann")},
			"places+": list{row("p", at(0), "owner", "ann", "team", "red", "name", "x")}})
		ann.pushes(1, object{"visits-": list{"gone"}})
		if got := bob.has("places", "p"); got["state"] != "live" {
			t.Errorf("a place of the team: %v", got)
		}
		ann.pushes(1, object{"places*": list{row("p", at(1), "owner", "ann", "team", "blue", "name", "x")}})
		for table, ids := range map[string][]string{"visits": {"v", "gone"}, "places": {"p"}} {
			for _, id := range ids {
				f.same(id, bob.has(table, id), nothing)
			}
		}
	})
	t.Run("E3_it_writes_nothing", func(t *testing.T) {
		f := newRuled(t)
		f.as("ann", "").pushes(1, object{"visits+": list{row("v", at(0), "owner", "ann")}})
		f.unchanged(func() { f.as("bob", "", "red").has("visits", "v") }) // nor the claims of bob, who never pulled
	})
	t.Run("an unknown table and an invalid id are refused", func(t *testing.T) {
		f := newRuled(t)
		for _, c := range [][2]string{{"", "a"}, {"Clock", "a"}, {"\xff", "a"}, {"visits", ""}, {"visits", "a b"}, {"visits", "\xff"}} {
			var bad *watermelon.InputError
			if answer, err := f.Row(t.Context(), f.as("ann", "").Caller, c[0], c[1], store.Budget{}); !errors.As(err, &bad) {
				t.Errorf("%q: got %s, %v", c, answer, err)
			}
		}
	})
}
