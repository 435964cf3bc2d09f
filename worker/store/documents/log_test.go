//go:build !js

package documents

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/abi"
	"tidemark/shared/session"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
)

// newLog returns the storage of a room that has just been made. before are statements
// that an earlier version ran on it.
func newLog(t testing.TB, before ...string) Log {
	t.Helper()
	db := wasmtest.OpenD1(t, nil)
	for _, sql := range before {
		if _, err := db.Batch(context.Background(), []abi.Statement{{SQL: sql}}); err != nil {
			t.Fatal(sql, err)
		}
	}
	return Log{Exec: func(s ...abi.Statement) ([]abi.Result, error) { return db.Batch(context.Background(), s) }}
}

// What an object's SQLite gives back is what was written.
func TestALogComesBackAsItWas(t *testing.T) {
	l := newLog(t)
	check := func(want yroom.Stored) {
		t.Helper()
		got, err := l.Open()
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Error(d, err)
		}
	}
	check(yroom.Stored{})
	write := func(ws ...yroom.Write) {
		t.Helper()
		for _, w := range ws {
			if err := l.Write(w); err != nil {
				t.Fatal(err)
			}
		}
	}
	var rows []yroom.Row
	for n := range int64(150) {
		rows = append(rows, yroom.Row{N: n + 1, First: n/3*3 + 1, Pieces: 3, Bytes: []byte{byte(n), 0}})
		write(yroom.Write{Row: &rows[n]})
	}
	kept := yroom.Presence{Client: 1<<53 - 1, Clock: 1 << 40, State: []byte(`{}`), Leaves: 1_700_000_000_123, Subject: session.MarkOf("ann")}
	write(yroom.Write{Keep: &kept}, yroom.Write{Keep: &yroom.Presence{Client: 2}}, yroom.Write{Forget: []uint64{2, 3}})
	check(yroom.Stored{Last: 150, LogUpdates: 150, LogBytes: 300, Presence: []yroom.Presence{kept}})
	kept.Write = true
	write(yroom.Write{Keep: &kept})
	check(yroom.Stored{Last: 150, LogUpdates: 150, LogBytes: 300, Presence: []yroom.Presence{kept}})
	// As a version wrote it that did not know who could write.
	if _, err := l.Exec(abi.Statement{SQL: "UPDATE present SET subject = ?1", Args: []any{kept.Subject.Append(nil)}}); err != nil {
		t.Fatal(err)
	}
	check(yroom.Stored{Last: 150, LogUpdates: 150, LogBytes: 300, Presence: []yroom.Presence{kept}})
	if err := l.Write(yroom.Write{Row: &rows[7]}); err == nil {
		t.Error("a row was written twice")
	}
	got, err := l.Log(40)
	if d := cmp.Diff(rows[40:], got); d != "" || err != nil {
		t.Error(d, err)
	}

	write(yroom.Write{Part: &yroom.Part{Gen: 1, N: 0, Bytes: []byte("left by a crash")}},
		yroom.Write{Sweep: true},
		yroom.Write{Part: &yroom.Part{Gen: 1, N: 0, Bytes: []byte("abc")}}, yroom.Write{Part: &yroom.Part{Gen: 1, N: 1, Bytes: []byte("de")}})
	meta := yroom.Meta{Seeded: true, Gen: 1, Size: 5, Compacted: 149, CopiedLast: 3, Version: 1_700_000_000_124, Failures: 2, Due: 1_700_000_000_125,
		MergeUntil: 7, Last: 150, Sum: yroom.Sum{1, 0, 255}, CopiedGen: 1}
	write(yroom.Write{Meta: &meta, Sweep: true})
	check(yroom.Stored{Meta: meta, Last: 150, LogUpdates: 1, LogBytes: 2, Presence: []yroom.Presence{kept}})
	snapshot, err := l.Snapshot(1, 5)
	if string(snapshot) != "abcde" || err != nil {
		t.Errorf("got %q, %v", snapshot, err)
	}
	if _, err := l.Snapshot(1, 6); err == nil {
		t.Error("a part that is missing was read")
	}
}

