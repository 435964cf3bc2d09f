//go:build !js

package projects

import (
	"context"
	"errors"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// A failingDB fails the batch of that number, 1 first.
type failingDB struct {
	store.DB
	batches, fails int
}

var errCrash = errors.New("crash")

func (d *failingDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if d.batches++; d.batches == d.fails {
		return nil, errCrash
	}
	return d.DB.Batch(ctx, statements)
}

func TestARestoreRaisesEverySequenceInStepsThatResume(t *testing.T) {
	const steps, projects = 3, 2*raisedAtOnce + 7
	db := &failingDB{DB: wasmtest.OpenD1(t, store.Migrations())}
	p := New(db, NewStatements())
	query := func(sql string, args ...any) float64 {
		t.Helper()
		results, err := db.DB.Batch(t.Context(), []abi.Statement{{SQL: sql, Args: args}})
		if err != nil {
			t.Fatal(err)
		}
		return store.Number(results[0], 0)
	}
	// A sequence of every hundredth project has drawn more numbers than the clock has milliseconds.
	query(`WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1)
		INSERT INTO ProjectSequences (project_id, seq, drawn) SELECT lower(hex(randomblob(8))), iif(n % 100, n, 2e12 + n), '' FROM i`, projects)
	query(`CREATE TABLE Before AS SELECT project_id, seq FROM ProjectSequences`)
	now := time.UnixMilli(1_700_000_000_000)
	raised := func() float64 {
		t.Helper()
		return query(`SELECT count(*) FROM ProjectSequences s JOIN Before b USING (project_id)
			WHERE s.floor > b.seq AND s.seq = s.floor AND s.floor >= CAST(?1 AS INTEGER)`, now.UnixMilli())
	}
	for fails := 1; fails <= steps; fails++ {
		db.batches, db.fails = 0, fails
		if err := p.Restore(t.Context(), now); !errors.Is(err, errCrash) {
			t.Fatalf("crash at step %d: %v", fails, err)
		}
		if got, want := raised(), float64((fails-1)*raisedAtOnce); got != want {
			t.Errorf("after a crash at step %d: %v sequences are raised, want %v", fails, got, want)
		}
	}
	db.fails = 0
	if err := p.Restore(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if got := raised(); got != projects {
		t.Errorf("in the end %v of %d sequences are raised", got, projects)
	}
}

func TestAnUploadForgetsSomeOldAnswers(t *testing.T) {
	p := openProject(t)
	noon := time.UnixMilli(1_700_000_000_000)
	if _, err := p.db.Batch(t.Context(), []abi.Statement{{
		SQL: `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1)
			INSERT INTO ProjectUploads SELECT 'p', 'o', n, ?2 - n, '{}' FROM i`,
		Args: []any{uploadsForgotten + 5, noon.Add(-uploadsKept).UnixMilli()},
	}}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1 + 5, 2} {
		if _, err := p.Upload(t.Context(), noon, owner, &delta.Upload{BatchID: "new" + string(rune('a'+i)), Created: []project.Row{rowOf(t, project.Tasks, `{"id":"`+string(rune('a'+i))+`","name":"T"}`)}}); err != nil {
			t.Fatal(err)
		}
		results, err := p.db.Batch(t.Context(), []abi.Statement{{SQL: `SELECT count(*) FROM ProjectUploads`}})
		if err != nil {
			t.Fatal(err)
		}
		if got := store.Number(results[0], 0); got != want {
			t.Errorf("after %d uploads %v answers are kept, want %v", i+1, got, want)
		}
	}
}
