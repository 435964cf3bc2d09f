//go:build !js

package records

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store/spaces"
)

// A simulatedSpace is the database of a space that an operator deletes now and then, while
// its clients go on.
type simulatedSpace struct {
	*spaces.DB
	object *wasmtest.Object
	world  *world
}

func newSimulatedSpace(t *testing.T, schema record.Schema, change func(sql string) string) *simulatedSpace {
	s := &simulatedSpace{object: wasmtest.NewObject(t)}
	now := func() time.Time { return time.UnixMilli(s.world.now) }
	s.DB = spaces.New(changedStorage{s.object, change}, spaces.NewTables(schema), now, func(bool) {})
	return s
}

// simulate runs one seed, and begins with a space that is not there.
func (s *simulatedSpace) simulate(statements *Statements, seed uint64, oracle bool) error {
	s.world = &world{now: noon.UnixMilli()}
	return simulateWith(s, statements, seed, oracle, func(w *world) {
		s.world, w.space = w, s
		w.deleteSpace()
	})
}

// deleteSpace deletes the space, as its program does at the end of a deletion. The first
// push makes another of the same name.
func (w *world) deleteSpace() {
	w.now += time.Minute.Milliseconds() // so that no stamp of the deleted space is above the next floor
	err := w.space.InEvent(context.Background(), func() {
		w.space.object.Erase()
		w.space.Forget()
	})
	if err != nil {
		w.fail("%v", err)
	}
	w.trace("the space is deleted")
	w.backup = nil
	for t := range w.buried {
		clear(w.buried[t])
	}
	for _, m := range w.late {
		m.done = false // what it wrote is gone
	}
	w.look()
}

// A changedStorage changes the statements of a space.
type changedStorage struct {
	*wasmtest.Object
	change func(sql string) string
}

func (s changedStorage) changed(statements []abi.Statement) []abi.Statement {
	statements = slices.Clone(statements)
	for i := range statements {
		statements[i].SQL = s.change(statements[i].SQL)
	}
	return statements
}

func (s changedStorage) Exec(statements ...abi.Statement) ([]abi.Result, error) {
	return s.Object.Exec(s.changed(statements)...)
}

func (s changedStorage) Try(statements ...abi.Statement) ([]abi.Result, error) {
	return s.Object.Try(s.changed(statements)...)
}

func unchanged(sql string) string { return sql }

// TestSimulationOfSpaces runs each tenth of SIMULATE_SEEDS seeds (500; 100 with -short) over
// the object of a space, whose births take time. S2: the statements and their rules are those of the
// root. S7: a client of a deleted space gets a replacement, its push is stale, and a client
// that pulled before the birth loses no write.
func TestSimulationOfSpaces(t *testing.T) {
	statements := simulatedStatements(&standard)
	wasmtest.Seeds(t, 500, 100, func(t *testing.T) func(uint64) error {
		s := newSimulatedSpace(t, record.Default(), unchanged)
		return func(seed uint64) error {
			if seed%10 > 0 {
				return nil
			}
			return s.simulate(statements, seed, true)
		}
	})
}

// TestSimulationOfRulesInSpaces is TestSimulationOfSpaces with tables that have rules and checks.
func TestSimulationOfRulesInSpaces(t *testing.T) {
	statements := ruledStatements(ruledSchema(), &standard)
	wasmtest.Seeds(t, 500, 100, func(t *testing.T) func(uint64) error {
		s := newSimulatedSpace(t, ruledSchema(), unchanged)
		return func(seed uint64) error {
			if seed%10 > 0 {
				return nil
			}
			return s.simulate(statements, seed, false)
		}
	})
}

// S6: a push of which everything is rejected makes no space, and its row leaves the device.
func TestARejectedPushMakesNoSpace(t *testing.T) {
	s := newSimulatedSpace(t, guarded(), unchanged)
	s.world = &world{now: noon.UnixMilli()}
	f := &ruled{&fixture{t, newDialect(s, guarded(), watermelon.DefaultLimits()), s, noon}}
	a := f.as("a", "")
	at := a.expect(0, "")
	got, _ := a.pushes(at, object{"visits+": list{row("v", 0, "owner", "b"), row("w", 0, "owner", "a", "rating", 9)}, "catalogue-": list{"c"}})
	f.same("rejected", []any{got.ids("visits"), got.ids("catalogue")}, list{list{"v", "w"}, list{"c"}})
	if state, err := s.State(t.Context()); err != nil || state.CreatedAt != 0 || state.Exists {
		t.Errorf("the space is there: %+v, %v", state, err)
	}
	a.expect(at, " all")
	a.pushes(at, object{"visits+": list{row("x", 0, "owner", "a")}})
	a.expect(at, "visits x all")
}

// TestTheSimulationMissesEveryRuleOfABirth is TestTheSimulationMissesEveryRule for S7.
func TestTheSimulationMissesEveryRuleOfABirth(t *testing.T) {
	for name, leastBase := range map[string]string{
		"who pulled the empty space may not push": "max(iif($base < 0, 0, floor), horizon)",
		"who pulled an earlier space may push":    "max(iif(floor = born AND $base > 0, 0, floor), horizon)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := standard
			changed.leastBase = leastBase
			s, statements := newSimulatedSpace(t, record.Default(), unchanged), simulatedStatements(&changed)
			findHole(t, func(seed uint64) error { return s.simulate(statements, seed, false) })
		})
	}
	for name, change := range map[string][2]string{
		"a birth sets no floor":                    {"UPDATE Clock SET stamp = ?1, floor = ?1, born = ?1", "UPDATE Clock SET stamp = ?1, floor = 0, born = 0"},
		"a space that is not there is like a root": {"UPDATE Clock SET floor = 9007199254740991, born = 9007199254740991", "SELECT 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := false
			s := newSimulatedSpace(t, record.Default(), func(sql string) string {
				found = found || sql == change[0]
				return strings.Replace(sql, change[0], change[1], 1)
			})
			statements := simulatedStatements(&standard)
			findHole(t, func(seed uint64) error { return s.simulate(statements, seed, false) })
			if !found {
				t.Errorf("no statement is %s", change[0])
			}
		})
	}
}
