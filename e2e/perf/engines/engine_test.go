package engines

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/api/dialect"
	"tidemark/worker/store"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
)

var background, noon = context.Background(), time.UnixMilli(1_700_000_000_000)

// A recorder notes the batches that a store asks for, and their results come from modernc.
type recorder struct {
	modernc
	batches [][]abi.Statement
}

func (r *recorder) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	kept := slices.Clone(statements)
	for i := range kept {
		kept[i].SQL, kept[i].Args = strings.Clone(kept[i].SQL), slices.Clone(kept[i].Args)
		for a, arg := range kept[i].Args {
			if text, ok := arg.(abi.Text); ok {
				kept[i].Args[a] = slices.Clone(text)
			}
		}
	}
	r.batches = append(r.batches, kept)
	return r.D1.Batch(ctx, statements)
}

// A work is the batches of a store: those that fill a database, and those of each operation.
type work struct {
	setup      [][]abi.Statement
	operations [][][]abi.Statement
}

// recordWork notes what a store does. fill fills the database, and returns the n-th operation.
func recordWork(b *testing.B, operations int, fill func(store.DB) func(n int) error) *work {
	engine, err := openModernc()
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	r := &recorder{modernc: engine.(modernc)}
	operation := fill(r)
	w := &work{setup: r.batches}
	for n := range operations {
		r.batches = nil
		if err := operation(n); err != nil {
			b.Fatal(err)
		}
		w.operations = append(w.operations, r.batches)
	}
	return w
}

// run measures the operations of each engine. Those that write are not repeated: when all were
// done, the database is made anew.
func (w *work) run(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(Engines)) {
		b.Run(name, func(b *testing.B) {
			var e Engine
			next := len(w.operations)
			fresh := func() {
				if e != nil {
					e.Close()
				}
				var err error
				if e, err = Engines[name](); err != nil {
					b.Fatal(err)
				}
				replay(b, e, w.setup)
				replay(b, e, w.operations[0]) // compiles the statements
				next = 1
			}
			for b.Loop() {
				if next == len(w.operations) {
					b.StopTimer()
					fresh()
					b.StartTimer()
				}
				replay(b, e, w.operations[next])
				next++
			}
			e.Close()
		})
	}
}

func replay(b *testing.B, e Engine, batches [][]abi.Statement) {
	for _, batch := range batches {
		if err := e.Batch(batch); err != nil {
			b.Fatal(err)
		}
	}
}

// customers is a push of n rows.
func customers(n, from int) []byte {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"c%015d","_status":"created","_changed":"","contact_name":"Contact %[1]d","company_name":"Company %[1]d","notes":"Some notes about customer number %[1]d","created_at":%[2]d,"updated_at":%[2]d}`,
			from+i, noon.UnixMilli())
	}
	return fmt.Appendf(nil, `{"changes":{"customers":{"created":[%s],"updated":[],"deleted":[]},"products":{"created":[],"updated":[],"deleted":[]}},"lastPulledAt":%d}`, b.String(), noon.UnixMilli())
}

func rowsIn(db store.DB) *dialect.Watermelon {
	limits := watermelon.DefaultLimits()
	return &dialect.Watermelon{Records: records.New(db, records.NewStatements(record.Default(), limits.PullBytes)), Schema: record.Default(), Limits: limits}
}

func push(rows *dialect.Watermelon, n, from int) error {
	_, _, err := rows.Push(background, noon, record.Caller{}, customers(n, from))
	return err
}

func benchmarkPush(b *testing.B, n int) {
	recordWork(b, 40, func(db store.DB) func(int) error {
		rows := rowsIn(db)
		return func(at int) error { return push(rows, n, at*n) }
	}).run(b)
}

func BenchmarkPush1(b *testing.B)    { benchmarkPush(b, 1) }
func BenchmarkPush1000(b *testing.B) { benchmarkPush(b, 1000) }

func benchmarkPull(b *testing.B, input string) {
	recordWork(b, 40, func(db store.DB) func(int) error {
		rows := rowsIn(db)
		for i := range 10 {
			if err := push(rows, 1000, i*1000); err != nil {
				b.Fatal(err)
			}
		}
		return func(int) error {
			_, _, err := rows.Pull(background, record.Caller{}, []byte(input), store.Budget{})
			return err
		}
	}).run(b)
}

func BenchmarkFirstPull10000(b *testing.B)  { benchmarkPull(b, "") }
func BenchmarkPage1000In10000(b *testing.B) { benchmarkPull(b, `{"limit":1000}`) }

// bigProject is a project of 10,000 tasks and 15,000 dependencies.
func bigProject(b *testing.B, db store.DB) *projects.Store {
	p := projects.New(db, projects.NewStatements())
	name := project.Find(project.Projects).Field("name")
	if _, err := p.CreateProject(background, "o", project.Row{ID: "p", Set: []project.Value{{Field: name, Value: "P"}}}, "m"); err != nil {
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
	return p
}

func BenchmarkProjectPage5000(b *testing.B) {
	recordWork(b, 40, func(db store.DB) func(int) error {
		p := bigProject(b, db)
		return func(int) error {
			_, err := p.Pull(background, "o", delta.Pull{Project: "p", PageRows: 5000}, store.Budget{})
			return err
		}
	}).run(b)
}

func BenchmarkProjectUpload500(b *testing.B) {
	name := project.Find(project.Tasks).Field("name")
	recordWork(b, 40, func(db store.DB) func(int) error {
		p := bigProject(b, db)
		return func(n int) error {
			in := &delta.Upload{BatchID: fmt.Sprint(n)}
			for i := range 250 {
				set := []project.Value{{Field: name, Value: fmt.Sprint("Task ", n, i)}}
				in.Created = append(in.Created, project.Row{ID: fmt.Sprintf("n%d.%d", n, i), Set: set})
				in.Updated = append(in.Updated, project.Row{ID: fmt.Sprintf("%036d", 1+i), Set: set})
			}
			_, err := p.Upload(background, noon, projects.Key{Project: "p", Caller: "o"}, in)
			return err
		}
	}).run(b)
}

// BenchmarkOpen also reports the memory of an open database, as the system counts it.
func BenchmarkOpen(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(Engines)) {
		b.Run(name, func(b *testing.B) {
			var open []Engine
			before := resident(b)
			for b.Loop() {
				e, err := Engines[name]()
				if err != nil {
					b.Fatal(err)
				}
				open = append(open, e)
			}
			b.ReportMetric((resident(b)-before)/float64(len(open)), "KB/database")
			for _, e := range open {
				e.Close()
			}
		})
	}
}

// resident is the resident memory of the process in KB, after the garbage is gone.
func resident(b *testing.B) float64 {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	_, line, _ := strings.Cut(string(status), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(line, &kb); err != nil {
		b.Fatal(err)
	}
	return kb
}
