//go:build !js

package edge

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"tidemark/shared/abi"
)

// What stands only in the log is read, too, and nothing in the folder changes. F5.
func TestAReaderChangesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder?")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "read.sqlite")
	if _, err := OpenReader(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	for rows, end := range []func(*sqliteConn) error{(*sqliteConn).close, (*sqliteConn).abandon} {
		c, err := openSQLite(file, false, 1, "PRAGMA journal_mode = WAL", "CREATE TABLE IF NOT EXISTS t (n)", "INSERT INTO t VALUES (1)")
		if err != nil {
			t.Fatal(err)
		}
		if err := end(c); err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)
		if got, want := countRows(t, file), float64(rows+1); got != want {
			t.Errorf("got %v rows, want %v", got, want)
		}
		if after := contents(t, dir); !maps.Equal(before, after) {
			t.Errorf("the folder had %q, and now has %q", before, after)
		}
	}
}

func countRows(t testing.TB, file string) any {
	r, err := OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	results, err := r.Exec(abi.Statement{SQL: "SELECT 1"}, abi.Statement{SQL: "SELECT count(*) FROM t"})
	if err != nil {
		t.Fatal(err)
	}
	return results[1].Rows[0][0]
}

// contents returns the text of each file of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		texts[e.Name()] = string(text)
	}
	return texts
}

func BenchmarkReader(b *testing.B) {
	file := filepath.Join(b.TempDir(), "read.sqlite")
	c, err := openSQLite(file, false, 1, "PRAGMA journal_mode = WAL", "CREATE TABLE t (n)", "INSERT INTO t VALUES (1)")
	if err != nil {
		b.Fatal(err)
	}
	for _, kind := range []string{"log", "none"} {
		if kind == "none" {
			c.close()
		}
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				countRows(b, file)
			}
		})
	}
}
