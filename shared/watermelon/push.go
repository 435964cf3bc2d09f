package watermelon

import (
	"hash/fnv"
	"slices"
	"strconv"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/record"
)

// A Push is a checked push.
type Push struct {
	record.Batch
	// Ignored are the columns of each table that the schema does not have, at most
	// 64 a table.
	Ignored [][]string
}

// ChunkBytes keeps a parameter under D1's 2 MB.
const ChunkBytes = 1_500_000

// What bounds the names that a push makes the server remember.
const (
	maxIDBytes = 128
	invalidID  = "id must be 1 to 128 characters of A-Z a-z 0-9 _ . -"
	maxIgnored = 64
)

// DecodePush checks {changes, lastPulledAt, conflict?}. Its errors are
// *InputError. The result holds no views of input.
func DecodePush(schema *record.Schema, limits Limits, input []byte) (*Push, error) {
	limits.RowBytes = min(limits.RowBytes, record.MaxRowBytes)
	d := pushDecoder{
		decoder: decoder{s: ijson.NewScanner(input, limits.Depth).MendHalves()},
		input:   input, limits: limits, schema: schema,
		push: Push{Batch: record.Batch{Tables: make([]record.TableBatch, len(schema.Tables))}, Ignored: make([][]string, len(schema.Tables))},
	}
	d.push.decode(&d)
	if err := d.s.End(); d.err == nil && err != nil {
		d.fail(err.Error())
	}
	if d.err != nil {
		return nil, d.err
	}
	return &d.push, nil
}

// A pushDecoder is the state of one scan.
type pushDecoder struct {
	decoder
	input  []byte
	limits Limits
	schema *record.Schema
	push   Push
	rows   int

	// Of the table that is being read:
	table   *record.Table
	write   *record.TableBatch
	ignored *[]string
	members []member // of the row before, in their order
	ids     idSet
	values  [record.MaxColumns + 2][]byte // of the row's columns, by their places
	updated float64                       // the value of updated_at
	guarded bool                          // values are checked, and a hash follows a row: see record.TableBatch
	filled  bool                          // a value of the row counts as absent
	failed  record.Rejection              // the first check that the row fails, without its ID

	unchecked bool   // rows may fail the checks of their columns
	mask      uint64 // what the last row brings: see record.TableBatch, and its updated_at
}

func (p *Push) decode(d *pushDecoder) {
	var members names
	d.object("the input")
	for d.err == nil {
		name, ok := d.member(&members)
		if !ok {
			break
		}
		switch string(name) {
		case "lastPulledAt":
			p.Base = d.stamp("lastPulledAt")
		case "conflict":
			switch conflict := d.text("conflict", 16); conflict {
			case "abort":
				p.Abort = true
			case "", "lww":
			default:
				d.fail(`conflict must be "lww" or "abort"`)
			}
		case "changes":
			d.changes()
		default:
			d.s.Skip()
		}
	}
	if d.err == nil && d.s.Err() == nil && !members.seen("changes") {
		d.fail("changes are missing")
	}
}

func (d *pushDecoder) changes() {
	var members names
	d.object("changes")
	for d.err == nil {
		name, ok := d.member(&members)
		if !ok {
			return
		}
		i := d.schema.Table(string(name))
		if i < 0 {
			d.at = InputError{Table: clip(name)}
			d.unknownTable(slices.Contains(d.schema.Local, string(name)))
			d.at = InputError{}
			continue
		}
		d.table, d.write, d.ignored = &d.schema.Tables[i], &d.push.Tables[i], &d.push.Ignored[i]
		d.at = InputError{Table: d.table.Name}
		d.ids.reset()
		d.guarded = d.table.Guarded()
		d.members = d.members[:0]
		d.tableChanges()
		d.at = InputError{}
	}
}

// unknownTable reads the changes of a table that the server does not have. WatermelonDB
// sends every collection, so a table without rows is no mistake, and neither is a deletion of an unknown row.
// Rows would be lost: their device would take them for synced.
func (d *pushDecoder) unknownTable(local bool) {
	if local || d.s.Kind() != ijson.Object {
		d.s.Skip()
		return
	}
	d.s.Enter(ijson.Object)
	for d.err == nil {
		name, ok := d.s.Member()
		if !ok {
			break
		}
		if name := string(plain(name)); name != "created" && name != "updated" || d.s.Kind() != ijson.Array {
			d.s.Skip()
			continue
		}
		for d.s.Enter(ijson.Array); d.err == nil && d.s.Element(); {
			row := d.s.Offset()
			d.fail("the server has no such table, and would lose its rows: declare it there, or name it among the schema's local tables, or leave it out of the changes that pushChanges sends")
			d.nameRow(row)
		}
	}
	if d.s.Err() != nil {
		d.fail("")
	}
}

func (d *pushDecoder) tableChanges() {
	var members names
	d.object("the table's changes")
	for d.err == nil {
		name, ok := d.member(&members)
		if !ok {
			break
		}
		switch string(name) {
		case "created", "updated":
			d.array(string(name))
			for d.err == nil && d.s.Element() {
				d.row()
				d.rowID = nil
			}
		case "deleted":
			d.deleted()
		default:
			d.fail("unknown member " + strconv.Quote(clip(name)))
		}
	}
	if d.s.Err() != nil {
		d.fail("")
	}
	closeChunk(d.write.Rows)
	closeChunk(d.write.Deleted)
}

