package tables

import (
	"fmt"
	"strings"
)

// An Error is a mistake in a declaration, and where it stands.
type Error struct {
	Line          int    // 0: unknown
	Table, Column string // "": the mistake is not in one
	Reason        string
}

// Error returns for example: line 12: table visits, column rating: max is less than min
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.text()
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.text())
}

// In returns the error with the place as compilers write it, such as
// tables.toml:12: table visits, column rating: max is less than min
func (e *Error) In(file string) string {
	if e.Line == 0 {
		return file + ": " + e.text()
	}
	return fmt.Sprintf("%s:%d: %s", file, e.Line, e.text())
}

func (e *Error) text() string {
	switch {
	case e.Column != "":
		return fmt.Sprintf("table %s, column %s: %s", e.Table, e.Column, e.Reason)
	case e.Table != "":
		return fmt.Sprintf("table %s: %s", e.Table, e.Reason)
	}
	return e.Reason
}

// Errors are the mistakes of a declaration, in the order of their lines.
type Errors []*Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}
