//go:build !js

package edge

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tidemark/shared/abi"
)

// An open file keeps prepared statements and pages in memory. A durable class has rows, with many
// statements and indexes; another one has a log, and few of each.
const (
	rowStatements, rowPages = 24, 64
	logStatements, logPages = 6, 4
)

var errErased = errors.New("the event has erased the object")

// pathOf returns the file of an object's database.
func (w *Worker) pathOf(key objectKey) string {
	sum := sha256.Sum256([]byte(key.name))
	return filepath.Join(objectFolder(w.data, key.class), hex.EncodeToString(sum[:])+".sqlite")
}

// exec runs a frame of Statements in the event's transaction. After an error,
// none of them has an effect.
func (o *object) exec(frame []byte, near func(address, n uint32) []byte) (reply []byte, err error) {
	defer func() { o.s.w.isFull(o.key.String(), err) }()
	statements, err := o.statements(frame, near)
	if err != nil {
		return nil, err
	}
	if err := o.openStore(); err != nil {
		return nil, err
	}
	db := o.store
	if files := o.s.w.files; !files.heard(o.file) && !db.onlyReads(statements) {
		files.writes(o.file)
	}
	if !o.writing {
		if err := db.exec(db.beginRead); err != nil {
			return nil, err
		}
		o.writing = true
	}
	written := db.hasWritten()
	results, err := db.nested(statements)
	if err != nil {
		o.spoil(written, err)
		return nil, err
	}
	return frameOf(results)
}

// spoil ends the event's transaction if SQLite has rolled it back after an error. written says
// whether the event had written before: then it must not be committed, because it would be half
// an event. The same holds if the disk is full.
func (o *object) spoil(written bool, err error) {
	rolledBack := !o.store.inTransaction()
	if written && (rolledBack || hasNoSpace(err)) {
		o.broken = cmp.Or(o.broken, err)
	}
	if rolledBack {
		o.writing = o.broken != nil
	}
}

func (o *object) statements(frame []byte, near func(address, n uint32) []byte) ([]abi.Statement, error) {
	if o.erasing {
		return nil, errErased
	}
	if o.broken != nil {
		return nil, o.broken
	}
	return abi.DecodeStatements(frame, near)
}

// try runs a frame of Statements and undoes all that they wrote. An object without a
// file gets none: its statements run on an empty database in memory.
func (o *object) try(frame []byte, near func(address, n uint32) []byte) ([]byte, error) {
	statements, err := o.statements(frame, near)
	if err != nil {
		return nil, err
	}
	stored, err := o.stored()
	if err != nil {
		return nil, err
	}
	var results []abi.Result
	switch {
	case o.writing:
		written := o.store.hasWritten()
		if results, err = o.store.trial(statements); err != nil {
			o.spoil(written, err)
		}
	case stored:
		if err := o.openStore(); err != nil {
			return nil, err
		}
		results, err = o.store.rehearse(statements)
	default:
		results, err = tryInMemory(statements)
	}
	if err != nil {
		return nil, err
	}
	return frameOf(results)
}

func tryInMemory(statements []abi.Statement) ([]abi.Result, error) {
	db, err := openSQLite("", false, 1)
	if err != nil {
		return nil, err
	}
	defer db.close()
	return db.rehearse(statements)
}

// stored reports whether the object has a file.
func (o *object) stored() (bool, error) {
	if o.store != nil || o.s.w.files.isOpen(o.path) {
		return true, nil
	}
	_, err := os.Stat(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// size returns how much the object has stored, in units of 1,024 bytes, without the
// pages that are free.
func (o *object) size() int32 {
	if o.erasing {
		return 0
	}
	stored, err := o.stored()
	if err == nil && !stored {
		return 0
	}
	if err == nil {
		err = o.openStore()
	}
	var bytes int64
	if err == nil {
		bytes, err = o.store.stored()
	}
	if err != nil {
		o.report("the size of an object was not read", err)
		return 0
	}
	return int32((bytes + 1023) / 1024)
}

// openStore opens the object's file for the event. closeEvent ends that.
func (o *object) openStore() error {
	if o.store != nil {
		return nil
	}
	f, err := o.s.w.files.use(o.path, o.key.String(), o.openFile)
	if err != nil {
		return err
	}
	o.store, o.file = f.db, f
	return nil
}

// closeEvent ends the event's use of the storage. The file stays open.
func (o *object) closeEvent() {
	if o.store != nil {
		o.s.w.files.done(o.file)
		o.store, o.file = nil, nil
	}
}

func (o *object) openFile() (*sqliteConn, error) {
	if err := os.MkdirAll(filepath.Dir(o.path), 0o700); err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.path); errors.Is(err, fs.ErrNotExist) {
		if err := removeLogs(o.path); err != nil {
			return nil, err
		}
		o.s.w.files.created(o.path)
	}
	return o.s.w.openObjectFile(o.path, o.key.class)
}

// openObjectFile opens or creates the file of an object of a class.
func (w *Worker) openObjectFile(path, class string) (*sqliteConn, error) {
	// A commit survives the end of the process. A power failure may lose the last commits
	// of a class that is not durable: to wait for the disk blocks the isolate.
	synchronous, statements, pages := "NORMAL", logStatements, logPages
	if slices.Contains(w.durable, class) {
		synchronous, statements, pages = "FULL", rowStatements, rowPages
	}
	// A transaction may have 128 pages before it writes some of them to the log.
	pragmas := []string{"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = " + synchronous,
		fmt.Sprint("PRAGMA cache_size = ", pages), "PRAGMA cache_spill = 128"}
	if w.filled.Load() {
		pragmas = append(pragmas, "PRAGMA max_page_count = 1")
	}
	return openSQLite(path, false, statements, pragmas...)
}

// erase does the work of object_erase after the event has ended. The object is gone as
// soon as the file of its database is: a log without that file means nothing. The alarm
// goes last. So after a crash in between, the object is whole, or it is gone and its
// alarm may run once more.
func (o *object) erase() error {
	o.s.rest.called = o.s.w.clock.Now()
	if o.writing {
		o.store.undo()
	}
	o.writing, o.broken, o.newAlarm, o.forgiven = false, nil, nil, false
	o.closeEvent()
	o.s.w.files.erases(o.path, o.key.String(), o.openFile)
	o.s.w.files.shut(o.path, (*sqliteConn).close) // without a log, which could go without the file
	if err := os.Remove(o.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeLogs(o.path); err != nil {
		o.s.w.log.Error("the log of an erased object was not deleted", "object", o.key.String(), "err", err)
	}
	o.erasing = false
	o.replaceAlarm(0)
	o.forgive()
	o.s.w.metrics.Forget(o.source())
	o.id = o.s.nextID() // the guest's memory of the object is older than its storage
	return nil
}

// removeLogs deletes what SQLite may have left beside a database.
func removeLogs(path string) error {
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
