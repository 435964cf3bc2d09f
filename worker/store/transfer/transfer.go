// Package transfer exports all that a database keeps, as pages of NDJSON, and imports
// such pages into an empty database. docs/protocol.md, Export and import.
package transfer

import (
	"tidemark/shared/ijson"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// Format is the number of the form of the pages.
const Format = 1

// MaxPageBytes bounds a page.
const MaxPageBytes = 8_000_000

// pageBytes is how many octets of lines a page of an export has before it ends. Its last
// line may be nearly as long as a cell: so a page has fewer than MaxPageBytes.
const pageBytes = 4_000_000

// pageTimes is how much memory a page takes: as the database's results, as the page, and
// as the answer.
const pageTimes = 3

// greatest is the greatest stamp, version of a row or number of a sequence that an import
// takes: there are enough numbers left after it.
const greatest = (ijson.MaxInteger + 1) / 2

// A Store exports and imports one database. It has no state of its own, so any number of
// requests may share it.
type Store struct {
	db store.DB
	*Statements
}

// New returns the store of db.
func New(db store.DB, statements *Statements) *Store { return &Store{db, statements} }

// Statements are the SQL for the tables of one schema. They are made once, for any number
// of databases with these tables.
type Statements struct {
	// CheckState, if not nil, returns an error if no room could read the state of a document
	// or of a version that an import brings. A document may also be empty.
	CheckState func(state []byte) error

	schema    record.Schema
	pageBytes int

	// Of an export, each with the position after which it reads, see step.
	rows, documents, versions, projects string

	// Of an import.
	putRows        []string // of each table
	putCollections []string // of each collection
	content        string   // names something that the database has, or is NULL
	finish         []string // see newFinish
}

// NewStatements returns the statements for a schema. It panics if the schema is invalid.
func NewStatements(schema record.Schema) *Statements {
	if err := schema.Validate(); err != nil {
		panic(err)
	}
	s := &Statements{
		schema: schema, pageBytes: pageBytes,
		rows: readRows(&schema), documents: readDocuments, versions: readVersions, projects: readProjects(),
		content: findContent(&schema), finish: newFinish(&schema),
	}
	for i := range schema.Tables {
		s.putRows = append(s.putRows, putRows(&schema.Tables[i]))
	}
	for i := range project.Collections {
		s.putCollections = append(s.putCollections, putCollection(&project.Collections[i]))
	}
	return s
}
