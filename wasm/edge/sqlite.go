//go:build !js

package edge

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

// A sqliteConn is one connection to an SQLite file, with the limits of
// production D1 and Durable Objects. One goroutine at a time may use it.
type sqliteConn struct {
	tls     *libc.TLS
	db      uintptr
	path    string
	out     uintptr // two pointers that prepare writes to
	cache   statementCache
	pragmas map[string]*statement // that pragma has run

	begin, beginRead, commit, rollback *statement
	save, release, back                *statement // of the one savepoint

	progress func(*libc.TLS, uintptr) int32 // that SQLite calls; nil: none
}

// SQLError is an error of SQLite: "no such table: t: SQLITE_ERROR".
type SQLError struct {
	Code    int // SQLite's primary result code; 0 for an error of the host
	Message string
	Cause   syscall.Errno // of a file that SQLite could not open, read or write; 0: none
}

func (e *SQLError) Unwrap() error {
	if e.Cause == 0 {
		return nil
	}
	return e.Cause
}

func (e *SQLError) Error() string {
	if e.Code == 0 {
		return e.Message
	}
	return e.Message + ": " + codeName(e.Code)
}

const (
	outBytes       = 2 * unsafe.Sizeof(uintptr(0))
	busyMillis     = 10_000
	limitColumns   = 100 // Cloudflare docs, D1 limits
	limitLikeBytes = 50
	limitExprDepth = 100
	// maxLogLeft is how many bytes of log leave may leave: 32 pages. SQLite reads all of
	// it when it opens the file again.
	maxLogLeft = 32 * (pageBytes + 24)
	pageBytes  = 4096 // of all files, as SQLite makes them by itself
)

// openSQLite opens or creates a file; "" is a private database in memory. It runs
// the pragmas before it sets the limits.
func openSQLite(path string, readOnly bool, cached int, pragmas ...string) (*sqliteConn, error) {
	flags := int32(sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE)
	if readOnly {
		flags = sqlite3.SQLITE_OPEN_READONLY
	}
	if path == "" {
		path = ":memory:"
	}
	return openSQLiteBy("", path, path, flags, cached, pragmas...)
}

// openSQLiteBy is openSQLite by a VFS of SQLite, "" for the usual one. name is the path, or a
// URI if flags has SQLITE_OPEN_URI.
func openSQLiteBy(vfs, name, path string, flags int32, cached int, pragmas ...string) (*sqliteConn, error) {
	nameC, err := libc.CString(name)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(nil, nameC)
	vfsC := uintptr(0)
	if vfs != "" {
		if vfsC, err = libc.CString(vfs); err != nil {
			return nil, err
		}
		defer libc.Xfree(nil, vfsC)
	}
	c := &sqliteConn{
		tls: libc.NewTLS(), path: path, cache: statementCache{size: cached}, pragmas: map[string]*statement{},
		begin: command("BEGIN IMMEDIATE"), beginRead: command("BEGIN"), commit: command("COMMIT"), rollback: command("ROLLBACK"),
		save: command("SAVEPOINT s"), release: command("RELEASE s"), back: command("ROLLBACK TO s"),
	}
	if c.out = libc.Xmalloc(c.tls, libc.Tsize_t(outBytes)); c.out == 0 {
		c.tls.Close()
		return nil, errors.New("open: out of memory")
	}
	rc := sqlite3.Xsqlite3_open_v2(c.tls, nameC, c.out, flags|sqlite3.SQLITE_OPEN_NOMUTEX, vfsC)
	c.db = libc.AtomicLoadPUintptr(c.out)
	if rc != sqlite3.SQLITE_OK {
		err := fmt.Errorf("open %s: %w", path, c.fail(rc))
		c.close()
		return nil, err
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, busyMillis)
	c.dropLookaside()
	for _, p := range append([]string{"PRAGMA foreign_keys = ON"}, pragmas...) {
		if err := c.script(p); err != nil {
			c.close()
			return nil, fmt.Errorf("open %s: %s: %w", path, p, err)
		}
	}
	for id, n := range map[int32]int32{
		sqlite3.SQLITE_LIMIT_LENGTH:              abi.MaxValueBytes,
		sqlite3.SQLITE_LIMIT_SQL_LENGTH:          abi.MaxSQLBytes,
		sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER:     abi.MaxParams,
		sqlite3.SQLITE_LIMIT_FUNCTION_ARG:        abi.MaxFunctionArgs,
		sqlite3.SQLITE_LIMIT_COMPOUND_SELECT:     abi.MaxCompoundTerms,
		sqlite3.SQLITE_LIMIT_COLUMN:              limitColumns,
		sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: limitLikeBytes,
		sqlite3.SQLITE_LIMIT_EXPR_DEPTH:          limitExprDepth,
		sqlite3.SQLITE_LIMIT_ATTACHED:            0,
	} {
		sqlite3.Xsqlite3_limit(c.tls, c.db, id, n)
	}
	return c, nil
}

