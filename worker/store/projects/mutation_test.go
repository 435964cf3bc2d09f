//go:build !js

package projects_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/project"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// A fault is what the store does wrong.
type fault struct {
	// change does a batch, wrongly.
	change func(ctx context.Context, f *fault, db store.DB, statements []abi.Statement) ([]abi.Result, error)
	// remark says that every page of a pull computes the mark anew.
	remark bool
	// between lets somebody write; the simulation sets it.
	between func() error
}

// A faulty database has a fault.
type faulty struct {
	store.DB
	*fault
}

func (f faulty) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	return f.change(ctx, f.fault, f.DB, statements)
}

// rewrite changes the SQL of the statements that hold mark.
func rewrite(mark string, pairs ...string) func(context.Context, *fault, store.DB, []abi.Statement) ([]abi.Result, error) {
	replace := strings.NewReplacer(pairs...)
	return func(ctx context.Context, _ *fault, db store.DB, statements []abi.Statement) ([]abi.Result, error) {
		changed := slices.Clone(statements)
		for i := range changed {
			if strings.Contains(changed[i].SQL, mark) {
				changed[i].SQL = replace.Replace(changed[i].SQL)
			}
		}
		return db.Batch(ctx, changed)
	}
}

// isPull knows the batch of a page.
func isPull(statements []abi.Statement) bool {
	return len(statements) == 2 && strings.Contains(statements[1].SQL, "AS columns")
}

// greatest is the maximum of server_version over the project.
func greatest() string {
	var terms []string
	for _, c := range project.Collections {
		terms = append(terms, "SELECT max(server_version) AS v FROM "+c.Table+" WHERE project_id = ?1")
	}
	return "(SELECT max(v) FROM (" + strings.Join(terms, " UNION ALL ") + "))"
}

const stamps = `, seq = (SELECT seq FROM ProjectSequences WHERE project_id = ?1 AND drawn = ?4)`

// projectMutations are faults that the simulation has to find.
var projectMutations = map[string]fault{
	"the cursor is server_version": {change: func(ctx context.Context, _ *fault, db store.DB, statements []abi.Statement) ([]abi.Result, error) {
		if !isPull(statements) {
			return db.Batch(ctx, statements)
		}
		r := strings.NewReplacer("t.seq", "t.server_version",
			"(SELECT seq FROM ProjectSequences WHERE project_id = ?1)", greatest())
		changed := []abi.Statement{
			{SQL: r.Replace(statements[0].SQL), Args: statements[0].Args}, {SQL: r.Replace(statements[1].SQL), Args: statements[1].Args},
		}
		return db.Batch(ctx, changed)
	}},
	"the mark is read after the rows": {change: func(ctx context.Context, f *fault, db store.DB, statements []abi.Statement) ([]abi.Result, error) {
		if !isPull(statements) {
			return db.Batch(ctx, statements)
		}
		rows, err := db.Batch(ctx, statements[1:])
		if err != nil {
			return nil, err
		}
		if err := f.between(); err != nil {
			return nil, err
		}
		access, err := db.Batch(ctx, statements[:1])
		return append(access, rows...), err
	}},
	"the mark is computed again for each page":  {change: passOn, remark: true},
	"a cascade to dependencies draws no number": {change: rewrite("UPDATE ProjectDependencies SET server_version", stamps, "")},
	"a cascade to subtasks draws no number": {change: rewrite("doomed(id)", stamps, ", seq = iif(id IN (SELECT id FROM rows), "+
		strings.TrimPrefix(stamps, ", seq = ")+", seq)")},
	"a change draws no number": {change: rewrite("UPDATE ProjectTasks AS t", "seq = s.seq", "seq = t.seq")},
	"an update is lost":        {change: rewrite("UPDATE ProjectTasks AS t", "server_version = t.server_version + 1", "server_version = 2")},
	"a retry of an upload is not known": {change: func(ctx context.Context, _ *fault, db store.DB, statements []abi.Statement) ([]abi.Result, error) {
		changed := slices.Clone(statements)
		if len(changed) > 3 && strings.Contains(changed[1].SQL, "FROM ProjectUploads") {
			changed[1].SQL += " AND 0"
			for i := range changed {
				changed[i].SQL = strings.NewReplacer("NOT EXISTS (SELECT 1 FROM ProjectUploads", "EXISTS (SELECT 1 UNION SELECT 1 FROM ProjectUploads",
					"INSERT INTO ProjectUploads", "INSERT OR REPLACE INTO ProjectUploads").Replace(changed[i].SQL)
			}
		}
		return db.Batch(ctx, changed)
	}},
	"dependencies may close a cycle":                        {change: rewrite("onward(id)", "WHERE id = json_extract", "WHERE 0 AND id = json_extract")},
	"a tombstone is not sent":                               {change: rewrite("AS columns", "t.project_id = ?1 AND (", "t.project_id = ?1 AND t.deleted_version IS NULL AND (")},
	"a page forgets what shares the number of its last row": {change: rewrite("AS columns", cutPairs()...)},
	"the mark is beyond the rows":                           {change: rewrite("coalesce((SELECT floor", "coalesce((SELECT seq FROM", "coalesce((SELECT seq + 1 FROM")},
}

// cutPairs go on behind the number of a page's last row, not behind the row.
func cutPairs() (pairs []string) {
	for i := 4; i <= 12; i += 2 {
		seq, id := fmt.Sprintf("CAST(?%d AS INTEGER)", i), fmt.Sprintf("?%d", i+1)
		pairs = append(pairs, "(t.seq, t.id) > ("+seq+", "+id+")", "(t.seq > "+seq+" OR t.seq = "+seq+" AND "+id+" = '')")
	}
	return pairs
}

func passOn(ctx context.Context, _ *fault, db store.DB, statements []abi.Statement) ([]abi.Result, error) {
	return db.Batch(ctx, statements)
}

func TestProjectSimulationFindsEveryFault(t *testing.T) {
	seeds := uint64(300)
	for name, m := range projectMutations {
		t.Run(name, func(t *testing.T) {
			db := faulty{wasmtest.OpenD1(t, store.Migrations()), &m}
			for seed := uint64(1); seed <= seeds; seed++ {
				if err := simulateProject(db, seed, &m); err != nil {
					if strings.Contains(err.Error(), "D1_ERROR") {
						t.Fatalf("the fault is no SQL: %v", err)
					}
					t.Logf("found by seed %d: %.300s", seed, fmt.Sprint(err))
					return
				}
			}
			t.Errorf("%d seeds did not find it", seeds)
		})
	}
}
