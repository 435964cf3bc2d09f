//go:build !js

package edge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"sort"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

// D1 is a database on an SQLite file that behaves like production D1. A batch is
// a transaction, every bound number is REAL, and D1's limits hold. Errors read
// "D1_ERROR: no such table: t: SQLITE_ERROR". Any number of goroutines may use
// it. There is one writer. Batches that only read run beside it, each on one
// snapshot.
// Cloudflare docs, D1: Workers binding API, limits.
type D1 struct {
	path     string
	writer   chan *sqliteConn // holds the one writer; empty while a batch uses it
	readers  chan *sqliteConn // holds idle readers; nil for a database in memory
	unopened chan struct{}    // holds one value for each reader that may still be opened
	mu       sync.Mutex
	closed   bool
}

// readersPerCPU is how many batches that only read may run at a time, for each
// processor. They share the processors, so a short batch does not wait for long ones.
const readersPerCPU = 8

const d1Cached = 128 // prepared statements per connection

var errClosed = errors.New("D1_ERROR: the database is closed")

// OpenD1 opens or creates the file; ":memory:" and "" are a private database
// in memory.
func OpenD1(path string) (*D1, error) {
	if path == ":memory:" {
		path = ""
	}
	// A commit is on the disk before Batch returns.
	w, err := openSQLite(path, false, d1Cached, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
	if err != nil {
		return nil, err
	}
	d := &D1{path: path, writer: make(chan *sqliteConn, 1)}
	d.writer <- w
	if path != "" {
		n := readersPerCPU * runtime.NumCPU()
		d.readers, d.unopened = make(chan *sqliteConn, n), make(chan struct{}, n)
		for range n {
			d.unopened <- struct{}{}
		}
	}
	return d, nil
}

// Close waits for the batches that run and closes the file.
func (d *D1) Close() error { return d.end((*sqliteConn).close) }

func (d *D1) end(closeConn func(*sqliteConn) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	for range cap(d.readers) {
		select {
		case <-d.unopened:
		case r := <-d.readers:
			closeConn(r)
		}
	}
	if d.readers != nil {
		close(d.readers)
	}
	err := closeConn(<-d.writer)
	close(d.writer)
	return err
}

// Batch runs the statements as one transaction: all of them or, after an
// error, none. The caller owns the results.
func (d *D1) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if len(statements) == 0 {
		return nil, errors.New("D1_ERROR: no SQL statements detected")
	}
	results, err := d.batch(ctx, statements)
	var refused *SQLError
	if errors.As(err, &refused) {
		return nil, fmt.Errorf("D1_ERROR: %w", refused)
	}
	return results, err
}

func (d *D1) batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if d.readers != nil && mayOnlyRead(statements) {
		results, done, err := d.read(ctx, statements)
		if done || err != nil {
			return results, err
		}
	}
	w, err := borrow(ctx, d.writer)
	if err != nil {
		return nil, err
	}
	defer func() { d.writer <- w }()
	return w.transaction(w.begin, statements)
}

// read runs statements on a reader, or returns false if one of them writes.
func (d *D1) read(ctx context.Context, statements []abi.Statement) (_ []abi.Result, done bool, err error) {
	r, err := d.reader(ctx)
	if hasNoDescriptor(err) { // the writer can read, too
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer func() { d.readers <- r }()
	for _, s := range statements {
		prepared, err := r.cached(s.SQL)
		if err != nil {
			return nil, false, err
		}
		if !prepared.readOnly {
			return nil, false, nil
		}
	}
	results, err := r.transaction(r.beginRead, statements)
	return results, true, err
}

// reader returns an idle reader, opens one if there is none, or waits for one.
func (d *D1) reader(ctx context.Context) (*sqliteConn, error) {
	select {
	case r, ok := <-d.readers:
		if !ok {
			return nil, errClosed
		}
		return r, nil
	default:
	}
	select {
	case r, ok := <-d.readers:
		if !ok {
			return nil, errClosed
		}
		return r, nil
	case <-d.unopened:
		r, err := openSQLite(d.path, true, d1Cached)
		if err != nil {
			d.unopened <- struct{}{}
		}
		return r, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func borrow(ctx context.Context, from chan *sqliteConn) (*sqliteConn, error) {
	select {
	case c, ok := <-from:
		if !ok {
			return nil, errClosed
		}
		return c, nil
	default:
	}
	select {
	case c, ok := <-from:
		if !ok {
			return nil, errClosed
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// mayOnlyRead reports whether the first words of all statements are those of
// reads. SQLite decides whether they do read only.
func mayOnlyRead(statements []abi.Statement) bool {
	for _, s := range statements {
		switch keyword(s.SQL) {
		case "SELECT", "WITH", "VALUES", "EXPLAIN":
		default:
			return false
		}
	}
	return true
}

var migrationName = regexp.MustCompile(`^[0-9]+.*\.sql$`)

// Migrate applies the migrations NNNN_name.sql of dir that the database has
// not seen, in order, each as one transaction, and records them in
// d1_migrations as wrangler does. It returns the names that it applied.
func (d *D1) Migrate(dir fs.FS) (applied []string, err error) {
	names, err := migrations(dir)
	if err != nil {
		return nil, err
	}
	w, err := borrow(context.Background(), d.writer)
	if err != nil {
		return nil, err
	}
	defer func() { d.writer <- w }()
	err = w.script(`CREATE TABLE IF NOT EXISTS d1_migrations(
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		name TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
	)`)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	for _, name := range names {
		seen, err := w.run(abi.Statement{SQL: "SELECT 1 FROM d1_migrations WHERE name = ?1", Args: []any{name}})
		if err != nil {
			return applied, fmt.Errorf("migrate: %w", err)
		}
		if len(seen.Rows) > 0 {
			continue
		}
		sql, err := fs.ReadFile(dir, name)
		if err != nil {
			return applied, fmt.Errorf("migrate: %w", err)
		}
		if err := w.migrate(name, string(sql)); err != nil {
			return applied, fmt.Errorf("migrate: %s: %w", name, err)
		}
		applied = append(applied, name)
	}
	return applied, nil
}

func (c *sqliteConn) migrate(name, sql string) error {
	// The limit is for one statement, and here SQLite gets all of them at once.
	sqlite3.Xsqlite3_limit(c.tls, c.db, sqlite3.SQLITE_LIMIT_SQL_LENGTH, max(abi.MaxSQLBytes, int32(len(sql)+1)))
	defer sqlite3.Xsqlite3_limit(c.tls, c.db, sqlite3.SQLITE_LIMIT_SQL_LENGTH, abi.MaxSQLBytes)
	if err := c.exec(c.begin); err != nil {
		return err
	}
	err := c.script(sql)
	if err == nil {
		_, err = c.run(abi.Statement{SQL: "INSERT INTO d1_migrations (name) VALUES (?1)", Args: []any{name}})
	}
	if err == nil {
		err = c.exec(c.commit)
	}
	if err != nil {
		c.undo()
	}
	return err
}

func migrations(dir fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name := path.Base(e.Name()); !e.IsDir() && migrationName.MatchString(name) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names, nil
}
