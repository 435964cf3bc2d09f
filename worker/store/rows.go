package store

import (
	"errors"
	"fmt"
	"slices"

	"tidemark/shared/ijson"
)

// MaxRowValues is how many values a row of Rows may have.
const MaxRowValues = FunctionArgs

// Rows are rows as SQLite gives them: for each a json_array of scalars, without white
// space, and commas between. Unlike Columns, SQLite calls one function for each row, and
// not one for each value.
type Rows struct {
	text []byte
	next int // where the next row begins
	// Where each value of this row ends. The first begins behind the bracket, each other behind a comma.
	begin, count int
	ends         [MaxRowValues]int
	err          error
}

// errHalfRow is the error of a text that ends within a row, or has a row of more than MaxRowValues values.
var errHalfRow = errors.New("the database returned a row that does not end")

// NewRows returns the rows of a text, before the first.
func NewRows(text []byte) *Rows { return &Rows{text: text} }

// Next goes to the next row. It returns false after the last one, and at an error: see Err.
func (r *Rows) Next() bool {
	if r.err != nil {
		return false
	}
	text, i := r.text, r.next+1
	r.begin, r.count = i, 0
	for r.count < MaxRowValues && i < len(text) {
		if text[i] == '"' {
			i = ijson.StringEnd(text, i+1)
		} else {
			for i < len(text) && text[i] != ',' && text[i] != ']' {
				i++
			}
		}
		r.ends[r.count] = i
		r.count++
		if i >= len(text) {
			break
		}
		if text[i] == ']' {
			r.next = i + len("],")
			return true
		}
		i++
	}
	if r.next < len(text) {
		r.err = errHalfRow
	}
	r.next, r.count = len(text), 0
	return false
}

// Err is the first error of Next and AppendObject, or nil. A caller asks for it after the last row: without that it
// would take half of an answer for a whole one.
func (r *Rows) Err() error { return r.err }

// Value is the JSON of this row's value i, empty if the row has no such value.
func (r *Rows) Value(i int) []byte {
	if i >= r.count {
		return nil
	}
	return r.text[r.at(i):r.ends[i]]
}

func (r *Rows) at(i int) int {
	if i == 0 {
		return r.begin
	}
	return r.ends[i-1] + 1
}

// AppendObject appends this row as a JSON object and a comma: the values from that one
// on, with a member before each. For a row of another number of values it appends nothing, and sets Err.
func (r *Rows) AppendObject(b []byte, members [][]byte, from int) []byte {
	if r.count != from+len(members) {
		r.err = fmt.Errorf("the database returned a row of %d values instead of %d", r.count, from+len(members))
		return b
	}
	at := r.at(from)
	size := r.ends[r.count-1] - at + len("},")
	for _, member := range members {
		size += len(member)
	}
	if cap(b)-len(b) < size {
		b = slices.Grow(b, size+r.rest(size))
	}
	for i, member := range members {
		end := r.ends[from+i]
		b = append(append(b, member...), r.text[at:end]...)
		at = end + 1
	}
	return append(b, '}', ',')
}

// rest is how many bytes the rows after this one are likely to have as objects, if this one
// has so many, and some more: a text that grows often is copied often. It is at most twice their
// text, as the caller has memory for no more.
func (r *Rows) rest(size int) int {
	left := max(0, len(r.text)-r.next)
	return min(size*left/(r.next-r.begin)*17/16, 2*left) + rowsSlack
}

// rowsSlack is room for what follows the rows of a page.
const rowsSlack = 2 << 10
