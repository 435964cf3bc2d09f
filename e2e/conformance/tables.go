package conformance

import _ "embed"

// Tables is the declaration of the tables that a server of the suite has, in the form of
// tables.toml, and TablesSQL is the migration that adds them to D1. A test of package api makes
// TablesSQL of Tables, with -rewrite.
var (
	//go:embed testdata/tables.toml
	Tables []byte
	//go:embed testdata/tables.sql
	TablesSQL string
)

// Where they are from the folder of the repository.
const (
	TablesFile    = "e2e/conformance/testdata/tables.toml"
	TablesSQLFile = "e2e/conformance/testdata/tables.sql"
)
