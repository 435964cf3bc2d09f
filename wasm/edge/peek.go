//go:build !js

package edge

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

// Peek runs queries on the file of a database that no process uses. It changes nothing: neither
// the file, nor its log, nor the folder. The error is fs.ErrNotExist if there is no file.
func Peek(file string, queries ...string) ([]abi.Result, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	c, err := openUnchanged(file)
	if err != nil {
		return nil, err
	}
	defer c.abandon()
	statements := make([]abi.Statement, len(queries))
	for i, sql := range queries {
		statements[i].SQL = sql
	}
	results, err := c.transaction(c.beginRead, statements)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return results, nil
}

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
