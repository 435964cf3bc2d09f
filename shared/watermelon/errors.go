package watermelon

import (
	"errors"
	"fmt"
	"strings"
)

// ErrTooLarge is an input, or an answer, beyond the limits.
var ErrTooLarge = errors.New("too large")

// An InputError is input that breaks a rule: sending it again cannot succeed.
// Table, ID and Column say where, as far as it is known. It is ErrTooLarge if
// the rule is a limit of size or number.
type InputError struct {
	Table, ID, Column string
	Reason            string
	TooLarge          bool
}

// Is says whether it is ErrTooLarge.
func (e *InputError) Is(target error) bool { return e.TooLarge && target == ErrTooLarge }

func (e *InputError) Error() string {
	var b strings.Builder
	if e.Table != "" {
		fmt.Fprintf(&b, "table %q: ", e.Table)
	}
	if e.ID != "" {
		fmt.Fprintf(&b, "id %q: ", e.ID)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %q: ", e.Column)
	}
	b.WriteString(e.Reason)
	return b.String()
}

// A ConflictError is a push that the client should send again after a pull.
// IDs are the rows of each table that were changed since its lastPulledAt; it
// is empty if the whole database was, as after a restore.
type ConflictError struct {
	IDs    map[string][]string
	Reason string
}

func (e *ConflictError) Error() string { return e.Reason }