func (d *pushDecoder) deleted() {
	d.array("deleted")
	for n := 0; d.err == nil && d.s.Element(); n++ {
		if n == d.limits.PushIDs {
			d.tooLarge("more than %d ids to delete", n)
			return
		}
		raw := d.id()
		d.write.Deleted = d.appendChunk(d.write.Deleted, len(raw)+2)
		last := &d.write.Deleted[len(d.write.Deleted)-1]
		*last = append(append(append(*last, '"'), raw...), '"')
		d.write.DeletedCount++
		d.rowID = nil
	}
}

// id reads an id that the table has not had in this push.
func (d *pushDecoder) id() []byte {
	if d.s.Kind() != ijson.String {
		d.refuse("id must be a string")
		return nil
	}
	id := plain(d.s.String())
	d.newID(id)
	return id
}

// newID checks an id, and that the table has not had it in this push.
func (d *pushDecoder) newID(id []byte) {
	d.rowID = id
	switch {
	case d.s.Err() != nil:
	case !record.ValidID(id, maxIDBytes):
		d.fail(invalidID)
	case !d.ids.add(id):
		d.fail("id is there twice")
	}
}

// row reads one row and appends it to the table's.
func (d *pushDecoder) row() {
	if d.rows++; d.rows > d.limits.PushRows {
		d.tooLarge("the push has more than %d rows", d.limits.PushRows)
		return
	}
	d.mask, d.filled = 0, false
	start := d.s.Offset()
	id := d.rowMembers()
	size := d.s.Offset() - start
	switch {
	case d.err != nil:
		d.nameRow(start)
	case id == nil:
		d.fail("a row has no id")
	case size > d.limits.RowBytes:
		d.tooLarge("the row is larger than %d bytes", d.limits.RowBytes)
	case d.failed.Reason != "":
		d.failed.ID = string(id)
		d.write.Rejected = append(d.write.Rejected, d.failed)
		d.failed = record.Rejection{}
	default:
		d.appendRow(id, d.input[start:d.s.Offset()])
	}
}

// rowMembers reads the members of a row, and returns its id. Mostly they are those of the row before,
// written in the same way.
func (d *pushDecoder) rowMembers() (id []byte) {
	d.object("a row")
	for i := 0; d.err == nil; i++ {
		var m *member
		var value []byte
		var number float64
		known := i < len(d.members)
		if known {
			m = &d.members[i]
			value, number, known = d.s.Expect(m.text, m.kind)
		}
		if !known {
			if m = d.otherMember(i); m == nil {
				break
			}
		}
		switch {
		case m.place >= 0:
			d.column(m.place, value, number)
		case m.place == placeOfID && id != nil:
			d.fail("id is there twice in the row")
		case m.place == placeOfID && value != nil:
			id = value[1 : len(value)-1]
			d.newID(id)
		case m.place == placeOfID:
			id = d.id()
		case value != nil:
		case m.place == placeOfState:
			d.s.Skip()
		default:
			d.ignore(m.name)
		}
		if value == nil {
			if d.s.Err() != nil {
				d.fail("")
			}
			d.at.Column = ""
		}
	}
	if d.s.Err() != nil {
		d.fail("")
	}
	return id
}

// column notes the value of the column with that place. It reads the value if that is nil.
func (d *pushDecoder) column(place int, value []byte, number float64) {
	n := len(d.table.Columns)
	if value == nil || d.mask&(1<<place) != 0 {
		switch {
		case place < n:
			d.at.Column = d.table.Columns[place].Name
		case place == n:
			d.at.Column = record.CreatedAt
		default:
			d.at.Column = record.UpdatedAt
		}
		if d.mask&(1<<place) != 0 {
			d.fail("the column is there twice")
		}
	}
	if value == nil && place < n {
		value = d.value(&d.table.Columns[place])
	} else if value == nil {
		value, number = d.number()
	}
	d.mask |= 1 << place
	d.values[place] = value
	if place == n+1 {
		d.updated = number
	}
	if d.guarded && place < n {
		d.check(place)
	}
}

// appendRow appends a row that was read from text.
func (d *pushDecoder) appendRow(id, text []byte) {
	n := len(d.table.Columns)
	if d.mask == 1<<(n+2)-1 {
		d.write.Latest = max(d.write.Latest, d.updated)
	} else {
		d.write.Partial = true
	}
	if d.filled {
		d.write.Filled = append(d.write.Filled, string(id))
	}
	d.write.RowCount++
	d.write.Rows = d.appendChunk(d.write.Rows, len(text)+3*n+64)
	last := &d.write.Rows[len(d.write.Rows)-1]
	b := append(append(append(*last, `["`...), id...), `",`...)
	b = strconv.AppendUint(b, d.mask&^(1<<(n+1)), 10)
	if d.mask&(1<<(n+1)) != 0 {
		b = append(append(b, ','), d.values[n+1]...)
	} else {
		b = append(b, ",null"...)
	}
	b = d.appendValue(b, n)
	for place := range n {
		b = d.appendValue(b, place)
	}
	if d.guarded {
		h := fnv.New64a()
		h.Write(text)
		b = append(strconv.AppendUint(append(b, `,"`...), h.Sum64(), 36), '"')
	}
	*last = append(b, ']')
}

