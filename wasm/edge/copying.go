//go:build !js

package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

// A copying is SQLite's online backup of one database to a new file, on its way. Writes by
// the connection src itself reach the copy, too, wherever the backup has arrived.
// https://www.sqlite.org/backup.html
type copying struct {
	src, dst *sqliteConn
	handle   uintptr
	target   string
}

var mainName = func() uintptr {
	name, err := libc.CString("main")
	if err != nil {
		panic(err)
	}
	return name
}()

// startCopy begins to copy the database of src to a file, which it replaces.
func startCopy(src *sqliteConn, target string) (*copying, error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	// The backup is whole with its manifest, and not before. So a copy needs no journal, and
	// comes to the disk later.
	dst, err := openSQLite(target, false, 1, "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF",
		"PRAGMA cache_size = -256")
	if err != nil {
		return nil, err
	}
	handle := sqlite3.Xsqlite3_backup_init(src.tls, dst.db, mainName, src.db, mainName)
	if handle == 0 {
		return nil, errors.Join(fmt.Errorf("copy %s: %w", src.path, dst.fail(sqlite3.SQLITE_ERROR)), dst.close())
	}
	return &copying{src: src, dst: dst, handle: handle, target: target}, nil
}

// step copies some pages; a negative number is all. After the last one the copy is complete.
func (c *copying) step(pages int) (done bool, err error) {
	switch rc := sqlite3.Xsqlite3_backup_step(c.src.tls, c.handle, int32(pages)); rc {
	case sqlite3.SQLITE_OK:
		return false, nil
	case sqlite3.SQLITE_DONE:
		return true, cmp.Or(c.end(), c.withoutLog())
	default:
		// Until the end of the copy SQLite has no message of its own about it.
		message := libc.GoString(sqlite3.Xsqlite3_errstr(c.dst.tls, rc))
		err := fmt.Errorf("copy %s: %w", c.src.path, &SQLError{Code: int(rc) & 0xff, Message: message})
		return false, errors.Join(err, c.end())
	}
}

// left is how many pages there are to copy, as far as the last step knows.
func (c *copying) left() int { return int(sqlite3.Xsqlite3_backup_remaining(c.src.tls, c.handle)) }

// end closes the copy, which is complete only if step said so.
func (c *copying) end() error {
	rc := sqlite3.Xsqlite3_backup_finish(c.src.tls, c.handle)
	err := c.dst.close()
	if rc != sqlite3.SQLITE_OK && err == nil {
		err = &SQLError{Code: int(rc) & 0xff, Message: "end the copy of " + c.src.path}
	}
	return err
}

// Two bytes of a file say whether the database has a log.
// https://www.sqlite.org/fileformat.html, 1.3.3
const (
	logAt      = 18
	withoutLog = "\x01\x01"
)

// withoutLog makes the copy a database without a log, so that it is one file for whoever opens it.
func (c *copying) withoutLog() error {
	file, err := os.OpenFile(c.target, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(withoutLog), logAt)
	return errors.Join(err, file.Close())
}

// copyWhole copies the database of src to a file.
func copyWhole(src *sqliteConn, target string) error {
	c, err := startCopy(src, target)
	if err != nil {
		return err
	}
	_, err = c.step(-1)
	return err
}

// copyAll completes the copy of a file, or makes it. That of a small file is an image, which is to be written.
func (f *objectFile) copyAll(target string) (*image, error) {
	if f.copy == nil {
		if small, err := f.db.image(target); small != nil || err != nil {
			return small, err
		}
		return nil, copyWhole(f.db, target)
	}
	c := f.copy
	f.copy = nil
	_, err := c.step(-1)
	return nil, err
}

// dropCopy ends a copy that is on its way.
func (f *objectFile) dropCopy() {
	if f.copy != nil {
		f.copy.end()
		f.copy = nil
	}
}

// A pace lets a backup leave time to the server.
type pace struct {
	ctx   context.Context
	share float64 // of the time that the backup may work; 1: all
	since time.Time
}

func newPace(ctx context.Context, share float64) *pace {
	return &pace{ctx: ctx, share: share, since: time.Now()}
}

// breathe waits for as long as the work since the last call requires. It returns the error of the context.
func (p *pace) breathe() error {
	if p.share < 1 {
		wait := time.Duration(float64(time.Since(p.since)) * (1 - p.share) / p.share)
		select {
		case <-p.ctx.Done():
		case <-time.After(wait):
		}
	}
	p.since = time.Now()
	return p.ctx.Err()
}

// checkSteps is how many steps of SQLite's machine a check runs between two pauses: about a
// millisecond.
const checkSteps = 10_000

// onProgress has SQLite call breathe while statements run. It returns the function that ends
// that.
func (c *sqliteConn) onProgress(p *pace) (end func()) {
	f := func(*libc.TLS, uintptr) int32 {
		if p.breathe() != nil {
			return 1
		}
		return 0
	}
	c.progress = f // SQLite does not keep it alive
	pointer := *(*uintptr)(unsafe.Pointer(&c.progress))
	sqlite3.Xsqlite3_progress_handler(c.tls, c.db, checkSteps, pointer, 0)
	return func() {
		sqlite3.Xsqlite3_progress_handler(c.tls, c.db, 0, 0, 0)
		c.progress = nil
	}
}

// checkCopy checks a copy as SQLite's integrity_check does. It returns the number that the query
// stamp has for it: 0 if stamp is "" or if its table is not there.
func checkCopy(target, stamp string, p *pace) (int64, error) {
	db, err := openSQLite(target, true, 1, "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA cache_size = -2048")
	if err != nil {
		return 0, err
	}
	end := db.onProgress(p)
	n, err := db.checked(stamp)
	end()
	if err != nil {
		err = fmt.Errorf("check the copy %s: %w", target, err)
	}
	return n, errors.Join(err, db.close())
}

func (c *sqliteConn) checked(stamp string) (int64, error) {
	s, _, err := c.prepare("PRAGMA integrity_check(1)")
	if err != nil {
		return 0, err
	}
	defer c.finalize(s)
	if rc := sqlite3.Xsqlite3_step(c.tls, s.ptr); rc != sqlite3.SQLITE_ROW {
		return 0, c.fail(rc)
	}
	if text, _ := c.cell(s, 0).(abi.Text); string(text) != "ok" {
		return 0, errors.New(string(text))
	}
	sqlite3.Xsqlite3_reset(c.tls, s.ptr)
	if stamp == "" {
		return 0, nil
	}
	q, _, err := c.prepare(stamp)
	if err != nil { // another kind of database
		return 0, nil
	}
	defer c.finalize(q)
	if rc := sqlite3.Xsqlite3_step(c.tls, q.ptr); rc != sqlite3.SQLITE_ROW {
		return 0, nil
	}
	return sqlite3.Xsqlite3_column_int64(c.tls, q.ptr, 0), nil
}
