package documents

import (
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/session"
	"tidemark/shared/webhook"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
)

// A Log is the storage of one Yjs room in the SQLite of its object.
type Log struct {
	// Exec runs statements as one transaction.
	Exec store.Exec
	// Changed and Deleted: what the log writes notes in the outbox that the document changed, or was
	// deleted. W3.
	Changed, Deleted bool
}

// rowsAtOnce bounds how many rows Log reads with one statement.
const rowsAtOnce = 64

// openLog reads what Open returns.
var openLog = []abi.Statement{
	{SQL: `SELECT seeded, gen, size, compacted, flushed, version, failures, due, merge_until, last, sum, copied_gen FROM room`},
	{SQL: `SELECT coalesce(sum(max(updates, 1)), 0), coalesce(sum(length(bytes)), 0) FROM log`},
	{SQL: `SELECT n, updates, due, length(bytes) FROM log ORDER BY n DESC LIMIT 1`},
	{SQL: `SELECT client, clock, state, leaves, subject FROM present`},
	{SQL: `SELECT version FROM layout`},
	{SQL: `SELECT until FROM gone`},
}

// layoutResult is the result of openLog that holds the number of the layout.
const layoutResult = 4

// Open returns what a room must know of its storage. It creates the tables of a new room and
// migrates older ones. It returns store.ErrNewerLayout if a newer version wrote them.
func (l Log) Open() (yroom.Stored, error) {
	results, err := l.openTables()
	if err != nil {
		return yroom.Stored{}, fmt.Errorf("open the room's storage: %w", err)
	}
	meta, log, last := results[0], results[1], results[2]
	s := yroom.Stored{
		Meta: yroom.Meta{
			Seeded: store.Number(meta, 0) != 0, Gen: int64(store.Number(meta, 1)), Size: int(store.Number(meta, 2)),
			Compacted: int64(store.Number(meta, 3)), CopiedLast: int64(store.Number(meta, 4)), Version: int64(store.Number(meta, 5)),
			Failures: int(store.Number(meta, 6)), Due: int64(store.Number(meta, 7)), MergeUntil: int64(store.Number(meta, 8)),
			Last: int64(store.Number(meta, 9)), CopiedGen: int64(store.Number(meta, 11)),
		},
		LogUpdates: int(store.Number(log, 0)), LogBytes: int(store.Number(log, 1)),
	}
	for _, row := range meta.Rows {
		copy(s.Meta.Sum[:], store.Blob(row[10]))
	}
	for _, row := range last.Rows {
		n, updates := store.Integer(row[0]), store.Integer(row[1])
		s.Last, s.Due = n+max(updates, 1)-1, store.Integer(row[2])
		if updates > 0 {
			s.Tail = yroom.Tail{N: n, Bytes: int(store.Integer(row[3]))}
		}
	}
	for _, row := range results[3].Rows {
		p := yroom.Presence{Client: uint64(store.Integer(row[0])), Clock: uint64(store.Integer(row[1])), State: store.Blob(row[2]), Leaves: store.Integer(row[3])}
		p.Subject, p.Write = decodeAnnouncer(store.Blob(row[4]))
		s.Presence = append(s.Presence, p)
	}
	s.Gone = int64(store.Number(results[5], 0))
	return s, nil
}

