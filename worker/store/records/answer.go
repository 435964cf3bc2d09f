package records

import (
	"bytes"
	"strconv"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// An answer is what a pull returns: parts of text as the database made them,
// table by table. The JSON is made while it is written.
type answer struct {
	tables        []reading
	updated, dead [][][]byte // without their brackets
	columns       bool       // updated are parts as reading.full returns them
	rows          []int      // in the columns of each table
	size          int        // of the parts
	stamp         record.Stamp
	replacement   bool
	cursor        string
}

func newAnswer(tables []reading, stamp record.Stamp) *answer {
	return &answer{
		tables: tables, stamp: stamp,
		updated: make([][][]byte, len(tables)), dead: make([][][]byte, len(tables)), rows: make([]int, len(tables)),
	}
}

// add takes the cells of a part: whether its rows are tombstones, and its array.
func (a *answer) add(table int, dead, array any) {
	part := store.CellText(array)
	if len(part) <= len("[]") || table < 0 {
		return
	}
	if a.columns {
		ids, _, _ := bytes.Cut(part, []byte{'\n'})
		if len(ids) > len("[]") {
			a.rows[table] += 1 + bytes.Count(ids, []byte{','})
		}
	} else {
		part = part[1 : len(part)-1]
	}
	a.size += len(part) + 1
	if d, _ := dead.(float64); d != 0 {
		a.dead[table] = append(a.dead[table], part)
	} else {
		a.updated[table] = append(a.updated[table], part)
	}
}

// octets is about how many the JSON has.
func (a *answer) octets() int {
	size := a.size + 128
	for i := range a.tables {
		size += len(a.tables[i].Name) + len(`"":{"created":[],"updated":[],"deleted":[]},`)
		for _, member := range a.tables[i].members {
			size += a.rows[i] * len(member) // and a brace and a comma where columns have commas
		}
	}
	return size + len(a.cursor)
}

// gathered is how much text of columns is made at a time.
const gathered = 64 << 10

// pieces yields the JSON in pieces. A piece may be overwritten by the next.
func (a *answer) pieces(yield func([]byte) bool) {
	b := append(make([]byte, 0, 512), `{"changes":{`...)
	for i := range a.tables {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendString(b, a.tables[i].Name)
		b = append(b, `:{"created":[],"updated":[`...)
		var ok bool
		if a.columns {
			b, ok = yieldColumns(b, a.tables[i].members, a.updated[i], yield)
		} else {
			b, ok = yieldParts(b, a.updated[i], yield)
		}
		if !ok {
			return
		}
		b = append(b, `],"deleted":[`...)
		if b, ok = yieldParts(b, a.dead[i], yield); !ok {
			return
		}
		b = append(b, "]}"...)
	}
	b = strconv.AppendInt(append(b, `},"timestamp":`...), int64(a.stamp), 10)
	if a.replacement {
		b = append(b, `,"experimentalStrategy":"replacement"`...)
	}
	if a.cursor != "" {
		b = ijson.AppendString(append(b, `,"cursor":`...), a.cursor)
	}
	yield(append(b, '}'))
}

// yieldParts yields b and the parts, divided by commas. Small ones it returns in b.
func yieldParts(b []byte, parts [][]byte, yield func([]byte) bool) ([]byte, bool) {
	for i, part := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		if len(b)+len(part) <= gathered {
			b = append(b, part...)
			continue
		}
		if !yield(b) || !yield(part) {
			return nil, false
		}
		b = b[:0]
	}
	return b, true
}

// yieldColumns yields b and the rows of the parts, and returns the rest in b.
func yieldColumns(b []byte, members [][]byte, parts [][]byte, yield func([]byte) bool) ([]byte, bool) {
	some := false
	for _, part := range parts {
		c := store.NewColumns(part, len(members))
		for c.Next() {
			some = true
			if b = c.AppendRow(b, members, 0); len(b) < gathered {
				continue
			}
			comma := len(b) - 1 // it may be the last row
			if !yield(b[:comma]) {
				return nil, false
			}
			b = append(b[:0], ',')
		}
	}
	if some {
		b = b[:len(b)-1]
	}
	return b, true
}

func partsSize(parts [][]byte) (size int) {
	for _, part := range parts {
		size += len(part) + 1
	}
	return size
}
