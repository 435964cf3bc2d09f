//go:build !js

package records

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
	"tidemark/worker/store/tables"
)

// wide is a schema beyond D1's limits of arguments and compound terms: seven
// tables, one with as many columns as there may be, of all types.
func wide() record.Schema {
	s := record.Schema{Version: 2}
	for i := range 7 {
		t := record.Table{Name: fmt.Sprint("t", i), SQL: fmt.Sprint("Wide", i), ID: "Id", Since: record.Version(i % 3)}
		n := 1
		if i == 3 {
			n = record.MaxColumns
		}
		for c := range n {
			col := record.Column{Name: fmt.Sprint("c", c), SQL: fmt.Sprint("C", c), Type: record.Type(c % 3), Nullable: true}
			switch c {
			case 33:
				col.Default, col.Nullable = "it's", false
			case 34:
				col.Default, col.Nullable = -1.5, false
			case 35:
				col.Default, col.Nullable = true, false
			case 36:
				col.Since = 2
			}
			t.Columns = append(t.Columns, col)
		}
		s.Tables = append(s.Tables, t)
	}
	return s
}

// A table is added by a declaration and a migration.
func newWide(t *testing.T) *fixture {
	f := newFixture(t)
	schema := wide()
	var statements []abi.Statement
	for _, table := range schema.Tables {
		sql := "CREATE TABLE " + table.SQL + " (Id TEXT PRIMARY KEY NOT NULL"
		for _, c := range table.Columns {
			sql += ", " + c.SQL + " " + []string{"TEXT", "REAL", "INTEGER"}[c.Type]
		}
		statements = append(statements, abi.Statement{SQL: sql + `, created_at INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL DEFAULT 0,
			deleted INTEGER NOT NULL DEFAULT 0, stamp INTEGER NOT NULL DEFAULT 0, ahead INTEGER, outcome INTEGER)`},
			abi.Statement{SQL: "CREATE INDEX " + table.SQL + "ByStamp ON " + table.SQL + " (stamp, Id)"})
	}
	if _, err := f.db.Batch(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	f.Watermelon = newDialect(f.db, schema, watermelon.DefaultLimits())
	return f
}

func TestATableIsADeclarationAndAMigration(t *testing.T) {
	f := newWide(t)
	row := object{"id": "a", "created_at": 3, "updated_at": at(0)}
	for c := range record.MaxColumns {
		row[fmt.Sprint("c", c)] = []any{"text]}{", 0.5, true}[c%3]
	}
	changes := object{"t3": object{"created": list{row, object{"id": "few", "c1": 7, "c2": false, "updated_at": at(0)}}}}
	for i := range 7 {
		if i != 3 {
			changes[fmt.Sprint("t", i)] = object{"created": list{object{"id": "x", "c0": "y", "updated_at": at(0)}}, "deleted": list{"z"}}
		}
	}
	first := f.push(object{"changes": changes})
	expect(t, len(first.changed), 7)
	f.unchanged(func() { f.silent(f.push(object{"changes": changes})) })
	want := object{}
	for k, v := range row {
		want[k] = v
	}
	want["created_at"], want["updated_at"] = 3.0, float64(at(0))
	for _, input := range []object{{}, {"lastPulledAt": 1}, {"limit": 2}, {"limit": 3, "lastPulledAt": 1}, {"limit": 1, "lastPulledAt": stamp(99 << 40)}} {
		p := f.all(input)
		expect(t, len(p.Changes), 7)
		expect(t, p.rows("t3")["a"], want)
		few := p.rows("t3")["few"]
		expect(t, []any{few["c0"], few["c1"], few["c2"], few["c5"], few["c33"], few["c34"], few["c35"]}, []any{nil, 7.0, false, nil, "it's", -1.5, true})
		for i := range 7 {
			if i != 3 {
				dead := ""
				if input["lastPulledAt"] == 1 {
					dead = "z"
				}
				expect(t, names(p, fmt.Sprint("t", i)), "x / "+dead)
			}
		}
	}
	// An app of version 1 knows neither the tables nor the column of version 2.
	for _, limit := range []any{nil, 100} {
		p := f.pull(object{"schemaVersion": 1, "limit": limit})
		expect(t, len(p.Changes), 5)
		_, has := p.rows("t3")["a"]["c36"]
		expect(t, has, false)
	}
	// A column that comes with a migration, and is not what the app fills it with.
	p := f.pull(object{"lastPulledAt": first.Timestamp, "migration": object{"columns": list{object{"table": "t3", "columns": list{"c33", "c35"}}}}})
	expect(t, names(p, "t3"), "a few / ")
	row["c47"], row["updated_at"] = true, at(1)
	row["c33"] = "another"
	f.push(object{"lastPulledAt": first.Timestamp, "changes": object{"t3": object{"updated": list{row}}}})
	expect(t, f.since(first.Timestamp).rows("t3")["a"]["c33"], any("another"))
	if _, err := f.Checksum(t.Context(), record.Caller{}, store.Budget{}); err != nil {
		t.Error(err)
	}
	if _, err := f.Purge(t.Context(), f.now, 0); err != nil {
		t.Error(err)
	}
}

func TestTablesThatCloudflareCannotTakeAreTold(t *testing.T) {
	many := func(n int) *Statements {
		s := record.Schema{Version: 1}
		for i := range n {
			table := record.Table{Name: fmt.Sprint("table_", i), SQL: fmt.Sprint("table_", i), ID: "id"}
			for c := range 10 {
				table.Columns = append(table.Columns, record.Column{Name: fmt.Sprint("some_column_", c), SQL: fmt.Sprint("some_column_", c)})
			}
			table.Read, _ = record.ParseRule("some_column_0 = sub or some_column_1 in teams")
			table.Write = table.Read
			s.Tables = append(s.Tables, table)
		}
		return NewStatements(s, 1<<20)
	}
	s := many(30)
	if err := s.Fits(); err != nil {
		t.Error(err)
	}
	for _, w := range s.writing {
		for _, sql := range []string{w.write, w.tellRows, w.refused, w.oversized, w.conflicts} {
			if len(sql) > store.StatementBytes/4 {
				t.Errorf("a statement of a push has %d bytes", len(sql))
			}
		}
	}
	if err := many(60).Fits(); err == nil || !strings.Contains(err.Error(), "declare fewer tables") {
		t.Error(err)
	}
	if many(60).deltas[0] != "" {
		t.Error("the deltas of 60 tables are one statement")
	}
}

// A column may have any name that is not reserved, also one that our statements give to
// something else: what is not qualified would be the column.
func TestAColumnMayHaveANameOfOurStatements(t *testing.T) {
	f := newFixture(t)
	rule := record.Rule{{Kind: record.ColumnIs, Column: "live", Claim: record.Subject}}
	schema := record.Schema{Version: 1}
	for i, read := range []record.Rule{nil, rule} {
		table := record.Table{Name: fmt.Sprint("t", i), SQL: fmt.Sprint("T", i), ID: "id", Read: read, Write: read}
		for _, name := range []string{"live", "lo", "step", "at", "n", "base", "next", "value", "key", "id2"} {
			table.Columns = append(table.Columns, record.Column{Name: name, SQL: name, Nullable: true})
		}
		schema.Tables = append(schema.Tables, table)
	}
	var statements []abi.Statement
	for _, sql := range tables.Changes(&record.Schema{}, &schema) {
		statements = append(statements, abi.Statement{SQL: sql})
	}
	if _, err := f.db.Batch(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	f.Watermelon = newDialect(f.db, schema, watermelon.DefaultLimits())
	row := object{"id": "a", "live": "ann", "lo": "x", "step": "y", "updated_at": at(0)}
	ann := record.Caller{Subject: "ann"}
	push := f.json(object{"lastPulledAt": nil, "changes": object{"t0": object{"created": list{row}}, "t1": object{"created": list{row}}}})
	if _, _, err := f.Push(t.Context(), f.now, ann, push); err != nil {
		t.Fatal(err)
	}
	for _, input := range []object{{}, {"lastPulledAt": 1}, {"limit": 5}, {"limit": 5, "lastPulledAt": 1}} {
		answer, _, err := f.Pull(t.Context(), ann, f.json(input), store.Budget{})
		if err != nil {
			t.Fatalf("%v: %v", input, err)
		}
		if n := strings.Count(string(answer.Bytes()), `"live":"ann","lo":"x","step":"y"`); n != 2 {
			t.Errorf("%v: %d rows: %s", input, n, answer.Bytes())
		}
	}
}
