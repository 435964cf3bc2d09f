//go:build !js

package edge

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

// A Reader reads the file of a database that no process writes. It changes nothing: neither the
// file, nor its log, nor the folder. One goroutine at a time may use it.
type Reader struct{ c *sqliteConn }

// OpenReader opens a file. The error is fs.ErrNotExist if there is none.
func OpenReader(file string) (*Reader, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	c, err := openUnchanged(file)
	if err != nil {
		return nil, err
	}
	return &Reader{c}, nil
}

// Exec runs queries on one snapshot.
func (r *Reader) Exec(statements ...abi.Statement) ([]abi.Result, error) {
	return r.c.transaction(r.c.beginRead, statements)
}

func (r *Reader) Close() error { return r.c.abandon() }

// openUnchanged opens a file to read it. SQLite makes a log and an index of it beside every
// file that has a log, but not beside one that it holds for immutable. It reads a log that
// is there without an index if nobody else can use the file: then no lock is needed, either.
func openUnchanged(file string) (*sqliteConn, error) {
	log, err := os.Stat(file + "-wal")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil && log.Size() > 0 {
		vfs := "unix-none"
		if runtime.GOOS == "windows" {
			vfs = "win32-none"
		}
		return openSQLiteBy(vfs, file, file, sqlite3.SQLITE_OPEN_READONLY, 1, "PRAGMA locking_mode = EXCLUSIVE")
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	place := url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(absolute), "/"), RawQuery: "immutable=1"}
	return openSQLiteBy("", place.String(), file, sqlite3.SQLITE_OPEN_READONLY|sqlite3.SQLITE_OPEN_URI, 1)
}
