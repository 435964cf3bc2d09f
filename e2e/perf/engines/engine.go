package engines

import (
	"context"
	"io/fs"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/worker/store"
)

// An Engine is a database in memory, with the server's tables and foreign keys.
type Engine interface {
	// Batch runs statements in one transaction, and copies every cell. It keeps prepared statements,
	// and binds every number as D1 does.
	Batch(statements []abi.Statement) error
	Close() error
}

// Engines open a database with each port.
var Engines = map[string]func() (Engine, error){"modernc": openModernc, "ncruces": openNcruces}

// modernc is the port that the server links, by the server's own code.
type modernc struct{ *edge.D1 }

func openModernc() (Engine, error) {
	db, err := edge.OpenD1("")
	if err != nil {
		return nil, err
	}
	_, err = db.Migrate(store.Migrations())
	return modernc{db}, err
}

func (m modernc) Batch(statements []abi.Statement) error {
	_, err := m.D1.Batch(context.Background(), statements)
	return err
}

// migrate makes the server's tables by script, which runs any number of statements.
func migrate(script func(sql string) error) error {
	files, err := fs.Glob(store.Migrations(), "*.sql") // in order
	if err != nil {
		return err
	}
	for _, name := range files {
		sql, err := fs.ReadFile(store.Migrations(), name)
		if err != nil {
			return err
		}
		if err := script(string(sql)); err != nil {
			return err
		}
	}
	return script("PRAGMA foreign_keys = ON")
}

// sink keeps the copies of cells from being optimized away.
var sink [][]any
