//go:build !js

package documents

import (
	"errors"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
)

// filledLog returns the storage of a room that holds one update.
func filledLog(t *testing.T) Log {
	t.Helper()
	l := newLog(t)
	if _, err := l.Open(); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(yroom.Write{Row: &yroom.Row{N: 1, First: 1, Pieces: 1, Updates: 1, Bytes: []byte{1, 9}}}); err != nil {
		t.Fatal(err)
	}
	return l
}

func run(t *testing.T, l Log, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := l.Exec(abi.Statement{SQL: sql}); err != nil {
			t.Fatal(sql, err)
		}
	}
}

// A room is not taken for an empty one because its storage fails.
func TestAFailedReadIsNoEmptyRoom(t *testing.T) {
	down := errors.New("disk I/O error")
	for _, failing := range []string{"FROM room", "FROM log", "FROM layout", "FROM present"} {
		l := filledLog(t)
		working := l.Exec
		l.Exec = func(statements ...abi.Statement) ([]abi.Result, error) {
			for _, s := range statements {
				if strings.Contains(s.SQL, failing) {
					return nil, down
				}
				if !strings.HasPrefix(s.SQL, "SELECT") {
					t.Errorf("%s failed, and the room ran %s", failing, s.SQL)
				}
			}
			return working(statements...)
		}
		if stored, err := l.Open(); !errors.Is(err, down) {
			t.Errorf("%s failed: Open returned %+v, %v", failing, stored, err)
		}
		l.Exec = working
		if stored, err := l.Open(); stored.LogUpdates != 1 || err != nil {
			t.Errorf("afterwards: %+v, %v", stored, err)
		}
	}
}

// A table that is missing in a storage of the last layout is an error: nothing is created anew.
func TestAMissingTableIsNoEmptyRoom(t *testing.T) {
	l := filledLog(t)
	run(t, l, `DROP TABLE log`)
	for range 2 {
		if stored, err := l.Open(); err == nil || !strings.Contains(err.Error(), "log") {
			t.Errorf("Open returned %+v, %v", stored, err)
		}
	}
}

func TestTheStorageOfANewerVersionIsRefused(t *testing.T) {
	for name, change := range map[string]string{
		"which this version could read": `UPDATE layout SET version = 99`,
		"which it could not":            `ALTER TABLE room RENAME TO rooms`,
	} {
		l := filledLog(t)
		run(t, l, `UPDATE layout SET version = 99`, change)
		_, err := l.Open()
		if !errors.Is(err, store.ErrNewerLayout) || !strings.Contains(err.Error(), "number 99") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMigrationsAreAppliedTogetherOrNotAtAll(t *testing.T) {
	l := newLog(t, earlier["before layouts were numbered"]...)
	run(t, l, `CREATE TABLE snapshot (n)`) // so that migration 2 fails, when 1 is done
	if _, err := l.Open(); err == nil {
		t.Fatal("the migration did not fail")
	}
	run(t, l, `DROP TABLE snapshot`)
	stored, err := l.Open()
	if err != nil || stored.Meta.Gen != 4 {
		t.Errorf("got %+v, %v", stored, err)
	}
}

func TestAStorageHasTheNumberOfTheLastLayout(t *testing.T) {
	l := newLog(t)
	for want := range 2 {
		number, err := layouts.Number(l.Exec)
		if number != want*len(layouts) || err != nil {
			t.Errorf("after %d openings: layout %d, %v", want, number, err)
		}
		if _, err := l.Open(); err != nil {
			t.Fatal(err)
		}
	}
}