// dropLookaside gives up the 48 KB that each connection has for small blocks. Prepared statements
// would keep most of them, and all other blocks come from the allocator anyway.
func (c *sqliteConn) dropLookaside() {
	if args := libc.Xmalloc(c.tls, 4*8); args != 0 {
		sqlite3.Xsqlite3_db_config(c.tls, c.db, sqlite3.SQLITE_DBCONFIG_LOOKASIDE, libc.VaList(args, uintptr(0), int32(0), int32(0)))
		libc.Xfree(c.tls, args)
	}
}

// close closes the file, after SQLite has copied the log into it.
func (c *sqliteConn) close() error {
	if c.db == 0 {
		return nil
	}
	c.cache.clear(c)
	for _, s := range []*statement{c.begin, c.beginRead, c.commit, c.rollback, c.save, c.release, c.back} {
		c.finalize(s)
	}
	for _, s := range c.pragmas {
		c.finalize(s)
	}
	rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db)
	c.db = 0
	libc.Xfree(c.tls, c.out)
	c.tls.Close()
	if rc != sqlite3.SQLITE_OK {
		return &SQLError{Code: int(rc) & 0xff, Message: "close"}
	}
	return nil
}

// leave closes the file for some time. If the log is short, leave does not copy it into the
// file, because that waits for the disk several times. Commits stay as durable as they were.
func (c *sqliteConn) leave() error {
	if info, err := os.Stat(c.path + "-wal"); err == nil && info.Size() <= maxLogLeft {
		return c.abandon()
	}
	return c.close()
}

// abandon closes the file as a crash would. Commits in the log stay there; an open
// transaction is lost.
func (c *sqliteConn) abandon() error {
	if c.db == 0 {
		return nil
	}
	if args := libc.Xmalloc(c.tls, libc.Tsize_t(outBytes)); args != 0 {
		sqlite3.Xsqlite3_db_config(c.tls, c.db, sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
			libc.VaList(args, int32(1), uintptr(0)))
		libc.Xfree(c.tls, args)
	}
	return c.close()
}

// fail makes an error of a result code and the connection's message.
func (c *sqliteConn) fail(rc int32) error {
	message := ""
	if c.db != 0 {
		message = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	} else {
		message = libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	}
	e := &SQLError{Code: int(rc) & 0xff, Message: message}
	if c.db == 0 || e.Code != sqlite3.SQLITE_IOERR && e.Code != sqlite3.SQLITE_CANTOPEN {
		return e
	}
	e.Cause = syscall.Errno(sqlite3.Xsqlite3_system_errno(c.tls, c.db))
	switch {
	case hasNoSpace(e.Cause): // SQLite opened, grew or flushed a file
		e.Code, e.Message = sqlite3.SQLITE_FULL, libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, sqlite3.SQLITE_FULL))
	case hasNoDescriptor(e.Cause):
		e.Message = abi.NoDescriptor
	}
	return e
}

// transaction runs statements and commits. After an error it rolls back and
// returns that error.
func (c *sqliteConn) transaction(begin *statement, statements []abi.Statement) ([]abi.Result, error) {
	if err := c.exec(begin); err != nil {
		return nil, err
	}
	results, err := c.runAll(statements)
	if err == nil {
		err = c.exec(c.commit)
	}
	if err != nil {
		c.undo()
		return nil, err
	}
	return results, nil
}

// undo rolls back, unless SQLite has done so itself after a serious error.
func (c *sqliteConn) undo() {
	if c.inTransaction() {
		c.exec(c.rollback)
	}
}

// hasWritten reports whether a statement of the open transaction has begun to write.
func (c *sqliteConn) hasWritten() bool {
	return sqlite3.Xsqlite3_txn_state(c.tls, c.db, 0) == sqlite3.SQLITE_TXN_WRITE
}

func (c *sqliteConn) inTransaction() bool {
	return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0
}

// nested is transaction inside of an open one.
func (c *sqliteConn) nested(statements []abi.Statement) ([]abi.Result, error) {
	if len(statements) == 1 { // SQLite undoes a single one by itself
		return c.runAll(statements)
	}
	if err := c.exec(c.save); err != nil {
		return nil, err
	}
	results, err := c.runAll(statements)
	if err != nil && c.inTransaction() {
		c.exec(c.back)
		c.exec(c.release)
	} else if err == nil {
		err = c.exec(c.release)
	}
	return results, err
}

