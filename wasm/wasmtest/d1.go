//go:build !js

package wasmtest

import (
	"context"
	"io/fs"
	"sync"
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
)

// A D1 is a database of a test. A statement that a newer SQLite rejects or answers otherwise fails the test: checkStatement
// says which.
type D1 struct {
	*edge.D1
	t       testing.TB
	checked sync.Map // by the text of a statement
}

// OpenD1 opens an empty database in memory and applies the migrations, if there are any.
// The database is closed at the end of the test.
func OpenD1(t testing.TB, migrations fs.FS) *D1 {
	t.Helper()
	db, err := edge.OpenD1(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if migrations != nil {
		if _, err := db.Migrate(migrations); err != nil {
			t.Fatal(err)
		}
	}
	return &D1{D1: db, t: t}
}

// Batch checks the statements and runs them.
func (d *D1) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	for _, s := range statements {
		if _, seen := d.checked.LoadOrStore(s.SQL, true); seen {
			continue
		}
		if err := checkStatement(s.SQL); err != nil {
			d.t.Error(err)
		}
	}
	return d.D1.Batch(ctx, statements)
}
