package record

import (
	"fmt"

	"tidemark/shared/jsonvalue"
	"tidemark/shared/pattern"
)

// A declaration is a Schema as Encode writes it.
type declaration struct {
	Version Version         `json:"version"`
	Local   []string        `json:"local,omitempty"`
	Tables  []declaredTable `json:"tables"`
}

type declaredTable struct {
	Name    string           `json:"name"`
	SQL     string           `json:"sql,omitempty"`   // "": Name
	ID      string           `json:"id,omitempty"`    // "": id
	Since   Version          `json:"since,omitempty"` // 0: 1
	Read    string           `json:"read,omitempty"`  // "": all
	Write   string           `json:"write,omitempty"`
	Columns []declaredColumn `json:"columns"`
}

type declaredColumn struct {
	Name     string   `json:"name"`
	SQL      string   `json:"sql,omitempty"` // "": Name
	Type     string   `json:"type"`
	Optional bool     `json:"optional,omitempty"`
	Default  any      `json:"default,omitempty"`
	Since    Version  `json:"since,omitempty"` // 0: 1
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	Enum     []any    `json:"enum,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`

	Program string `json:"program,omitempty"` // pattern.Program.MarshalText
}

// Encode returns the schema as JSON on one line, which Decode reads. It leaves out what is
// the default: equal schemas have equal texts. The schema must be valid.
func (s *Schema) Encode() []byte {
	d := declaration{Version: s.Version, Local: s.Local, Tables: []declaredTable{}}
	for i := range s.Tables {
		d.Tables = append(d.Tables, s.Tables[i].declared())
	}
	b, err := jsonvalue.MarshalPlain(d)
	if err != nil {
		panic(err) // a valid schema has no infinite number
	}
	return b
}

func (t *Table) declared() declaredTable {
	d := declaredTable{Name: t.Name, SQL: unless(t.SQL, t.Name), ID: unless(t.ID, "id"), Since: unless(t.Since, 1),
		Read: unless(t.Read.String(), "all"), Write: unless(t.Write.String(), "all"), Columns: []declaredColumn{}}
	for _, c := range t.Columns {
		d.Columns = append(d.Columns, declaredColumn{c.Name, unless(c.SQL, c.Name), c.Type.String(), c.Nullable, c.Default,
			unless(c.Since, 1), c.Check.Min, c.Check.Max, c.Check.Enum, c.Check.Pattern, programText(c.Check.Program)})
	}
	return d
}

// Decode reads what Encode wrote. The schema is valid, and its checks are ready for use.
func Decode(text []byte) (Schema, error) {
	var d declaration
	if err := jsonvalue.UnmarshalStrict(text, &d); err != nil {
		return Schema{}, fmt.Errorf("decode declaration: %w", err)
	}
	s := Schema{Version: d.Version, Local: d.Local}
	for i := range d.Tables {
		t, err := d.Tables[i].table()
		if err != nil {
			return Schema{}, fmt.Errorf("decode declaration: table %q: %w", d.Tables[i].Name, err)
		}
		s.Tables = append(s.Tables, t)
	}
	return s, s.Validate()
}

func (d *declaredTable) table() (Table, error) {
	t := Table{Name: d.Name, SQL: or(d.SQL, d.Name), ID: or(d.ID, "id"), Since: d.Since}
	var err error
	if t.Read, err = ParseRule(or(d.Read, "all")); err != nil {
		return t, err
	}
	if t.Write, err = ParseRule(or(d.Write, "all")); err != nil {
		return t, err
	}
	for _, c := range d.Columns {
		kind, known := ParseType(c.Type)
		if !known {
			return t, fmt.Errorf("column %q: type %q", c.Name, c.Type)
		}
		program, err := programOf(c.Program)
		if err != nil {
			return t, fmt.Errorf("column %q: %w", c.Name, err)
		}
		t.Columns = append(t.Columns, Column{Name: c.Name, SQL: or(c.SQL, c.Name), Type: kind, Nullable: c.Optional, Default: c.Default,
			Since: c.Since, Check: Check{Min: c.Min, Max: c.Max, Enum: c.Enum, Pattern: c.Pattern, Program: program}})
	}
	return t, nil
}

// programText returns the text of a program, "" if there is none.
func programText(p *pattern.Program) string {
	if p == nil {
		return ""
	}
	text, _ := p.MarshalText() // has no error
	return string(text)
}

// programOf is the inverse of programText.
func programOf(text string) (*pattern.Program, error) {
	if text == "" {
		return nil, nil
	}
	p := &pattern.Program{}
	return p, p.UnmarshalText([]byte(text))
}

// ParseType returns the type that WatermelonDB calls so.
func ParseType(name string) (Type, bool) {
	for t := String; t <= Boolean; t++ {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// unless returns v, or the zero value if v is the default.
func unless[T comparable](v, preset T) T {
	if v == preset {
		var zero T
		return zero
	}
	return v
}

// or returns v, or the default if v is "".
func or(v, preset string) string {
	if v == "" {
		return preset
	}
	return v
}
