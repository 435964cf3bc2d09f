//go:build !js

package tables

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

func run(t *testing.T, db *wasmtest.D1, list ...string) []abi.Result {
	t.Helper()
	var statements []abi.Statement
	for _, sql := range list {
		statements = append(statements, abi.Statement{SQL: sql})
	}
	results, err := db.Batch(t.Context(), statements)
	if err != nil {
		t.Fatalf("%v: %s", err, strings.Join(list, "\n"))
	}
	return results
}

// The tables that the migrations made are those that Create makes. D3.
func TestCreateMakesTheTablesOfTheMigrations(t *testing.T) {
	schema := record.Default()
	made, migrated := wasmtest.OpenD1(t, nil), wasmtest.OpenD1(t, store.Migrations())
	run(t, made, Changes(&record.Schema{}, &schema)...)
	shape := func(db *wasmtest.D1, table string) string {
		results := run(t, db, "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('"+table+"')",
			"SELECT l.name, l.\"unique\", l.partial, i.seqno, i.name FROM pragma_index_list('"+table+"') AS l, pragma_index_info(l.name) AS i ORDER BY 1, 4")
		return fmt.Sprintf("%s", append(results[0].Rows, results[1].Rows...))
	}
	for _, table := range schema.Tables {
		if got, want := shape(made, table.SQL), shape(migrated, table.SQL); got != want || !strings.Contains(want, "ByStamp") {
			t.Errorf("%s: got %s, want %s", table.SQL, got, want)
		}
	}
}

// schema returns a schema of one table, with columns of version 2 or without.
func schema(version record.Version) record.Schema {
	table := record.Table{Name: "visits", SQL: "Visits", ID: "VisitId", Columns: []record.Column{
		{Name: "owner_id", SQL: "OwnerId"},
	}}
	if version > 1 {
		table.Read = record.Rule{{Kind: record.ColumnIs, Column: "owner_id", Claim: "sub"}, {Kind: record.ColumnIn, Column: "team", Claim: "teams"}}
		table.Columns = append(table.Columns,
			record.Column{Name: "team", SQL: "Team", Since: 2, Nullable: true},
			record.Column{Name: "status", SQL: "Status", Since: 2, Nullable: true, Default: "it's -- new;\n"},
			record.Column{Name: "rating", SQL: "Rating", Type: record.Number, Since: 2, Default: -1.5},
			record.Column{Name: "weight", SQL: "Weight", Type: record.Number, Since: 2},
			record.Column{Name: "done", SQL: "Done", Type: record.Boolean, Since: 2, Default: true},
			record.Column{Name: "seen", SQL: "Seen", Type: record.Boolean, Since: 2, Nullable: true})
	}
	s := record.Schema{Version: version, Tables: []record.Table{table}}
	if err := s.Validate(); err != nil {
		panic(err)
	}
	return s
}

// A row that is older than a column has what the column says of such rows. D3, P6.
func TestAnAddedColumnHasItsDefaultInOldRows(t *testing.T) {
	old, next := schema(1), schema(2)
	db := wasmtest.OpenD1(t, nil)
	run(t, db, Changes(&record.Schema{}, &old)...)
	run(t, db, `INSERT INTO Visits (VisitId, OwnerId) VALUES ('v', 'ann')`)
	added := Changes(&old, &next)
	run(t, db, added...)
	row := run(t, db, `SELECT OwnerId, Team, Status, Rating, Weight, Done, Seen FROM Visits`)[0].Rows[0]
	if got := fmt.Sprintf("%s %s %v", row[0], row[2], append(row[1:2:2], row[3:]...)); got != "ann it's -- new;\n [<nil> -1.5 0 1 <nil>]" {
		t.Errorf("got %q", got)
	}
	plan := run(t, db, `EXPLAIN QUERY PLAN SELECT stamp, VisitId FROM Visits WHERE Team = 'red' AND stamp > 4`)[0].Rows
	if got := fmt.Sprintf("%s", plan); !strings.Contains(got, "COVERING INDEX VisitsByTeam (Team=? AND stamp>?)") {
		t.Errorf("the plan is %s", got)
	}
	if list := Changes(&next, &next); len(list) > 0 {
		t.Errorf("nothing changed, and there are %q", list)
	}
	if list := Changes(&next, &old); len(list) > 0 {
		t.Errorf("what is gone is not left alone: %q", list)
	}
}

