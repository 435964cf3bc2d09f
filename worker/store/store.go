// Package store keeps the rows: every line of SQL and the rules of
// synchronization that SQL has to keep. A push and a pull are one batch each.
package store

import (
	"context"
	"errors"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

// A DB runs statements as one transaction: all of them or, with an error, none.
type DB interface {
	Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error)
}

// A Store synchronizes the tables of one schema in one database. It keeps no
// state but the SQL it wrote, so it may be shared by any number of requests.
type Store struct {
	db     DB
	schema record.Schema
	limits watermelon.Limits
}

// A Change is a table that a push really changed, and the stamp of its rows.
type Change struct {
	Table string
	Stamp record.Stamp
}

var errUnbuilt = errors.New("store: not there yet")

// New returns the store of schema in db. It panics if the schema is not valid.
func New(db DB, schema record.Schema, limits watermelon.Limits) *Store {
	if err := schema.Validate(); err != nil {
		panic(err)
	}
	return &Store{db: db, schema: schema, limits: limits}
}

// Pull answers {"changes":…,"timestamp":…[,"experimentalStrategy":"replacement"][,"cursor":"…"]}
// to {lastPulledAt, schemaVersion?, migration?, limit?, cursor?}; an empty
// input is a first pull. Errors: *watermelon.InputError,
// watermelon.ErrTooLarge; any other is internal.
func (s *Store) Pull(ctx context.Context, now time.Time, input []byte) (answer []byte, err error) {
	return nil, errUnbuilt
}

// Push answers {"timestamp":…,"applied":{table:{"created":n,"updated":n,"deleted":n}},"superseded":{table:[ids]},"ignored":{table:[columns]}}
// to {changes, lastPulledAt, conflict?}, and says which tables it really
// changed: tell subscribers of these. Errors: *watermelon.InputError,
// *watermelon.ConflictError, watermelon.ErrTooLarge; any other is internal,
// and the push may then have been done or not.
func (s *Store) Push(ctx context.Context, now time.Time, input []byte) (answer []byte, changed []Change, err error) {
	return nil, nil, errUnbuilt
}

// Stamp is the stamp of the last change.
func (s *Store) Stamp(ctx context.Context) (record.Stamp, error) { return 0, errUnbuilt }

// Checksum answers {"timestamp":…,"tables":{table:{"count":n,"checksum":"…"}}} over the live rows.
func (s *Store) Checksum(ctx context.Context) (answer []byte, err error) { return nil, errUnbuilt }

// Purge forgets tombstones older than keep. A client that last pulled before
// them gets a replacement. It returns the new horizon and how many rows went.
func (s *Store) Purge(ctx context.Context, now time.Time, keep time.Duration) (horizon record.Stamp, purged int, err error) {
	return 0, 0, errUnbuilt
}

// Restore is to be called after the database was restored to an earlier point:
// every client that pulled before now gets a replacement. It returns the floor.
func (s *Store) Restore(ctx context.Context, now time.Time) (floor record.Stamp, err error) {
	return 0, errUnbuilt
}