// appendDefault appends a default as a value of record.TableBatch.
func appendDefault(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return ijson.AppendString(b, v)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	case bool:
		if v {
			return append(b, '1')
		}
	}
	return append(b, '0')
}

// check notes if the value of a column fails the column's check. A value that WatermelonDB
// itself filled in counts as absent, if the column came later than the table and has a
// default: the user did not write it. docs/protocol.md, K1.
func (d *pushDecoder) check(c int) {
	column, value := &d.table.Columns[c], d.values[c]
	if d.err != nil || d.s.Err() != nil || column.Check.None() {
		return
	}
	var v any
	switch {
	case string(value) == "null":
	case column.Type == record.String:
		v = string(ijson.Unquote(nil, value[1:len(value)-1]))
	default:
		v, _ = strconv.ParseFloat(string(value), 64)
	}
	reason := column.Check.Fails(v)
	switch {
	case reason == "":
	case column.Since > max(d.table.Since, 1) && column.Default != nil && v == column.Fill():
		d.mask &^= 1 << c
		d.filled = true
	case d.failed.Reason == "":
		d.failed = record.Rejection{Column: column.Name, Reason: reason}
	}
}

// nameRow adds to the error the id of the row that starts there. The id may stand
// behind the mistake, in a row that is not too long.
func (d *pushDecoder) nameRow(start int) {
	if e, ok := d.err.(*InputError); ok && e.ID == "" {
		row := d.input[start:]
		e.ID = clipID([]byte(findID(row[:min(len(row), d.limits.RowBytes)])))
	}
}

// findID returns the id of the row that the text begins with, or "". It reads
// more leniently than the scanner, which goes no further than a lone surrogate
// or a number out of range.
func findID(text []byte) (id string) {
	if raw := jsonvalue.Member(text, "id"); raw != nil && jsonvalue.Unmarshal(raw, &id) != nil {
		return ""
	}
	return id
}

// appendValue appends a comma and the value of the column with that place, 0 if the row does not bring it.
func (d *pushDecoder) appendValue(b []byte, place int) []byte {
	if d.mask&(1<<place) == 0 {
		return append(b, ',', '0')
	}
	return append(append(b, ','), d.values[place]...)
}

// value reads a value of the column, as it goes to SQLite.
func (d *pushDecoder) value(c *record.Column) []byte {
	switch k := d.s.Kind(); {
	case k == ijson.String && c.Type == record.String:
		return d.s.QuotedString()
	case k == ijson.Null && c.Nullable:
		d.s.Literal()
		return []byte("null")
	case k == ijson.Null && c.Default != nil && d.unchecked: // the column was optional when the row was written
		d.s.Literal()
		return appendDefault(nil, c.Default)
	case c.Type == record.Number:
		text, _ := d.number()
		return text
	case c.Type == record.Boolean && (k == ijson.True || k == ijson.False):
		if d.s.Literal() == ijson.True {
			return []byte("1")
		}
		return []byte("0")
	case c.Type == record.String:
		d.refuse("must be a string")
	default:
		d.refuse("must be true or false")
	}
	return nil
}

func (d *pushDecoder) number() (text []byte, value float64) {
	if d.s.Kind() != ijson.Number {
		d.refuse("must be a number")
		return nil, 0
	}
	return d.s.Number()
}

// ignore skips a column that the schema does not know: one of a newer app.
func (d *pushDecoder) ignore(name []byte) {
	if known := clip(name); len(*d.ignored) < maxIgnored && !slices.Contains(*d.ignored, known) {
		*d.ignored = append(*d.ignored, known)
	}
	d.at.Column = clip(name)
	d.s.Skip()
}

// appendChunk makes room for size more bytes: in the last chunk, after a
// comma, or in a new one.
func (d *pushDecoder) appendChunk(chunks [][]byte, size int) [][]byte {
	if n := len(chunks); n > 0 && len(chunks[n-1])+size+2 <= ChunkBytes {
		chunks[n-1] = append(chunks[n-1], ',')
		return chunks
	}
	closeChunk(chunks)
	most := 256 << 10 // of a table that may have few rows
	if len(chunks) > 0 {
		most = ChunkBytes // growing to it would copy, and leave behind, several times as much
	}
	if 2*size > most {
		most = size + len("[]") // the next row may not fit
	}
	chunk := make([]byte, 1, min(d.s.Left()+size, most))
	chunk[0] = '['
	return append(chunks, chunk)
}

// closeChunk ends the last chunk, if there is one.
func closeChunk(chunks [][]byte) {
	if n := len(chunks); n > 0 {
		chunks[n-1] = append(chunks[n-1], ']')
	}
}
