package conformance

import _ "embed"

// Tables is the declaration of the tables that a server of the suite has, in the form of
// tables.toml.
//
//go:embed testdata/tables.toml
var Tables []byte

// TablesFile has Tables, TablesSQLFile the migration that adds them to D1, and TablesJSONFile the
// variable TABLES. The paths begin in the folder of the repository. A test of package api makes the
// last two of the first, with -rewrite.
const (
	TablesFile     = "e2e/conformance/testdata/tables.toml"
	TablesSQLFile  = "e2e/conformance/testdata/tables.sql"
	TablesJSONFile = "e2e/conformance/testdata/tables.json"
)
