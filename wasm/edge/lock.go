//go:build !js

package edge

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	sqlite3 "modernc.org/sqlite/lib"
)

// LockFolder keeps servers from a data folder until unlock. If one uses the folder, LockFolder waits for a
// second and then returns an error. It returns fs.ErrNotExist if no server ever used the folder.
func LockFolder(data string) (unlock func() error, err error) {
	file := filepath.Join(data, "do", "alarms.sqlite")
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	db, err := openSQLite(file, false, 1, "PRAGMA busy_timeout = 1000", "PRAGMA locking_mode = EXCLUSIVE",
		"BEGIN IMMEDIATE", "ROLLBACK")
	var refused *SQLError
	if errors.As(err, &refused) && refused.Code == sqlite3.SQLITE_BUSY {
		return nil, fmt.Errorf("a server uses the folder %s: stop it first", data)
	}
	if err != nil {
		return nil, err
	}
	made, _ := os.Stat(file + "-wal")
	return func() error {
		err := db.abandon() // what a killed server has left in the log stays there
		// The folder may have another name by now, and another folder its name.
		if log, missing := os.Stat(file + "-wal"); missing == nil && log.Size() == 0 && made != nil && os.SameFile(made, log) {
			err = errors.Join(err, os.Remove(file+"-wal"))
		}
		return err
	}, nil
}

// Alarmed returns the names of the objects of a class that have an alarm.
func (w *Worker) Alarmed(class string) (names []string, err error) {
	err = w.alarms.each(func(key objectKey, _ float64, _ int) {
		if key.class == class {
			names = append(names, key.name)
		}
	})
	return names, err
}
