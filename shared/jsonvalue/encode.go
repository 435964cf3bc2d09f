// Package jsonvalue writes Go values as JSON, and reads them, with the results of encoding/json, for
// the types that the guest has. That package would be a fifteenth of the guest: it serves every type, and keeps a
// table for each. Texts of clients that are long, or read often, belong to ijson.
package jsonvalue

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidemark/shared/ijson"
)

// A RawMessage is JSON that is written as it is, without white space, and read as it stands.
type RawMessage []byte

var rawType = reflect.TypeFor[RawMessage]()

// Marshal returns v as JSON. Structs have the names and the omitempty of their tags, and no embedded
// struct. It returns an error for a type that the guest does not write: a channel, a function, []byte,
// an array, or a map whose keys are no strings; and for a number that JSON has not.
func Marshal(v any) ([]byte, error) {
	e := encoder{escapes: true}
	b, err := e.value(nil, reflect.ValueOf(v))
	if err != nil {
		return nil, err
	}
	return b, nil
}

// MarshalPlain is Marshal, but <, > and & stand for themselves.
func MarshalPlain(v any) ([]byte, error) { return (&encoder{}).value(nil, reflect.ValueOf(v)) }

type encoder struct {
	escapes bool // of <, > and &
}

func (e *encoder) value(b []byte, v reflect.Value) ([]byte, error) {
	if !v.IsValid() {
		return append(b, "null"...), nil
	}
	if v.Type() == rawType {
		return e.raw(b, v.Bytes())
	}
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float64:
		return scalar(b, v)
	case reflect.String:
		return e.string(b, v.String()), nil
	case reflect.Pointer, reflect.Interface:
		return e.value(b, v.Elem()) // nil: not valid
	case reflect.Slice:
		return e.slice(b, v)
	case reflect.Map:
		return e.mapping(b, v)
	case reflect.Struct:
		return e.object(b, v)
	}
	return b, unsupported(v.Type())
}

func unsupported(t reflect.Type) error { return fmt.Errorf("JSON: unsupported type %s", t) }

func scalar(b []byte, v reflect.Value) ([]byte, error) {
	switch {
	case v.Kind() == reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), nil
	case v.CanInt():
		return strconv.AppendInt(b, v.Int(), 10), nil
	case v.CanUint():
		return strconv.AppendUint(b, v.Uint(), 10), nil
	}
	f := v.Float()
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return b, fmt.Errorf("JSON: unsupported number %v", f)
	case f == 0 && math.Signbit(f):
		return append(b, "-0"...), nil
	}
	return ijson.AppendNumber(b, f), nil
}

func (e *encoder) slice(b []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return b, unsupported(v.Type())
	}
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = e.value(b, v.Index(i)); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func (e *encoder) mapping(b []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Key().Kind() != reflect.String {
		return b, unsupported(v.Type())
	}
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	names, values := []string{}, map[string]reflect.Value{}
	for each := v.MapRange(); each.Next(); {
		name := each.Key().String()
		names, values[name] = append(names, name), each.Value()
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(e.string(b, name), ':')
		var err error
		if b, err = e.value(b, values[name]); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func (e *encoder) object(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '{')
	first := true
	for i := range v.NumField() {
		name, omitEmpty, ok := memberOf(v.Type().Field(i))
		if !ok || omitEmpty && isEmpty(v.Field(i)) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(e.string(b, name), ':')
		var err error
		if b, err = e.value(b, v.Field(i)); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

// memberOf returns the name of the member that a field is, and whether it is one.
func memberOf(f reflect.StructField) (name string, omitEmpty, ok bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if !f.IsExported() || name == "-" {
		return "", false, false
	}
	if name == "" {
		name = f.Name
	}
	return name, options == "omitempty", true
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	case reflect.Pointer, reflect.Interface:
		return v.IsNil()
	case reflect.Bool:
		return !v.Bool()
	case reflect.Float64:
		return v.Float() == 0
	}
	return v.CanInt() && v.Int() == 0 || v.CanUint() && v.Uint() == 0
}

// raw appends JSON without its white space.
func (e *encoder) raw(b, text []byte) ([]byte, error) {
	if text == nil {
		return append(b, "null"...), nil
	}
	d := decoder{text: text}
	if !d.valid() {
		return b, d.malformed()
	}
	inString := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			b = append(b, c)
			i++
		case c == '"':
			inString = !inString
		case !inString && isSpace(c):
			continue
		case inString && e.mustEscape(text[i:]) > 0:
			n := e.mustEscape(text[i:])
			r, _ := utf8.DecodeRune(text[i:])
			b = appendHex(b, r)
			i += n - 1
			continue
		}
		b = append(b, text[i])
	}
	return b, nil
}

// mustEscape returns the length of the character at the front of a string, if Marshal escapes it beside those
// that JSON forbids, or 0.
func (e *encoder) mustEscape(b []byte) int {
	switch {
	case e.escapes && (b[0] == '<' || b[0] == '>' || b[0] == '&'):
		return 1
	case e.escapes && b[0] == 0xe2 && len(b) > 2 && b[1] == 0x80 && b[2]&^1 == 0xa8: // U+2028 and U+2029
		return 3
	}
	return 0
}

func appendHex(b []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

func (e *encoder) string(b []byte, text string) []byte {
	plain := true
	for i := 0; plain && i < len(text); i++ {
		c := text[i]
		plain = c < utf8.RuneSelf && c != '<' && c != '>' && c != '&'
	}
	if plain {
		return ijson.AppendString(b, text)
	}
	b = append(b, '"')
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"): // invalid UTF-8
			b = append(b, `\ufffd`...)
		case r == '\u2028' || r == '\u2029' || e.escapes && (r == '<' || r == '>' || r == '&'):
			b = appendHex(b, r)
		case r < ' ' || r == '"' || r == '\\':
			quoted := ijson.AppendString(nil, string(r))
			b = append(b, quoted[1:len(quoted)-1]...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
