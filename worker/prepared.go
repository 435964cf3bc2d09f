//go:build js && wasm

package main

import (
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/shared/yroom"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
	"tidemark/worker/store/spaces"
	"tidemark/worker/store/transfer"
)

// prepared is what follows from the tables alone: most of it is the text of statements.
type prepared struct {
	records  *records.Statements
	projects *projects.Statements
	transfer *transfer.Statements
	tables   *spaces.Tables
}

func prepare(schema record.Schema) prepared {
	p := prepared{
		records: records.NewStatements(schema, watermelon.DefaultLimits().PullBytes), projects: projects.NewStatements(),
		transfer: transfer.NewStatements(schema), tables: spaces.NewTables(schema),
	}
	p.transfer.CheckState = yroom.CheckState
	return p
}
