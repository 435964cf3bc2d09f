//go:build !js

package projects

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// quickless is a database on which the quick way to a page fails.
type quickless struct{ store.DB }

func (q quickless) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	for _, s := range statements {
		if strings.Contains(s.SQL, "AS lines") {
			return nil, errors.New("string or blob too big")
		}
	}
	return q.DB.Batch(ctx, statements)
}

// never is a database on which nothing may fail.
type never struct {
	store.DB
	t *testing.T
}

func (n never) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	results, err := n.DB.Batch(ctx, statements)
	if err != nil {
		n.t.Error(err)
	}
	return results, err
}

// cutting is a database whose answer to the quick way to a page lacks the last bytes.
type cutting struct {
	store.DB
	left int
}

func (c cutting) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	results, err := c.DB.Batch(ctx, statements)
	for i, s := range statements {
		if err == nil && strings.Contains(s.SQL, "AS lines") {
			text := store.Text(results[i], 0)
			results[i].Rows[0][0] = abi.Text(text[:len(text)-c.left])
		}
	}
	return results, err
}

func TestAPullFailsIfItsTextIsCut(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	_, err := db.Batch(background, []abi.Statement{
		{SQL: `INSERT INTO ProjectSequences (project_id, seq, drawn) VALUES ('p', 2, '')`},
		{SQL: `INSERT INTO Projects (id, project_id, name, status, archived, server_version, seq, created_seq) VALUES ('p', 'p', 'P', 'active', 1, 1, 1, 1)`},
		{SQL: `INSERT INTO ProjectMemberships (id, project_id, user_id, role, server_version, seq, created_seq) VALUES ('m1', 'p', 'o', 'Owner', 1, 1, 1)`},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := delta.Pull{Project: "p", PageRows: 10}
	whole, err := New(db, NewStatements()).Pull(background, "o", in, store.Budget{})
	if err != nil || !strings.Contains(string(whole), `"m1"`) {
		t.Fatalf("%s, %v", whole, err)
	}
	for _, left := range []int{1, 5, 40} {
		if got, err := New(cutting{db, left}, NewStatements()).Pull(background, "o", in, store.Budget{}); err == nil {
			t.Errorf("without the last %d bytes: %s", left, got)
		}
	}
}

func TestARowOfNoCollectionIsAnError(t *testing.T) {
	for _, text := range []string{`[10,1,"x"]`, `[-1,1,"x"]`, `["a",1,"x"]`, `[]`, `[5,1]`} {
		r := abi.Result{Rows: [][]any{{abi.Text(text)}}}
		if page, _, err := readDirectPage(r, 10); err == nil {
			t.Errorf("%s: %+v", text, page)
		}
	}
}

func TestPagesAreTheSameWithCare(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	_, err := db.Batch(background, []abi.Statement{
		{SQL: `INSERT INTO ProjectSequences (project_id, seq, drawn) VALUES ('p', 60, '')`},
		{SQL: `INSERT INTO Projects (id, project_id, name, status, archived, server_version, seq, created_seq) VALUES ('p', 'p', 'P "quoted"', 'active', 1, 1, 1, 1)`},
		{SQL: `INSERT INTO ProjectMemberships (id, project_id, user_id, role, server_version, seq, created_seq, deleted_version)
VALUES ('m1', 'p', 'o', 'Owner', 1, 1, 1, NULL), ('m2', 'p', 'gone', 'Viewer', 2, 50, 3, 2), ('m3', 'p', 'ü,]', 'Viewer', 2, 50, 3, NULL)`},
		{SQL: `INSERT INTO ProjectCalendars (id, project_id, name, working_days, hours_per_day, exceptions, server_version, seq, created_seq)
VALUES ('c', 'p', 'C', '[1,2]', 7.5, '["2026-01-01"]', 1, 20, 20)`},
		// Five rows share a number, and every seventh is dead.
		{SQL: `INSERT INTO ProjectTasks (id, project_id, name, status, percent_complete, duration_days, is_milestone, sort_order, notes, server_version, seq, created_seq, deleted_version)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
SELECT 't' || i, 'p', 'Task, ' || i, 'done', i, i / 4.0, i % 2, -i, char(10) || '"]', 1, 2 + i / 5, 2, iif(i % 7, NULL, 1) FROM n`},
		{SQL: `INSERT INTO ProjectDependencies (id, project_id, predecessor_id, successor_id, type, lag_days, server_version, seq, created_seq, deleted_version)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
SELECT 'd' || i, 'p', 't' || i, 't' || (i + 1), 'FS', 0, 1, 30 + i / 4, 30, iif(i % 5, NULL, 1) FROM n`},
	})
	if err != nil {
		t.Fatal(err)
	}
	quick, careful := New(never{db, t}, NewStatements()), New(quickless{db}, NewStatements())
	for _, since := range []int{0, 5, 33, 60} {
		for size := 1; size <= 90; size++ {
			in := delta.Pull{Project: "p", Since: project.Seq(since), PageRows: size}
			for rows := 0; ; {
				got, err := quick.Pull(background, "o", in, store.Budget{})
				want, wantErr := careful.Pull(background, "o", in, store.Budget{})
				if err != nil || wantErr != nil {
					t.Fatal(err, wantErr)
				}
				if string(got) != string(want) {
					t.Fatalf("since %d, pages of %d, after %d rows:\n%s\nwant\n%s", since, size, rows, got, want)
				}
				rows += size
				var page struct {
					Next *string `json:"next_cursor"`
				}
				if err := json.Unmarshal(got, &page); err != nil {
					t.Fatal(err)
				}
				if page.Next == nil {
					break
				}
				c, err := delta.ParseCursor(*page.Next)
				if err != nil {
					t.Fatal(err)
				}
				in.After = &c
			}
		}
	}
}

// counting counts the statements of a database.
type counting struct {
	store.DB
	batches int
}

func (c *counting) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	c.batches++
	return c.DB.Batch(ctx, statements)
}

// A page takes milliseconds of SQLite, and less memory only if it has to be read again.
func TestAFirstPullAsksOnceWhileOthersHoldMemory(t *testing.T) {
	db := &counting{DB: wasmtest.OpenD1(t, store.Migrations())}
	p := New(db, NewStatements())
	if _, err := p.CreateProject(background, "o", project.Row{ID: "p", Set: []project.Value{{Field: project.Find(project.Projects).Field("name"), Value: "P"}}}, "m"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DB.Batch(background, []abi.Statement{{SQL: `INSERT INTO ProjectTasks (id, project_id, name, status, percent_complete, is_milestone, sort_order, server_version, seq, created_seq)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
SELECT 't' || i, 'p', printf('%0100d', i), 'done', 0, 0, i, 1, 1, 1 FROM n`}}); err != nil {
		t.Fatal(err)
	}
	held := 0
	busy := store.Budget{
		Busy: func(context.Context) bool { return true },
		Hold: func(_ context.Context, bytes int) error { held = bytes; return nil },
	}
	pull := func(in delta.Pull) (batches int) {
		t.Helper()
		db.batches = 0
		if _, err := p.Pull(background, "o", in, busy); err != nil {
			t.Fatal(err)
		}
		return db.batches
	}
	whole := delta.Pull{Project: "p", PageRows: 5000}
	pull(whole)
	if n := pull(whole); n != 1 {
		t.Errorf("%d batches for a page that is as large as the last one", n)
	}
	if pull(delta.Pull{Project: "p", PageRows: 10}); held > store.GuessPage*pageTimes {
		t.Errorf("a page of ten rows holds %d bytes", held)
	}
	if pull(delta.Pull{Project: "p", PageRows: 5000, Since: 1}); held > store.GuessPage*pageTimes {
		t.Errorf("changes hold %d bytes", held)
	}
}
