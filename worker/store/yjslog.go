package store

import (
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/session"
	"tidemark/shared/yroom"
)

// A YjsLog is the storage of one Yjs room in its object's own SQLite.
type YjsLog struct {
	// Exec runs statements as one transaction.
	Exec func(...abi.Statement) ([]abi.Result, error)
}

// rowsAtOnce bounds what Log reads in one go.
const rowsAtOnce = 64

// A room that sleeps opens its log at every message: the tables are there.
var openLog = []abi.Statement{
	{SQL: `SELECT seeded, gen, size, compacted, flushed, version, failures, due, merge_until FROM room`},
	{SQL: `SELECT coalesce(max(n), 0), count(*), coalesce(sum(length(bytes)), 0) FROM log`},
	{SQL: `SELECT client, clock, state, leaves, subject FROM present`},
}

var createLog = []abi.Statement{
	{SQL: `CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), seeded INTEGER,
		gen INTEGER, size INTEGER, compacted INTEGER, flushed INTEGER, version INTEGER, failures INTEGER, due INTEGER)`},
	{SQL: `CREATE TABLE IF NOT EXISTS room (one INTEGER PRIMARY KEY CHECK (one = 1), seeded INTEGER, gen INTEGER, size INTEGER,
		compacted INTEGER, flushed INTEGER, version INTEGER, failures INTEGER, due INTEGER, merge_until INTEGER)`},
	{SQL: `INSERT OR IGNORE INTO room
		SELECT one, seeded, gen, size, compacted, flushed, version, failures, due, 0 FROM meta`},
	{SQL: `DROP TABLE meta`}, // room before it had merge_until
	{SQL: `CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, first INTEGER, pieces INTEGER, bytes BLOB)`},
	{SQL: `CREATE TABLE IF NOT EXISTS part (gen INTEGER, n INTEGER, bytes BLOB, PRIMARY KEY (gen, n))`},
	{SQL: `CREATE TABLE IF NOT EXISTS present (client INTEGER PRIMARY KEY, clock INTEGER, state BLOB, leaves INTEGER, subject BLOB)`},
	{SQL: `DROP TABLE IF EXISTS presence`}, // present before there were subjects; clients announce themselves again
}

// Open answers what a room has to know, and lays out the tables of a new one.
func (l YjsLog) Open() (yroom.Stored, error) {
	results, err := l.Exec(openLog...)
	if err != nil {
		if _, err := l.Exec(createLog...); err != nil {
			return yroom.Stored{}, fmt.Errorf("lay out the room's storage: %w", err)
		}
		results, err = l.Exec(openLog...)
	}
	if err != nil {
		return yroom.Stored{}, fmt.Errorf("open the room's storage: %w", err)
	}
	meta, log := results[0], results[1]
	s := yroom.Stored{
		Meta: yroom.Meta{
			Seeded: number(meta, 0) != 0, Gen: int64(number(meta, 1)), Size: int(number(meta, 2)),
			Compacted: int64(number(meta, 3)), Flushed: int64(number(meta, 4)), Version: int64(number(meta, 5)),
			Failures: int(number(meta, 6)), Due: int64(number(meta, 7)), MergeUntil: int64(number(meta, 8)),
		},
		Last: int64(number(log, 0)), LogRows: int(number(log, 1)), LogBytes: int(number(log, 2)),
	}
	for _, row := range results[2].Rows {
		p := yroom.Presence{Client: uint64(integer(row[0])), Clock: uint64(integer(row[1])), State: blob(row[2]), Leaves: integer(row[3])}
		p.Subject, p.Write = decodeAnnouncer(blob(row[4]))
		s.Presence = append(s.Presence, p)
	}
	return s, nil
}

