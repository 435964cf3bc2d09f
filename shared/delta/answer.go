package delta

import (
	"strconv"

	"tidemark/shared/project"
)

// A Page is the answer to a pull as it grows: the collections in their order, and
// in each the live rows and the ids of the deleted ones.
type Page struct {
	// Live is the answer up to the last live row, and Deleted the ids of the collection's
	// deleted rows as JSON. The caller appends to both, with a comma after each row and id.
	Live, Deleted []byte
	collection    int // index in project.Collections
}

// NewPage returns an answer that is at the first collection.
func NewPage() *Page {
	p := &Page{Live: []byte(`{"changes":{`)}
	p.open()
	return p
}

// Go goes on to a collection, which is not before the one that the page is at.
func (p *Page) Go(collection int) {
	for p.collection < collection {
		p.close()
		p.Live = append(p.Live, ',')
		p.collection++
		p.open()
	}
}

func (p *Page) open() {
	p.Live = append(append(append(p.Live, '"'), project.Collections[p.collection].Name...), `":{"created":[],"updated":[`...)
}

func (p *Page) close() {
	p.Live = append(append(withoutComma(p.Live), `],"deleted":[`...), withoutComma(p.Deleted)...)
	p.Live = append(p.Live, `]}`...)
	p.Deleted = p.Deleted[:0]
}

// End returns the whole answer. Next is nil on the last page.
func (p *Page) End(mark project.Seq, next *Cursor) []byte {
	p.Go(len(project.Collections) - 1)
	p.close()
	b := strconv.AppendInt(append(p.Live, `},"timestamp":`...), int64(mark), 10)
	b = append(b, `,"next_cursor":`...)
	if next == nil {
		return append(b, `null}`...)
	}
	return append(strconv.AppendQuote(b, next.String()), '}')
}

func withoutComma(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] == ',' {
		return b[:len(b)-1]
	}
	return b
}
