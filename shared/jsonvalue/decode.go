package jsonvalue

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how many containers a text may nest.
const maxDepth = 10_000

// malformed is why the text is not valid.
func (d *decoder) malformed() error {
	if d.pos >= len(d.text) {
		return errors.New("JSON: unexpected end")
	}
	if d.whole {
		return fmt.Errorf("JSON: something follows it at offset %d", d.pos)
	}
	return fmt.Errorf("JSON: malformed at offset %d", d.pos)
}

// Unmarshal reads a text of JSON into the value to which v points: a string, a bool, a signed integer, a float64, a
// RawMessage, an any, a struct or a slice of these, or a map from strings to RawMessage or any; *int64 and *float64 are nil for null. It skips members that a struct does not
// have, and knows its members in any case. Of a name that comes twice the last one counts.
// A string may hold invalid UTF-8 and halves of surrogate pairs, which become U+FFFD. An any takes stack
// for each level of the text, so it is for texts that the server made.
func Unmarshal(text []byte, v any) error { return unmarshal(text, v, false) }

// UnmarshalStrict is Unmarshal, but a member that a struct does not have is an error.
func UnmarshalStrict(text []byte, v any) error { return unmarshal(text, v, true) }

func unmarshal(text []byte, v any, strict bool) error {
	d := decoder{text: text, strict: strict}
	if !d.valid() {
		return d.malformed()
	}
	d.pos = 0
	d.value(v)
	return d.err
}

// Member returns the value of the first member of that name in the object that a text begins with, or nil.
// What stands behind it may be malformed.
func Member(text []byte, name string) RawMessage {
	d := decoder{text: text}
	for separator := byte('{'); d.take(separator) && d.next() == '"'; separator = ',' {
		from := d.pos
		if !d.skipString() {
			return nil
		}
		found := unquote(d.text[from:d.pos]) == name
		if !d.take(':') {
			return nil
		}
		d.next()
		from = d.pos
		if !d.skip() {
			return nil
		}
		if found {
			return d.text[from:d.pos]
		}
	}
	return nil
}

