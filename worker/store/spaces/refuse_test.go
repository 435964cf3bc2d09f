//go:build !js

package spaces

import (
	"context"
	"errors"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/wasm/wasmtest"
)

// TestAPausedSpaceRefusesToWriteInTheEventOfTheWrite checks S13 for a request that was under
// way before the pause: it reads, and it writes nothing. The room of a document may still
// store its copy.
func TestAPausedSpaceRefusesToWriteInTheEventOfTheWrite(t *testing.T) {
	ctx := context.Background()
	db := New(wasmtest.NewObject(t), NewTables(record.Default()), time.Now, func(bool) {})
	write := abi.Statement{SQL: `UPDATE Clock SET stamp = stamp + 1`}
	read := abi.Statement{SQL: `SELECT stamp FROM Clock`}
	batch := func(s abi.Statement) ([]abi.Result, error) { return db.Batch(ctx, []abi.Statement{s}) }
	if _, err := batch(insert("a")); err != nil {
		t.Fatal(err)
	}
	before, err := batch(read)
	if err != nil {
		t.Fatal(err)
	}
	paused := errors.New("paused")
	db.Refuse(paused)
	if _, err := batch(write); err != paused {
		t.Errorf("a write got %v", err)
	}
	after, err := batch(read)
	if err != nil || before[0].Rows[0][0] != after[0].Rows[0][0] {
		t.Errorf("read %v, %v, and before %v", after, err, before)
	}
	if _, err := db.BatchOf(ctx, "note", []abi.Statement{write}); err != nil {
		t.Errorf("the copy of a document: %v", err)
	}
	db.Refuse(nil)
	if _, err := batch(write); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}
