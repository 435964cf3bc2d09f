package project

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
)

// A Row is the part of an input about one row.
type Row struct {
	ID   string  // "" if the input has none
	Base Version // the version that the change was made on; 0 if it does not say
	Set  []Value // in the order of the collection's fields
}

// Value returns the value of that field, and whether the row has it.
func (r *Row) Value(field string) (any, bool) {
	for _, v := range r.Set {
		if v.Field.Name == field {
			return v.Value, true
		}
	}
	return nil, false
}

// AppendJSON appends the fields of the row as one JSON object of scalars (see
// Value.Scalar), its base, if there is one, as server_version. It is no longer
// than the JSON that it was decoded from, but for numbers with an exponent: by
// at most 20 bytes each.
func (r *Row) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	if r.Base > 0 {
		b = strconv.AppendInt(append(b, `"server_version":`...), int64(r.Base), 10)
	}
	for _, v := range r.Set {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), v.Field.Name...), `":`...)
		switch v := v.Scalar().(type) {
		case string:
			b = ijson.AppendString(b, v)
		case float64:
			b = ijson.AppendNumber(b, v)
		case bool:
			b = strconv.AppendBool(b, v)
		default:
			b = append(b, "null"...)
		}
	}
	return append(b, '}')
}

// decodeString reads the JSON of a string; ok says whether it is one.
func decodeString(raw jsonvalue.RawMessage) (text string, ok bool) {
	s := ijson.NewScanner(raw, 0)
	b := s.String()
	if bytes.IndexByte(b, '\\') >= 0 {
		b = ijson.Unquote(nil, b)
	}
	return string(b), s.End() == nil
}

// DecodeCreate reads the body that creates a row: an object of fields, and
// perhaps the id. Its error is an *InputError.
func (c *Collection) DecodeCreate(body []byte) (Row, error) {
	members, problem := ijson.ObjectPairs(body)
	if problem != "" {
		return Row{}, Refuse("body", "%s", problem)
	}
	row, errs := c.decode(members, true)
	if raw := members.Get("id"); raw != nil {
		if row.ID, problem = DecodeID(raw); problem != "" {
			errs = append(errs, FieldError{"id", problem})
		}
	}
	return row, inputError(errs)
}

// DecodePatch reads the body that changes a row: an object of at least one
// field. Its error is an *InputError.
func (c *Collection) DecodePatch(body []byte) (Row, error) {
	members, problem := ijson.ObjectPairs(body)
	if problem != "" {
		return Row{}, Refuse("body", "%s", problem)
	}
	for _, name := range []string{"id", "server_version"} {
		if members.Get(name) != nil {
			return Row{}, Refuse(name, "cannot be changed")
		}
	}
	if len(members) == 0 {
		return Row{}, Refuse("body", "must have a field to change")
	}
	row, errs := c.decode(members, false)
	return row, inputError(errs)
}

// DecodeUploaded reads a row as a WatermelonDB client keeps it: all its
// columns, with id, server_version (the version that the client last pulled,
// or 0 or null), and _status and _changed. If the row is one that the client
// has changed, only the columns that _changed names were. The errors name the
// fields of this row. The row is part of a text that ijson has read.
func (c *Collection) DecodeUploaded(body []byte, created bool) (Row, []FieldError) {
	var room [maxFields + 4]ijson.Pair
	members, problem := ijson.SplitPairs(room[:0], body)
	if problem != "" {
		return Row{}, []FieldError{{"body", problem}}
	}
	var errs []FieldError
	id, problem := "", "is required"
	if raw := members.Get("id"); raw != nil {
		id, problem = DecodeID(raw)
	}
	if problem != "" {
		errs = append(errs, FieldError{"id", problem})
	}
	base, problem := decodeBase(members.Get("server_version"))
	if problem != "" {
		errs = append(errs, FieldError{"server_version", problem})
	}
	changed := ""
	for _, name := range []string{"_status", "_changed"} { // changed keeps the last one
		changed = ""
		if raw := members.Get(name); raw != nil && string(raw) != "null" {
			var ok bool
			if changed, ok = decodeString(raw); !ok {
				errs = append(errs, FieldError{name, "must be a string"})
			}
		}
	}
	row, more := c.decode(members, created, "server_version", "_status", "_changed")
	row.ID, row.Base = id, base
	if changed != "" && !created {
		names := strings.Split(changed, ",")
		row.Set = slices.DeleteFunc(row.Set, func(v Value) bool { return !slices.Contains(names, v.Field.Name) })
	}
	return row, append(errs, more...)
}

func decodeBase(raw jsonvalue.RawMessage) (Version, string) {
	if raw == nil || string(raw) == "null" {
		return 0, ""
	}
	s := ijson.NewScanner(raw, 0)
	_, base := s.Number()
	if s.End() != nil || base < 0 || base > ijson.MaxInteger+1 || base != math.Trunc(base) {
		return 0, "must be a whole number, not negative"
	}
	return Version(base), ""
}

// decode reads the members that are fields. A member that is not, other than
// id and those that are ignored, is an error, and so is a required field that a
// creation lacks.
func (c *Collection) decode(members ijson.Pairs, create bool, ignored ...string) (Row, []FieldError) {
	row := Row{Set: make([]Value, 0, len(members))}
	var errs []FieldError
	var values [maxFields][]byte // the last of each field
	var others []string
	for _, m := range members {
		if i := c.index(m.Name); i >= 0 {
			values[i] = m.Value
		} else if string(m.Name) != "id" && !slices.ContainsFunc(ignored, func(name string) bool { return name == string(m.Name) }) {
			others = append(others, string(m.Name))
		}
	}
	for i := range c.Fields {
		f := &c.Fields[i]
		raw := values[i]
		switch {
		case raw == nil && create && f.Required:
			errs = append(errs, FieldError{f.Name, "is required"})
		case raw != nil && !create && f.Fixed:
			errs = append(errs, FieldError{f.Name, "cannot be changed"})
		case raw != nil:
			v, problem := f.Decode(raw)
			if problem != "" {
				errs = append(errs, FieldError{f.Name, problem})
				continue
			}
			row.Set = append(row.Set, Value{f, v})
		}
	}
	slices.Sort(others)
	for _, name := range slices.Compact(others) {
		errs = append(errs, FieldError{name, "is not a field of a " + c.Title})
	}
	return row, errs
}

func inputError(errs []FieldError) error {
	if len(errs) == 0 {
		return nil
	}
	return &InputError{Errors: errs}
}
