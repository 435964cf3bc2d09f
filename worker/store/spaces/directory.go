package spaces

import (
	"context"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/worker/store"
)

// A Directory knows the names of all spaces. S9.
type Directory struct{ db store.DB }

// NewDirectory returns the directory in db.
func NewDirectory(db store.DB) *Directory { return &Directory{db} }

// An Entry is a space that List found.
type Entry struct {
	Name      string
	CreatedAt int64 // Unix milliseconds
}

// Add adds a space.
func (d *Directory) Add(ctx context.Context, e Entry) error {
	return d.run(ctx, "add a space to the directory",
		`INSERT INTO Spaces (Name, created_at) VALUES (?1, ?2) ON CONFLICT (Name) DO UPDATE SET created_at = excluded.created_at`, e.Name, e.CreatedAt)
}

// Remove removes a space.
func (d *Directory) Remove(ctx context.Context, name string) error {
	return d.run(ctx, "remove a space from the directory", `DELETE FROM Spaces WHERE Name = ?1`, name)
}

func (d *Directory) run(ctx context.Context, what, sql string, args ...any) error {
	if _, err := d.db.Batch(ctx, []abi.Statement{{SQL: sql, Args: args}}); err != nil {
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
