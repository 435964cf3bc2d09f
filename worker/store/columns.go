package store

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// Columns are rows as SQLite gives them: a line for each column, with a JSON
// array of as many scalars as there are rows, without white space.
type Columns struct {
	text []byte
	// Where each column's value of this row begins and ends. Slices would cost a
	// write barrier each.
	at, ends []int
}

// NewColumns returns the rows of a text of that many columns, before the first row.
func NewColumns(text []byte, count int) *Columns {
	c := &Columns{text: text, at: make([]int, count), ends: make([]int, count)}
	line := 0
	for i := range c.ends {
		c.ends[i] = line // the value before the first
		length := bytes.IndexByte(text[min(line, len(text)):], '\n')
		if length < 0 {
			length = len(text) - line
		}
		if length < len("[]") {
			c.text, c.ends = nil, c.ends[:0] // not columns
			return c
		}
		line += length + len("\n")
	}
	return c
}

// Next goes to the next row.
func (c *Columns) Next() bool {
	if len(c.ends) == 0 || c.ends[0]+1 >= len(c.text) || c.text[c.ends[0]+1] == ']' || c.text[c.ends[0]] == ']' {
		return false
	}
	for i, end := range c.ends {
		c.at[i] = min(end+1, len(c.text))
		c.ends[i] = scalarEnd(c.text, c.at[i])
	}
	return true
}

// Value is the JSON of this row's value in column i.
func (c *Columns) Value(i int) []byte { return c.text[c.at[i]:c.ends[i]] }

// AppendRow appends this row as a JSON object and a comma: the columns from
// that one on, with a member before each.
func (c *Columns) AppendRow(b []byte, members [][]byte, from int) []byte {
	size := len("},")
	for i, member := range members {
		size += len(member) + c.ends[from+i] - c.at[from+i]
	}
	b = slices.Grow(b, size)
	n := len(b)
	b = b[:n+size]
	for i, member := range members {
		n += copy(b[n:], member)
		n += copy(b[n:], c.text[c.at[from+i]:c.ends[from+i]])
	}
	b[n] = '}'
	b[n+1] = ','
	return b
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// either is where the first a or b is in part from i on, or its end.
func either(part []byte, i int, a, b byte) int {
	for ; i+8 <= len(part); i += 8 {
		word := binary.LittleEndian.Uint64(part[i:])
		x, y := word^(ones*uint64(a)), word^(ones*uint64(b))
		if found := ((x-ones)&^x | (y-ones)&^y) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(part) && part[i] != a && part[i] != b {
		i++
	}
	return i
}

// scalarEnd is where the scalar at i ends.
func scalarEnd(part []byte, i int) int {
	if i >= len(part) || part[i] != '"' {
		return either(part, i, ',', ']')
	}
	for i = either(part, i+1, '"', '\\'); i < len(part) && part[i] != '"'; {
		i = either(part, i+2, '"', '\\')
	}
	return min(i+1, len(part))
}
