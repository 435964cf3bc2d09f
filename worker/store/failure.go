package store

import (
	"errors"
	"strings"

	"tidemark/shared/abi"
)

// TooLong says whether a statement failed because it made a text that is too long
// for a cell.
func TooLong(err error) bool { return err != nil && strings.Contains(err.Error(), "too big") }

// Passes says whether a statement failed because the database was overloaded, out
// of reach or reset: the same may succeed later.
func Passes(err error) bool {
	var failed abi.OpError
	return errors.As(err, &failed) && failed.Passes()
}

// Unmigrated says whether a statement failed because the database has no such table or column.
func Unmigrated(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "no such table: ") || strings.Contains(text, "no such column: ") || strings.Contains(text, " has no column named ")
}
