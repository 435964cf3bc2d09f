//go:build !js

package edge

import (
	"errors"
	"sync"
	"syscall"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// A disk counts the writes that failed for want of space.
type disk struct {
	mu     sync.Mutex
	full   int       // such failures
	logged time.Time // of the last line about one
}

// diskPatience is how long after an alarm that failed on a full disk the next one comes.
const diskPatience = 10 * time.Second

// diskLogPause is the least time between two lines about a full disk: every request that
// writes fails.
const diskLogPause = time.Minute

// diskFull is why an event or a request failed whose effects could not be stored.
const diskFull = "the server's disk is full; try again later"

// hasNoSpace reports whether an error says that the disk, or a quota, is full.
func hasNoSpace(err error) bool {
	var failed *SQLError
	if errors.As(err, &failed) && failed.Code == sqlite3.SQLITE_FULL {
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// hasNoDescriptor reports whether an error says that the process, or the system, has no descriptor
// left for another file.
func hasNoDescriptor(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// isFull is hasNoSpace, and notes the failure of what the Worker did. It logs one a minute.
func (w *Worker) isFull(what string, err error) bool {
	if !hasNoSpace(err) {
		return false
	}
	now := w.clock.Now()
	d := &w.disk
	d.mu.Lock()
	d.full++
	logs := d.logged.IsZero() || now.Sub(d.logged) >= diskLogPause
	if logs {
		d.logged = now
	}
	d.mu.Unlock()
	if logs {
		w.log.Error("the disk is full", "of", what, "err", err)
	}
	return true
}

// failures returns how many writes have failed for want of space.
func (d *disk) failures() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full
}

// report logs that something failed for an object, unless the disk is full: isFull logs that.
func (o *object) report(message string, err error) {
	if !o.s.w.isFull(o.key.String(), err) {
		o.s.w.log.Error(message, "object", o.key.String(), "err", err)
	}
}
