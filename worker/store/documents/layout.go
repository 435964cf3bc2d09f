package documents

import (
	"tidemark/shared/abi"
	"tidemark/worker/store"
)

// Layouts returns the migrations of a room's storage, for those who look at a folder of the self-hosted
// server.
func Layouts() store.Layouts { return layouts }

// layouts are the migrations of a room's storage. Rooms that have no table layout have one
// of the forms that the first migration accepts.
var layouts = store.Layouts{{
	{SQL: `CREATE TABLE IF NOT EXISTS meta (one INTEGER PRIMARY KEY CHECK (one = 1), seeded INTEGER,
		gen INTEGER, size INTEGER, compacted INTEGER, flushed INTEGER, version INTEGER, failures INTEGER, due INTEGER)`},
	{SQL: `CREATE TABLE IF NOT EXISTS room (one INTEGER PRIMARY KEY CHECK (one = 1), seeded INTEGER, gen INTEGER, size INTEGER,
		compacted INTEGER, flushed INTEGER, version INTEGER, failures INTEGER, due INTEGER, merge_until INTEGER)`},
	{SQL: `INSERT OR IGNORE INTO room
		SELECT one, seeded, gen, size, compacted, flushed, version, failures, due, 0 FROM meta`},
	{SQL: `DROP TABLE meta`}, // the table room before it had the column merge_until
	{SQL: `CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, first INTEGER, pieces INTEGER, bytes BLOB)`},
	{SQL: `CREATE TABLE IF NOT EXISTS part (gen INTEGER, n INTEGER, bytes BLOB, PRIMARY KEY (gen, n))`},
	{SQL: `CREATE TABLE IF NOT EXISTS present (client INTEGER PRIMARY KEY, clock INTEGER, state BLOB, leaves INTEGER, subject BLOB)`},
	{SQL: `DROP TABLE IF EXISTS presence`}, // the table present before it had subjects; clients announce themselves again
}, {
	{SQL: `ALTER TABLE room ADD COLUMN last INTEGER NOT NULL DEFAULT 0`},
	{SQL: `ALTER TABLE room ADD COLUMN sum BLOB`},
	{SQL: `ALTER TABLE room ADD COLUMN copied_gen INTEGER NOT NULL DEFAULT 0`},
	{SQL: `UPDATE room SET last = (SELECT coalesce(max(n), 0) FROM log)`}, // room.due holds for the rows of today
	{SQL: `ALTER TABLE log ADD COLUMN updates INTEGER NOT NULL DEFAULT 0`},
	{SQL: `ALTER TABLE log ADD COLUMN due INTEGER NOT NULL DEFAULT 0`},
	{SQL: `CREATE TABLE snapshot (gen INTEGER, n INTEGER, bytes BLOB, PRIMARY KEY (gen, n)) WITHOUT ROWID`}, // a row is written once, without an index
	{SQL: `INSERT INTO snapshot SELECT gen, n, bytes FROM part`},
	{SQL: `DROP TABLE part`},
	{SQL: `CREATE TABLE layout (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER)`},
}, {
	{SQL: `CREATE TABLE gone (one INTEGER PRIMARY KEY CHECK (one = 1), until INTEGER, clients BLOB)`},
}, store.OfD1("0062_webhooks")}

// openTables runs the statements of openLog on tables of the last layout. The tables of a
// room are nearly always that new, and a room that sleeps opens its log at every message, so
// openTables looks at the layout's number only afterwards, or to learn why openLog failed.
func (l Log) openTables() ([]abi.Result, error) {
	results, err := l.Exec(openLog...)
	var number int
	if err == nil {
		number = int(store.Number(results[layoutResult], 0))
	} else if n, unknown := layouts.Number(l.Exec); unknown == nil {
		number = n
	} else {
		return nil, unknown
	}
	switch newer := layouts.Check(number); {
	case newer != nil:
		return nil, newer
	case number == len(layouts):
		return results, err
	}
	if err := layouts.Migrate(l.Exec, number); err != nil {
		return nil, err
	}
	return l.Exec(openLog...)
}
