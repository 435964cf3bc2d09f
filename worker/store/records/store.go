package records

import (
	"context"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// A Store synchronizes the tables of one schema in one database. It keeps no
// state but the SQL it wrote and how large answers were, so any number of
// requests may share it.
type Store struct {
	db     store.DB
	schema record.Schema
	limits watermelon.Limits

	writing []writing // of each table
	sums    []string  // of each table, for the checksum

	// Of each schema version of an app:
	reading [][]reading // the tables that it knows
	delta   []string    // see readDeltas
	pages   []paging
	guesses []guesses
}

// New returns the store of schema in db. It panics if the schema is not valid.
func New(db store.DB, schema record.Schema, limits watermelon.Limits) *Store {
	if err := schema.Validate(); err != nil {
		panic(err)
	}
	limits.RowBytes = min(limits.RowBytes, watermelon.MaxRowBytes)
	s := &Store{db: db, schema: schema, limits: limits}
	for i := range schema.Tables {
		s.writing = append(s.writing, newWriting(&schema.Tables[i]))
		s.sums = append(s.sums, sumOf(&schema.Tables[i]))
	}
	for version := record.Version(1); version <= schema.Version; version++ {
		readings := newReadings(&schema, version)
		s.reading = append(s.reading, readings)
		s.delta = append(s.delta, readDeltas(readings))
		s.pages = append(s.pages, newPaging(readings, nil))
	}
	s.guesses = make([]guesses, schema.Version)
	for i := range s.guesses {
		s.guesses[i].first = make([]store.Guess, len(s.reading[i]))
	}
	return s
}

// Stamp is the stamp of the last change.
func (s *Store) Stamp(ctx context.Context) (record.Stamp, error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: readClock}})
	if err != nil {
		return 0, fmt.Errorf("read the clock: %w", err)
	}
	c, err := clockOf(results)
	return c.stamp, err
}
