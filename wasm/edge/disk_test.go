//go:build !js

package edge

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

var noSpace = &SQLError{Code: sqlite3.SQLITE_FULL, Message: "database or disk is full"}

func TestWhichErrorsWantSpace(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{noSpace, true},
		{fmt.Errorf("D1_ERROR: %w", noSpace), true},
		{&fs.PathError{Op: "mkdir", Path: "do", Err: syscall.ENOSPC}, true},
		{&fs.PathError{Op: "mkdir", Path: "do", Err: syscall.EDQUOT}, true},
		{&fs.PathError{Op: "mkdir", Path: "do", Err: syscall.EROFS}, false},
		{&SQLError{Code: sqlite3.SQLITE_IOERR, Message: "disk I/O error"}, false},
		{errErased, false},
		{nil, false},
	} {
		if got := hasNoSpace(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
		if text := fmt.Sprint(c.err); c.want && !abi.Full(abi.OpError(text)) {
			t.Errorf("the guest does not know %q", text)
		}
	}
}

// largeText is a value that no free page has space for.
var largeText = "'" + strings.Repeat("x", 20_000) + "'"

func TestAnEventThatTheDiskDoesNotTakeWholeIsUndone(t *testing.T) {
	o := storageObject(t, t.TempDir())
	mustExec(t, o, "CREATE TABLE t (v)", "CREATE TABLE u (v)", "INSERT INTO t VALUES (1)")
	mustCommit(t, o)
	fill := func(full bool) {
		t.Helper()
		o.s.w.filled.Store(full)
		if err := o.openStore(); err != nil {
			t.Fatal(err)
		}
		if err := o.store.bound(full); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(want string) {
		t.Helper()
		results := mustExec(t, o, "SELECT (SELECT group_concat(v) FROM t) || ' ' || (SELECT count(*) FROM u)")
		if got := results[0].Rows[0][0].(abi.Text); string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
		mustCommit(t, o)
	}

	fill(true)
	if _, err := exec(t, o, "INSERT INTO u VALUES ("+largeText+")"); !hasNoSpace(err) {
		t.Fatal(err)
	}
	mustExec(t, o, "UPDATE t SET v = 2") // the event may go on: it had not written
	mustCommit(t, o)
	rows("2 0")

	mustExec(t, o, "UPDATE t SET v = 3")
	if _, err := exec(t, o, "INSERT INTO u VALUES ("+largeText+")"); !hasNoSpace(err) {
		t.Fatal(err)
	}
	if _, err := exec(t, o, "UPDATE t SET v = 4"); err == nil {
		t.Error("an event that is to be undone writes on")
	}
	called, responded := &call{s: o.s, i: &instance{s: o.s, dead: true}, object: o}, &call{s: o.s, i: &instance{s: o.s, dead: true}}
	o.calls = []*call{called}
	o.answers = []heldAnswer{{responded, answer{head: []byte("200")}}}
	o.s.lock()
	if err := o.commit(); !hasNoSpace(err) {
		t.Errorf("commit: %v", err)
	}
	o.s.unlock()
	for _, c := range []*call{called, responded} {
		if c.answer.lost != diskFull || c.answer.status != http.StatusInsufficientStorage {
			t.Errorf("got %+v", c.answer)
		}
	}
	rows("2 0")

	fill(false)
	mustExec(t, o, "INSERT INTO u VALUES ("+largeText+")", "UPDATE t SET v = 5")
	mustCommit(t, o)
	rows("5 1")
}

func TestAFullDiskGivesUpNoAlarm(t *testing.T) {
	for _, full := range []bool{true, false} {
		o := storageObject(t, t.TempDir())
		o.setAlarm(float64(time.Now().Add(time.Hour).UnixMilli()))
		mustCommit(t, o)
		for range 2 * alarmRetries {
			o.alarm.running, o.alarm.replaced, o.alarm.full = true, false, o.s.w.disk.failures()
			if full {
				o.s.w.isFull("a database", noSpace)
			}
			o.alarmEnded(answer{lost: "a failure"})
		}
		if got := o.alarm.set(); got != full {
			t.Errorf("a full disk %v: the alarm is set: %v", full, got)
		}
	}
}

func TestAFullDiskIsLoggedOnceAMinute(t *testing.T) {
	o := storageObject(t, t.TempDir())
	w := o.s.w
	if w.isFull("x", errors.New("another error")) || !w.disk.logged.IsZero() {
		t.Error("another error counts")
	}
	w.isFull("x", noSpace)
	first := w.disk.logged
	for range 100 {
		w.isFull("x", noSpace)
	}
	if first.IsZero() || w.disk.logged != first {
		t.Errorf("logged at %v and %v", first, w.disk.logged)
	}
	if n := w.disk.failures(); n != 101 {
		t.Errorf("%d failures are counted", n)
	}
}
