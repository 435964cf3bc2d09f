package transfer

import (
	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/project"
	"tidemark/shared/record"
)

// writes are the statements that a page comes to, while its lines are decoded.
type writes struct {
	schema        *record.Schema
	sequences     chunks
	collections   []chunks // as project.Collections
	rows          []chunks // as the schema's tables
	documentParts chunks
	documents     chunks
	versionParts  chunks
	versions      chunks
	rooms         []string // of the documents
	states
	scratch []byte
}

func newWrites(s *Statements) *writes {
	schema := &s.schema
	withState := chunks{states: true}
	return &writes{
		schema: schema, collections: make([]chunks, len(project.Collections)), rows: make([]chunks, len(schema.Tables)),
		states:        newStates(s.CheckState),
		documentParts: withState, documents: withState, versionParts: withState, versions: withState,
	}
}

// statements returns the statements in the order in which they must run: what a line needs
// that stands before it in the page is written before it.
func (w *writes) statements(s *Statements) []abi.Statement {
	list := w.sequences.statements(nil, putSequences)
	for i := range w.collections {
		list = w.collections[i].statements(list, s.putCollections[i])
	}
	for i := range w.rows {
		list = w.rows[i].statements(list, s.putRows[i])
	}
	list = w.documentParts.statements(list, putDocumentParts)
	list = w.documents.statements(list, putDocuments)
	list = w.versionParts.statements(list, putVersionParts)
	return w.versions.statements(list, putVersions)
}

// chunkBytes keeps a parameter under D1's 2 MB.
const chunkBytes = 1_500_000

// largeState is the length from which the state of a document is a parameter of its own,
// and no part of a chunk.
const largeState = 500_000

// chunks are rows for one statement: JSON arrays of rows, each of which is one parameter.
type chunks struct {
	states bool // the statement has a second parameter, the state
	list   []chunk
}

// A chunk is a JSON array without its closing bracket. If it has a state, that is the last
// element of its only row, where null stands.
type chunk struct {
	rows  []byte
	state any // nil or a string
}

// add adds the JSON of a row.
func (c *chunks) add(row []byte) {
	if n := len(c.list); n > 0 && c.list[n-1].state == nil && len(c.list[n-1].rows)+len(row) < chunkBytes {
		c.list[n-1].rows = append(append(c.list[n-1].rows, ','), row...)
		return
	}
	c.list = append(c.list, chunk{rows: append([]byte{'['}, row...)})
}

// addState adds a row that lacks its last element, the state, and its bracket. It adds
// nothing after an error.
func (c *chunks) addState(key []byte, state string, err error) {
	switch {
	case err != nil:
	case len(state) < largeState:
		c.add(append(ijson.AppendString(append(key, ','), state), ']'))
	default:
		c.list = append(c.list, chunk{append(append([]byte{'['}, key...), ",null]"...), state})
	}
}

// statements appends a statement for each chunk: ?1 is its rows, ?2 its state or NULL.
func (c *chunks) statements(list []abi.Statement, sql string) []abi.Statement {
	for i := range c.list {
		args := []any{abi.Text(append(c.list[i].rows, ']'))}
		if c.states {
			args = append(args, c.list[i].state)
		}
		list = append(list, abi.Statement{SQL: sql, Args: args})
	}
	return list
}
