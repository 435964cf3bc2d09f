package watermelon

import (
	"tidemark/shared/ijson"
	"tidemark/shared/record"
)

// namesBytes is the most by which a row as JSON is longer than the array of its values:
// the names, and numbers that a client wrote shorter.
func namesBytes(t *record.Table) int {
	n := 256
	for i := range t.Columns {
		n += len(t.Columns[i].Name) + 32
	}
	return n
}

// DecodeRow checks the JSON of one row as a push does, but the row must have every column
// of the table and no other. It returns the row as an array of record.TableBatch.Rows. Its
// error is an *InputError. Like a push, it mends half a surrogate pair in the input.
func DecodeRow(t *record.Table, input []byte) ([]byte, error) {
	limits := DefaultLimits()
	limits.RowBytes += namesBytes(t)
	var ignored []string
	d := rowDecoder(t, limits, input, &ignored)
	d.row()
	if err := d.end(); err != nil {
		return nil, err
	}
	n := len(t.Columns)
	d.at = InputError{Table: t.Name}
	missing := ""
	switch {
	case len(ignored) > 0:
		d.at.Column = ignored[0]
		d.fail("the server has no such column")
	case d.mask&(1<<n) == 0:
		missing = record.CreatedAt
	case d.mask&(1<<(n+1)) == 0:
		missing = record.UpdatedAt
	}
	for i := range t.Columns {
		if d.mask&(1<<i) == 0 {
			missing = t.Columns[i].Name
		}
	}
	if missing != "" && d.err == nil {
		d.at.Column = missing
		d.fail("the column is missing")
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.write.Rows[0][len("["):], nil
}

// DecodeID checks the JSON of the id of a row as a push does. Its error is an *InputError.
func DecodeID(t *record.Table, input []byte) (string, error) {
	d := rowDecoder(t, DefaultLimits(), input, nil)
	id := string(d.id())
	return id, d.end()
}

// DecodeValue checks the JSON of one value of the table's n-th column as a push does, but for the column's check. It
// returns the value as record.TableBatch.Rows has it. Its error is an *InputError.
func DecodeValue(t *record.Table, n int, input []byte) ([]byte, error) {
	d := rowDecoder(t, DefaultLimits(), input, nil)
	d.unchecked, d.at.Column = false, t.Columns[n].Name
	value := d.value(&t.Columns[n])
	return value, d.end()
}

func rowDecoder(t *record.Table, limits Limits, input []byte, ignored *[]string) *pushDecoder {
	d := &pushDecoder{
		decoder: decoder{s: ijson.NewScanner(input, limits.Depth).MendHalves()},
		input:   input, limits: limits, table: t, write: &record.TableBatch{}, ignored: ignored,
		unchecked: true, // and not guarded: the row may be older than a check
	}
	d.at.Table = t.Name
	d.ids.reset()
	return d
}

// end checks that nothing is left of the input. It returns nil or the decoder's error.
func (d *pushDecoder) end() error {
	if err := d.s.End(); d.err == nil && err != nil {
		d.fail(err.Error())
	}
	return d.err
}