// Write stores w as one transaction.
func (l Log) Write(w yroom.Write) error {
	var s []abi.Statement
	if r := w.Row; r != nil && r.Extends {
		s = append(s, abi.Statement{SQL: "UPDATE log SET bytes = CAST(bytes || ?2 AS BLOB), updates = updates + ?3, due = ?4 WHERE n = ?1",
			Args: []any{r.N, r.Bytes, r.Updates, r.Due}})
	} else if r != nil {
		s = append(s, abi.Statement{SQL: "INSERT INTO log (n, first, pieces, updates, due, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			Args: []any{r.N, r.First, r.Pieces, r.Updates, r.Due, r.Bytes}})
	}
	if p := w.Part; p != nil {
		s = append(s, abi.Statement{SQL: "INSERT INTO snapshot VALUES (?1, ?2, ?3)", Args: []any{p.Gen, p.N, p.Bytes}})
	}
	if m := w.Meta; m != nil {
		seeded := 0
		if m.Seeded {
			seeded = 1
		}
		s = append(s, abi.Statement{SQL: `INSERT OR REPLACE INTO room
			(one, seeded, gen, size, compacted, flushed, version, failures, due, merge_until, last, sum, copied_gen)
			VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,
			Args: []any{seeded, m.Gen, m.Size, m.Compacted, m.CopiedLast, m.Version, m.Failures, m.Due, m.MergeUntil, m.Last, m.Sum[:], m.CopiedGen}})
	}
	if w.Sweep {
		s = append(s,
			abi.Statement{SQL: "DELETE FROM log WHERE n <= (SELECT compacted FROM room)"},
			abi.Statement{SQL: "DELETE FROM snapshot WHERE gen <> coalesce((SELECT gen FROM room), 0)"})
	}
	if p := w.Keep; p != nil {
		s = append(s, abi.Statement{SQL: "INSERT OR REPLACE INTO present VALUES (?1, ?2, ?3, ?4, ?5)",
			Args: []any{int64(p.Client), int64(p.Clock), p.State, p.Leaves, announcer(p)}})
	}
	for _, client := range w.Forget {
		s = append(s, abi.Statement{SQL: "DELETE FROM present WHERE client = ?1", Args: []any{int64(client)}})
	}
	if g := w.Gone; g != nil && g.Until == 0 {
		s = append(s, abi.Statement{SQL: "DELETE FROM gone"})
	} else if g != nil {
		s = append(s, abi.Statement{SQL: "INSERT OR REPLACE INTO gone VALUES (1, ?1, ?2)", Args: []any{g.Until, g.Clients}})
	}
	results, err := l.Exec(append(s, l.announce(&w)...)...)
	if err != nil {
		return fmt.Errorf("write to the room's storage: %w", err)
	}
	if r := w.Row; r != nil && results[0].Changes != 1 {
		return fmt.Errorf("write to the room's storage: row %d is not there", r.N)
	}
	return nil
}

// Announces says whether Write adds to the outbox.
func (l Log) Announces(w *yroom.Write) bool {
	return l.Changed && w.Row != nil || l.Deleted && w.Deleted
}

// announce are the statements that add to the outbox what a write does. A deletion comes after all
// changes, and what changes after it comes behind it.
func (l Log) announce(w *yroom.Write) (s []abi.Statement) {
	if w.Deleted && (l.Changed || l.Deleted) {
		s = append(s, abi.Statement{SQL: "DELETE FROM Webhooks"})
	}
	if w.Deleted && l.Deleted {
		s = append(s, store.Announce("SELECT ?1, ''", string(webhook.DocumentDeleted)))
	}
	if w.Row != nil && l.Changed {
		s = append(s, store.Announce("SELECT ?1, ''", string(webhook.DocumentChanged)))
	}
	return s
}

// announcer returns the content of the column subject: the mark of the socket's subject,
// and a byte that is 1 if the socket could write.
func announcer(p *yroom.Presence) []byte {
	write := byte(0)
	if p.Write {
		write = 1
	}
	return append(p.Subject.Append(nil), write)
}

// decodeAnnouncer is the inverse of announcer. Older rows lack the last byte: it returns
// write for them.
func decodeAnnouncer(b []byte) (subject session.Mark, write bool) {
	if len(b) == 9 {
		return session.MarkFrom(b[:8]), b[8] != 0
	}
	return session.MarkFrom(b), true
}

// Part returns part n of the snapshot gen.
func (l Log) Part(gen int64, n int) ([]byte, error) {
	results, err := l.Exec(abi.Statement{SQL: "SELECT bytes FROM snapshot WHERE gen = ?1 AND n = ?2", Args: []any{gen, n}})
	if err != nil {
		return nil, err
	}
	if len(results[0].Rows) == 0 {
		return nil, fmt.Errorf("no part %d of snapshot %d", n, gen)
	}
	return store.Blob(results[0].Rows[0][0]), nil
}

// Snapshot joins the parts of gen. It reads one at a time, to hold less memory.
func (l Log) Snapshot(gen int64, size int) ([]byte, error) {
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

// Log returns the rows after that number, without Due.
func (l Log) Log(after int64) ([]yroom.Row, error) {
	var rows []yroom.Row
	for {
		results, err := l.Exec(abi.Statement{SQL: "SELECT n, first, pieces, updates, bytes FROM log WHERE n > ?1 ORDER BY n LIMIT ?2",
			Args: []any{after, rowsAtOnce}})
		if err != nil {
			return nil, err
		}
		for _, cells := range results[0].Rows {
			rows = append(rows, yroom.Row{
				N: store.Integer(cells[0]), First: store.Integer(cells[1]), Pieces: int(store.Integer(cells[2])), Updates: int(store.Integer(cells[3])), Bytes: store.Blob(cells[4]),
			})
			after = store.Integer(cells[0])
		}
		if len(results[0].Rows) < rowsAtOnce {
			return rows, nil
		}
	}
}

// Gone returns the clients of documents that were deleted, encoded as yroom.Gone.Clients.
func (l Log) Gone() ([]byte, error) {
	results, err := l.Exec(abi.Statement{SQL: "SELECT clients FROM gone"})
	if err != nil || len(results[0].Rows) == 0 {
		return nil, err
	}
	return store.Blob(results[0].Rows[0][0]), nil
}
