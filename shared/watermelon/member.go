package watermelon

import (
	"tidemark/shared/ijson"
	"tidemark/shared/record"
)

// A member is a member of a pushed row.
type member struct {
	text []byte // all from the end of the value before it to its own value: its name, as it was written
	name []byte
	kind ijson.Kind // of most of its values; Invalid: any
	// place is the number of the column, as in the mask of record.TableBatch: updated_at is behind
	// created_at. Or it is one of the places below.
	place int
}

// The places of members that are no columns.
const (
	placeOfID      = -1 - iota
	placeOfState   // what WatermelonDB notes for itself
	placeOfUnknown // a column of a newer app
)

// otherMember reads the name of the row's n-th member, which is not that of the row before. It returns
// nil at the end of the row, and after an error.
func (d *pushDecoder) otherMember(n int) *member {
	start := d.s.Offset()
	raw, ok := d.s.Member()
	if !ok {
		return nil
	}
	m := &member{text: d.input[start:d.s.Offset()], name: plain(raw)}
	m.place, m.kind = placeOf(d.table, string(m.name))
	if n < maxMembers {
		d.members = append(d.members[:n], *m)
	}
	return m
}

func placeOf(t *record.Table, name string) (place int, kind ijson.Kind) {
	switch name {
	case "id":
		return placeOfID, ijson.String
	case "_status", "_changed":
		return placeOfState, ijson.String
	case record.CreatedAt:
		return len(t.Columns), ijson.Number
	case record.UpdatedAt:
		return len(t.Columns) + 1, ijson.Number
	}
	c := t.Column(name)
	switch {
	case c < 0:
		return placeOfUnknown, ijson.Invalid
	case t.Columns[c].Type == record.String:
		return c, ijson.String
	case t.Columns[c].Type == record.Number:
		return c, ijson.Number
	}
	return c, ijson.Invalid
}
