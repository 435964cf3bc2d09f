//go:build !js

package edge

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/abi"
)

func openTest(t testing.TB, path string) *D1 {
	t.Helper()
	d, err := OpenD1(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func query(t testing.TB, d *D1, sql string, args ...any) abi.Result {
	t.Helper()
	results, err := d.Batch(context.Background(), []abi.Statement{{SQL: sql, Args: args}})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return results[0]
}

func TestValuesComeBackAsD1GivesThem(t *testing.T) {
	for _, path := range []string{":memory:", filepath.Join(t.TempDir(), "d1.sqlite")} {
		d := openTest(t, path)
		query(t, d, "CREATE TABLE t (a, i INTEGER, s TEXT)")
		args := []any{nil, 3, int64(4), 0.5, "é\x00x", abi.Text("t"), []byte{0, 255}, "", []byte{}}
		got := query(t, d, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, typeof(?2) AS k, 9007199254740993", args...)
		want := []any{nil, 3.0, 4.0, 0.5, abi.Text("é\x00x"), abi.Text("t"), []byte{0, 255}, abi.Text(""), []byte{},
			abi.Text("real"), 9007199254740992.0}
		if diff := cmp.Diff(want, got.Rows[0]); diff != "" {
			t.Error(path, diff)
		}
		if got.Columns[9] != "k" {
			t.Errorf("columns %q", got.Columns)
		}
		got = query(t, d, "INSERT INTO t VALUES (?1, ?1, ?1), (1, 2, 3) RETURNING typeof(a), typeof(i), s", 5)
		want = []any{abi.Text("real"), abi.Text("integer"), abi.Text("5.0")}
		if diff := cmp.Diff(want, got.Rows[0]); diff != "" || got.Changes != 2 {
			t.Error(path, diff, got.Changes)
		}
		if got = query(t, d, "SELECT * FROM t"); got.Changes != 0 || len(got.Rows) != 2 {
			t.Errorf("%s: select: %+v", path, got)
		}
		query(t, d, "ALTER TABLE t ADD COLUMN b")
		if got = query(t, d, "SELECT * FROM t"); len(got.Columns) != 4 || len(got.Rows[0]) != 4 {
			t.Errorf("%s: after another column: %+v", path, got)
		}
	}
}

func TestABatchIsATransaction(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "d1.sqlite")} {
		d := openTest(t, path)
		query(t, d, "CREATE TABLE t (id TEXT PRIMARY KEY)")
		_, err := d.Batch(context.Background(), []abi.Statement{
			{SQL: "INSERT INTO t VALUES ('a')"}, {SQL: "INSERT INTO t VALUES ('b')"}, {SQL: "INSERT INTO t VALUES ('a')"},
		})
		if want := "D1_ERROR: UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if got := query(t, d, "SELECT count(*) FROM t").Rows[0][0]; got != 0.0 {
			t.Errorf("%q: %v rows stayed", path, got)
		}
	}
}

func TestD1LimitsHold(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "d1.sqlite"))
	params := func(n int) abi.Statement {
		s := abi.Statement{Args: make([]any, n)}
		for i := range n {
			s.SQL += fmt.Sprintf(", ?%d", i+1)
		}
		s.SQL = "SELECT " + s.SQL[2:]
		return s
	}
	sql := func(text string, args ...any) abi.Statement { return abi.Statement{SQL: text, Args: args} }
	list := func(n int, item, sep string) string { return strings.TrimSuffix(strings.Repeat(item+sep, n), sep) }
	for _, c := range []struct {
		name string
		in   abi.Statement
		err  string // "" is none
	}{
		{"100 parameters", params(100), ""},
		{"101 parameters", params(101), "variable number must be between ?1 and ?100"},
		{"a value of 2 MB", sql("SELECT length(?1)", strings.Repeat("x", abi.MaxValueBytes)), ""},
		{"a value over 2 MB", sql("SELECT length(?1)", strings.Repeat("x", abi.MaxValueBytes+1)), "too big: SQLITE_TOOBIG"},
		{"a blob over 2 MB", sql("SELECT length(?1)", make([]byte, abi.MaxValueBytes+1)), "SQLITE_TOOBIG"},
		{"a statement of 100 KB", sql("SELECT 1 --" + strings.Repeat("x", abi.MaxSQLBytes-11)), ""},
		{"a statement over 100 KB", sql("SELECT 1 --" + strings.Repeat("x", abi.MaxSQLBytes)), "SQLITE_TOOBIG"},
		{"32 function arguments", sql("SELECT max(" + list(32, "1", ",") + ")"), ""},
		{"33 function arguments", sql("SELECT max(" + list(33, "1", ",") + ")"), "too many arguments on function max"},
		{"5 compound terms", sql(list(5, "SELECT 1", " UNION ")), ""},
		{"6 compound terms", sql(list(6, "SELECT 1", " UNION ")), "too many terms in compound SELECT"},
		{"too few arguments", sql("SELECT ?1, ?2", 1), "Wrong number of parameter bindings"},
		{"two statements", sql("SELECT 1; SELECT 2"), "must contain only one statement"},
		{"a trailing comment", sql("SELECT 1; -- one\n ; /* two */"), ""},
		{"no statement", sql(" -- nothing"), "did not contain a statement"},
		{"begin", sql("/* x */ begin"), "transaction"},
		{"rollback", sql("ROLLBACK"), "transaction"},
		{"savepoint", sql("SAVEPOINT s"), "transaction"},
		{"pragma", sql("PRAGMA journal_mode = DELETE"), "not authorized: SQLITE_AUTH"},
		{"attach", sql("ATTACH 'x' AS y"), "not authorized: SQLITE_AUTH"},
		{"an unknown table", sql("SELECT * FROM nope"), "D1_ERROR: no such table: nope: SQLITE_ERROR"},
		{"a write behind WITH", sql("WITH x AS (SELECT 1) INSERT INTO nope SELECT * FROM x"), "no such table: nope"},
	} {
		_, err := d.Batch(context.Background(), []abi.Statement{c.in})
		switch {
		case c.err == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: got %v, want %s", c.name, err, c.err)
		}
	}
}

