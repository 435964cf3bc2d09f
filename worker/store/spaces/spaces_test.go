//go:build !js

package spaces

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

var (
	background = context.Background()
	noon       = time.UnixMilli(1_700_000_000_000)
)

// A fixture is a space's database over a storage that tests can look into.
type fixture struct {
	*testing.T
	*DB
	object *wasmtest.Object
	made   []bool // what made was called with
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{T: t, object: wasmtest.NewObject(t)}
	f.again()
	return f
}

// again is the object in another instance, which knows nothing but what is stored.
func (f *fixture) again() {
	f.DB = New(f.object, NewTables(record.Default()), func() time.Time { return noon }, func(born bool) { f.made = append(f.made, born) })
}

// insert returns a statement that writes a row of customers.
func insert(id string) abi.Statement {
	return abi.Statement{SQL: `INSERT INTO Customers (CustomerId) VALUES (?1)`, Args: []any{id}}
}

func (f *fixture) run(db store.DB, statements ...abi.Statement) []abi.Result {
	f.Helper()
	results, err := db.Batch(background, statements)
	if err != nil {
		f.Fatalf("%v: %v", statements, err)
	}
	return results
}

func (f *fixture) number(sql string) float64 {
	f.Helper()
	return store.Number(f.run(f, abi.Statement{SQL: sql})[0], 0)
}

func (f *fixture) wantNothingStored() {
	f.Helper()
	if n := f.object.Stored.Load(); n != 0 || f.object.Tables() != 0 {
		f.Errorf("%d transactions were committed, and there are %d tables", n, f.object.Tables())
	}
}

