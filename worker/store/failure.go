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
