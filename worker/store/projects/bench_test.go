//go:build !js

package projects

import (
	"fmt"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// bigProject is a project of 10,000 tasks and 15,000 dependencies.
func bigProject(b *testing.B) (*wasmtest.D1, *Store) {
	b.Helper()
	db := wasmtest.OpenD1(b, store.Migrations())
	p := New(db, NewStatements())
	if _, err := p.CreateProject(background, "o", project.Row{ID: "p", Set: []project.Value{{Field: project.Find(project.Projects).Field("name"), Value: "P"}}}, "m"); err != nil {
		b.Fatal(err)
	}
	_, err := db.Batch(background, []abi.Statement{
		{SQL: `INSERT INTO ProjectTasks (id, project_id, name, description, status, percent_complete, planned_start, duration_days, is_milestone, sort_order, notes, server_version, seq, created_seq)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT printf('%036d', i), 'p', 'Task number ' || i, 'What is to be done, in a sentence or two', 'in_progress', i % 101, '2026-03-01', 5, 0, i, NULL, 3, 1 + i, 1 + i FROM n`},
		{SQL: `INSERT INTO ProjectDependencies (id, project_id, predecessor_id, successor_id, type, lag_days, server_version, seq, created_seq)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 14999)
SELECT printf('d%035d', i), 'p', printf('%036d', 1 + i % 7500), printf('%036d', 2 + i % 7500 + i / 7500), 'FS', 0, 1, 10002 + i, 10002 + i FROM n`},
		{SQL: `UPDATE ProjectSequences SET seq = 30000`},
	})
	if err != nil {
		b.Fatal(err)
	}
	return db, p
}

func BenchmarkProjectColdPull(b *testing.B) {
	_, p := bigProject(b)
	for _, size := range []int{1000, 5000} {
		b.Run(fmt.Sprint("pages_of_", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bytes := 0
				in := delta.Pull{Project: "p", PageRows: size}
				r := newReader("o")
				for done := false; !done; {
					answer, err := p.Pull(background, "o", in, store.Budget{})
					if err != nil {
						b.Fatal(err)
					}
					bytes += len(answer)
					b.StopTimer()
					if done, err = r.apply(answer); err != nil {
						b.Fatal(err)
					}
					if !done {
						c, err := delta.ParseCursor(r.cursor)
						if err != nil {
							b.Fatal(err)
						}
						in.After = &c
					}
					b.StartTimer()
				}
				b.SetBytes(int64(bytes))
				if len(r.rows["tasks"]) != 10_000 || len(r.rows["dependencies"]) != 15_000 {
					b.Fatal(len(r.rows["tasks"]), len(r.rows["dependencies"]))
				}
			}
		})
	}
}

func BenchmarkProjectDeltaOf10(b *testing.B) {
	db, p := bigProject(b)
	if _, err := db.Batch(background, []abi.Statement{
		{SQL: `UPDATE ProjectTasks SET seq = 30001 WHERE id > printf('%036d', 9990)`}, {SQL: `UPDATE ProjectSequences SET seq = 30001`},
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Pull(background, "o", delta.Pull{Project: "p", Since: 30_000, PageRows: 1000}, store.Budget{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProjectUploadOf500(b *testing.B) {
	_, p := bigProject(b)
	name := project.Find(project.Tasks).Field("name")
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		in := &delta.Upload{BatchID: fmt.Sprint(n)}
		for i := range 250 {
			set := []project.Value{{Field: name, Value: fmt.Sprint("Task ", n, i)}}
			in.Created = append(in.Created, project.Row{ID: fmt.Sprintf("n%d.%d", n, i), Set: set})
			in.Updated = append(in.Updated, project.Row{ID: fmt.Sprintf("%036d", 1+i), Base: 0, Set: set})
		}
		if _, err := p.Upload(background, time.UnixMilli(1_700_000_000_000), Key{Project: "p", Caller: "o"}, in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProjectPatch(b *testing.B) {
	_, p := bigProject(b)
	row := project.Row{ID: fmt.Sprintf("%036d", 5), Base: 3, Set: []project.Value{{Field: project.Find(project.Tasks).Field("percent_complete"), Value: 7.0}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Patch(background, Key{Project: "p", Caller: "o"}, project.Tasks, row); err != nil {
			b.Fatal(err)
		}
	}
}