// The tables of a space are those of the root: each migration of D1 is in the list of
// layouts, or it is for the root alone. What it does to declared tables, spaces do by themselves. S3.
func TestEachMigrationOfTheRootIsInTheLayoutsOrNotForSpaces(t *testing.T) {
	names, err := fs.Glob(store.Migrations(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	var inLayouts []string
	for _, s := range slices.Concat(append(layouts[1:len(layouts):len(layouts)], first)...) {
		inLayouts = append(inLayouts, s.SQL)
	}
	declared := record.Default().Tables
	ofDeclared := func(s abi.Statement) bool {
		m := regexp.MustCompile(`(?i)^(?:CREATE TABLE|CREATE INDEX .* ON|ALTER TABLE) (\w+)`).FindStringSubmatch(s.SQL)
		return m != nil && slices.ContainsFunc(declared, func(t record.Table) bool { return strings.EqualFold(t.SQL, m[1]) })
	}
	for _, name := range names {
		name = strings.TrimSuffix(name, ".sql")
		in := true
		for _, s := range store.OfD1(name) {
			in = in && (slices.Contains(inLayouts, s.SQL) || ofDeclared(s))
		}
		if rootOnly := slices.Contains(notInSpaces, name); in == rootOnly {
			t.Errorf("%s: in the layouts %v, not in spaces %v", name, in, rootOnly)
		}
	}
	for _, name := range notInSpaces {
		if !slices.Contains(names, name+".sql") {
			t.Errorf("there is no migration %s", name)
		}
	}
}

func TestReadingASpaceThatIsNotThereStoresNothing(t *testing.T) { // S6
	f := newFixture(t)
	for range 2 {
		if rows := f.run(f, abi.Statement{SQL: `SELECT CustomerId FROM Customers`})[0].Rows; len(rows) > 0 {
			t.Errorf("got rows %v", rows)
		}
		if stamp := f.number(`SELECT stamp FROM Clock`); stamp != 1 {
			t.Errorf("the stamp of an empty space is %v", stamp)
		}
		f.run(f, abi.Statement{SQL: `DELETE FROM Customers`})
		f.run(f.Kept(), abi.Statement{SQL: `DELETE FROM Tickets`})
		if stamp := f.run(f, abi.Statement{SQL: `UPDATE Clock SET stamp = 9 RETURNING stamp`}); store.Number(stamp[0], 0) != 9 {
			t.Errorf("an empty push got %v", stamp)
		}
		if err := f.SetState(background, State{Listed: true, Paused: true}); err != nil {
			t.Error(err)
		}
		if state, err := f.State(background); err != nil || state != (State{}) {
			t.Errorf("the state is %+v, %v", state, err)
		}
		if names, err := f.Rooms(background, "", 10); err != nil || len(names) > 0 {
			t.Errorf("the rooms are %v, %v", names, err)
		}
		f.again()
	}
	f.wantNothingStored()
	if len(f.made) > 0 {
		t.Errorf("made %v", f.made)
	}
}

func TestARejectedWriteStoresNothing(t *testing.T) { // S6
	f := newFixture(t)
	refusal := abi.Statement{SQL: `SELECT json('refused') FROM Customers`}
	if _, err := f.Batch(background, []abi.Statement{insert("a"), refusal}); err == nil {
		t.Error("no error")
	}
	f.wantNothingStored()
	f.run(f, insert("a"))
	if n := f.number(`SELECT count(*) FROM Customers`); n != 1 {
		t.Errorf("%v rows", n)
	}
}

func TestTheFirstWriteMakesTheSpace(t *testing.T) { // S6, S7
	f := newFixture(t)
	if changes := f.run(f, insert("a"), abi.Statement{SQL: `SELECT stamp FROM Clock`}); len(changes) != 2 || changes[0].Changes == 0 {
		t.Errorf("the results are %v", changes)
	}
	if n := f.object.Stored.Load(); n != 1 {
		t.Errorf("the birth and the write took %d transactions", n)
	}
	for range 2 {
		want := State{Exists: true, CreatedAt: noon.UnixMilli()}
		if state, err := f.State(background); err != nil || state != want || !f.Fresh() {
			t.Errorf("the state is %+v, %v, fresh %v", state, err, f.Fresh())
		}
		floor := float64(noon.UnixMilli() + record.ToleranceMillis)
		for _, column := range []string{"stamp", "floor", "born"} {
			if got := f.number(`SELECT ` + column + ` FROM Clock`); got != floor {
				t.Errorf("%s is %v, want %v", column, got, floor)
			}
		}
		f.again()
	}
	f.run(f, insert("b"))
	state, err := f.State(background)
	state.Listed = true
	if err == nil {
		err = f.SetState(background, state)
	}
	if err != nil || f.Fresh() {
		t.Error(err)
	}
	f.again()
	if f.number(`SELECT count(*) FROM Customers`) != 2 || f.Fresh() {
		t.Error("a space that is listed is fresh")
	}
	if fmt.Sprint(f.made) != "[true]" {
		t.Errorf("made %v", f.made)
	}
}

func TestTicketsAndRoomsAreKeptWithoutABirth(t *testing.T) { // S6
	f := newFixture(t)
	if _, err := f.BatchOf(background, "r", []abi.Statement{{SQL: `SELECT 1`}}); err != nil {
		t.Fatal(err)
	}
	if known, err := f.HasRoom(background, "r"); err != nil || known {
		t.Errorf("a room that was never entered is known: %v, %v", known, err)
	}
	f.wantNothingStored() // the place of a room that only reads is not noted
	if err := f.EnterRoom(background, "r"); err != nil {
		t.Fatal(err)
	}
	want := State{Exists: true, KeptUntil: noon.Add(UnbornPatience).UnixMilli()}
	for range 2 {
		if state, err := f.State(background); err != nil || state != want || f.Fresh() {
			t.Errorf("the state is %+v, %v, fresh %v", state, err, f.Fresh())
		}
		if names, err := f.Rooms(background, "", 10); err != nil || fmt.Sprint(names) != "[r]" {
			t.Errorf("the rooms are %v, %v", names, err)
		}
		for room, want := range map[string]bool{"r": true, "s": false} {
			if known, err := f.HasRoom(background, room); err != nil || known != want {
				t.Errorf("%s: known %v, %v", room, known, err)
			}
		}
		f.again()
	}
	f.run(f, insert("a"))
	if state, err := f.State(background); err != nil || state.CreatedAt == 0 {
		t.Errorf("the state is %+v, %v", state, err)
	}
	if fmt.Sprint(f.made) != "[false true]" {
		t.Errorf("made %v", f.made)
	}
}

func TestANewerLayoutIsRejectedAndNotTouched(t *testing.T) { // S3
	f := newFixture(t)
	f.run(f, insert("a"))
	f.run(f, abi.Statement{SQL: `UPDATE layout SET version = ?1`, Args: []any{len(layouts) + 1}})
	f.again()
	stored := f.object.Stored.Load()
	for _, db := range []store.DB{f, f.Kept()} {
		for range 2 {
			for _, s := range []abi.Statement{insert("b"), {SQL: `SELECT 1`}} {
				if _, err := db.Batch(background, []abi.Statement{s}); !errors.Is(err, store.ErrNewerLayout) {
					t.Errorf("%s: %v", s.SQL, err)
				}
			}
		}
	}
	if f.object.Stored.Load() != stored {
		t.Error("something was stored")
	}
}

// withLayouts replaces the layouts until the test ends.
func withLayouts(t *testing.T, l store.Layouts) {
	before := layouts
	layouts = l
	t.Cleanup(func() { layouts = before })
}

func TestAnOlderLayoutIsMigratedBeforeTheFirstStatement(t *testing.T) { // S3
	f := newFixture(t)
	f.run(f, insert("a"))
	now := slices.Clone(layouts)
	withLayouts(t, append(now, []abi.Statement{{SQL: `ALTER TABLE Customers ADD COLUMN Added`}, {SQL: `UPDATE Customers SET Added = 5`}}))
	f.again()
	if got := f.number(`SELECT Added FROM Customers`); got != 5 {
		t.Errorf("got %v", got)
	}
	f.again()
	if got := f.number(`SELECT version FROM layout`); int(got) != len(layouts) {
		t.Errorf("the layout has number %v, want %d", got, len(layouts))
	}
	// A migration that fails leaves everything as it was, and is tried again.
	withLayouts(t, append(slices.Clone(layouts), []abi.Statement{{SQL: `DELETE FROM Customers`}, {SQL: `SELECT json('broken')`}}))
	f.again()
	for range 2 {
		if _, err := f.Batch(background, []abi.Statement{{SQL: `SELECT 1`}}); err == nil {
			t.Error("a migration that fails is not noticed")
		}
	}
	withLayouts(t, layouts[:len(layouts)-1])
	f.again()
	if n := f.number(`SELECT count(*) FROM Customers`); n != 1 {
		t.Errorf("%v rows", n)
	}
}

func TestBatchesShareOneEvent(t *testing.T) { // S1
	f := newFixture(t)
	before := f.object.Entered.Load()
	err := f.InEvent(background, func() {
		f.run(f, insert("a"))
		f.Within(func() { f.run(f, insert("b")) })
		f.run(f, insert("c"))
	})
	if err != nil || f.object.Entered.Load() != before+1 || f.IsInEvent() {
		t.Errorf("%d events, %v", f.object.Entered.Load()-before, err)
	}
	gone, cancel := context.WithCancel(background)
	cancel()
	if err := f.InEvent(gone, func() { t.Error("an event ran that could not be entered") }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := f.Batch(gone, []abi.Statement{insert("d")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAnErasedSpaceIsBornAgain(t *testing.T) { // S7, S8
	f := newFixture(t)
	f.run(f, insert("a"))
	if err := f.InEvent(background, func() { f.object.Erase(); f.Forget() }); err != nil {
		t.Fatal(err)
	}
	if state, err := f.State(background); err != nil || state != (State{}) || f.object.Tables() != 0 {
		t.Errorf("the state is %+v, %v", state, err)
	}
	f.run(f, insert("b"))
	if n := f.number(`SELECT count(*) FROM Customers`); n != 1 {
		t.Errorf("%v rows", n)
	}
	if fmt.Sprint(f.made) != "[true true]" {
		t.Errorf("made %v", f.made)
	}
}

// Rooms are those that were noted, and those that have a copy of their document.
func TestRoomsAndProjectsComeInPages(t *testing.T) { // S8
	f := newFixture(t)
	for i := range 5 {
		if err := f.EnterRoom(background, fmt.Sprint("entered", i)); err != nil {
			t.Fatal(err)
		}
		f.run(f, abi.Statement{SQL: `INSERT INTO YjsRooms (RoomId) VALUES (?1)`, Args: []any{fmt.Sprint("copied", i)}},
			abi.Statement{SQL: `INSERT OR IGNORE INTO YjsRooms (RoomId) VALUES ('entered1')`})
	}
	for _, size := range []int{1, 3, 100} {
		var all []string
		for after := ""; ; {
			names, err := f.Rooms(background, after, size)
			if err != nil {
				t.Fatal(err)
			}
			if len(names) == 0 {
				break
			}
			all, after = append(all, names...), names[len(names)-1]
		}
		if len(all) != 10 || !slices.IsSorted(all) {
			t.Errorf("pages of %d: %v", size, all)
		}
	}
}

func TestTheDirectoryListsByPrefixAndInPages(t *testing.T) { // S9
	d := NewDirectory(wasmtest.OpenD1(t, store.Migrations()))
	for _, name := range []string{"b", "acme", "a%", "ACME", "acme-2", "a_c", "acmf"} {
		if err := d.Add(background, Entry{name, int64(len(name))}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Add(background, Entry{"b", 77}); err != nil { // as after a birth anew
		t.Fatal(err)
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          string
	}{
		{"", "", 10, "ACME a% a_c acme acme-2 acmf b"},
		{"", "", 2, "ACME a%"},
		{"", "a%", 2, "a_c acme"},
		{"acme", "", 10, "acme acme-2"},
		{"acme", "acme", 10, "acme-2"},
		{"acme", "acme-2", 10, ""},
		{"a_", "", 10, "a_c"},
		{"a%", "", 10, "a%"},
		{"acme", "a", 1, "acme"},
		{"c", "", 10, ""},
	} {
		entries, err := d.List(background, c.prefix, c.after, c.limit)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
			if want := int64(len(e.Name)); e.CreatedAt != want && !(e.Name == "b" && e.CreatedAt == 77) {
				t.Errorf("%+v", e)
			}
		}
		if got := strings.Join(names, " "); got != c.want || err != nil {
			t.Errorf("prefix %q after %q, at most %d: got %q, %v, want %q", c.prefix, c.after, c.limit, got, err, c.want)
		}
	}
	for range 2 {
		if err := d.Remove(background, "acme", 0); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := d.List(background, "acme", "", 10); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}
