package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// A clock is the row of the table Clock.
type clock struct {
	stamp   record.Stamp // of the last change
	horizon record.Stamp // tombstones up to here may be forgotten
	floor   record.Stamp // given by the last restore
	ruled   bool         // the table Readers has, or had, a row
	claims  claims       // of the caller, if a rule reads some
	other   bool         // the caller's claims are not those of the pull before
}

// clockNames are the columns of rules.readClock, and clockColumns how many they are.
const (
	clockNames   = `stamp, horizon, floor, ruled`
	clockColumns = 4
)

var errResults = errors.New("the database did not answer every statement")

// clockOf returns the clock, which the first statement asked for.
func clockOf(results []abi.Result) (clock, error) {
	if len(results) == 0 || len(results[0].Rows) != 1 {
		return clock{}, errors.New("the table Clock has no row: were the migrations applied?")
	}
	r := results[0]
	return clock{
		stamp: record.Stamp(store.Number(r, 0)), horizon: record.Stamp(store.Number(r, 1)), floor: record.Stamp(store.Number(r, 2)),
		ruled: store.Number(r, 3) != 0,
	}, nil
}

// replaces says whether a client whose last pull had the stamp since needs a
// replacement: it saw changes that the restored database does not have, or it did
// not see tombstones that are forgotten, or its claims let it read other rows than before.
func (c clock) replaces(since record.Stamp) bool {
	return c.other || since > c.stamp || since < c.horizon || since < c.floor
}

// Restore must be called once after the database was restored to an earlier point.
// A client that pulled before now gets a replacement at its next pull, and a push
// of such a client that did not pull is rejected. Restore returns the new floor,
// which is a tolerance above now: the stamps that are lost came from other clocks.
func (s *Store) Restore(ctx context.Context, now time.Time) (floor record.Stamp, err error) {
	statements := []abi.Statement{{
		SQL:  `UPDATE Clock SET stamp = max(stamp + 1, CAST(?1 AS INTEGER))` + s.rules.floor + ` RETURNING floor`,
		Args: []any{now.UnixMilli() + record.ToleranceMillis},
	}}
	results, err := s.db.Batch(ctx, append(statements, s.Announcement()...))
	if err != nil {
		return 0, fmt.Errorf("restore the rows: %w", err)
	}
	return record.Stamp(store.Number(results[0], 0)), nil
}
