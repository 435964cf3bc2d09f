package spaces

import (
	"context"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/webhook"
	"tidemark/worker/store"
)

// A Directory knows the names of all spaces. S9.
type Directory struct {
	db               store.DB
	created, deleted bool // are announced
}

// NewDirectory returns the directory in db.
func NewDirectory(db store.DB) *Directory { return &Directory{db: db} }

// An Entry is a space that List found.
type Entry struct {
	Name      string
	CreatedAt int64 // Unix milliseconds
}

// Announce makes the directory note in the outbox which spaces were made and deleted. W3.
func (d *Directory) Announce(created, deleted bool) { d.created, d.deleted = created, deleted }

// Add adds a space.
func (d *Directory) Add(ctx context.Context, e Entry) error {
	var batch []abi.Statement
	if d.created {
		batch = append(batch, store.Announce(`SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM Spaces WHERE Name = ?3 AND created_at = ?4)`,
			string(webhook.SpaceCreated), webhook.SpaceKey(e.Name, e.CreatedAt), e.Name, e.CreatedAt))
	}
	return d.run(ctx, "add a space to the directory", append(batch, abi.Statement{
		SQL:  `INSERT INTO Spaces (Name, created_at) VALUES (?1, ?2) ON CONFLICT (Name) DO UPDATE SET created_at = excluded.created_at`,
		Args: []any{e.Name, e.CreatedAt},
	}))
}

// Remove removes a space, and what the operator's list of webhooks says of it. createdAt is when a
// space was made that the directory may not have yet; 0: the directory had it, or there was none.
func (d *Directory) Remove(ctx context.Context, name string, createdAt int64) error {
	var batch []abi.Statement
	if d.deleted {
		batch = append(batch, store.Announce(`SELECT ?1, ?2 || '@' || created_at FROM Spaces WHERE Name = ?2
			UNION SELECT ?1, ?2 || '@' || CAST(?3 AS INTEGER) WHERE CAST(?3 AS INTEGER) > 0`, string(webhook.SpaceDeleted), name, createdAt))
	}
	return d.run(ctx, "remove a space from the directory", append(batch,
		abi.Statement{SQL: `DELETE FROM WebhookObjects WHERE Space = ?1`, Args: []any{name}},
		abi.Statement{SQL: `DELETE FROM Spaces WHERE Name = ?1`, Args: []any{name}},
	))
}

func (d *Directory) run(ctx context.Context, what string, batch []abi.Statement) error {
	if _, err := d.db.Batch(ctx, batch); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// List returns the spaces whose names begin with prefix and come after another name, in
// order, at most limit.
func (d *Directory) List(ctx context.Context, prefix, after string, limit int) ([]Entry, error) {
	results, err := d.db.Batch(ctx, []abi.Statement{{
		SQL: `SELECT Name, created_at FROM Spaces
			WHERE Name >= ?1 AND Name > ?2 AND substr(Name, 1, length(?1)) = ?1 ORDER BY Name LIMIT ?3`,
		Args: []any{prefix, after, limit},
	}})
	if err != nil {
		return nil, fmt.Errorf("list the spaces: %w", err)
	}
	entries := make([]Entry, len(results[0].Rows))
	for i, row := range results[0].Rows {
		entries[i] = Entry{store.CellString(row[0]), store.Integer(row[1])}
	}
	return entries, nil
}

// NotablePercent is from which part of LIMIT_SPACE_BYTES on the directory knows how much a space holds.
const NotablePercent = 90

// Fill notes how many bytes a space holds, which is nearly full; 0: it is not.
func (d *Directory) Fill(ctx context.Context, name string, bytes int64) error {
	return d.run(ctx, "note how much a space holds", []abi.Statement{{
		SQL: `UPDATE Spaces SET bytes = ?1 WHERE Name = ?2`, Args: []any{bytes, name},
	}})
}

// A Summary says how many spaces there are, and which of them are nearly full.
type Summary struct {
	Spaces int
	Filled []Filled // the fullest first
}

// A Filled is a space that told that it is nearly full.
type Filled struct {
	Name  string
	Bytes int64 // that it holds
}

// Summary returns what the directory knows of all spaces. Filled has those that hold at least that many
// bytes, at most limit.
func (d *Directory) Summary(ctx context.Context, bytes int64, limit int) (s Summary, err error) {
	results, err := d.db.Batch(ctx, []abi.Statement{
		{SQL: `SELECT count(*) FROM Spaces`},
		{SQL: `SELECT Name, bytes FROM Spaces WHERE bytes > 0 AND bytes >= ?1 ORDER BY bytes DESC, Name LIMIT ?2`, Args: []any{bytes, limit}},
	})
	if err != nil {
		return s, fmt.Errorf("count the spaces: %w", err)
	}
	s.Spaces = int(store.Number(results[0], 0))
	for _, row := range results[1].Rows {
		s.Filled = append(s.Filled, Filled{store.CellString(row[0]), store.Integer(row[1])})
	}
	return s, nil
}
