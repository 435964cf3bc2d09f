//go:build unix

package edge

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tidemark/shared/abi"
)

// withoutDescriptors runs do while the process may open no further file.
func withoutDescriptors(t *testing.T, do func()) {
	t.Helper()
	free, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	least := uint64(free.Fd()) // the next that the system gives
	free.Close()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: least, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}()
	do()
}

func TestAFileThatCannotBeOpenedForWantOfDescriptorsMayBeAskedForAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.sqlite")
	var err error
	withoutDescriptors(t, func() { _, err = openSQLite(path, false, 1, "PRAGMA journal_mode = WAL") })
	if !hasNoDescriptor(err) || hasNoSpace(err) || !abi.OpError(err.Error()).Passes() {
		t.Errorf("got %v, want an error that passes", err)
	}
}

func TestTheFilePoolClosesAFileForWantOfDescriptors(t *testing.T) {
	dir := t.TempDir()
	p := newFilePool(10, slog.New(slog.NewTextHandler(io.Discard, nil)))
	use := func(name string) error {
		f, err := p.use(filepath.Join(dir, name), name, func() (*sqliteConn, error) {
			return openSQLite(filepath.Join(dir, name), false, 1, "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL")
		})
		if err == nil {
			p.done(f)
		}
		return err
	}
	for _, name := range []string{"a", "b", "c"} {
		if err := use(name); err != nil {
			t.Fatal(err)
		}
	}
	withoutDescriptors(t, func() {
		if err := use("d"); err != nil {
			t.Error(err)
		}
	})
	if p.isOpen(filepath.Join(dir, "a")) || !p.isOpen(filepath.Join(dir, "d")) {
		t.Errorf("the least recently used file is open, or the new one is not: %d are", p.count())
	}
	if err := p.end((*sqliteConn).close); err != nil {
		t.Error(err)
	}
}

func TestD1ReadsByItsWriterForWantOfDescriptors(t *testing.T) {
	db, err := OpenD1(filepath.Join(t.TempDir(), "d1.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Batch(t.Context(), []abi.Statement{{SQL: "CREATE TABLE t (a)"}, {SQL: "INSERT INTO t VALUES (1)"}}); err != nil {
		t.Fatal(err)
	}
	var results []abi.Result
	withoutDescriptors(t, func() { results, err = db.Batch(t.Context(), []abi.Statement{{SQL: "SELECT a FROM t"}}) })
	if err != nil || len(results) != 1 || len(results[0].Rows) != 1 {
		t.Errorf("got %v, %v, want a row", results, err)
	}
}
