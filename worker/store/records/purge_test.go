//go:build !js

package records

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// A steppingDB calls between before each batch of a purge that deletes, and fails the batch
// with its error. It counts the changes of such a batch as a Durable Object may do, with
// rows of indexes.
type steppingDB struct {
	store.DB
	between func() error
}

func (d steppingDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if !strings.HasPrefix(statements[0].SQL, "SELECT count(*) FROM (SELECT 1 FROM ") {
		return d.DB.Batch(ctx, statements)
	}
	if err := d.between(); err != nil {
		return nil, err
	}
	results, err := d.DB.Batch(context.WithoutCancel(ctx), statements) // what was sent arrives
	for i := range results {
		results[i].Changes *= 3
	}
	return results, err
}

// A graveyard is a fixture with ten customers whose tombstones a purge deletes: two a step,
// and three steps a purge. An eleventh was deleted later. A twelfth lives.
type graveyard struct {
	*fixture
	steps   int          // of purges, those that delete
	between func() error // before such a step
	old     stamp        // of a client that saw none of the deletions
	recent  stamp        // of a client that saw the first ten deletions
}

// keep is how long a purge of a graveyard keeps tombstones.
const keep = time.Hour

func newGraveyard(t *testing.T) *graveyard {
	g := &graveyard{fixture: newFixture(t), between: func() error { return nil }}
	db := steppingDB{g.db, func() error { g.steps++; return g.between() }}
	statements := NewStatements(record.Default(), watermelon.DefaultLimits().PullBytes)
	statements.forgetting.rows, statements.forgetting.steps = 2, 3
	g.Records = New(db, statements)
	g.put(0, customer("k", "K", at(0)), customer("l", "L", at(0)))
	var ids []string
	for i := range 10 {
		ids = append(ids, string(rune('a'+i)))
		g.put(0, customer(ids[i], "N", at(0)))
	}
	g.old = g.pull(nil).Timestamp
	g.after(time.Minute)
	g.remove(g.old, ids...)
	g.after(keep)
	g.recent = g.put(g.pull(nil).Timestamp, customer("l", "L", g.now.UnixMilli())).Timestamp
	g.after(keep / 2)
	g.remove(g.recent, "k")
	return g
}

// purge purges, and compares the answer but for its horizon.
func (g *graveyard) purge(ctx context.Context, keep time.Duration, tombstones int, more bool) record.Purged {
	g.Helper()
	got, err := g.Purge(ctx, g.now, keep)
	if want := (record.Purged{Horizon: got.Horizon, Tombstones: tombstones, More: more}); err != nil || got != want {
		g.Fatalf("purged %+v, %v, want %+v", got, err, want)
	}
	return got
}

// tombstones returns the ids of the deleted customers.
func (g *graveyard) tombstones() string {
	g.Helper()
	return store.CellString(g.query("SELECT group_concat(CustomerId, '') FROM (SELECT CustomerId FROM Customers WHERE deleted = 1 ORDER BY 1)")[0][0])
}

// seen checks what clients pull, which is the same after each step.
func (g *graveyard) seen() {
	g.Helper()
	p := g.since(g.old)
	expect(g.T, p.ExperimentalStrategy+" "+names(p, "customers"), "replacement l / ")
	expect(g.T, names(g.since(g.recent), "customers"), " / k")
}

func TestAPurgeDeletesAFewTombstonesAtATime(t *testing.T) {
	g := newGraveyard(t)
	counts := []int{11}
	g.between = func() error {
		counts = append(counts, len(g.tombstones()))
		return nil
	}
	g.purge(t.Context(), keep, 6, true)
	g.purge(t.Context(), keep, 4, false)
	expect(t, counts, []int{11, 11, 9, 7, 5, 3})
	expect(t, g.tombstones(), "k")
	g.seen()
	g.purge(t.Context(), 0, 1, false)
	expect(t, g.tombstones(), "")
	g.purge(t.Context(), 0, 0, false)
	expect(t, g.steps, 6)
}

func TestT3TheNextPurgeFinishesOneThatEndedEarly(t *testing.T) {
	crash := errors.New("crash")
	for name, c := range map[string]struct {
		second func(cancel func()) error // what happens before the second step
		left   int
		err    error
	}{
		"its steps are over": {func(func()) error { return nil }, 4, nil},
		"its context ends":   {func(cancel func()) error { cancel(); return nil }, 6, nil},
		"a step fails":       {func(func()) error { return crash }, 8, crash},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGraveyard(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			g.between = func() error {
				if g.steps == 2 {
					return c.second(cancel)
				}
				return nil
			}
			first, err := g.Purge(ctx, g.now, keep)
			if !errors.Is(err, c.err) || err == nil && !first.More {
				t.Fatalf("%+v, %v", first, err)
			}
			expect(t, len(g.tombstones()), c.left+1)
			g.seen()
			for more := true; more; {
				next, err := g.Purge(t.Context(), g.now, 1000*keep)
				if err != nil || next.Horizon != first.Horizon {
					t.Fatalf("%+v, %v, the first purge: %+v", next, err, first)
				}
				more = next.More
			}
			expect(t, g.tombstones(), "k")
			g.seen()
		})
	}
}

func TestPushesBetweenTwoStepsOfAPurgeKeepTheirRows(t *testing.T) {
	g := newGraveyard(t)
	g.between = func() error {
		id := fmt.Sprint(g.steps)
		g.put(g.recent, customer("live"+id, "N", g.now.UnixMilli()))
		g.remove(g.recent, "dead"+id)
		return nil
	}
	g.purge(t.Context(), keep, 6, true)
	g.purge(t.Context(), keep, 4, false)
	expect(t, names(g.since(g.recent), "customers"), "live1 live2 live3 live4 live5 / dead1 dead2 dead3 dead4 dead5 k")
	expect(t, names(g.since(g.old), "customers"), "l live1 live2 live3 live4 live5 / ")
}

// A table without tombstones takes no step.
func TestAPurgeReachesTheLastOfManyTables(t *testing.T) {
	f := newWide(t)
	statements := NewStatements(wide(), watermelon.DefaultLimits().PullBytes)
	statements.forgetting.steps = 2
	s := New(f.db, statements)
	f.push(object{"changes": object{"t1": object{"deleted": list{"a"}}, "t6": object{"deleted": list{"b", "c"}}}})
	f.after(time.Hour)
	f.push(object{"changes": object{"t0": object{"deleted": list{"d"}}}})
	purged, err := s.Purge(t.Context(), f.now, time.Minute)
	if err != nil || purged.Tombstones != 3 || purged.More {
		t.Errorf("%+v, %v", purged, err)
	}
}
