//go:build !js

package api_test

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/tables"
	sqltables "tidemark/worker/store/tables"
	"tidemark/worker/store/transfer"
	"tidemark/worker/webtest"
)

const noHost = "net/http alone drops at most 256 KB of a body before it closes the connection; Yjs is not served here"

// TestConformance runs the suite on the root, and then in a space of the same server. S2: the rules of a space are those of the root.
func TestConformance(t *testing.T) {
	schema := declared(t)
	db := openD1(t)
	for _, sql := range additions(&schema) {
		if _, err := db.Batch(t.Context(), []abi.Statement{{SQL: sql}}); err != nil {
			t.Fatal(err)
		}
	}
	c := configure(t, map[string]string{"TABLES": string(schema.Encode())})
	c.Door.Settings.Auth.Kept = schema.Claims()
	c.Root.Records.Store, c.Root.Tickets = storeIn(db, schema)
	c.Root.Transfer = transfer.New(db, transfer.NewStatements(schema))
	c.Door.Rooms = newRooms(t)
	handler, _ := openSpaces(t, &c, db)
	server := httptest.NewServer(webtest.Handler{Of: handler})
	t.Cleanup(server.Close)
	root := doorOf(server)
	root.Elsewhere = map[string]string{
		"body/no token, and a client that reads after it has sent everything": noHost,
		"body/a scope that does not allow it":                                 noHost,
		"body/a body over its route's limit, which the response names":        noHost,
	}
	bothDoors(t, root, conformance.Run)
}

// bothDoors runs a suite on the root and in a space.
func bothDoors(t *testing.T, root conformance.Door, run func(*testing.T, conformance.Door)) {
	t.Run("root", func(t *testing.T) { run(t, root) })
	t.Run("space", func(t *testing.T) { run(t, root.In("acme")) })
}

// declared returns the tables of the suite.
func declared(t *testing.T) record.Schema {
	t.Helper()
	schema, err := tables.Parse(conformance.Tables)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// additions are the statements that add the tables of a schema to a database of an app that
// declares none.
func additions(schema *record.Schema) []string {
	builtIn := record.Default()
	return sqltables.Changes(&builtIn, schema)
}

// TestWhatTheSuiteMakesOfItsTables writes the migration and the variable with -rewrite.
func TestWhatTheSuiteMakesOfItsTables(t *testing.T) {
	schema := declared(t)
	for file, want := range map[string]string{
		conformance.TablesSQLFile:  strings.Join(additions(&schema), ";\n") + ";\n",
		conformance.TablesJSONFile: string(schema.Encode()) + "\n",
	} {
		if *rewrite {
			if err := os.WriteFile("../../"+file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got, err := os.ReadFile("../../" + file); err != nil || string(got) != want {
			t.Errorf("%s is not made of %s, %v: run this test with -rewrite", file, conformance.TablesFile, err)
		}
	}
}