// Write stores w as one transaction.
func (l YjsLog) Write(w yroom.Write) error {
	var s []abi.Statement
	if r := w.Row; r != nil {
		s = append(s, abi.Statement{SQL: "INSERT INTO log VALUES (?1, ?2, ?3, ?4)", Args: []any{r.N, r.First, r.Pieces, r.Bytes}})
	}
	if p := w.Part; p != nil {
		s = append(s, abi.Statement{SQL: "INSERT INTO part VALUES (?1, ?2, ?3)", Args: []any{p.Gen, p.N, p.Bytes}})
	}
	if m := w.Meta; m != nil {
		seeded := 0
		if m.Seeded {
			seeded = 1
		}
		s = append(s, abi.Statement{SQL: "INSERT OR REPLACE INTO room VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
			Args: []any{seeded, m.Gen, m.Size, m.Compacted, m.Flushed, m.Version, m.Failures, m.Due, m.MergeUntil}})
	}
	if w.Sweep {
		s = append(s,
			abi.Statement{SQL: "DELETE FROM log WHERE n <= (SELECT compacted FROM room)"},
			abi.Statement{SQL: "DELETE FROM part WHERE gen <> coalesce((SELECT gen FROM room), 0)"})
	}
	if p := w.Keep; p != nil {
		s = append(s, abi.Statement{SQL: "INSERT OR REPLACE INTO present VALUES (?1, ?2, ?3, ?4, ?5)",
			Args: []any{int64(p.Client), int64(p.Clock), p.State, p.Leaves, announcer(p)}})
	}
	for _, client := range w.Forget {
		s = append(s, abi.Statement{SQL: "DELETE FROM present WHERE client = ?1", Args: []any{int64(client)}})
	}
	if _, err := l.Exec(s...); err != nil {
		return fmt.Errorf("write to the room's storage: %w", err)
	}
	return nil
}

// announcer is what the column subject holds: the mark of the socket's subject, and
// a byte that is 1 if the socket could write.
func announcer(p *yroom.Presence) []byte {
	may := byte(0)
	if p.Write {
		may = 1
	}
	return append(p.Subject.Append(nil), may)
}

// decodeAnnouncer is the inverse of announcer. The column did not have the last byte
// once; such a socket counts as one that could write.
func decodeAnnouncer(b []byte) (subject session.Mark, write bool) {
	if len(b) == 9 {
		return session.MarkFrom(b[:8]), b[8] != 0
	}
	return session.MarkFrom(b), true
}

// Part answers part n of the snapshot gen.
func (l YjsLog) Part(gen int64, n int) ([]byte, error) {
	results, err := l.Exec(abi.Statement{SQL: "SELECT bytes FROM part WHERE gen = ?1 AND n = ?2", Args: []any{gen, n}})
	if err != nil {
		return nil, err
	}
	if len(results[0].Rows) == 0 {
		return nil, fmt.Errorf("no part %d of snapshot %d", n, gen)
	}
	return blob(results[0].Rows[0][0]), nil
}

// Snapshot joins the parts of gen: one at a time, for the memory's sake.
func (l YjsLog) Snapshot(gen int64, size int) ([]byte, error) {
	state := make([]byte, 0, size)
	for n := 0; len(state) < size; n++ {
		part, err := l.Part(gen, n)
		if err != nil {
			return nil, err
		}
		state = append(state, part...)
	}
	return state, nil
}

// Log answers the rows above after.
func (l YjsLog) Log(after int64) ([]yroom.Row, error) {
	var rows []yroom.Row
	for {
		results, err := l.Exec(abi.Statement{SQL: "SELECT n, first, pieces, bytes FROM log WHERE n > ?1 ORDER BY n LIMIT ?2",
			Args: []any{after, rowsAtOnce}})
		if err != nil {
			return nil, err
		}
		for _, cells := range results[0].Rows {
			rows = append(rows, yroom.Row{
				N: integer(cells[0]), First: integer(cells[1]), Pieces: int(integer(cells[2])), Bytes: blob(cells[3]),
			})
			after = integer(cells[0])
		}
		if len(results[0].Rows) < rowsAtOnce {
			return rows, nil
		}
	}
}

func integer(cell any) int64 {
	v, _ := cell.(float64)
	return int64(v)
}

func blob(cell any) []byte {
	b, _ := cell.([]byte)
	return b
}
