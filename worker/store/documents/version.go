package documents

import (
	"context"
	"fmt"
	"slices"

	"tidemark/shared/abi"
	"tidemark/worker/store"
)

// A Version is a named state of a document.
type Version struct {
	ID        string // in the order of their making
	Name      string
	Subject   string // who made it
	CreatedAt int64  // Unix milliseconds
	Bytes     int    // of the state
}

// versionChunk is how many bytes of a state one row takes: a multiple of 3, so
// that the Base64 of the rows joins, which stays under 1.5 MB.
const versionChunk = 1_098_000

// PutVersion keeps a version; its row comes last and makes it count.
func (y *Copies) PutVersion(ctx context.Context, room string, v Version, state []byte) error {
	chunks := slices.Collect(slices.Chunk(state, versionChunk))
	for part := 1; part < len(chunks); part++ {
		_, err := y.db.Batch(ctx, []abi.Statement{
			{SQL: "INSERT INTO YjsVersionParts (RoomId, VersionId, part, YjsState) VALUES (?1, ?2, ?3, ?4)",
				Args: []any{room, v.ID, part, base64Text(chunks[part])}},
		})
		if err != nil {
			return fmt.Errorf("keep a version: %w", err)
		}
	}
	_, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: "INSERT INTO YjsVersions (RoomId, VersionId, Name, Subject, created_at, bytes, YjsState) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			Args: []any{room, v.ID, v.Name, v.Subject, v.CreatedAt, len(state), base64Text(chunks[0])}},
	})
	if err != nil {
		return fmt.Errorf("keep a version: %w", err)
	}
	return nil
}

// versionTimes is how much memory the state of a version takes: itself, and the
// answer or what is sent to a room.
const versionTimes = 3

// Version returns the state of a version, or nil if there is none.
func (y *Copies) Version(ctx context.Context, room, id string, b store.Budget) ([]byte, error) {
	results, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: "SELECT bytes, CASE WHEN bytes <= ?3 THEN YjsState END FROM YjsVersions WHERE RoomId = ?1 AND VersionId = ?2", Args: []any{room, id, inlineBytes / 2}},
	})
	if err != nil {
		return nil, fmt.Errorf("read a version: %w", err)
	}
	if len(results[0].Rows) == 0 {
		return nil, nil
	}
	size, first := int(store.Number(results[0], 0)), store.Text(results[0], 1)
	if first == nil {
		if err := b.Reserve(ctx, versionTimes*size); err != nil {
			return nil, fmt.Errorf("read a version: %w", err)
		}
		results, err = y.db.Batch(ctx, []abi.Statement{
			{SQL: "SELECT YjsState FROM YjsVersions WHERE RoomId = ?1 AND VersionId = ?2", Args: []any{room, id}},
		})
		if err != nil {
			return nil, fmt.Errorf("read a version: %w", err)
		}
		if first = store.Text(results[0], 0); first == nil {
			return nil, nil // it was deleted meanwhile
		}
	}
	state, err := store.AppendBase64(make([]byte, 0, size), first)
	for part := 1; err == nil && len(state) < size; part++ {
		results, err = y.db.Batch(ctx, []abi.Statement{
			{SQL: "SELECT YjsState FROM YjsVersionParts WHERE RoomId = ?1 AND VersionId = ?2 AND part = ?3", Args: []any{room, id, part}},
		})
		if err == nil && len(results[0].Rows) == 0 {
			err = fmt.Errorf("part %d is missing", part)
		}
		if err == nil {
			state, err = store.AppendBase64(state, store.Text(results[0], 0))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read a version: %w", err)
	}
	return state, nil
}

// Versions lists the versions of a room, the newest first: at most limit, from
// the one before the id before on, if that is not "".
func (y *Copies) Versions(ctx context.Context, room, before string, limit int) ([]Version, error) {
	results, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: `SELECT VersionId, Name, Subject, created_at, bytes FROM YjsVersions
			WHERE RoomId = ?1 AND (?2 = '' OR VersionId < ?2) ORDER BY VersionId DESC LIMIT ?3`, Args: []any{room, before, limit}},
	})
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	versions := make([]Version, len(results[0].Rows))
	for i, row := range results[0].Rows {
		versions[i] = Version{
			ID: string(store.CellText(row[0])), Name: string(store.CellText(row[1])), Subject: string(store.CellText(row[2])),
			CreatedAt: store.Integer(row[3]), Bytes: int(store.Integer(row[4])),
		}
	}
	return versions, nil
}

// DeleteVersions forgets all versions that a room has now, in steps: see deleteUpTo. It
// deletes their rows before their parts, so that a version is whole while it is listed.
// After an error the next DeleteVersions deletes what is left.
func (y *Copies) DeleteVersions(ctx context.Context, room string) error {
	results, err := y.db.Batch(ctx, []abi.Statement{
		{SQL: `SELECT max(ifnull((SELECT max(VersionId) FROM YjsVersions WHERE RoomId = ?1), ''),
			ifnull((SELECT max(VersionId) FROM YjsVersionParts WHERE RoomId = ?1), ''))`, Args: []any{room}},
	})
	if err != nil {
		return fmt.Errorf("delete versions: %w", err)
	}
	last := store.CellText(results[0].Rows[0][0])
	if len(last) == 0 {
		return nil
	}
	for _, table := range []string{"YjsVersions", "YjsVersionParts"} {
		if err := y.deleteUpTo(ctx, table, "VersionId", room, abi.Text(last)); err != nil {
			return fmt.Errorf("delete versions: %w", err)
		}
	}
	return nil
}

// deletedAtOnce bounds the rows that one transaction deletes. A row has at most 1.5 MB, and
// SQLite takes about a millisecond to free one of that size.
const deletedAtOnce = 100

// deleteUpTo deletes the rows of a room whose key is at most last, in transactions of
// deletedAtOnce rows. What is written in between has a later key, and stays.
func (y *Copies) deleteUpTo(ctx context.Context, table, key, room string, last any) error {
	rows := " FROM " + table + " WHERE RoomId = ?1 AND " + key + " <= ?2"
	for {
		results, err := y.db.Batch(ctx, []abi.Statement{
			{SQL: "DELETE FROM " + table + " WHERE rowid IN (SELECT rowid" + rows + " LIMIT ?3)", Args: []any{room, last, deletedAtOnce}},
			{SQL: "SELECT EXISTS (SELECT 1" + rows + ")", Args: []any{room, last}},
		})
		if err != nil {
			return err
		}
		if store.Number(results[1], 0) == 0 {
			return nil
		}
	}
}
