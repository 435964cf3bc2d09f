//go:build !js

package edge

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// The second server waits for the first to end, as in a restart, then gives up.
func TestASecondServerOnAFolderTouchesNothing(t *testing.T) {
	t.Parallel() // it waits for 10 seconds
	dir, data := t.TempDir(), t.TempDir()
	migration := func(name, sql string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(sql), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := ParseConfig([]byte("[[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = \".\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	c.Dir = dir
	migration("0001_first.sql", "CREATE TABLE first (n)")
	w, err := Open(Options{Config: c, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close(t.Context())
	migration("0002_second.sql", "CREATE TABLE second (n)")
	second, err := Open(Options{Config: c, Data: data})
	if err == nil {
		second.Close(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "another server uses this folder") {
		t.Errorf("got %v", err)
	}
	got := query(t, w.D1("DB"), "SELECT count(*) FROM sqlite_schema WHERE name = 'second'")
	if got.Rows[0][0] != 0.0 {
		t.Error("the second server has migrated the database of the first")
	}
}

// The program that runs a guest may change the migrations of a database, and may end the start
// after them.
func TestMigrationsMayBeOthersAndMayEndTheStart(t *testing.T) {
	c, err := ParseConfig([]byte("[[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = \".\"\n[[d1_databases]]\nbinding = \"OTHER\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	c.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(c.Dir, "0001_first.sql"), []byte("CREATE TABLE first (n)"), 0o644); err != nil {
		t.Fatal(err)
	}
	data, refusal := t.TempDir(), errors.New("refused")
	var heard []string
	for _, want := range []error{refusal, nil} { // the second start finds the folder free
		w, err := Open(Options{
			Config: c, Data: data,
			Migrations: func(binding string, db *D1, dir fs.FS) (fs.FS, error) {
				text, err := fs.ReadFile(dir, "0001_first.sql")
				return fstest.MapFS{"0001_first.sql": {Data: append(text, "; CREATE TABLE second (n)"...)}}, err
			},
			Migrated: func(binding string, db *D1) error {
				heard = append(heard, binding)
				if binding != "DB" {
					return nil
				}
				query(t, db, "SELECT count(*) FROM first, second")
				return want
			},
		})
		if err == nil {
			err = w.Close(t.Context())
		}
		if err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if got := strings.Join(heard, " "); got != "DB DB OTHER" {
		t.Errorf("heard of %s", got)
	}
}

func TestAlarmsThatAreMalformedAreAnError(t *testing.T) {
	alarms, err := openAlarmIndex(filepath.Join(t.TempDir(), "alarms.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer alarms.end((*sqliteConn).close)
	if _, err := alarms.run("INSERT INTO alarms VALUES ('C', x'00', 1, 0)"); err != nil {
		t.Fatal(err)
	}
	err = alarms.each(func(key objectKey, _ float64, _ int) { t.Errorf("an alarm of %v", key) })
	if err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("got %v", err)
	}
}
