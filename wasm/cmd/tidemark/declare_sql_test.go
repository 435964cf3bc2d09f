//go:build !js

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
	"pgregory.net/rapid"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/tables"
	"tidemark/wasm/edge"
	"tidemark/worker/store"
	sqltables "tidemark/worker/store/tables"
)

type cleaner interface {
	rapid.TB
	Cleanup(func())
}

// execute runs statements, each for itself.
func execute(t rapid.TB, db *edge.D1, list ...string) (last abi.Result) {
	for _, sql := range list {
		results, err := executor(db)(abi.Statement{SQL: sql})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		last = results[0]
	}
	return last
}

func memory(t cleaner) *edge.D1 {
	db, err := edge.OpenD1(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// shape are the columns of each table, without an order, and the indexes.
func shape(t rapid.TB, db *edge.D1) map[string]bool {
	all := map[string]bool{}
	rows := execute(t, db, `SELECT m.type || ' ' || m.name || ' ' || CASE m.type
		WHEN 'table' THEN concat_ws(' ', c.name, c.type, c."notnull", quote(c.dflt_value), c.pk) ELSE ifnull(m.sql, '') END
		FROM sqlite_master AS m LEFT JOIN pragma_table_info(m.name) AS c ON m.type = 'table'`).Rows
	for _, row := range rows {
		all[store.CellString(row[0])] = true
	}
	return all
}

// grow returns a declaration that a database may have after s. D2.
func grow(t *rapid.T, s record.Schema) record.Schema {
	s.Version++
	next := record.Schema{Version: s.Version}
	for _, table := range s.Tables {
		table.Columns = append([]record.Column(nil), table.Columns...)
		next.Tables = append(next.Tables, extend(t, table, s.Version))
	}
	for range rapid.IntRange(0, 2).Draw(t, "new tables") {
		name := fmt.Sprintf("t%d", len(next.Tables))
		table := record.Table{Name: name, SQL: rapid.SampledFrom([]string{name, strings.ToUpper(name)}).Draw(t, "sql"),
			ID: rapid.SampledFrom([]string{"id", "Key"}).Draw(t, "id"), Since: s.Version}
		next.Tables = append(next.Tables, extend(t, table, s.Version))
	}
	if rapid.Bool().Draw(t, "in another order") {
		next.Tables = rapid.Permutation(next.Tables).Draw(t, "tables")
	}
	return next
}

// extend adds columns to a table, and changes its rule.
func extend(t *rapid.T, table record.Table, v record.Version) record.Table {
	for range rapid.IntRange(0, 3).Draw(t, "new columns") {
		name := fmt.Sprintf("c%d", len(table.Columns))
		c := record.Column{Name: name, SQL: name, Type: record.Type(rapid.IntRange(0, 2).Draw(t, "type")), Nullable: rapid.Bool().Draw(t, "optional"), Since: v}
		if rapid.Bool().Draw(t, "has default") {
			c.Default = []any{rapid.SampledFrom([]string{"", "it's", "--;", "ä"}).Draw(t, "text"), rapid.SampledFrom([]float64{0, -1.5, 1e300}).Draw(t, "number"), rapid.Bool().Draw(t, "boolean")}[c.Type]
		}
		table.Columns = append(table.Columns, c)
	}
	for _, c := range table.Columns {
		if c.Type == record.String && rapid.Bool().Draw(t, "rule") { // a rule only grows: an index stays when its rule is gone
			table.Read = append(table.Read, record.Term{Kind: record.ColumnIs, Column: c.Name, Claim: record.Subject})
		}
	}
	return table
}

// However a database came to a declaration, it has what a new one has. D2 and D3.
func TestADatabaseThatGrewHasTheTablesOfANewOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grown := memory(t)
		var s record.Schema
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			next := grow(t, s)
			if err := next.Validate(); err != nil {
				t.Fatal(err)
			}
			if err := tables.Refuse(&s, &next); err != nil {
				t.Fatal(err)
			}
			execute(t, grown, sqltables.Changes(&s, &next)...)
			if lacks, err := lacking(grown, &next); err != nil || len(lacks) > 0 {
				t.Fatalf("it lacks %v, %v", lacks, err)
			}
			s = next
		}
		made := memory(t)
		for i := range s.Tables {
			execute(t, made, sqltables.Create(&s.Tables[i])...)
		}
		if d := cmp.Diff(shape(t, made), shape(t, grown)); d != "" {
			t.Fatalf("%s\n%s", s.Encode(), d)
		}
	})
}

// words are SQLite's keywords.
var words = strings.Fields(`
reindex indexed index desc escape each check key before foreign for ignore regexp explain instead add database as select table left then end
deferrable else exclude delete temporary temp or isnull nulls savepoint intersect ties notnull not no null like except transaction action on
natural alter raise exclusive exists constraint into offset of set trigger range generated detach having glob begin inner references unique
query without with outer release attach between nothing groups group cascade asc default case collate create current_date immediate join
insert match plan analyze pragma materialized deferred distinct is update values virtual always when where recursive abort after rename and
drop partition autoincrement to in cast column commit conflict cross current_timestamp current_time current preceding fail last filter
replace first following from full limit if order restrict others over returning right rollback rows row unbounded union using vacuum view
window do by initially all primary`)

// A keyword of SQLite is refused as a name, or it works as one.
func TestAKeywordOfSQLIsRefusedOrWorksAsAName(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	if n := sqlite3.Xsqlite3_keyword_count(tls); int(n) != len(words) {
		t.Errorf("SQLite has %d keywords, and the list here %d", n, len(words))
	}
	refused, taken := 0, 0
	for _, name := range words {
		s, err := tables.Parse(fmt.Appendf(nil, "version = 1\n[%s]\nread = '%[1]s = sub'\ncolumns.%[1]s = { type = 'string', default = 'x' }\n", name))
		if err != nil {
			if want := fmt.Sprintf("%q is a keyword of SQL", name); strings.Count(err.Error(), want) != 2 {
				t.Errorf("%s: got %v, want %s for the table and the column", name, err, want)
			}
			refused++
			continue
		}
		taken++
		db := memory(t)
		execute(t, db, sqltables.Changes(&record.Schema{}, &s)...)
		execute(t, db, strings.Split(strings.ReplaceAll(`INSERT INTO $ (id, $, deleted) SELECT 'a', 'y', 0 FROM $ AS t RIGHT JOIN (SELECT 1) WHERE true ON CONFLICT (id) DO UPDATE SET $ = excluded.$, deleted = 1
UPDATE $ SET $ = 'z' WHERE $ = 'y' AND deleted = 0
SELECT json_array(t.$), CASE WHEN t.$ IS NULL THEN o.$ ELSE t.$ END, t.$ AS v FROM $ AS t LEFT JOIN $ AS o ON t.$ = o.$ WHERE t.$ > 'a' ORDER BY t.$
DELETE FROM $ WHERE EXISTS (SELECT 1 FROM $ AS t WHERE t.$ IS NOT $.$)
ALTER TABLE $ ADD COLUMN x TEXT
DROP TABLE $
CREATE TABLE $ (id TEXT)
ALTER TABLE $ ADD COLUMN $ TEXT`, "$", name), "\n")...)
	}
	if refused < 100 || taken < 5 {
		t.Errorf("%d are refused, and %d taken", refused, taken)
	}
}
