//go:build !js

package documents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/worker/store"
)

// A steppingDB calls before with the number of each batch that deletes, 1 first, and fails
// the batch with its error.
type steppingDB struct {
	store.DB
	batches int
	before  func(batch int) error
}

func (d *steppingDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if strings.HasPrefix(statements[0].SQL, "DELETE") {
		d.batches++
		if err := d.before(d.batches); err != nil {
			return nil, err
		}
	}
	return d.DB.Batch(ctx, statements)
}

// rowsOf returns how many rows the tables of documents have.
func rowsOf(t *testing.T, db store.DB, tables ...string) string {
	t.Helper()
	var counts []string
	for _, table := range tables {
		results, err := db.Batch(t.Context(), []abi.Statement{{SQL: "SELECT count(*) FROM " + table}})
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, fmt.Sprint(store.Number(results[0], 0)))
	}
	return strings.Join(counts, " ")
}

var errCrash = errors.New("crash")

// crashAt fails the batch of that number.
func crashAt(n int) func(int) error {
	return func(batch int) error {
		if batch == n {
			return errCrash
		}
		return nil
	}
}

func TestVersionsAreDeletedInStepsThatResume(t *testing.T) {
	db := &steppingDB{DB: openDB(t), before: crashAt(0)}
	y, ctx := NewCopies(db), t.Context()
	const versions = 2*deletedAtOnce + 5
	fill := []abi.Statement{ // each has one part
		{SQL: `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1)
			INSERT INTO YjsVersions SELECT 'r', printf('%04d', n), 'n', 's', n, 6, 'AQID' FROM i`, Args: []any{versions}},
		{SQL: `INSERT INTO YjsVersionParts SELECT RoomId, VersionId, 1, 'BAUG' FROM YjsVersions`},
	}
	if _, err := db.Batch(ctx, fill); err != nil {
		t.Fatal(err)
	}
	if err := y.PutVersion(ctx, "other", Version{ID: "0001"}, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		crash int
		want  string // rows and parts that are left
	}{
		{2, "106 205"}, // two steps of rows are needed, of which the first is done
		{4, "1 105"},
	} {
		db.batches, db.before = 0, crashAt(c.crash)
		if err := y.DeleteVersions(ctx, "r"); !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if got := rowsOf(t, db.DB, "YjsVersions", "YjsVersionParts"); got != c.want {
			t.Errorf("after a crash at step %d: %s, want %s", c.crash, got, c.want)
		}
		list, err := y.Versions(ctx, "r", "", versions)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			if state, err := y.Version(ctx, "r", v.ID, store.Budget{}); err != nil || !bytes.Equal(state, []byte{1, 2, 3, 4, 5, 6}) {
				t.Fatalf("the listed version %s: %v, %v", v.ID, state, err)
			}
		}
	}
	db.batches, db.before = 0, crashAt(0)
	if err := y.DeleteVersions(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(t, db.DB, "YjsVersions", "YjsVersionParts"); got != "1 0" {
		t.Errorf("in the end: %s", got)
	}
	if state, err := y.Version(ctx, "other", "0001", store.Budget{}); string(state) != "kept" || err != nil {
		t.Errorf("the other room's: %q, %v", state, err)
	}
}

func TestAVersionThatIsKeptMeanwhileStaysWhole(t *testing.T) {
	db := &steppingDB{DB: openDB(t), before: crashAt(0)}
	y, ctx := NewCopies(db), t.Context()
	state := bytes.Repeat([]byte{1, 2, 3}, versionChunk/2)
	if err := y.PutVersion(ctx, "r", Version{ID: "1"}, state); err != nil {
		t.Fatal(err)
	}
	db.before = func(batch int) error {
		return y.PutVersion(ctx, "r", Version{ID: fmt.Sprint(1 + batch)}, state)
	}
	if err := y.DeleteVersions(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	list, err := y.Versions(ctx, "r", "", 10)
	if len(list) != 2 || err != nil {
		t.Fatalf("%v, %v", list, err)
	}
	for _, v := range list {
		if got, err := y.Version(ctx, "r", v.ID, store.Budget{}); err != nil || !bytes.Equal(got, state) {
			t.Errorf("version %s: %d bytes of %d, %v", v.ID, len(got), len(state), err)
		}
	}
}

func TestACopyIsDeletedInStepsThatResume(t *testing.T) {
	db := &steppingDB{DB: openDB(t), before: crashAt(3)}
	y, ctx := NewCopies(db), t.Context()
	const parts = deletedAtOnce + 5
	fill := []abi.Statement{
		{SQL: `INSERT INTO YjsRooms VALUES ('r', 'AQID', 7)`},
		{SQL: `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1)
			INSERT INTO YjsRoomParts SELECT 'r', 7, n, 'BAUG' FROM i`, Args: []any{parts}},
		{SQL: `INSERT INTO YjsRoomParts VALUES ('other', 7, 1, 'BAUG')`},
	}
	if _, err := db.Batch(ctx, fill); err != nil {
		t.Fatal(err)
	}
	if err := y.Delete(ctx, "r"); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	if got := rowsOf(t, db.DB, "YjsRooms", "YjsRoomParts"); got != "0 6" {
		t.Errorf("after a crash: %s", got)
	}
	if state, version, err := y.Load(ctx, "r"); state != nil || version != 0 || err != nil {
		t.Errorf("after a crash: %v, %d, %v", state, version, err)
	}
	db.batches, db.before = 0, func(batch int) error {
		if batch == 1 {
			return nil
		}
		return errors.Join(y.PutPart(ctx, "r", 8, 1, []byte("new")), y.Commit(ctx, "r", 8, []byte("the"))) // the document is written again
	}
	if err := y.Delete(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(t, db.DB, "YjsRooms", "YjsRoomParts"); got != "1 2" {
		t.Errorf("in the end: %s", got)
	}
	if state, version, err := y.Load(ctx, "r"); string(state) != "thenew" || version != 8 || err != nil {
		t.Errorf("the new document: %q, %d, %v", state, version, err)
	}
}
