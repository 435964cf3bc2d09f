package watermelon

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
)

// ErrTooLarge is an input, or an answer, beyond the limits.
var ErrTooLarge = record.ErrTooLarge

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

// Data returns the table, the id and the column as members of a JSON object,
// without the braces.
func (e *InputError) Data() (b []byte) {
	for _, m := range [...][2]string{{"table", e.Table}, {"id", e.ID}, {"column", e.Column}} {
		if m[1] != "" {
			b = ijson.AppendString(appendName(b, 0, m[0]), m[1])
		}
	}
	return b
}

// A ConflictError is a push that the client should send again after a pull.
// IDs are the rows of each table that were changed since its lastPulledAt; it
// is empty if the whole database was, as after a restore.
type ConflictError struct {
	IDs    map[string][]string
	Reason string
}

func (e *ConflictError) Error() string { return e.Reason }

// Data returns the member "ids":{table:[ids]} of a JSON object, the tables by name.
func (e *ConflictError) Data() []byte {
	b := []byte(`"ids":{`)
	first := len(b)
	for _, table := range slices.Sorted(maps.Keys(e.IDs)) {
		b = appendList(b, first, table, e.IDs[table])
	}
	return append(b, '}')
}

// Explain returns an error of a store in the words of the dialect, or the error
// itself if the push or the pull is not the reason.
func Explain(err error) error {
	var conflict *record.ConflictError
	var stale *record.StaleError
	var row *record.RowError
	switch {
	case errors.As(err, &conflict):
		return &ConflictError{IDs: conflict.IDs, Reason: "rows of the push were changed since lastPulledAt"}
	case errors.As(err, &stale) && stale.Oldest >= ijson.MaxInteger: // no pull gave such a stamp
		return &ConflictError{Reason: fmt.Sprintf(
			"lastPulledAt is %d, and the rows of that pull were deleted together, or are being imported: pull first", stale.Base)}
	case errors.As(err, &stale):
		return &ConflictError{Reason: fmt.Sprintf(
			"lastPulledAt is %d, but what was deleted or restored before %d is forgotten: pull first", stale.Base, stale.Oldest)}
	case errors.As(err, &row):
		return &InputError{Table: row.Table, ID: row.ID, Reason: "the row would become too large"}
	case errors.Is(err, record.ErrOldPosition):
		return &InputError{Reason: "cursor is too old: begin again with the first page"}
	}
	return err
}
