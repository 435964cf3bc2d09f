package spaces

import (
	"context"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// A State is what a space knows of itself.
type State struct {
	Exists    bool  // it has tables
	CreatedAt int64 // Unix milliseconds; 0: it was not born
	KeptUntil int64 // Unix milliseconds: until then it is kept although it was not born
	Listed    bool  // it is in the directory
	Deleting  bool
	Importing bool // an import began that is not finished
	Paused    bool
	Told      int64 // the bytes that the directory has of it: see Directory.Fill
}

// State returns what the space knows of itself.
func (d *DB) State(ctx context.Context) (s State, err error) {
	results, err := d.Batch(ctx, []abi.Statement{{SQL: `SELECT created_at, listed, deleting, (SELECT count(*) FROM Import WHERE finished = 0), paused, kept_until, told FROM Space`}})
	if err != nil {
		return s, fmt.Errorf("read the state of the space: %w", err)
	}
	r := results[0]
	return State{
		Exists: d.layout > 0, CreatedAt: int64(store.Number(r, 0)), Listed: store.Number(r, 1) != 0, Deleting: store.Number(r, 2) != 0,
		Importing: store.Number(r, 3) != 0,
		Paused:    store.Number(r, 4) != 0,
		KeptUntil: int64(store.Number(r, 5)),
		Told:      int64(store.Number(r, 6)),
	}, nil
}

// SetState notes all of a state that is not the work of other statements: KeptUntil, Listed,
// Deleting, Paused and Told. It changes nothing if the space has no tables.
func (d *DB) SetState(ctx context.Context, s State) error {
	if d.layout <= 0 {
		return nil
	}
	_, err := d.Kept().Batch(ctx, []abi.Statement{{
		SQL:  `UPDATE Space SET kept_until = ?1, listed = ?2, deleting = ?3, paused = ?4, told = ?5`,
		Args: []any{s.KeptUntil, flag(s.Listed), flag(s.Deleting), flag(s.Paused), s.Told},
	}})
	if err != nil {
		return fmt.Errorf("note the state of the space: %w", err)
	}
	d.fresh = d.born && !s.Listed
	return nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Counts are how many rows a table has.
type Counts struct{ Rows, Tombstones int }

// Count returns the counts of each table of a schema, how many documents there are, and
// the stamp of the last change.
func (d *DB) Count(ctx context.Context, schema *record.Schema) (tables []Counts, documents int, stamp record.Stamp, err error) {
	statements := []abi.Statement{{SQL: `SELECT (SELECT count(*) FROM YjsRooms), stamp FROM Clock`}}
	for _, t := range schema.Tables {
		statements = append(statements, abi.Statement{
			SQL: `SELECT count(*) FILTER (WHERE deleted = 0), count(*) FILTER (WHERE deleted = 1) FROM ` + t.SQL,
		})
	}
	results, err := d.Batch(ctx, statements)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("count the rows of the space: %w", err)
	}
	for _, r := range results[1:] {
		tables = append(tables, Counts{int(store.Number(r, 0)), int(store.Number(r, 1))})
	}
	return tables, int(store.Number(results[0], 0)), record.Stamp(store.Number(results[0], 1)), nil
}

// EnterRoom notes that a document of the space has a room, so that a deletion of the
// space finds it. A space that was not born is kept for UnbornPatience from then on.
func (d *DB) EnterRoom(ctx context.Context, room string) error {
	_, err := d.Kept().Batch(ctx, []abi.Statement{
		{SQL: `INSERT OR IGNORE INTO SpaceRooms VALUES (?1)`, Args: []any{room}},
		{SQL: `UPDATE Space SET kept_until = ?1 WHERE created_at = 0`, Args: []any{d.now().Add(UnbornPatience).UnixMilli()}},
	})
	if err != nil {
		return fmt.Errorf("note a document's room: %w", err)
	}
	return nil
}

// LeaveRoom takes back EnterRoom, in a space that was not born and whose time is over: so nobody
// has entered the room lately.
func (d *DB) LeaveRoom(ctx context.Context, room string) error {
	_, err := d.Kept().Batch(ctx, []abi.Statement{{
		SQL:  `DELETE FROM SpaceRooms WHERE Room = ?1 AND EXISTS (SELECT 1 FROM Space WHERE created_at = 0 AND kept_until <= ?2)`,
		Args: []any{room, d.now().UnixMilli()},
	}})
	if err != nil {
		return fmt.Errorf("forget a document's room: %w", err)
	}
	return nil
}

// HasRoom says whether a document of the space has a room, or a copy.
func (d *DB) HasRoom(ctx context.Context, room string) (bool, error) {
	results, err := d.Batch(ctx, []abi.Statement{{
		SQL:  `SELECT 1 FROM SpaceRooms WHERE Room = ?1 UNION ALL SELECT 1 FROM YjsRooms WHERE RoomId = ?1`,
		Args: []any{room},
	}})
	if err != nil {
		return false, fmt.Errorf("look up the room of a document: %w", err)
	}
	return len(results[0].Rows) > 0, nil
}

// BatchOf is Batch for the room of a document, whose place it notes if the space exists.
func (d *DB) BatchOf(ctx context.Context, room string, statements []abi.Statement) ([]abi.Result, error) {
	results, err := d.run(ctx, statements, true, nil) // a paused space takes the copies of what its rooms have
	if err == nil && d.layout > 0 {
		err = d.EnterRoom(ctx, room)
	}
	return results, err
}

// ForgetRooms deletes the names of the rooms of documents up to one, in a space that is being
// deleted.
func (d *DB) ForgetRooms(ctx context.Context, last string) error {
	_, err := d.Kept().Batch(ctx, []abi.Statement{
		{SQL: `DELETE FROM SpaceRooms WHERE Room <= ?1`, Args: []any{last}},
		{SQL: `DELETE FROM YjsRooms WHERE RoomId <= ?1`, Args: []any{last}},
	})
	if err != nil {
		return fmt.Errorf("forget the rooms of documents: %w", err)
	}
	return nil
}

// Rooms returns the rooms of documents after a name, in order, at most limit.
func (d *DB) Rooms(ctx context.Context, after string, limit int) ([]string, error) {
	return d.names(ctx, "rooms", `SELECT Room FROM SpaceRooms WHERE Room > ?1 UNION SELECT RoomId FROM YjsRooms WHERE RoomId > ?1 ORDER BY 1 LIMIT ?2`, after, limit)
}

// Projects returns the ids of projects after one, in order, at most limit: of deleted
// projects, too, as their subscribers may still be there.
func (d *DB) Projects(ctx context.Context, after string, limit int) ([]string, error) {
	return d.names(ctx, "projects", `SELECT id FROM Projects WHERE id > ?1 ORDER BY id LIMIT ?2`, after, limit)
}

func (d *DB) names(ctx context.Context, what, sql, after string, limit int) ([]string, error) {
	results, err := d.Batch(ctx, []abi.Statement{{SQL: sql, Args: []any{after, limit}}})
	if err != nil {
		return nil, fmt.Errorf("list the %s of the space: %w", what, err)
	}
	names := make([]string, len(results[0].Rows))
	for i, row := range results[0].Rows {
		names[i] = store.CellString(row[0])
	}
	return names, nil
}
