//go:build !js

package projects

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/project"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// A fault is what the store does wrong.
type fault struct {
	// change takes a rule out.
	change func(*rules)
	// splits says that a page's mark is read after its rows.
	splits bool
	// remark says that every page of a pull computes the mark anew.
	remark bool
	// between lets somebody write; the simulation sets it.
	between func() error
}

// A splitDB runs the rows of a page and its mark as two transactions.
type splitDB struct {
	store.DB
	*fault
}

func (d splitDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if len(statements) != 2 || !strings.Contains(statements[1].SQL, "AS lines") {
		return d.DB.Batch(ctx, statements)
	}
	rows, err := d.DB.Batch(ctx, statements[1:])
	if err != nil {
		return nil, err
	}
	if err := d.between(); err != nil {
		return nil, err
	}
	access, err := d.DB.Batch(ctx, statements[:1])
	return append(access, rows...), err
}

// greatestVersion is the maximum of server_version over the project.
func greatestVersion() string {
	var terms []string
	for _, c := range project.Collections {
		terms = append(terms, "SELECT max(server_version) AS v FROM "+c.Table+" WHERE project_id = ?1")
	}
	return "(SELECT max(v) FROM (" + strings.Join(terms, " UNION ALL ") + "))"
}

// faults are what the simulation has to find.
var faults = map[string]fault{
	"the cursor is server_version": {change: func(r *rules) {
		r.cursor, r.beyond = "t.server_version", "(t.server_version, t.id) > ($seq, $id)"
		r.mark = "coalesce(" + greatestVersion() + ", 0)"
	}},
	"the mark is read after the rows":           {splits: true},
	"the mark is computed again for each page":  {remark: true},
	"the mark is beyond the rows":               {change: func(r *rules) { r.mark = strings.Replace(r.mark, "SELECT seq", "SELECT seq + 1", 1) }},
	"a cascade to dependencies draws no number": {change: func(r *rules) { r.stampDependencies = "seq" }},
	"a cascade to subtasks draws no number":     {change: func(r *rules) { r.stampSubtasks = "iif(id IN (SELECT id FROM rows), " + batchSeq + ", seq)" }},
	"a change draws no number":                  {change: func(r *rules) { r.stamp = "t.seq" }},
	"an update is lost":                         {change: func(r *rules) { r.version = "2" }},
	"a retry of an upload is not known": {change: func(r *rules) {
		r.known, r.notKnown, r.keepAnswer = " AND 0", "?6 IS NOT NULL", "INSERT OR REPLACE"
	}},
	"dependencies may close a cycle": {change: func(r *rules) { r.reaches = "0 AND id = " }},
	"a tombstone is not sent":        {change: func(r *rules) { r.sent = " AND t.deleted_version IS NULL" }},
	"a page forgets what shares the number of its last row": {change: func(r *rules) {
		r.beyond = "(t.seq > $seq OR t.seq = $seq AND $id = '')"
	}},
}

func TestTheSimulationFindsEveryFault(t *testing.T) {
	seeds := uint64(300)
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			changed := standard
			if f.change != nil {
				f.change(&changed)
			}
			var db store.DB = wasmtest.OpenD1(t, store.Migrations())
			if f.splits {
				db = splitDB{db, &f}
			}
			statements := newStatements(&changed)
			for seed := uint64(1); seed <= seeds; seed++ {
				if err := simulateProject(db, statements, seed, &f); err != nil {
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
