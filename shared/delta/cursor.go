// Package delta is the dialect in which a client keeps a copy of a project: a
// pull by high-water mark, in pages, and an upload that can be repeated.
// docs/protocol.md, Projects 1 and 5.
package delta

import (
	"encoding/base64"
	"errors"

	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
)

// A Cursor is where the next page of a pull begins: behind the row (Collection,
// Seq, ID). Mark was fixed by the first page and is the same on every page.
type Cursor struct {
	Project    string
	Since      project.Seq
	Mark       project.Seq
	Collection int // index in project.Collections
	Seq        project.Seq
	ID         string
}

const cursorForm = 1 // changes with the meaning of a cursor

var errCursor = errors.New("not a cursor")

// String is the cursor as a client carries it: base64url of a JSON array.
func (c Cursor) String() string {
	text, _ := jsonvalue.Marshal([]any{cursorForm, c.Project, c.Since, c.Mark, c.Collection, c.Seq, c.ID})
	return base64.RawURLEncoding.EncodeToString(text)
}

// MaxCursorBytes is more than the longest cursor has.
const MaxCursorBytes = 512

// ParseCursor is the inverse of String. It returns only cursors with Since < Seq <=
// Mark, a known collection and valid ids.
func ParseCursor(s string) (Cursor, error) {
	if len(s) > MaxCursorBytes {
		return Cursor{}, errCursor
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return Cursor{}, errCursor
	}
	var form int
	var c Cursor
	var members []jsonvalue.RawMessage
	into := []any{&form, &c.Project, &c.Since, &c.Mark, &c.Collection, &c.Seq, &c.ID}
	if err := jsonvalue.Unmarshal(text, &members); err != nil || len(members) != len(into) {
		return Cursor{}, errCursor
	}
	for i, m := range members {
		if jsonvalue.Unmarshal(m, into[i]) != nil {
			return Cursor{}, errCursor
		}
	}
	if form != cursorForm {
		return Cursor{}, errCursor
	}
	if c.Since < 0 || c.Seq <= c.Since || c.Mark < c.Seq || c.Mark >= project.MaxSeq ||
		c.Collection < 0 || c.Collection >= len(project.Collections) ||
		!project.ValidID(c.Project) || !project.ValidID(c.ID) || c.String() != s {
		return Cursor{}, errCursor
	}
	return c, nil
}