// A decoder reads one text. The methods that store a value expect a valid text.
type decoder struct {
	text   []byte
	pos    int
	strict bool
	whole  bool   // the value is valid, and something may follow
	member string // the last one of a struct
	err    error  // the first one of a value that does not fit
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// next skips white space and returns the byte after it, or 0.
func (d *decoder) next() byte {
	for ; d.pos < len(d.text); d.pos++ {
		if !isSpace(d.text[d.pos]) {
			return d.text[d.pos]
		}
	}
	return 0
}

// take reads a byte if it comes next.
func (d *decoder) take(c byte) bool {
	if d.next() != c || c == 0 {
		return false
	}
	d.pos++
	return true
}

// valid says whether the text is one value.
func (d *decoder) valid() bool {
	d.whole = d.skip()
	return d.whole && d.next() == 0 && d.pos == len(d.text)
}

// skip reads a value, and says whether it is valid. It does not call itself for what a container has:
// the stack of a program in Wasm is short, and clients choose how deep their texts are.
func (d *decoder) skip() bool {
	var few [32]byte
	ends := few[:0] // of the containers that are open
	for {
		if c := d.next(); c != '{' && c != '[' {
			if !d.skipScalar(c) {
				return false
			}
		} else if d.pos++; len(ends) == maxDepth {
			return false
		} else if end := c + 2; !d.take(end) { // of ASCII
			if ends = append(ends, end); !d.skipName(end) {
				return false
			}
			continue
		}
		for len(ends) > 0 && d.take(ends[len(ends)-1]) {
			ends = ends[:len(ends)-1]
		}
		if len(ends) == 0 {
			return true
		}
		if !d.take(',') || !d.skipName(ends[len(ends)-1]) {
			return false
		}
	}
}

// skipName reads what stands before the next value of a container: the name of a member of an object.
func (d *decoder) skipName(end byte) bool {
	return end == ']' || d.next() == '"' && d.skipString() && d.take(':')
}

func (d *decoder) skipScalar(c byte) bool {
	switch {
	case c == '"':
		return d.skipString()
	case c == '-' || c-'0' < 10:
		return d.skipNumber()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(string(d.text[d.pos:min(len(d.text), d.pos+5)]), word) {
			d.pos += len(word)
			return true
		}
	}
	return false
}

func (d *decoder) skipString() bool {
	for d.pos++; d.pos < len(d.text); d.pos++ {
		switch c := d.text[d.pos]; {
		case c == '"':
			d.pos++
			return true
		case c < ' ':
			return false
		case c == '\\':
			d.pos++
			if d.pos == len(d.text) {
				return false
			}
			if c := d.text[d.pos]; c == 'u' {
				if hex4(d.text[d.pos-1:]) < 0 {
					return false
				}
				d.pos += 4
			} else if strings.IndexByte(`"\/bfnrt`, c) < 0 {
				return false
			}
		}
	}
	return false
}

// digits skips digits, and says whether there are any.
func (d *decoder) digits() bool {
	from := d.pos
	for d.pos < len(d.text) && d.text[d.pos]-'0' < 10 {
		d.pos++
	}
	return d.pos > from
}

// is skips one of the bytes, if it comes next.
func (d *decoder) is(bytes string) bool {
	if d.pos == len(d.text) || strings.IndexByte(bytes, d.text[d.pos]) < 0 {
		return false
	}
	d.pos++
	return true
}

func (d *decoder) skipNumber() bool {
	d.is("-")
	if !d.is("0") && !d.digits() {
		return false
	}
	if d.is(".") && !d.digits() {
		return false
	}
	if d.is("eE") {
		d.is("+-")
		return d.digits()
	}
	return true
}

// here returns the text of the value that comes next, and skips it.
func (d *decoder) here() []byte {
	d.next()
	from := d.pos
	d.skip()
	return d.text[from:d.pos]
}

// mismatch notes that a value does not fit into what to points to.
func (d *decoder) mismatch(text []byte, to any) {
	if d.err == nil {
		d.err = fmt.Errorf("JSON: member %q: %.40s does not fit into a %T", d.member, text, to)
	}
}

// value stores the value that comes next where to points.
func (d *decoder) value(to any) {
	switch to := to.(type) {
	case *RawMessage:
		*to = append(RawMessage{}, d.here()...)
	case *any:
		*to = d.any()
	case *map[string]RawMessage:
		into(d, to, (*decoder).raw)
	case *map[string]any:
		into(d, to, (*decoder).any)
	case **float64:
		optional(d, to)
	case **int64:
		optional(d, to)
	case *[]string:
		list(d, to)
	case *[]int:
		list(d, to)
	case *[]any:
		list(d, to)
	case *[]RawMessage:
		list(d, to)
	default:
		d.reflected(to)
	}
}

func (d *decoder) raw() RawMessage { return append(RawMessage{}, d.here()...) }

// null skips null, if it comes next.
func (d *decoder) null() bool {
	if d.next() != 'n' {
		return false
	}
	d.here()
	return true
}

func optional[T any](d *decoder, to **T) {
	if d.null() {
		*to = nil
		return
	}
	if *to == nil {
		*to = new(T)
	}
	d.value(*to)
}

// into stores the members of an object. It keeps those that are in the map already.
func into[T any](d *decoder, to *map[string]T, read func(*decoder) T) {
	switch {
	case d.null():
		*to = nil
		return
	case d.next() != '{':
		d.mismatch(d.here(), to)
		return
	case *to == nil:
		*to = map[string]T{}
	}
	d.members(func(name string) { (*to)[name] = read(d) })
}

func list[T any](d *decoder, to *[]T) {
	switch {
	case d.null():
		*to = nil
		return
	case d.next() != '[':
		d.mismatch(d.here(), to)
		return
	}
	old := *to
	*to = []T{}
	for d.take('['); !d.take(']'); d.take(',') {
		var v T
		if n := len(*to); n < len(old) { // of a name that comes twice, as encoding/json
			v = old[n]
		}
		d.value(&v)
		*to = append(*to, v)
	}
}

// reflected stores a value in a variable of another type: a struct, a slice of structs, or a scalar.
func (d *decoder) reflected(pointer any) {
	to := reflect.ValueOf(pointer)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		d.mismatch(d.here(), pointer)
		return
	}
	to = to.Elem()
	switch kind := to.Kind(); {
	case d.null():
		if kind == reflect.Slice {
			to.SetZero()
		}
	case kind == reflect.Struct && d.next() == '{':
		d.object(to)
	case kind == reflect.Slice && d.next() == '[':
		d.array(to)
	default:
		d.scalar(to, pointer)
	}
}

