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

// ErrBirth says that a space rejected the statements that would have made it: they run in an
// empty database, but not after the birth of a space.
var ErrBirth = errors.New("the birth of the space rejects this")
