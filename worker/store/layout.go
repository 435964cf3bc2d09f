package store

import (
	"errors"
	"fmt"
	"slices"

	"tidemark/shared/abi"
)

// StorageNumber is the number of what the server stores, in all databases and objects. Raise it once
// for each release with another migration or another layout of objects. What 0.1.0 stored has no number and
// counts as 1.
const StorageNumber = 2

// An Exec runs statements as one transaction on the SQLite of a Durable Object.
type Exec = func(...abi.Statement) ([]abi.Result, error)

// Layouts are the migrations of one class of Durable Objects: migration n, counted from 1,
// takes an object's tables from layout n-1 to layout n. Layout 0 is an empty object. Never
// change a migration that was released: append one.
//
// The table layout of an object holds the number of its layout, in the column version. One
// migration of the list creates that table. An object without the table is older: the
// migrations up to that one accept every form of such objects.
type Layouts [][]abi.Statement

// ErrNewerLayout says that a later version of this code wrote the object's tables.
var ErrNewerLayout = errors.New("a newer version wrote this storage")

// Check returns ErrNewerLayout if number is no layout that this code knows.
func (l Layouts) Check(number int) error {
	if number > len(l) {
		return fmt.Errorf("%w: its layout has number %d, and this version knows layouts up to %d", ErrNewerLayout, number, len(l))
	}
	return nil
}

// Number returns the number of the object's layout: 0 if it has none.
func (l Layouts) Number(exec Exec) (int, error) {
	results, err := exec(abi.Statement{SQL: `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'layout'`})
	if err != nil {
		return 0, fmt.Errorf("look for the table layout: %w", err)
	}
	if Number(results[0], 0) == 0 {
		return 0, nil
	}
	if results, err = exec(abi.Statement{SQL: `SELECT version FROM layout`}); err != nil {
		return 0, fmt.Errorf("read the number of the layout: %w", err)
	}
	return int(Number(results[0], 0)), nil
}

// Create returns the statements that make the tables of an empty object.
func (l Layouts) Create() []abi.Statement { return l.after(0) }

func (l Layouts) after(number int) []abi.Statement {
	return append(slices.Concat(l[number:]...),
		abi.Statement{SQL: `INSERT OR REPLACE INTO layout VALUES (1, ?1)`, Args: []any{len(l)}})
}

// Migrate applies the migrations after that number and stores the new number: all of them
// in one transaction, or none.
func (l Layouts) Migrate(exec Exec, number int) error {
	statements := l.after(number)
	if _, err := exec(statements...); err != nil {
		return fmt.Errorf("migrate from layout %d to %d: %w", number, len(l), err)
	}
	return nil
}
