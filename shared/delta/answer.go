package delta

import (
	"slices"
	"strconv"

	"tidemark/shared/project"
)

// A Part is some rows of one collection as JSON text, divided by commas: whole
// rows, or the ids of deleted ones.
type Part struct {
	Collection int
	Deleted    bool
	Text       []byte
}

// AppendPage appends the answer to a pull. The parts of a collection are together
// and in order. Next is nil on the last page.
func AppendPage(b []byte, parts []Part, mark project.Seq, next *Cursor) []byte {
	size := 1000 // what is around the parts
	for i := range parts {
		size += len(parts[i].Text) + 1
	}
	b = append(slices.Grow(b, size), `{"changes":{`...)
	for i := range project.Collections {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, project.Collections[i].Name...)
		b = append(b, `":{"created":[],"updated":[`...)
		b = appendParts(b, parts, i, false)
		b = append(b, `],"deleted":[`...)
		b = appendParts(b, parts, i, true)
		b = append(b, `]}`...)
	}
	b = strconv.AppendInt(append(b, `},"timestamp":`...), int64(mark), 10)
	b = append(b, `,"next_cursor":`...)
	if next == nil {
		return append(b, `null}`...)
	}
	return append(strconv.AppendQuote(b, next.String()), '}')
}

func appendParts(b []byte, parts []Part, collection int, deleted bool) []byte {
	first := true
	for _, p := range parts {
		if p.Collection != collection || p.Deleted != deleted {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, p.Text...)
	}
	return b
}
