package records

import (
	"bytes"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// parts are what the statements of a page returned, table by table. Their rows stay
// text as the database made it. JSON is made of columns while an answer is written.
type parts struct {
	tables     []tableReading
	live, dead [][][]byte // without their brackets
	columns    bool       // live are columns, as tableReading.measured returns them
	rows       []int      // in the columns of each table
	size       int        // of all texts
	buffer     []byte     // of rendered

	stamp       record.Stamp
	replacement bool
	next        *record.Position
}

func newParts(tables []tableReading, stamp record.Stamp) *parts {
	return &parts{
		tables: tables, stamp: stamp,
		live: make([][][]byte, len(tables)), dead: make([][][]byte, len(tables)), rows: make([]int, len(tables)),
	}
}

// addLive takes a cell of live rows.
func (p *parts) addLive(table int, text []byte) {
	if p.columns {
		ids, _, _ := bytes.Cut(text, []byte{'\n'})
		if len(ids) > len("[]") {
			p.rows[table] += 1 + bytes.Count(ids, []byte{','})
		}
	}
	p.live[table] = p.add(p.live[table], text, !p.columns)
}

// addDead takes a cell of ids of tombstones.
func (p *parts) addDead(table int, text []byte) { p.dead[table] = p.add(p.dead[table], text, true) }

func (p *parts) add(list [][]byte, text []byte, brackets bool) [][]byte {
	if len(text) <= len("[]") {
		return list
	}
	if brackets {
		text = text[1 : len(text)-1]
	}
	p.size += len(text) + 1
	return append(list, text)
}

// page returns the page that the parts are. It renders columns as it is read.
func (p *parts) page() *record.Page {
	page := &record.Page{Stamp: p.stamp, Replacement: p.replacement, Next: p.next, Tables: make([]record.TablePage, len(p.tables))}
	for i := range p.tables {
		t := record.TablePage{Name: p.tables[i].Name, Deleted: joined(p.dead[i]), Octets: size(p.live[i]) + size(p.dead[i])}
		if p.columns {
			t.Rows = p.rendered(i)
			for _, member := range p.tables[i].members {
				t.Octets += p.rows[i] * len(member) // and a brace and a comma where columns have commas
			}
		} else {
			t.Rows = joined(p.live[i])
		}
		t.Count = p.count(i)
		page.Tables[i] = t
	}
	return page
}

// rowBegins is where a row begins, and nothing else: a string of JSON would escape it.
var rowBegins = []byte(`{"id":`)

// count returns how many rows and tombstones the parts of a table have. An id has no comma.
func (p *parts) count(table int) int {
	n := p.rows[table]
	if !p.columns {
		for _, text := range p.live[table] {
			n += bytes.Count(text, rowBegins)
		}
	}
	for _, text := range p.dead[table] {
		n += 1 + bytes.Count(text, comma)
	}
	return n
}

var comma = []byte{','}

// joined is the texts, divided by commas.
func joined(list [][]byte) ijson.Pieces {
	if len(list) == 0 {
		return nil
	}
	return func(yield func([]byte) bool) {
		for i, text := range list {
			if i > 0 && !yield(comma) || !yield(text) {
				return
			}
		}
	}
}

// renderedBytes is how much text of columns is rendered at a time.
const renderedBytes = 64 << 10

// rendered is the rows of a table as JSON objects, divided by commas.
func (p *parts) rendered(table int) ijson.Pieces {
	if len(p.live[table]) == 0 {
		return nil
	}
	members := p.tables[table].members
	return func(yield func([]byte) bool) {
		b := p.buffer[:0]
		for _, text := range p.live[table] {
			for c := store.NewColumns(text, len(members)); c.Next(); {
				if b = c.AppendRow(b, members, 0); len(b) < renderedBytes {
					continue
				}
				if !yield(b[:len(b)-1]) { // the comma waits: this may be the last row
					return
				}
				b = append(b[:0], ',')
			}
		}
		p.buffer = b
		yield(bytes.TrimSuffix(b, comma))
	}
}

func size(list [][]byte) (n int) {
	for _, text := range list {
		n += len(text) + 1
	}
	return n
}
