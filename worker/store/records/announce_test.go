//go:build !js

package records

import (
	"context"
	"slices"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/worker/api/dialect"
	"tidemark/worker/store"
)

// announces makes the fixture note what changed.
func (f *fixture) announces(schema record.Schema) {
	statements := NewStatements(schema, watermelon.DefaultLimits().PullBytes)
	statements.Announce()
	f.Watermelon = &dialect.Watermelon{Records: New(f.db, statements), Schema: schema, Limits: watermelon.DefaultLimits()}
}

// announced returns the tables of the outbox, and empties it.
func (f *fixture) announced() (tables []string) {
	f.Helper()
	for _, row := range f.query("SELECT key FROM Webhooks WHERE type = 'records.changed' ORDER BY key") {
		tables = append(tables, store.CellString(row[0]))
	}
	f.query("DELETE FROM Webhooks")
	return tables
}

func tableNames(changed []syncroom.Change) (names []string) {
	for _, c := range changed {
		names = append(names, c.Table)
	}
	slices.Sort(names)
	return names
}

// W3: the transaction of a push notes the tables that it really changed, and no others.
func TestAPushNotesTheTablesThatItChanged(t *testing.T) {
	f := newFixture(t)
	f.announces(record.Default())
	product := object{"id": "p", "title": "P", "updated_at": at(0)}
	both := object{"lastPulledAt": 0, "changes": object{"customers": object{"updated": list{customer("a", "A", at(0))}}, "products": object{"updated": list{product}}}}
	old := object{"lastPulledAt": 0, "changes": object{"customers": object{"updated": list{customer("a", "older", at(-5))}}, "products": object{"updated": list{object{"id": "q", "title": "Q", "updated_at": at(1)}}}}}
	for _, step := range []struct {
		what  string
		input object
		want  []string
	}{
		{"two new rows", both, []string{"customers", "products"}},
		{"the same again", both, nil},
		{"a later row", object{"lastPulledAt": 0, "changes": object{"customers": object{"updated": list{customer("a", "B", at(1))}}}}, []string{"customers"}},
		{"a deletion", object{"lastPulledAt": 0, "changes": object{"products": object{"deleted": list{"p"}}}}, []string{"products"}},
		{"a deletion of what is deleted", object{"lastPulledAt": 0, "changes": object{"products": object{"deleted": list{"p"}}}}, nil},
		{"nothing", object{"lastPulledAt": 0, "changes": object{}}, nil},
		{"a row that loses, and one of another table", old, []string{"products"}},
		{"a part of a row", object{"lastPulledAt": 0, "changes": object{"customers": object{"updated": list{object{"id": "a", "notes": "n", "updated_at": at(2)}}}}}, []string{"customers"}},
	} {
		f.after(1_000_000_000)
		p := f.push(step.input)
		if got, told := f.announced(), tableNames(p.changed); !slices.Equal(got, step.want) || !slices.Equal(told, step.want) {
			t.Errorf("%s: noted %v, told %v, want %v", step.what, got, told, step.want)
		}
	}
	if _, err := f.tryPush(object{"lastPulledAt": 1, "conflict": "abort", "changes": object{"customers": object{"updated": list{customer("a", "C", at(9))}}}}); err == nil || f.announced() != nil {
		t.Errorf("a push that is refused: %v", err)
	}
	if _, err := f.Restore(context.Background(), f.now); err != nil {
		t.Fatal(err)
	}
	if got := f.announced(); !slices.Equal(got, []string{"customers", "products"}) {
		t.Errorf("a restore: %v", got)
	}
}

// W3: a push to guarded tables, too. A row that the rules reject notes nothing.
func TestAPushToGuardedTablesNotesWhatItChanged(t *testing.T) {
	f := newRuled(t)
	f.fixture.announces(guarded())
	for _, who := range []string{"ann", "bob"} {
		for _, changes := range []object{
			{"visits+": list{row("v-"+who, at(0))}}, {"visits*": list{row("v-ann", at(5))}}, {"visits-": list{"v-ann"}},
		} {
			f.after(1_000_000_000)
			answer, changed, err := f.Push(context.Background(), f.now, record.Caller{Subject: who}, f.json(object{"lastPulledAt": 0, "changes": tablesOf(changes)}))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.announced(); !slices.Equal(got, tableNames(changed)) {
				t.Errorf("%s pushes %v: noted %v, told %v: %s", who, changes, got, tableNames(changed), answer)
			}
		}
	}
}

// X8: an edit and a deletion by the server, too. Those that change nothing note nothing.
func TestAnEditByTheServerNotesTheTable(t *testing.T) {
	f := newRuled(t)
	f.fixture.announces(guarded())
	f.as("ann", "").pushes(1, object{"visits+": list{row("v", at(0), "owner", "ann")}})
	f.announced()
	for _, step := range []struct {
		what   string
		change inspect.Change
		want   []string
	}{
		{"an edit", inspect.Change{Set: ijson.Pairs{{Name: []byte("rating"), Value: []byte("2")}}}, []string{"visits"}},
		{"the same again", inspect.Change{Set: ijson.Pairs{{Name: []byte("rating"), Value: []byte("2.0")}}}, nil},
		{"a stamp that the row does not have", inspect.Change{If: 1, Delete: true}, nil},
		{"a deletion", inspect.Change{Delete: true}, []string{"visits"}},
		{"the same again", inspect.Change{Delete: true}, nil},
	} {
		f.after(1_000_000_000)
		step.change.Table, step.change.ID = "visits", "v"
		_, _, changed, err := f.Change(t.Context(), f.now, &step.change, store.Budget{})
		if got, told := f.announced(), tableNames(changed); !slices.Equal(got, step.want) || !slices.Equal(told, step.want) {
			t.Errorf("%s: noted %v, told %v, want %v: %v", step.what, got, told, step.want, err)
		}
	}
}

// Without a receiver nothing is noted, and a batch has no more statements.
func TestWithoutAReceiverNothingIsNoted(t *testing.T) {
	f := newFixture(t)
	counting := &announcingDB{DB: f.db}
	f.Watermelon = newDialect(counting, record.Default(), watermelon.DefaultLimits())
	f.put(0, customer("a", "A", at(0)))
	if got := f.announced(); got != nil || counting.announcing > 0 {
		t.Errorf("noted %v, in %d batches", got, counting.announcing)
	}
}

type announcingDB struct {
	store.DB
	announcing int
}

func (c *announcingDB) Batch(ctx context.Context, s []abi.Statement) ([]abi.Result, error) {
	if store.Announces(s) {
		c.announcing++
	}
	return c.DB.Batch(ctx, s)
}
