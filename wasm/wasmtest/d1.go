//go:build !js

package wasmtest

import (
	"io/fs"
	"testing"

	"tidemark/wasm/edge"
)

// OpenD1 opens an empty database in memory and applies the migrations, if there are any.
// The database is closed at the end of the test.
func OpenD1(t testing.TB, migrations fs.FS) *edge.D1 {
	t.Helper()
	db, err := edge.OpenD1(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if migrations == nil {
		return db
	}
	if _, err := db.Migrate(migrations); err != nil {
		t.Fatal(err)
	}
	return db
}
