//go:build !js

package edge

import (
	"container/list"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

// A statement is one prepared SQL statement of a connection.
type statement struct {
	ptr      uintptr // 0: not prepared
	command  string  // exec prepares it at the first run; "": it is prepared
	params   int
	columns  []string
	readOnly bool
	once     bool      // it changes the schema, and so runs once in the life of a file
	compiled int32     // SQLite's count of its recompilations
	bound    []uintptr // texts and blobs to free at reset
}

// command returns a statement that manages transactions. Many files never need most of them.
func command(sql string) *statement { return &statement{command: sql} }

// prepare compiles the first statement of sql and returns the text after it. The
// statement is nil if sql holds only white space or a comment.
func (c *sqliteConn) prepare(sql string) (*statement, string, error) {
	p, err := libc.CString(sql)
	if err != nil {
		return nil, "", err
	}
	defer libc.Xfree(c.tls, p)
	tailAt := c.out + outBytes/2
	if rc := sqlite3.Xsqlite3_prepare_v2(c.tls, c.db, p, int32(len(sql)+1), c.out, tailAt); rc != sqlite3.SQLITE_OK {
		return nil, "", c.fail(rc)
	}
	rest := sql[min(int(libc.AtomicLoadPUintptr(tailAt)-p), len(sql)):]
	ptr := libc.AtomicLoadPUintptr(c.out)
	if ptr == 0 {
		return nil, rest, nil
	}
	s := &statement{
		ptr:      ptr,
		params:   int(sqlite3.Xsqlite3_bind_parameter_count(c.tls, ptr)),
		readOnly: sqlite3.Xsqlite3_stmt_readonly(c.tls, ptr) != 0,
	}
	c.nameColumns(s)
	return s, rest, nil
}

func (c *sqliteConn) nameColumns(s *statement) {
	s.columns = nil
	for i := range sqlite3.Xsqlite3_column_count(c.tls, s.ptr) {
		s.columns = append(s.columns, libc.GoString(sqlite3.Xsqlite3_column_name(c.tls, s.ptr, i)))
	}
}

// refresh reads the column names again if SQLite has recompiled the statement.
// SQLite does that when the schema has changed.
func (c *sqliteConn) refresh(s *statement) {
	if n := sqlite3.Xsqlite3_stmt_status(c.tls, s.ptr, sqlite3.SQLITE_STMTSTATUS_REPREPARE, 0); n != s.compiled {
		s.compiled = n
		c.nameColumns(s)
	}
}

// reset makes the statement ready for its next run.
func (c *sqliteConn) reset(s *statement) {
	sqlite3.Xsqlite3_reset(c.tls, s.ptr)
	if s.params > 0 {
		sqlite3.Xsqlite3_clear_bindings(c.tls, s.ptr)
	}
	for _, p := range s.bound {
		sqlMemory.free(p)
	}
	s.bound = s.bound[:0]
}

// done ends a run of the statement of sql.
func (c *sqliteConn) done(sql string, s *statement) {
	c.reset(s)
	if s.once {
		c.cache.drop(c, c.cache.bySQL[sql])
	}
}

func (c *sqliteConn) finalize(s *statement) {
	sqlite3.Xsqlite3_finalize(c.tls, s.ptr)
	s.ptr = 0
}

// onlyReads reports whether no statement writes. It is false if one cannot be prepared.
func (c *sqliteConn) onlyReads(statements []abi.Statement) bool {
	for _, in := range statements {
		if s, err := c.cached(in.SQL); err != nil || !s.readOnly {
			return false
		}
	}
	return true
}

// cached returns the prepared statement of sql, which must be one statement. It
// rejects statements that manage transactions, connections or files. Cloudflare
// docs, D1 SQL statements; the texts are workerd's.
func (c *sqliteConn) cached(sql string) (*statement, error) {
	if s := c.cache.get(sql); s != nil {
		return s, nil
	}
	word := keyword(sql)
	switch word {
	case "BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE":
		return nil, &SQLError{Message: "To execute a transaction, please use the batch() API instead of the SQL " +
			"BEGIN TRANSACTION or SAVEPOINT statements."}
	case "PRAGMA", "ATTACH", "DETACH", "VACUUM":
		return nil, &SQLError{Code: sqlite3.SQLITE_AUTH, Message: "not authorized"}
	}
	s, rest, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, &SQLError{Message: "SQL code did not contain a statement."}
	}
	for rest != "" {
		var next *statement
		if next, rest, err = c.prepare(rest); err != nil || next != nil {
			if next != nil {
				c.finalize(next)
			}
			c.finalize(s)
			return nil, &SQLError{Message: "A prepared SQL statement must contain only one statement."}
		}
	}
	s.once = word == "CREATE" || word == "ALTER" || word == "DROP"
	c.cache.put(c, sql, s)
	return s, nil
}

// keyword is the first word of a statement, in upper case.
func keyword(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\f;\ufeff")
		if rest, ok := strings.CutPrefix(sql, "--"); ok {
			_, sql, _ = strings.Cut(rest, "\n")
		} else if rest, ok := strings.CutPrefix(sql, "/*"); ok {
			_, sql, _ = strings.Cut(rest, "*/")
		} else {
			break
		}
	}
	n := 0
	for n < len(sql) && (sql[n]|0x20 >= 'a' && sql[n]|0x20 <= 'z') {
		n++
	}
	return strings.ToUpper(sql[:n])
}

// statementCache keeps the most recently used statements.
type statementCache struct {
	size  int
	bySQL map[string]*list.Element // of cachedStatement
	used  list.List                // most recently used first
}

type cachedStatement struct {
	sql string
	*statement
}

func (k *statementCache) get(sql string) *statement {
	e := k.bySQL[sql]
	if e == nil {
		return nil
	}
	k.used.MoveToFront(e)
	return e.Value.(cachedStatement).statement
}

func (k *statementCache) put(c *sqliteConn, sql string, s *statement) {
	if k.bySQL == nil {
		k.bySQL = map[string]*list.Element{}
	}
	sql = strings.Clone(sql)
	k.bySQL[sql] = k.used.PushFront(cachedStatement{sql, s})
	for k.used.Len() > max(k.size, 1) {
		k.drop(c, k.used.Back())
	}
}

func (k *statementCache) drop(c *sqliteConn, e *list.Element) {
	s := k.used.Remove(e).(cachedStatement)
	delete(k.bySQL, s.sql)
	c.finalize(s.statement)
}

func (k *statementCache) clear(c *sqliteConn) {
	for k.used.Len() > 0 {
		k.drop(c, k.used.Back())
	}
}

// frameOf returns the frame of the results, at the length that it needs: one that grows copies
// the texts of a pull several times.
func frameOf(results []abi.Result) ([]byte, error) {
	const perResult, perCell = 16, 9
	size := 4
	for _, result := range results {
		size += perResult
		for _, name := range result.Columns {
			size += 4 + len(name)
		}
		for _, row := range result.Rows {
			for _, cell := range row {
				size += perCell
				switch cell := cell.(type) {
				case abi.Text:
					size += len(cell)
				case []byte:
					size += len(cell)
				}
			}
		}
	}
	return abi.AppendResults(make([]byte, 0, size), results)
}
