package project

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Row is what an input says of one row.
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

// MarshalSet is the values as one JSON object of scalars: see Value.Scalar. It
// is at most twice as long as the JSON that they were decoded from.
func (r *Row) MarshalSet() json.RawMessage {
	set := make(map[string]any, len(r.Set))
	for _, v := range r.Set {
		set[v.Field.Name] = v.Scalar()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(set); err != nil {
		panic(err) // strings, numbers, bools and null always can
	}
	return b.Bytes()
}

// Object splits the JSON of an object into its members. The problem is "" if
// it is one: UTF-8, complete, nothing behind it.
func Object(body []byte) (members map[string]json.RawMessage, problem string) {
	if !utf8.Valid(body) {
		return nil, "must be UTF-8"
	}
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return nil, "must be a JSON object"
	}
	return members, ""
}

// DecodeCreate reads the body that creates a row: an object of fields, and
// perhaps the id. Its error is an *InputError.
func (c *Collection) DecodeCreate(body []byte) (Row, error) {
	members, problem := Object(body)
	if problem != "" {
		return Row{}, Refuse("body", "%s", problem)
	}
	row, errs := c.decode(members, true)
	if raw, ok := members["id"]; ok {
		if row.ID, problem = DecodeID(raw); problem != "" {
			errs = append(errs, FieldError{"id", problem})
		}
	}
	return row, inputError(errs)
}

// DecodePatch reads the body that changes a row: an object of at least one
// field. Its error is an *InputError.
func (c *Collection) DecodePatch(body []byte) (Row, error) {
	members, problem := Object(body)
	if problem != "" {
		return Row{}, Refuse("body", "%s", problem)
	}
	for _, name := range []string{"id", "server_version"} {
		if _, ok := members[name]; ok {
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
// fields of this row.
func (c *Collection) DecodeUploaded(body []byte, created bool) (Row, []FieldError) {
	members, problem := Object(body)
	if problem != "" {
		return Row{}, []FieldError{{"body", problem}}
	}
	var errs []FieldError
	id, problem := DecodeID(members["id"])
	if members["id"] == nil {
		problem = "is required"
	}
	if problem != "" {
		errs = append(errs, FieldError{"id", problem})
	}
	base, problem := decodeBase(members["server_version"])
	if problem != "" {
		errs = append(errs, FieldError{"server_version", problem})
	}
	changed := ""
	for _, name := range []string{"_status", "_changed"} { // the last is what stays in changed
		changed = ""
		if raw, ok := members[name]; ok && json.Unmarshal(raw, &changed) != nil {
			errs = append(errs, FieldError{name, "must be a string"})
		}
		delete(members, name)
	}
	delete(members, "server_version")
	row, more := c.decode(members, created)
	row.ID, row.Base = id, base
	if changed != "" && !created {
		names := strings.Split(changed, ",")
		row.Set = slices.DeleteFunc(row.Set, func(v Value) bool { return !slices.Contains(names, v.Field.Name) })
	}
	return row, append(errs, more...)
}

func decodeBase(raw json.RawMessage) (Version, string) {
	var base *int64
	if raw == nil {
		return 0, ""
	}
	if json.Unmarshal(raw, &base) != nil || base != nil && *base < 0 {
		return 0, "must be a whole number, not negative"
	}
	if base == nil {
		return 0, ""
	}
	return Version(*base), ""
}

// decode reads the members that are fields. A member that is not, other than
// id, is an error, and so is a required field that a creation lacks.
func (c *Collection) decode(members map[string]json.RawMessage, create bool) (Row, []FieldError) {
	var row Row
	var errs []FieldError
	for i := range c.Fields {
		f := &c.Fields[i]
		raw, ok := members[f.Name]
		switch {
		case !ok && create && f.Required:
			errs = append(errs, FieldError{f.Name, "is required"})
		case ok && !create && f.Fixed:
			errs = append(errs, FieldError{f.Name, "cannot be changed"})
		case ok:
			v, problem := f.Decode(raw)
			if problem != "" {
				errs = append(errs, FieldError{f.Name, problem})
				continue
			}
			row.Set = append(row.Set, Value{f, v})
		}
	}
	var unknown []string
	for name := range members {
		if name != "id" && c.Field(name) == nil {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
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