func TestMoreInARowIsAddedAtItsEnd(t *testing.T) {
	l := newLog(t)
	all := make([]byte, 0, 512) // every byte there is, also what is no UTF-8
	for i := range 256 {
		all = append(all, byte(i), 0)
	}
	row := yroom.Row{N: 7, First: 7, Pieces: 1, Updates: 1, Bytes: all}
	more := yroom.Row{N: 7, First: 8, Pieces: 1, Updates: 2, Due: 1_700_000_000_125, Extends: true, Bytes: all[1:]}
	if _, err := l.Open(); err != nil {
		t.Fatal(err)
	}
	for _, w := range []yroom.Write{{Row: &row}, {Row: &more}} {
		if err := l.Write(w); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := l.Log(0)
	want := []yroom.Row{{N: 7, First: 7, Pieces: 1, Updates: 3, Bytes: append(bytes.Clone(all), all[1:]...)}}
	if d := cmp.Diff(want, rows); d != "" || err != nil {
		t.Error(d, err)
	}
	stored, err := l.Open()
	wantStored := yroom.Stored{Last: 9, LogUpdates: 3, LogBytes: 1023, Tail: yroom.Tail{N: 7, Bytes: 1023}, Due: more.Due}
	if d := cmp.Diff(wantStored, stored); d != "" || err != nil {
		t.Error(d, err)
	}
	more.N = 8
	if err := l.Write(yroom.Write{Row: &more}); err == nil {
		t.Error("a row that is not there was extended")
	}
}

// earlier are the tables as versions before made them, with a snapshot of "abcde"
// and, in the log after it, a short update and two pieces of a long one.
var earlier = map[string][]string{
	"before layouts were numbered": {
		`CREATE TABLE room (one INTEGER PRIMARY KEY CHECK (one = 1), seeded INTEGER, gen INTEGER, size INTEGER,
			compacted INTEGER, flushed INTEGER, version INTEGER, failures INTEGER, due INTEGER, merge_until INTEGER)`,
		`CREATE TABLE present (client INTEGER PRIMARY KEY, clock INTEGER, state BLOB, leaves INTEGER, subject BLOB)`,
		`INSERT INTO room VALUES (1, 1, 4, 5, 20, 20, 1700000000000, 0, 1700000000123, 0)`,
	},
	"before rooms remembered what was too much": {
		`CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), seeded INTEGER,
			gen INTEGER, size INTEGER, compacted INTEGER, flushed INTEGER, version INTEGER, failures INTEGER, due INTEGER)`,
		`CREATE TABLE presence (client INTEGER PRIMARY KEY, clock INTEGER, state BLOB, leaves INTEGER)`,
		`INSERT INTO meta VALUES (1, 1, 4, 5, 20, 20, 1700000000000, 0, 1700000000123)`,
	},
}

func TestTheStorageOfEarlierVersionsIsRead(t *testing.T) {
	for name, tables := range earlier {
		t.Run(name, func(t *testing.T) {
			l := newLog(t, append(tables,
				`CREATE TABLE log (n INTEGER PRIMARY KEY, first INTEGER, pieces INTEGER, bytes BLOB)`,
				`CREATE TABLE part (gen INTEGER, n INTEGER, bytes BLOB, PRIMARY KEY (gen, n))`,
				`INSERT INTO part VALUES (4, 0, x'616263'), (4, 1, x'6465')`,
				`INSERT INTO log VALUES (21, 21, 1, x'0102'), (22, 22, 2, x'03'), (23, 22, 2, x'04')`)...)
			meta := yroom.Meta{Seeded: true, Gen: 4, Size: 5, Compacted: 20, CopiedLast: 20, Version: 1_700_000_000_000, Due: 1_700_000_000_123, Last: 23}
			for range 2 { // the second time there is nothing to do
				stored, err := l.Open()
				want := yroom.Stored{Meta: meta, Last: 23, LogUpdates: 3, LogBytes: 4}
				if d := cmp.Diff(want, stored); d != "" || err != nil {
					t.Fatal(d, err)
				}
			}
			next := yroom.Row{N: 24, First: 24, Pieces: 1, Updates: 1, Bytes: []byte{1, 9}}
			if err := l.Write(yroom.Write{Row: &next}); err != nil {
				t.Fatal(err)
			}
			rows, err := l.Log(20)
			want := []yroom.Row{
				{N: 21, First: 21, Pieces: 1, Bytes: []byte{1, 2}},
				{N: 22, First: 22, Pieces: 2, Bytes: []byte{3}}, {N: 23, First: 22, Pieces: 2, Bytes: []byte{4}}, next,
			}
			if d := cmp.Diff(want, rows); d != "" || err != nil {
				t.Error(d, err)
			}
			if snapshot, err := l.Snapshot(4, 5); string(snapshot) != "abcde" || err != nil {
				t.Errorf("snapshot: %q, %v", snapshot, err)
			}
		})
	}
}
