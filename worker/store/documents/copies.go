// Package documents keeps the documents of Yjs rooms: their copies and named versions in
// D1, and each room's log in the SQLite of its object.
package documents

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"

	"tidemark/shared/abi"
	"tidemark/worker/store"
)

// Copies are the copies of documents in the database: one row of YjsRooms, which other
// backends also read, and rows of YjsRoomParts for the bytes that do not fit there.
// The storage of a room is newer than its copy.
type Copies struct{ db store.DB }

// NewCopies returns the copies in db.
func NewCopies(db store.DB) *Copies { return &Copies{db} }

// partsAtOnce bounds what one batch brings: 1.5 MB each.
const partsAtOnce = 4

var errMoving = errors.New("the document is being written")

// inlineBytes is how much Base64 is read together with its length, before memory
// is held for it.
const inlineBytes = 64 << 10

// loadTimes is how much memory a state takes that is loaded: itself, and what is
// sent to a room and comes there.
const loadTimes = 3

// Load returns the state of a room and its version, or nil if there is none. The
// caller owns it.
func (y *Copies) Load(ctx context.Context, room string) (state []byte, version int64, err error) {
	return y.LoadWithin(ctx, room, store.Budget{})
}

// LoadWithin is Load for a request, which holds the memory that the state takes.
func (y *Copies) LoadWithin(ctx context.Context, room string, b store.Budget) (state []byte, version int64, err error) {
	for range 3 {
		state, version, err = y.load(ctx, room, b)
		if !errors.Is(err, errMoving) {
			break
		}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("load the document of a room: %w", err)
	}
	return state, version, nil
}

func (y *Copies) load(ctx context.Context, room string, b store.Budget) (state []byte, version int64, err error) {
	results, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: `SELECT length(YjsState), updated_at, (SELECT count(*) FROM YjsRoomParts p WHERE p.RoomId = r.RoomId AND p.version = r.updated_at),
			(SELECT coalesce(sum(length(YjsState)), 0) FROM YjsRoomParts p WHERE p.RoomId = r.RoomId AND p.version = r.updated_at),
			CASE WHEN length(YjsState) <= ?2 THEN YjsState END
			FROM YjsRooms r WHERE RoomId = ?1`, Args: []any{room, inlineBytes}},
	})
	if err != nil || len(results[0].Rows) == 0 {
		return nil, 0, err
	}
	head := results[0]
	version = int64(min(store.Number(head, 1), math.MaxInt64/2))
	size := base64.StdEncoding.DecodedLen(int(store.Number(head, 0)) + int(store.Number(head, 3)))
	first := store.Text(head, 4)
	if size > inlineBytes {
		if err := b.Reserve(ctx, loadTimes*size); err != nil {
			return nil, 0, err
		}
	}
	if first == nil {
		results, err := y.db.Batch(ctx, []abi.Statement{
			{SQL: "SELECT YjsState, updated_at FROM YjsRooms WHERE RoomId = ?1", Args: []any{room}},
		})
		if err != nil {
			return nil, 0, err
		}
		if len(results[0].Rows) == 0 || store.Number(results[0], 1) != store.Number(head, 1) {
			return nil, 0, errMoving
		}
		first = store.Text(results[0], 0)
	}
	if state, err = store.AppendBase64(make([]byte, 0, size), first); err != nil {
		return nil, 0, err
	}
	for part, parts := 1, int(store.Number(head, 2)); part <= parts; part += partsAtOnce {
		results, err := y.db.Batch(ctx, []abi.Statement{
			{SQL: "SELECT YjsState FROM YjsRoomParts WHERE RoomId = ?1 AND version = ?2 AND part >= ?3 AND part < ?4 ORDER BY part",
				Args: []any{room, version, part, part + partsAtOnce}},
		})
		if err != nil {
			return nil, 0, err
		}
		if len(results[0].Rows) != min(partsAtOnce, parts-part+1) {
			return nil, 0, errMoving
		}
		for _, row := range results[0].Rows {
			if state, err = store.AppendBase64(state, store.CellText(row[0])); err != nil {
				return nil, 0, err
			}
		}
	}
	return state, version, nil
}