// trial runs statements inside an open transaction, and undoes them.
func (c *sqliteConn) trial(statements []abi.Statement) ([]abi.Result, error) {
	if err := c.exec(c.save); err != nil {
		return nil, err
	}
	results, err := c.runAll(statements)
	if !c.inTransaction() { // SQLite has rolled it back after a serious error
		return nil, err
	}
	if undone := c.exec(c.back); undone != nil {
		return nil, undone
	}
	if undone := c.exec(c.release); undone != nil {
		return nil, undone
	}
	return results, err
}

// rehearse is trial in a transaction of its own.
func (c *sqliteConn) rehearse(statements []abi.Statement) ([]abi.Result, error) {
	if err := c.exec(c.beginRead); err != nil {
		return nil, err
	}
	defer c.undo()
	return c.runAll(statements)
}

func (c *sqliteConn) runAll(statements []abi.Statement) ([]abi.Result, error) {
	results := make([]abi.Result, len(statements))
	for i, s := range statements {
		var err error
		if results[i], err = c.run(s); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// run runs one statement inside the open transaction.
func (c *sqliteConn) run(in abi.Statement) (abi.Result, error) {
	s, err := c.cached(in.SQL)
	if err != nil {
		return abi.Result{}, err
	}
	defer c.done(in.SQL, s)
	if len(in.Args) != s.params {
		return abi.Result{}, &SQLError{Message: "Wrong number of parameter bindings for SQL query."}
	}
	for i, arg := range in.Args {
		if err := c.bind(s, int32(i+1), arg); err != nil {
			return abi.Result{}, err
		}
	}
	before := sqlite3.Xsqlite3_total_changes64(c.tls, c.db)
	res := abi.Result{Columns: s.columns, Rows: [][]any{}}
	for {
		switch rc := sqlite3.Xsqlite3_step(c.tls, s.ptr); rc {
		case sqlite3.SQLITE_ROW:
			if len(res.Rows) == 0 {
				c.refresh(s)
				res.Columns = s.columns
			}
			row := make([]any, len(s.columns))
			for i := range row {
				row[i] = c.cell(s, int32(i))
			}
			res.Rows = append(res.Rows, row)
		case sqlite3.SQLITE_DONE:
			res.Changes = int(sqlite3.Xsqlite3_total_changes64(c.tls, c.db) - before)
			return res, nil
		default:
			return abi.Result{}, c.fail(rc)
		}
	}
}

// exec runs a statement that has no arguments and returns no rows.
func (c *sqliteConn) exec(s *statement) error {
	if s.ptr == 0 {
		prepared, _, err := c.prepare(s.command)
		if err != nil {
			return err
		}
		s.ptr = prepared.ptr
	}
	rc := sqlite3.Xsqlite3_step(c.tls, s.ptr)
	var err error
	if rc != sqlite3.SQLITE_DONE && rc != sqlite3.SQLITE_ROW {
		err = c.fail(rc)
	}
	sqlite3.Xsqlite3_reset(c.tls, s.ptr)
	return err
}

// pragma runs a pragma that returns one integer.
func (c *sqliteConn) pragma(sql string) (int64, error) {
	s := c.pragmas[sql]
	if s == nil {
		var err error
		if s, _, err = c.prepare(sql); err != nil {
			return 0, err
		}
		c.pragmas[sql] = s
	}
	defer sqlite3.Xsqlite3_reset(c.tls, s.ptr)
	if rc := sqlite3.Xsqlite3_step(c.tls, s.ptr); rc != sqlite3.SQLITE_ROW {
		return 0, c.fail(rc)
	}
	return sqlite3.Xsqlite3_column_int64(c.tls, s.ptr, 0), nil
}

// stored returns how many bytes the file has, without the pages that are free. It counts what
// the open transaction has written.
func (c *sqliteConn) stored() (int64, error) {
	pages, err := c.pragma("PRAGMA page_count")
	if err != nil {
		return 0, err
	}
	free, err := c.pragma("PRAGMA freelist_count")
	return (pages - free) * pageBytes, err
}

// script runs any number of statements, without a transaction of its own.
func (c *sqliteConn) script(sql string) error {
	for strings.TrimSpace(sql) != "" {
		s, rest, err := c.prepare(sql)
		if err != nil {
			return err
		}
		if s != nil {
			for err == nil {
				rc := sqlite3.Xsqlite3_step(c.tls, s.ptr)
				if rc == sqlite3.SQLITE_DONE {
					break
				}
				if rc != sqlite3.SQLITE_ROW {
					err = c.fail(rc)
				}
			}
			c.finalize(s)
			if err != nil {
				return err
			}
		}
		sql = rest
	}
	return nil
}

// bind gives parameter i its value. SQLite reads texts and blobs in place, so
// reset frees them.
func (c *sqliteConn) bind(s *statement, i int32, arg any) error {
	var rc int32
	switch v := arg.(type) {
	case nil:
		rc = sqlite3.Xsqlite3_bind_null(c.tls, s.ptr, i)
	case int:
		rc = sqlite3.Xsqlite3_bind_double(c.tls, s.ptr, i, float64(v))
	case int64:
		rc = sqlite3.Xsqlite3_bind_double(c.tls, s.ptr, i, float64(v))
	case float64:
		rc = sqlite3.Xsqlite3_bind_double(c.tls, s.ptr, i, v)
	case string:
		return c.bindBytes(s, i, v, true)
	case abi.Text:
		return c.bindBytes(s, i, unsafe.String(unsafe.SliceData(v), len(v)), true)
	case []byte:
		return c.bindBytes(s, i, unsafe.String(unsafe.SliceData(v), len(v)), false)
	default:
		return &SQLError{Message: fmt.Sprintf("Type '%T' not supported for value", v)}
	}
	if rc != sqlite3.SQLITE_OK {
		return c.fail(rc)
	}
	return nil
}

func (c *sqliteConn) bindBytes(s *statement, i int32, v string, text bool) error {
	if text && !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\uFFFD")
	}
	p := sqlMemory.malloc(len(v) + 1)
	if p == 0 {
		return c.fail(sqlite3.SQLITE_NOMEM)
	}
	copy(libc.GoBytes(p, len(v)), v)
	s.bound = append(s.bound, p)
	var rc int32
	if text {
		rc = sqlite3.Xsqlite3_bind_text(c.tls, s.ptr, i, p, int32(len(v)), 0)
	} else {
		rc = sqlite3.Xsqlite3_bind_blob(c.tls, s.ptr, i, p, int32(len(v)), 0)
	}
	if rc != sqlite3.SQLITE_OK {
		return c.fail(rc)
	}
	return nil
}

func (c *sqliteConn) cell(s *statement, i int32) any {
	switch sqlite3.Xsqlite3_column_type(c.tls, s.ptr, i) {
	case sqlite3.SQLITE_INTEGER, sqlite3.SQLITE_FLOAT:
		return sqlite3.Xsqlite3_column_double(c.tls, s.ptr, i)
	case sqlite3.SQLITE_TEXT:
		b := c.columnBytes(s, i, sqlite3.Xsqlite3_column_text(c.tls, s.ptr, i))
		if !utf8.Valid(b) {
			b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
		}
		return abi.Text(b)
	case sqlite3.SQLITE_BLOB:
		return c.columnBytes(s, i, sqlite3.Xsqlite3_column_blob(c.tls, s.ptr, i))
	}
	return nil
}

func (c *sqliteConn) columnBytes(s *statement, i int32, p uintptr) []byte {
	n := sqlite3.Xsqlite3_column_bytes(c.tls, s.ptr, i)
	if n == 0 {
		return []byte{}
	}
	return bytes.Clone(libc.GoBytes(p, int(n)))
}

// codeName is the name of a primary result code.
func codeName(code int) string {
	names := [...]string{
		"SQLITE_OK", "SQLITE_ERROR", "SQLITE_INTERNAL", "SQLITE_PERM", "SQLITE_ABORT", "SQLITE_BUSY",
		"SQLITE_LOCKED", "SQLITE_NOMEM", "SQLITE_READONLY", "SQLITE_INTERRUPT", "SQLITE_IOERR",
		"SQLITE_CORRUPT", "SQLITE_NOTFOUND", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_PROTOCOL",
		"SQLITE_EMPTY", "SQLITE_SCHEMA", "SQLITE_TOOBIG", "SQLITE_CONSTRAINT", "SQLITE_MISMATCH",
		"SQLITE_MISUSE", "SQLITE_NOLFS", "SQLITE_AUTH", "SQLITE_FORMAT", "SQLITE_RANGE", "SQLITE_NOTADB",
	}
	if code >= 0 && code < len(names) {
		return names[code]
	}
	return fmt.Sprintf("SQLITE_%d", code)
}
