package spaces

import (
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store/tables"
)

// Tables are the declared tables of all spaces. A space remembers which declaration its
// tables have: when it opens under another one, it adds what is new, and leaves alone what is
// gone. D3.
type Tables struct {
	schema record.Schema
	text   string
	create []abi.Statement // in a space without tables
}

// NewTables returns the tables of a schema.
func NewTables(schema record.Schema) *Tables {
	t := &Tables{schema: schema, text: string(schema.Encode())}
	for _, sql := range tables.Changes(&record.Schema{}, &schema) {
		t.create = append(t.create, abi.Statement{SQL: sql})
	}
	t.create = append(t.create, t.remember())
	return t
}

// remember returns the statement that notes the declaration.
func (t *Tables) remember() abi.Statement {
	return abi.Statement{SQL: `INSERT OR REPLACE INTO Declaration VALUES (1, ?1)`, Args: []any{t.text}}
}

// migrate adds the tables and columns that the space does not have, and notes the
// declaration, in one transaction.
func (t *Tables) migrate(storage Storage) error {
	plan, err := tables.NewPlan(storage.Try, &t.schema)
	if err == nil {
		_, err = storage.Exec(append(plan.Statements, t.remember())...)
	}
	if err != nil {
		return fmt.Errorf("add the declared tables: %w", err)
	}
	return nil
}
