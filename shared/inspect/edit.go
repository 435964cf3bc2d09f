package inspect

import (
	"fmt"
	"slices"
	"time"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

// A Change changes one row as the server itself: the rules of tables do not count. X5, X6.
type Change struct {
	Table, ID string
	If        record.Stamp // that the row must have; 0: any
	Set       ijson.Pairs  // the new values by the names of columns
	Delete    bool
}

// A Why says why a row was not changed.
type Why int

// The reasons.
const (
	RowUnknown Why = iota
	RowDeleted
	RowChanged
)

// A ChangeError is the error of a change that wrote nothing.
type ChangeError struct {
	Why  Why
	text string
}

func (e *ChangeError) Error() string { return e.text }

// The errors of a change.
var (
	ErrUnknown = &ChangeError{RowUnknown, "The server has no row with this id"}
	ErrDeleted = &ChangeError{RowDeleted, "The row is deleted, and stays so: make a new row with a new id"}
	ErrChanged = &ChangeError{RowChanged, "The row has another stamp than if-match: it was changed meanwhile"}
)

// DecodeEdit reads the body of an edit, {"set":{column:value}}.
func DecodeEdit(body []byte) (set ijson.Pairs, err error) {
	members, problem := ijson.ObjectPairs(body)
	if problem != "" {
		return nil, fail("the body %s", problem)
	}
	if err := Known("member", namesOf(members), "set"); err != nil {
		return nil, err
	}
	if len(members) != 1 {
		return nil, fail(`the body must be {"set":{"column":value}}`)
	}
	if set, problem = ijson.ObjectPairs(members[0].Value); problem != "" {
		return nil, fail("set %s", problem)
	}
	return set, nil
}

func namesOf(members ijson.Pairs) (names []string) {
	for _, m := range members {
		names = append(names, string(m.Name))
	}
	return names
}

// A value is one that an edit sets, as record.TableBatch.Rows has it.
type value struct {
	column int
	text   []byte
}

// Values checks the new values against the declaration of the table.
func (c *Change) Values(t *record.Table) (set []value, err error) {
	for _, member := range c.Set {
		name := string(member.Name)
		n := t.Column(name)
		if n < 0 {
			return nil, fail("table %q has no column %.64q that an edit can set", t.Name, name)
		}
		if slices.ContainsFunc(set, func(v value) bool { return v.column == n }) {
			return nil, &watermelon.InputError{Table: t.Name, ID: c.ID, Column: name, Reason: "the column is there twice"}
		}
		text, err := watermelon.DecodeValue(t, n, member.Value)
		if err != nil {
			return nil, err
		}
		if reason := t.Columns[n].Check.Fails(plain(text)); reason != "" {
			return nil, &watermelon.InputError{Table: t.Name, ID: c.ID, Column: name, Reason: reason}
		}
		set = append(set, value{n, text})
	}
	return set, nil
}

// plain is a value as record.Check.Fails takes it.
func plain(text []byte) any {
	switch s := ijson.NewScanner(text, 0); s.Kind() {
	case ijson.String:
		return string(ijson.Unquote(nil, s.String()))
	case ijson.Number:
		_, n := s.Number()
		return n
	}
	return nil
}

// Batch returns the changes to the table of a row that the server has so; nil: there are none.
func (c *Change) Batch(t *record.Table, set []value, row *record.Inspected, now time.Time) (*record.TableBatch, error) {
	switch {
	case row.State == record.Unknown:
		return nil, ErrUnknown
	case row.State == record.Deleted && c.Delete:
		return nil, nil
	case row.State == record.Deleted:
		return nil, ErrDeleted
	case c.If != 0 && row.Stamp != c.If:
		return nil, ErrChanged
	case c.Delete:
		return &record.TableBatch{Deleted: [][]byte{fmt.Appendf(nil, "[%s]", quoted(c.ID))}, DeletedCount: 1}, nil
	}
	if !differs(t, set, row.Row) {
		return nil, nil
	}
	// All values of set, also those that the row has already: a push that comes first may change them.
	mask, size, values := uint64(0), 0, slices.Repeat([][]byte{{'0'}}, len(t.Columns))
	for _, v := range set {
		mask |= 1 << v.column
		values[v.column] = v.text
		size += len(v.text)
	}
	if size > record.MaxRowBytes {
		return nil, &watermelon.InputError{Table: t.Name, ID: c.ID, Reason: "the row would become too large", TooLarge: true}
	}
	hash := ""
	if t.Guarded() {
		hash = `,""` // the row is never rejected
	}
	rows := fmt.Appendf(nil, "[[%s,%d,%d,0,%s%s]]", quoted(c.ID), mask, now.UnixMilli(), joined(values), hash) // it keeps its created_at
	return &record.TableBatch{Rows: [][]byte{rows}, RowCount: 1, Partial: true}, nil
}

// differs says whether the row does not have all of the values already.
func differs(t *record.Table, set []value, row []byte) bool {
	stored, _ := ijson.ObjectPairs(row)
	return slices.ContainsFunc(set, func(v value) bool {
		column := &t.Columns[v.column]
		old, err := watermelon.DecodeValue(t, v.column, stored.Get(column.Name))
		return err != nil || plain(old) != plain(v.text)
	})
}

// Base is the last change that the writer has seen: all of them, unless the row must have a stamp.
func (c *Change) Base(row *record.Inspected) record.Stamp {
	if c.If != 0 {
		return row.Now
	}
	return ijson.MaxInteger
}