// PutPart writes part 1 or a later one of a version to come. The length of all
// parts but the last is a multiple of 3.
func (y *Copies) PutPart(ctx context.Context, room string, version int64, part int, state []byte) error {
	_, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: "INSERT OR REPLACE INTO YjsRoomParts (RoomId, version, part, YjsState) VALUES (?1, ?2, ?3, ?4)",
			Args: []any{room, version, part, base64Text(state)}},
	})
	if err != nil {
		return fmt.Errorf("write part %d of a document: %w", part, err)
	}
	return nil
}

// Commit writes part 0 and makes the version count. It fails if the database has
// a later one.
func (y *Copies) Commit(ctx context.Context, room string, version int64, first []byte) error {
	results, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: `INSERT INTO YjsRooms (RoomId, YjsState, updated_at) VALUES (?1, ?2, ?3)
			ON CONFLICT (RoomId) DO UPDATE SET YjsState = excluded.YjsState, updated_at = excluded.updated_at
			WHERE excluded.updated_at >= YjsRooms.updated_at`,
			Args: []any{room, base64Text(first), version}},
		{SQL: "DELETE FROM YjsRoomParts WHERE RoomId = ?1 AND version < ?2", Args: []any{room, version}},
	})
	if err != nil {
		return fmt.Errorf("write a document: %w", err)
	}
	if results[0].Changes == 0 {
		return errors.New("write a document: the database has a later one")
	}
	return nil
}

// Delete removes the copy of a room: its row, and then in steps the parts that there are
// now, see deleteUpTo. After an error the next Delete removes what is left.
func (y *Copies) Delete(ctx context.Context, room string) error {
	results, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: "DELETE FROM YjsRooms WHERE RoomId = ?1", Args: []any{room}},
		{SQL: "SELECT max(version) FROM YjsRoomParts WHERE RoomId = ?1", Args: []any{room}},
	})
	if err != nil {
		return fmt.Errorf("delete a document: %w", err)
	}
	last, some := results[1].Rows[0][0].(float64)
	if !some {
		return nil
	}
	if err := y.deleteUpTo(ctx, "YjsRoomParts", "version", room, last); err != nil {
		return fmt.Errorf("delete the parts of a document: %w", err)
	}
	return nil
}

func base64Text(b []byte) abi.Text {
	return base64.StdEncoding.AppendEncode(make([]byte, 0, base64.StdEncoding.EncodedLen(len(b))), b)
}

// An Entry is a room that List found.
type Entry struct {
	Room      string
	UpdatedAt int64 // Unix milliseconds
	Bytes     int64 // of the copy's state, or up to 2 more: List reads no state, and so not where its Base64 ends
}

// List returns the rooms whose names begin with prefix and come after another
// name, in order, at most limit.
func (y *Copies) List(ctx context.Context, prefix, after string, limit int) ([]Entry, error) {
	results, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: `SELECT RoomId, updated_at, coalesce(octet_length(YjsState), 0) + (SELECT coalesce(sum(octet_length(YjsState)), 0)
				FROM YjsRoomParts p WHERE p.RoomId = r.RoomId AND p.version = r.updated_at) AS octets
			FROM YjsRooms r WHERE RoomId >= ?1 AND RoomId > ?2 AND substr(RoomId, 1, length(?1)) = ?1 ORDER BY RoomId LIMIT ?3`,
			Args: []any{prefix, after, limit}},
	})
	if err != nil {
		return nil, fmt.Errorf("list rooms: %w", err)
	}
	rooms := make([]Entry, len(results[0].Rows))
	for i, row := range results[0].Rows {
		updated, _ := row[1].(float64)
		rooms[i] = Entry{string(store.CellText(row[0])), int64(updated), (3*store.Integer(row[2]) + 3) / 4}
	}
	return rooms, nil
}