// exec runs statements for NewPlan.
func exec(t *testing.T, db *wasmtest.D1) store.Exec {
	return func(statements ...abi.Statement) ([]abi.Result, error) { return db.Batch(t.Context(), statements) }
}

const ownColumns = `created_at INTEGER, updated_at INTEGER, deleted INTEGER, stamp INTEGER, ahead INTEGER, outcome INTEGER`

// Whatever part of a declaration a database has, a plan adds the rest. D3.
func TestAPlanAddsWhatADatabaseLacks(t *testing.T) {
	next := schema(2)
	all := Create(&next.Tables[0])
	for _, c := range []struct {
		before []string
		added  string
	}{
		{nil, "[Visits]"},
		{all, "[]"},
		{all[:2], "[]"}, // indexes are not worth a word
		{[]string{`CREATE TABLE visits (visitid TEXT PRIMARY KEY, ` + ownColumns + `, TEAM, Status VARCHAR(10), weight INTEGER)`,
			`CREATE INDEX VisitsByTeam ON Visits (Team, stamp, VisitId)`, `INSERT INTO visits (visitid) VALUES ('v')`},
			"[Visits.OwnerId Visits.Rating Visits.Done Visits.Seen]"},
		{[]string{`CREATE TABLE visits (id TEXT PRIMARY KEY, ` + ownColumns + `)`}, "[Visits]"},
		{[]string{`CREATE TABLE Visits (VisitId TEXT PRIMARY KEY)`}, "[Visits]"},
		{[]string{`CREATE TABLE Visits (VisitId TEXT PRIMARY KEY, Rating TEXT, ` + ownColumns + `)`}, "[Visits]"},
	} {
		db := wasmtest.OpenD1(t, nil)
		if c.before != nil {
			run(t, db, c.before...)
		}
		for range 2 {
			plan, err := NewPlan(exec(t, db), &next)
			if err != nil {
				t.Fatalf("%q: %v", c.before, err)
			}
			if got := fmt.Sprint(plan.Added); got != c.added {
				t.Errorf("%q: added %s, want %s", c.before, got, c.added)
			}
			c.added = "[]"
			if len(plan.Statements) > 0 {
				if _, err := db.Batch(t.Context(), plan.Statements); err != nil {
					t.Fatalf("%q: %v", c.before, err)
				}
			}
		}
		run(t, db, `SELECT VisitId, OwnerId, Team, Status, Rating, Weight, Done, Seen FROM Visits INDEXED BY VisitsByTeam WHERE Team = 'red'`,
			`SELECT * FROM Visits INDEXED BY VisitsByOwnerId WHERE OwnerId = 'ann'`)
	}
}

func TestAPlanDropsNoTableWithRows(t *testing.T) {
	next := schema(2)
	for want, columns := range map[string]string{
		"its primary key is id, not VisitId": `id TEXT PRIMARY KEY, ` + ownColumns,
		"it has no column created_at":        `VisitId TEXT PRIMARY KEY`,
		"its column Rating is no number":     `VisitId TEXT PRIMARY KEY, Rating TEXT, ` + ownColumns,
		"its column Status is no string":     `VisitId TEXT PRIMARY KEY, Status REAL, ` + ownColumns,
	} {
		db := wasmtest.OpenD1(t, nil)
		run(t, db, `CREATE TABLE Visits (`+columns+`)`, `INSERT INTO Visits DEFAULT VALUES`)
		_, err := NewPlan(exec(t, db), &next)
		var unfit *UnfitError
		if !errors.As(err, &unfit) || unfit.Reason != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
