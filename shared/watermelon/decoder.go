package watermelon

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
)

// A decoder reads input and remembers its first error and where that was.
type decoder struct {
	s     *ijson.Scanner
	at    InputError // without the reason and the id
	rowID []byte     // the id of the row that is being read
	err   error
}

// fail notes that the input breaks a rule. What is wrong with the JSON itself
// comes first.
func (d *decoder) fail(reason string) {
	if d.err != nil {
		return
	}
	e := d.at
	e.ID, e.Reason = clipID(d.rowID), reason
	if err := d.s.Err(); err != nil {
		e.Reason = err.Error()
	}
	d.err = &e
}

// tooLarge notes that the input is beyond a limit.
func (d *decoder) tooLarge(format string, limit int) {
	e := d.at
	e.ID, e.Reason, e.TooLarge = clipID(d.rowID), fmt.Sprintf(format, limit), true
	d.err = &e
}

// refuse fails because the next value has the wrong kind. If it is no JSON value at
// all, such as NaN, the error says that instead.
func (d *decoder) refuse(reason string) {
	if d.s.Kind() == ijson.Invalid {
		d.s.Skip()
	}
	d.fail(reason)
}

func (d *decoder) object(what string) {
	if d.s.Kind() != ijson.Object {
		d.refuse(what + " must be an object")
		return
	}
	d.s.Enter(ijson.Object)
}

func (d *decoder) array(what string) {
	if d.s.Kind() != ijson.Array {
		d.refuse(what + " must be an array")
		return
	}
	d.s.Enter(ijson.Array)
}

// names are those of one object's members, of which there are few.
type names []string

func (n names) seen(name string) bool {
	for _, s := range n {
		if s == name {
			return true
		}
	}
	return false
}

const maxMembers = 256

// member reads the next name of an object that may have none twice.
func (d *decoder) member(n *names) (name []byte, ok bool) {
	raw, ok := d.s.Member()
	if !ok {
		if d.s.Err() != nil {
			d.fail("")
		}
		return nil, false
	}
	name = plain(raw)
	switch {
	case n.seen(string(name)):
		d.fail("member " + strconv.Quote(clip(name)) + " is there twice")
	case len(*n) == maxMembers:
		d.fail("too many members")
	default:
		*n = append(*n, string(name))
	}
	return name, d.err == nil
}

// plain is a name without its escapes.
func plain(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return ijson.Unquote(nil, raw)
}

// clip is the start of a name, for an error.
func clip(name []byte) string { return cut(name, 64) }

// clipID is an id, for an error: whole, unless it is so long that nobody has meant it, for
// by it the app finds the row that it has to mend.
func clipID(id []byte) string { return cut(id, 1<<10) }

func cut(name []byte, limit int) string {
	if len(name) <= limit {
		return string(name)
	}
	name = name[:limit]
	for !utf8.Valid(name) {
		name = name[:len(name)-1]
	}
	return string(name) + "…"
}

// integer reads an integer from least to most, or null, which is least.
func (d *decoder) integer(what string, least, most int64) int64 {
	switch d.s.Kind() {
	case ijson.Null:
		d.s.Literal()
		return least
	case ijson.Number:
		if _, v := d.s.Number(); v >= float64(least) && v <= float64(most) && v == float64(int64(v)) {
			return int64(v)
		}
	default:
		d.refuse(what + " must be a number")
		return 0
	}
	d.fail(what + " must be an integer from " + strconv.FormatInt(least, 10) + " to " + strconv.FormatInt(most, 10))
	return 0
}

func (d *decoder) stamp(what string) record.Stamp {
	return record.Stamp(d.integer(what, 0, ijson.MaxInteger))
}

// text reads a string of at most limit bytes, or null, which is "".
func (d *decoder) text(what string, limit int) string {
	switch d.s.Kind() {
	case ijson.Null:
		d.s.Literal()
		return ""
	case ijson.String:
		if raw := plain(d.s.String()); len(raw) <= limit {
			return string(raw)
		}
		d.fail(what + " is too long")
	default:
		d.refuse(what + " must be a string")
	}
	return ""
}
