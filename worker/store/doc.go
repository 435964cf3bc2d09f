// Package store is what the packages below it share: the port to a database, the
// readers of result cells, pieces of SQL text, the migrations, and the bounds of
// what a request may take. records, projects, documents, tickets and transfer hold
// their own SQL and import nothing of each other.
package store

import (
	"context"

	"tidemark/shared/abi"
)

// A DB runs statements as one transaction: all of them or, with an error, none.
type DB interface {
	Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error)
}
