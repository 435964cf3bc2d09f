package record

import "slices"

// A Census is how many rows and tombstones each table has.
type Census struct {
	Stamp  Stamp // of the last change of all tables
	Tables []TableCensus
}

// A TableCensus counts the rows of one table.
type TableCensus struct{ Rows, Tombstones int }

// A Listing asks for one page of the rows of a table, whoever may read them.
type Listing struct {
	Table   int // of the schema
	From    *Place
	Newest  bool // in the order of the stamps, the newest first; otherwise in the order of the ids
	Deleted Tombstones
	Filter  Filter
	Limit   int     // rows of the page
	As      *Caller // if not nil, the page says of each row whether this caller may read and write it
}

// A Place is the row that a page begins with. Its stamp counts only in the order of the stamps.
type Place struct {
	Stamp Stamp
	ID    string
}

// Tombstones says whether a page has deleted rows.
type Tombstones int

// The kinds of pages.
const (
	WithoutDeleted Tombstones = iota
	WithDeleted
	OnlyDeleted
)

// A Filter is a condition on one column. The zero value holds for every row.
type Filter struct {
	Column string // a declared one, id, created_at, updated_at or stamp
	Is     Comparison
	Value  any // a string, a float64 or a bool, as the column's type is; nil for Null
}

// A Comparison compares the value of a column with that of a Filter.
type Comparison int

// The comparisons. Contains and Starts are for strings, Less and Greater for strings and numbers.
const (
	Anything Comparison = iota
	Equal
	Contains
	Starts
	Less
	Greater
	Null
)

// StampColumn is what a Filter calls the stamp of a row.
const StampColumn = "stamp"

// A Listed is one page.
type Listed struct {
	Stamp Stamp // of the last change of all tables
	Rows  []ListedRow
	Next  *Place // nil: this is the last page
}

// A ListedRow is one row of a page.
type ListedRow struct {
	ID    string
	State State
	Stamp Stamp
	Row   []byte // JSON, also of a deleted row

	// Of a Listing with As:
	Reads, Writes bool   // the rules read and write hold
	Values        []byte // a JSON array of the stored values of Table.RuleColumns
}

// RuleColumns are the columns that the rules of the table compare, without id.
func (t *Table) RuleColumns() []string {
	names := t.Read.Columns()
	for _, name := range t.Write.Columns() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// An Inspected is what the server has of one row, whoever may read it. Row is there of a deleted row, too.
type Inspected struct {
	Stored
	Verdicts []Verdict
}

// A Verdict is what the server keeps for the pulls and pushes of a subject, about a row or its id. K2, K4, R3.
type Verdict struct {
	Kind    VerdictKind
	Subject string
	Stamp   Stamp
	Old     []byte // of Withdrawn: a JSON object of values by the columns' names in the database; nil: they are too long
}

// A VerdictKind says what a Verdict is about.
type VerdictKind int

// The kinds of verdicts.
const (
	Brought        VerdictKind = iota // pulls of the subject since an earlier stamp bring the row, or its id as that of a deleted one
	RejectedRow                       // the server rejected a pushed row of the subject; Stamp is the push's base
	RejectedDelete                    // likewise a deletion
	Withdrawn                         // pulls since an earlier stamp bring the id, as that of a deleted row, to those who could read the row by Old
)

// String returns the kind's name in an answer.
func (k VerdictKind) String() string {
	return [...]string{"brought", "rejected", "rejected_deletion", "withdrawn"}[k]
}