func (d *decoder) scalar(to reflect.Value, pointer any) {
	text := d.here()
	c, ok := text[0], false
	switch kind := to.Kind(); {
	case kind == reflect.String && c == '"':
		to.SetString(unquote(text))
		return
	case kind == reflect.Bool && (c == 't' || c == 'f'):
		to.SetBool(c == 't')
		return
	case c != '-' && c-'0' >= 10:
	case to.CanInt():
		n, err := strconv.ParseInt(string(text), 10, 64)
		if ok = err == nil && !to.OverflowInt(n); ok {
			to.SetInt(n)
		}
	case kind == reflect.Float64:
		f, err := strconv.ParseFloat(string(text), 64)
		if ok = err == nil; ok {
			to.SetFloat(f)
		}
	}
	if !ok {
		d.mismatch(text, pointer)
	}
}

// members calls f for each member of the object that comes next; f reads the value.
func (d *decoder) members(f func(name string)) {
	for d.take('{'); !d.take('}'); d.take(',') {
		name := unquote(d.here())
		d.take(':')
		f(name)
	}
}

func (d *decoder) object(to reflect.Value) {
	d.members(func(name string) {
		if f, ok := fieldOf(to, name); ok {
			d.member = name
			d.value(f.Addr().Interface())
			return
		}
		if text := d.here(); d.strict && d.err == nil {
			d.err = fmt.Errorf("JSON: unknown member %.40q: %.40s", name, text)
		}
	})
}

// fieldOf returns the field of a struct that is the member of that name: first in the same case.
func fieldOf(to reflect.Value, name string) (reflect.Value, bool) {
	folded := -1
	for i := range to.NumField() {
		member, _, ok := memberOf(to.Type().Field(i))
		if ok && member == name {
			return to.Field(i), true
		}
		if ok && folded < 0 && strings.EqualFold(member, name) {
			folded = i
		}
	}
	if folded < 0 {
		return reflect.Value{}, false
	}
	return to.Field(folded), true
}

func (d *decoder) array(to reflect.Value) {
	n := 0
	for d.take('['); !d.take(']'); d.take(',') {
		if n == to.Cap() {
			to.Grow(1)
		}
		if n == to.Len() {
			to.SetLen(n + 1)
		}
		d.value(to.Index(n).Addr().Interface())
		n++
	}
	if to.Cap() == 0 {
		to.Grow(1) // an empty list is not nil
	}
	to.SetLen(n)
}

// any returns the value that comes next: nil, a bool, a float64, a string, []any or map[string]any.
func (d *decoder) any() any {
	switch d.next() {
	case '{':
		object := map[string]any{}
		d.members(func(name string) { object[name] = d.any() })
		return object
	case '[':
		list := []any{}
		for d.take('['); !d.take(']'); d.take(',') {
			list = append(list, d.any())
		}
		return list
	}
	text := d.here()
	switch text[0] {
	case '"':
		return unquote(text)
	case 't', 'f':
		return text[0] == 't'
	case 'n':
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		d.mismatch(text, f)
		return nil
	}
	return f
}

// hex4 is the code unit of the escape \uXXXX at the front of b, or -1.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

var escaped = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unquote returns what a valid string stands for.
func unquote(text []byte) string {
	text = text[1 : len(text)-1]
	b := make([]byte, 0, len(text))
	for len(text) > 0 {
		if text[0] != '\\' {
			r, n := utf8.DecodeRune(text)
			b, text = utf8.AppendRune(b, r), text[n:]
			continue
		}
		if text[1] != 'u' {
			c := text[1]
			if e, ok := escaped[c]; ok {
				c = e
			}
			b, text = append(b, c), text[2:]
			continue
		}
		r := hex4(text)
		text = text[6:]
		if utf16.IsSurrogate(r) {
			whole := utf16.DecodeRune(r, hex4(text))
			if r = whole; whole != utf8.RuneError {
				text = text[6:]
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}
