//go:build !js

package records

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api/dialect"
	"tidemark/worker/store"
)

// noon is when the tests begin.
var noon = time.UnixMilli(1_700_000_000_000)

// A fixture is a store with a clock, as a WatermelonDB client speaks to it.
type fixture struct {
	*testing.T
	*dialect.Watermelon
	db  store.DB
	now time.Time
}

// newDialect returns the rows in db as a WatermelonDB client speaks to them.
func newDialect(db store.DB, schema record.Schema, limits watermelon.Limits) *dialect.Watermelon {
	return &dialect.Watermelon{Records: New(db, NewStatements(schema, limits.PullBytes)), Schema: schema, Limits: limits}
}

func newFixture(t *testing.T) *fixture {
	db := wasmtest.OpenD1(t, store.Migrations())
	return &fixture{t, newDialect(db, record.Default(), watermelon.DefaultLimits()), db, noon}
}

// Rows of a table, as the wire has them.
type (
	object = map[string]any
	list   = []any
	stamp  = record.Stamp
)

// pulled is the answer to a pull.
type pulled struct {
	Changes map[string]struct {
		Created, Updated []object
		Deleted          []string
	}
	Timestamp            stamp
	ExperimentalStrategy string
	Cursor               string
}

// rows are a table's updated rows by id.
func (p *pulled) rows(table string) map[string]object {
	rows := map[string]object{}
	for _, r := range p.Changes[table].Updated {
		rows[r["id"].(string)] = r
	}
	return rows
}

// pushed is the answer to a push.
type pushed struct {
	Timestamp  stamp
	Applied    map[string]struct{ Created, Updated, Deleted int }
	Superseded map[string][]string
	Ignored    map[string][]string
	changed    []syncroom.Change
}

func (f *fixture) json(v any) []byte {
	f.Helper()
	switch v := v.(type) {
	case string:
		return []byte(v)
	case nil:
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		f.Fatal(err)
	}
	return b
}

func (f *fixture) tryPull(input any) (*pulled, error) {
	f.Helper()
	answer, _, err := f.Pull(context.Background(), record.Caller{}, f.json(input), store.Budget{})
	if err != nil {
		return nil, err
	}
	p := new(pulled)
	if err := json.Unmarshal(answer.Bytes(), p); err != nil {
		f.Fatalf("pull(%s) returned %s: %v", f.json(input), answer.Bytes(), err)
	}
	return p, nil
}

func (f *fixture) pull(input any) *pulled {
	f.Helper()
	p, err := f.tryPull(input)
	if err != nil {
		f.Fatalf("pull(%s): %v", f.json(input), err)
	}
	return p
}

// since pulls what changed after the stamp.
func (f *fixture) since(s stamp) *pulled {
	f.Helper()
	return f.pull(object{"lastPulledAt": s})
}

func (f *fixture) tryPush(input any) (*pushed, error) {
	f.Helper()
	answer, changed, err := f.Push(context.Background(), f.now, record.Caller{}, f.json(input))
	if err != nil {
		return nil, err
	}
	p := &pushed{changed: changed}
	if err := json.Unmarshal(answer, p); err != nil {
		f.Fatalf("push(%s) answered %s: %v", f.json(input), answer, err)
	}
	return p, nil
}

func (f *fixture) push(input any) *pushed {
	f.Helper()
	p, err := f.tryPush(input)
	if err != nil {
		f.Fatalf("push(%s): %v", f.json(input), err)
	}
	return p
}

// put pushes rows of customers as updated.
func (f *fixture) put(lastPulledAt stamp, rows ...any) *pushed {
	f.Helper()
	return f.push(object{"lastPulledAt": lastPulledAt, "changes": object{"customers": object{"updated": rows}}})
}

// remove pushes deletions of customers.
func (f *fixture) remove(lastPulledAt stamp, ids ...string) *pushed {
	f.Helper()
	return f.push(object{"lastPulledAt": lastPulledAt, "changes": object{"customers": object{"deleted": ids}}})
}

// at is a time in milliseconds, after the test's beginning.
func at(millis int64) int64 { return noon.UnixMilli() + millis }

// customer is a row with a name, written at a time.
func customer(id, name string, updatedAt int64) object {
	return object{"id": id, "contact_name": name, "created_at": at(0), "updated_at": updatedAt}
}

func (f *fixture) after(d time.Duration) { f.now = f.now.Add(d) }

// query runs one statement.
func (f *fixture) query(sql string, args ...any) [][]any {
	f.Helper()
	results, err := f.db.Batch(context.Background(), []abi.Statement{{SQL: sql, Args: args}})
	if err != nil {
		f.Fatalf("%s: %v", sql, err)
	}
	return results[0].Rows
}
