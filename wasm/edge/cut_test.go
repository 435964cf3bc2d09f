//go:build !js

package edge

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// An event uses the file while the backup ends that has begun to copy it.
func TestAnUnfinishedCopyEndsWithItsBackup(t *testing.T) { // B3
	data := t.TempDir()
	path := filepath.Join(data, "do", "Probe", "a.sqlite")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	p := newFilePool(1, slog.Default())
	use := func() *objectFile {
		t.Helper()
		f, err := p.use(path, "a", func() (*sqliteConn, error) { return openSQLite(path, false, 1, "CREATE TABLE IF NOT EXISTS t (n)") })
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	begin := func() *cut {
		t.Helper()
		c, err := p.begin(filepath.Join(data, "do"), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, next := range []func() *cut{func() *cut { return nil }, begin} {
		c := begin()
		f := use()
		var err error
		if f.copy, err = startCopy(f.db, c.target(path)); err != nil {
			t.Fatal(err)
		}
		p.done(f)
		if f = use(); f.copy == nil {
			t.Error("the copy of a backup that runs is gone")
		}
		p.endCut(c)
		later := next()
		p.done(f)
		if f = use(); f.copy != nil {
			t.Error("the copy of a backup that has ended is there")
		}
		p.done(f)
		if later != nil {
			p.endCut(later)
		}
	}
	if err := p.end((*sqliteConn).close); err != nil {
		t.Error(err)
	}
}