func TestReadersSeeOneSnapshotBesideTheWriter(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "d1.sqlite"))
	query(t, d, "CREATE TABLE t (id INTEGER PRIMARY KEY, n REAL)")
	query(t, d, "INSERT INTO t VALUES (1, 0), (2, 0)")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				results, err := d.Batch(context.Background(), []abi.Statement{
					{SQL: "SELECT n FROM t WHERE id = 1"}, {SQL: "SELECT n FROM t WHERE id = 2"},
				})
				if err != nil {
					t.Error(err)
					return
				}
				if a, b := results[0].Rows[0][0], results[1].Rows[0][0]; a != b {
					t.Errorf("read %v and %v in one batch", a, b)
					return
				}
			}
		})
	}
	for range 200 {
		_, err := d.Batch(context.Background(), []abi.Statement{
			{SQL: "UPDATE t SET n = n + 1 WHERE id = 1"}, {SQL: "UPDATE t SET n = n + 1 WHERE id = 2"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	if got := query(t, d, "SELECT n FROM t").Rows[0][0]; got != 200.0 {
		t.Errorf("got %v", got)
	}
}

// A short read does not wait for long ones. Each long read holds a snapshot until
// the short one has ended.
func TestAShortReadRunsBesideLongOnes(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "d1.sqlite"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range runtime.NumCPU() + 1 {
		r, err := d.reader(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { d.readers <- r }()
		if err := r.exec(r.beginRead); err != nil {
			t.Fatal(err)
		}
		defer r.undo()
		if _, err := r.run(abi.Statement{SQL: "SELECT count(*) FROM sqlite_schema"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Batch(ctx, []abi.Statement{{SQL: "SELECT 1"}}); err != nil {
		t.Errorf("a short read beside long ones: %v", err)
	}
}

func TestMigrationsAreAppliedOnceInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d1.sqlite")
	dir := fstest.MapFS{
		"0002_b.sql": {Data: []byte("INSERT INTO t VALUES ('two; not three'); -- end")},
		"0001_a.sql": {Data: []byte("CREATE TABLE t (v);\nCREATE INDEX i ON t (v);" +
			strings.Repeat("DELETE FROM t;\n", abi.MaxSQLBytes/10))},
		"README.md": {Data: []byte("no")},
	}
	d := openTest(t, path)
	for _, want := range [][]string{{"0001_a.sql", "0002_b.sql"}, nil} {
		got, err := d.Migrate(dir)
		if err != nil || !cmp.Equal(want, got) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	dir["0003_c.sql"] = &fstest.MapFile{Data: []byte("INSERT INTO t VALUES (3); INSERT INTO nope VALUES (3);")}
	if got, err := d.Migrate(dir); err == nil || len(got) != 0 {
		t.Errorf("a broken migration: %q, %v", got, err)
	}
	if got := query(t, d, "SELECT count(*), group_concat(v) FROM t").Rows[0]; got[0] != 1.0 {
		t.Errorf("rows %v", got)
	}
	got := query(t, d, "SELECT id, name FROM d1_migrations ORDER BY id").Rows
	want := [][]any{{1.0, abi.Text("0001_a.sql")}, {2.0, abi.Text("0002_b.sql")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestACrashLosesNoCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d1.sqlite")
	d := openTest(t, path)
	query(t, d, "CREATE TABLE t (v)")
	query(t, d, "INSERT INTO t VALUES (?1)", bytes.Repeat([]byte{1}, 1000))
	d.Abandon()
	if _, err := d.Batch(context.Background(), []abi.Statement{{SQL: "SELECT 1"}}); err == nil {
		t.Error("a closed database answered")
	}
	if got := query(t, openTest(t, path), "SELECT length(v) FROM t").Rows[0][0]; got != 1000.0 {
		t.Errorf("got %v", got)
	}
}

func BenchmarkBatch(b *testing.B) {
	for _, path := range []string{":memory:", filepath.Join(b.TempDir(), "d1.sqlite")} {
		d := openTest(b, path)
		query(b, d, "CREATE TABLE t (id INTEGER PRIMARY KEY, n REAL)")
		for name, sql := range map[string]string{
			"write": "INSERT INTO t VALUES (1, 1) ON CONFLICT DO UPDATE SET n = n + 1",
			"read":  "SELECT n FROM t WHERE id = 1",
		} {
			b.Run(filepath.Base(path)+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					query(b, d, sql)
				}
			})
		}
	}
}
