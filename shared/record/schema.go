// Package record describes synchronized rows: tables and their columns as data, the
// numbers that order changes, the batches and pages that carry them, and the rule
// that decides a conflict.
//
// A row on the wire has the member id, then the columns of its table in
// declared order, then created_at and updated_at, which every table has.
// In the database it also has deleted, which makes it a tombstone, and stamp.
package record

import (
	"fmt"
	"strings"
)

// A Stamp orders all changes of a database: milliseconds of Unix time where
// the clock allows it, and greater than every stamp before it.
type Stamp int64

// A Version is the number of an app's schema, 1 first.
type Version int

// A Type is the type of a column's values.
type Type int

// The types, as WatermelonDB names them.
const (
	String Type = iota
	Number
	Boolean
)

// String returns the name that WatermelonDB has for the type.
func (t Type) String() string { return [...]string{"string", "number", "boolean"}[t] }

// A Column is one column of a table.
type Column struct {
	Name     string // on the wire
	SQL      string // in the database
	Type     Type
	Nullable bool
	// Default is the value in a row that was created without the column: nil, a
	// string, a float64 or a bool. Without one, a column that is not nullable has what
	// Fill returns: a caller need not send it unless Required says so.
	Default any
	// Since is the schema version that brought the column; 0 is 1.
	Since Version
	Check Check
}

// A Table is one synchronized table.
type Table struct {
	Name    string // on the wire
	SQL     string // in the database
	ID      string // the column of the primary key in the database
	Since   Version
	Columns []Column // without id, created_at and updated_at
	// Read says who may pull a row, and Write who may push one.
	Read, Write Rule
}

// A Schema is every table that is synchronized.
type Schema struct {
	Version Version
	Tables  []Table
	// Local are tables that apps keep on the device. The server skips their rows in a
	// push.
	Local []string
}

// The names that every table has beside its own columns, on the wire and in
// the database alike.
const (
	CreatedAt = "created_at"
	UpdatedAt = "updated_at"
)

// Default is the schema that tables.toml declared when the guest was built.
func Default() Schema {
	s, err := Decode([]byte(declared))
	if err != nil {
		panic(err)
	}
	return s
}

// Table returns the table's index, or -1.
func (s Schema) Table(name string) int {
	for i := range s.Tables {
		if s.Tables[i].Name == name {
			return i
		}
	}
	return -1
}

// Column returns the column's index, or -1.
func (t *Table) Column(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// At returns the table as apps with an older schema know it. An app whose schema is
// older than the table's Since does not know the table at all.
func (t Table) At(v Version) Table {
	known := make([]Column, 0, len(t.Columns))
	for _, c := range t.Columns {
		if c.Since <= v {
			known = append(known, c)
		}
	}
	t.Columns = known
	return t
}

// MaxColumns is how many columns a table may declare: each has a bit in the
// mask of the columns that a pushed row brings, and D1 has 100 columns a table.
const MaxColumns = 48

// Validate returns an error if a declaration is invalid. A schema that passes can be
// written into SQL as it stands.
func (s Schema) Validate() error {
	if s.Version < 1 {
		return fmt.Errorf("schema: version %d", s.Version)
	}
	names, tables := map[string]bool{}, map[string]bool{}
	for i := range s.Tables {
		t := &s.Tables[i]
		if names[t.Name] || tables[strings.ToLower(t.SQL)] {
			return fmt.Errorf("schema: table %q is declared twice", t.Name)
		}
		names[t.Name], tables[strings.ToLower(t.SQL)] = true, true
		if err := t.validate(s.Version); err != nil {
			return fmt.Errorf("schema: table %q: %w", t.Name, err)
		}
	}
	for _, name := range s.Local {
		if !IsWireName(name) {
			return fmt.Errorf("schema: local table %q", name)
		}
		if names[name] {
			return fmt.Errorf("schema: table %q is declared twice", name)
		}
		names[name] = true
	}
	return nil
}

func (t *Table) validate(newest Version) error {
	if !IsWireName(t.Name) || !IsSQLName(t.SQL) || !IsSQLName(t.ID) {
		return fmt.Errorf("names %q, %q, %q", t.Name, t.SQL, t.ID)
	}
	if t.Since < 0 || t.Since > newest || len(t.Columns) > MaxColumns {
		return fmt.Errorf("since version %d, %d columns", t.Since, len(t.Columns))
	}
	wire := map[string]bool{"id": true, CreatedAt: true, UpdatedAt: true, "_status": true, "_changed": true}
	sql := map[string]bool{CreatedAt: true, UpdatedAt: true, "deleted": true, "stamp": true, "ahead": true, "outcome": true} // SQL ignores the case
	if sql[strings.ToLower(t.ID)] {
		return fmt.Errorf("id %q is reserved", t.ID)
	}
	sql[strings.ToLower(t.ID)] = true
	for i := range t.Columns {
		c := &t.Columns[i]
		switch {
		case !IsWireName(c.Name) || !IsSQLName(c.SQL):
			return fmt.Errorf("column names %q, %q", c.Name, c.SQL)
		case wire[c.Name] || sql[strings.ToLower(c.SQL)]:
			return fmt.Errorf("column %q is declared twice or reserved", c.Name)
		case c.Since < 0 || c.Since > newest:
			return fmt.Errorf("column %q: since version %d", c.Name, c.Since)
		}
		if err := c.Validate(); err != nil {
			return fmt.Errorf("column %q: %w", c.Name, err)
		}
		wire[c.Name], sql[strings.ToLower(c.SQL)] = true, true
	}
	if err := t.Read.Validate(t); err != nil {
		return fmt.Errorf("rule read: %w", err)
	}
	if err := t.Write.Validate(t); err != nil {
		return fmt.Errorf("rule write: %w", err)
	}
	return nil
}

// Validate returns an error if the check or the default makes no sense. It prepares the check
// for use.
func (c *Column) Validate() error {
	if err := c.Check.prepare(c.Type); err != nil {
		return err
	}
	if c.Default == nil {
		return nil
	}
	if !c.takes(c.Default) {
		return fmt.Errorf("default is %v, which is no %s", c.Default, c.Type)
	}
	if reason := c.Check.Fails(c.Default); reason != "" {
		return fmt.Errorf("default fails the check: %s", reason)
	}
	return nil
}

// Fill returns the value that WatermelonDB gives its rows when a migration adds the column,
// whatever the Default: nil, "", 0.0 or false. WatermelonDB, RawRecord, nullValue.
func (c *Column) Fill() any {
	switch {
	case c.Nullable:
		return nil
	case c.Type == String:
		return ""
	case c.Type == Number:
		return 0.0
	}
	return false
}

// Absent returns the value in a row that was created without the column.
func (c *Column) Absent() any {
	if c.Default != nil {
		return c.Default
	}
	return c.Fill()
}

// Required says whether a new row must bring the column: what it has otherwise fails the check.
func (c *Column) Required() bool { return c.Check.Fails(c.Absent()) != "" }

// takes says whether v is a value of the column.
func (c *Column) takes(v any) bool {
	switch v.(type) {
	case nil:
		return c.Nullable
	case string:
		return c.Type == String
	case float64:
		return c.Type == Number
	case bool:
		return c.Type == Boolean
	}
	return false
}
