package watermelon

import (
	"bytes"
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
	ids     map[string]struct{}
	values  [record.MaxColumns][]byte
	guarded bool             // values are checked, and a hash follows a row: see record.TableBatch
	filled  bool             // a value of the row counts as absent
	failed  record.Rejection // the first check that the row fails, without its ID

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
		d.ids = map[string]struct{}{}
		d.guarded = d.table.Guarded()
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
				d.at = InputError{Table: d.table.Name}
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
		d.at.ID = ""
	}
}

// id reads an id that the table has not had in this push.
func (d *pushDecoder) id() []byte {
	if d.s.Kind() != ijson.String {
		d.refuse("id must be a string")
		return nil
	}
	id := d.s.String()
	if bytes.IndexByte(id, '\\') >= 0 {
		id = ijson.Unquote(nil, id)
	}
	d.at.ID = clipID(id)
	switch _, twice := d.ids[string(id)]; {
	case d.s.Err() != nil:
	case !record.ValidID(id, maxIDBytes):
		d.fail(invalidID)
	case twice:
		d.fail("id is there twice")
	}
	d.ids[string(id)] = struct{}{}
	return id
}

// row reads one row and appends it to the table's.
//
//layout:long one scan that checks a row and copies it
func (d *pushDecoder) row() {
	if d.rows++; d.rows > d.limits.PushRows {
		d.tooLarge("the push has more than %d rows", d.limits.PushRows)
		return
	}
	var id, created, updated []byte
	d.mask, d.failed, d.filled = 0, record.Rejection{}, false
	n := len(d.table.Columns)
	brings := func(bit int) {
		if d.mask&(1<<bit) != 0 {
			d.fail("the column is there twice")
		}
		d.mask |= 1 << bit
	}
	start := d.s.Offset()
	d.object("a row")
	for d.err == nil {
		raw, ok := d.s.Member()
		if !ok {
			break
		}
		name := plain(raw)
		switch string(name) {
		case "id":
			if id != nil {
				d.fail("id is there twice in the row")
				break
			}
			id = d.id()
		case "_status", "_changed":
			d.s.Skip()
		case record.CreatedAt:
			d.at.Column = record.CreatedAt
			brings(n)
			created = d.number()
		case record.UpdatedAt:
			d.at.Column = record.UpdatedAt
			brings(n + 1)
			updated = d.number()
		default:
			c := d.table.Column(string(name))
			if c < 0 {
				d.ignore(name)
				break
			}
			d.at.Column = d.table.Columns[c].Name
			brings(c)
			d.values[c] = d.value(&d.table.Columns[c])
			if d.guarded {
				d.check(c)
			}
		}
		if d.s.Err() != nil {
			d.fail("")
		}
		d.at.Column = ""
	}
	if d.s.Err() != nil {
		d.fail("")
	}
	size := d.s.Offset() - start
	switch {
	case d.err != nil:
		d.nameRow(start)
		return
	case id == nil:
		d.fail("a row has no id")
		return
	case size > d.limits.RowBytes:
		d.tooLarge("the row is larger than %d bytes", d.limits.RowBytes)
		return
	}
	if d.failed.Reason != "" {
		d.failed.ID = string(id)
		d.write.Rejected = append(d.write.Rejected, d.failed)
		clear(d.values[:n])
		return
	}
	d.write.Rows = d.appendChunk(d.write.Rows, size+3*n+64)
	last := &d.write.Rows[len(d.write.Rows)-1]
	b := append(append(append(*last, `["`...), id...), `",`...)
	b = strconv.AppendUint(b, d.mask&^(1<<(n+1)), 10)
	d.write.RowCount++
	if d.filled {
		d.write.Filled = append(d.write.Filled, string(id))
	}
	if d.mask != 1<<(n+2)-1 {
		d.write.Partial = true
	} else if at, err := strconv.ParseFloat(string(updated), 64); err == nil {
		d.write.Latest = max(d.write.Latest, at)
	}
	if updated == nil {
		updated = []byte("null")
	}
	b = appendValue(b, updated)
	b = appendValue(b, created)
	for c := range n {
		b = appendValue(b, d.values[c])
		d.values[c] = nil
	}
	if d.guarded {
		h := fnv.New64a()
		h.Write(d.input[start:d.s.Offset()])
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
	if d.err != nil || column.Check.None() {
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
		d.values[c] = nil
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

func appendValue(b, value []byte) []byte {
	if value == nil {
		return append(b, ',', '0')
	}
	return append(append(b, ','), value...)
}

// value reads a value of the column, as it goes to SQLite.
func (d *pushDecoder) value(c *record.Column) []byte {
	switch k := d.s.Kind(); {
	case k == ijson.Null && c.Nullable:
		d.s.Literal()
		return []byte("null")
	case k == ijson.Null && c.Default != nil && d.unchecked: // the column was optional when the row was written
		d.s.Literal()
		return appendDefault(nil, c.Default)
	case c.Type == record.Number:
		return d.number()
	case c.Type == record.String && k == ijson.String:
		return d.s.QuotedString()
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

func (d *pushDecoder) number() []byte {
	if d.s.Kind() != ijson.Number {
		d.refuse("must be a number")
		return nil
	}
	text, _ := d.s.Number()
	return text
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
