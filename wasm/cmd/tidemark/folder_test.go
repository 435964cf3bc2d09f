//go:build !js

package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/spaces"
)

const checkout = "../../../wrangler.toml"

// filesOf returns what stands in each file of a folder, and when it was written.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.IsDir() {
			found[path] = "a folder"
			return err
		}
		text, err := os.ReadFile(path)
		found[path] = fmt.Sprintf("%x %v", sha256.Sum256(text), info.ModTime())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A written is the folder of a server of this version.
type written struct {
	*testing.T
	dir string
}

func newWritten(t *testing.T) *written {
	w := &written{t, filepath.Join(t.TempDir(), "data")}
	for _, dir := range []string{"d1", "do/YjsRoom", "do/Space"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.change("d1/DB.sqlite", func(db *edge.D1) error {
		_, err := db.Migrate(store.Migrations())
		return err
	})
	w.change("do/YjsRoom/a.sqlite", does(documents.Layouts().Create()...))
	w.change("do/Space/b.sqlite", does(spaces.Layouts().Create()...))
	if err := w.folder().claim(); err != nil {
		t.Fatal(err)
	}
	return w
}

func does(statements ...abi.Statement) func(*edge.D1) error {
	return func(db *edge.D1) error {
		_, err := on(db)(statements...)
		return err
	}
}

// change changes a database, and leaves the log beside the file, as a crash does.
func (w *written) change(name string, how func(*edge.D1) error) {
	w.Helper()
	file := filepath.Join(w.dir, name)
	db, err := edge.OpenD1(file)
	if err == nil {
		err = how(db)
	}
	var logged []byte
	if err == nil {
		logged, err = os.ReadFile(file + "-wal")
	}
	before, errFile := os.ReadFile(file)
	if err = errors.Join(err, errFile, db.Close()); err != nil {
		w.Fatal(err)
	}
	for name, text := range map[string][]byte{file: before, file + "-wal": logged} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			w.Fatal(err)
		}
	}
}

func (w *written) folder() *folder {
	config, err := readConfig(checkout)
	if err != nil {
		w.Fatal(err)
	}
	return &folder{w.dir, config, slog.New(slog.DiscardHandler)}
}

func (w *written) mark(m mark) {
	text, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, edge.MarkFile), text, 0o600)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// The command ends with an error that names what is there and what it knows, and changes nothing,
// nor does it add a file. F5.
func TestAFolderOfANewerReleaseIsRefusedUntouched(t *testing.T) {
	newest := lastMigration(store.Migrations())
	later := abi.Statement{SQL: "UPDATE layout SET version = 99"}
	for name, c := range map[string]struct {
		spoil func(w *written)
		want  []string
	}{
		"storage number": {
			func(w *written) { w.mark(mark{storageNumber + 1, "v99.1"}) },
			[]string{fmt.Sprintf("storage number %d of version v99.1", storageNumber+1), fmt.Sprintf("this version, %s, knows storage numbers up to %d", version, storageNumber)},
		},
		"no mark that can be read": {
			func(w *written) { w.mark(mark{0, ""}) }, []string{edge.MarkFile + " is invalid"},
		},
		"migration": {
			func(w *written) {
				w.change("d1/DB.sqlite", does(abi.Statement{SQL: "INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')"}))
			},
			[]string{"9999_later.sql", "the last one of this version, " + version + ", is " + newest},
		},
		"layout of a room": {
			func(w *written) { w.change("do/YjsRoom/a.sqlite", does(later)) },
			[]string{"a.sqlite", "number 99", fmt.Sprintf("layouts up to %d", len(documents.Layouts()))},
		},
		"layout of a space": {
			func(w *written) { w.change("do/Space/b.sqlite", does(later)) },
			[]string{"b.sqlite", "number 99", fmt.Sprintf("layouts up to %d", len(spaces.Layouts()))},
		},
		"layout, in a folder without a mark": {
			func(w *written) {
				w.change("do/Space/b.sqlite", does(later))
				os.Remove(filepath.Join(w.dir, edge.MarkFile))
			},
			[]string{"b.sqlite", "number 99"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWritten(t)
			if err := w.folder().check(); err != nil {
				t.Fatal(err)
			}
			c.spoil(w)
			before := filesOf(t, filepath.Dir(w.dir))
			err := run([]string{"serve", "--addr", "127.0.0.1:0", "--data", w.dir, "--config", checkout, "--wasm", "a file that is not there"})
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
			if after := filesOf(t, filepath.Dir(w.dir)); !maps.Equal(before, after) {
				t.Errorf("the folder was\n%v\nand is\n%v", before, after)
			}
		})
	}
}

// `tidemark tables migrate` in a checkout writes migrations that no release has.
func TestAMigrationOfTheOperatorsTablesIsNotNewer(t *testing.T) {
	w := newWritten(t)
	w.change("d1/DB.sqlite", does(abi.Statement{SQL: "INSERT INTO d1_migrations (name) VALUES ('0070_declared.sql')"}))
	if err := w.folder().check(); err != nil {
		t.Error(err)
	}
}

// A folder of the release before gets the mark of this one, and a folder with that mark stays. F5.
func TestAFolderIsMarkedOnce(t *testing.T) {
	w := newWritten(t)
	file := filepath.Join(w.dir, edge.MarkFile)
	for _, old := range []string{"", `{"storage":1,"version":"v0.1.0"}`} {
		os.Remove(file)
		if old != "" {
			w.mark(mark{1, "v0.1.0"})
		}
		f := w.folder()
		if err := f.check(); err != nil {
			t.Fatal(err)
		}
		if err := f.claim(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if want := fmt.Sprintf("{\"storage\":%d,\"version\":%q}\n", storageNumber, version); err != nil || string(got) != want {
			t.Errorf("after %q: got %q, %v, want %q", old, got, err, want)
		}
	}
	before := filesOf(t, w.dir)
	if err := w.folder().claim(); err != nil {
		t.Fatal(err)
	}
	if after := filesOf(t, w.dir); !maps.Equal(before, after) {
		t.Errorf("the folder was\n%v\nand is\n%v", before, after)
	}
	w.mark(mark{storageNumber + 1, "v99.1"}) // another server, between check and claim
	if err := w.folder().claim(); !errors.Is(err, errNewer) {
		t.Errorf("a newer mark: got %v", err)
	}
}

func TestTheObjectsThatChangedLastAreLookedAtFirst(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i, name := range []string{"a", "b", "c"} {
		names = append(names, filepath.Join(dir, name))
		at := time.Unix(int64(1000-i), 0)
		if err := errors.Join(os.WriteFile(names[i], nil, 0o600), os.Chtimes(names[i], at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(names[2]+"-wal", nil, 0o600); err != nil { // now
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(latest(names, 2)), fmt.Sprint([]string{names[2], names[0]}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := latest(names, 3); len(got) != 3 {
		t.Errorf("got %v of 3", got)
	}
}
