// Package tables has the SQL that makes the tables of a schema, and that adds to a database
// what a newer schema has.
package tables

import (
	"slices"
	"strings"

	"tidemark/shared/record"
	"tidemark/worker/store"
)

// Create returns the statements that make a table and its indexes, without semicolons.
func Create(t *record.Table) []string {
	var sql strings.Builder
	sql.WriteString("CREATE TABLE " + t.SQL + " (\n  " + t.ID + " TEXT PRIMARY KEY NOT NULL,\n")
	for i := range t.Columns {
		sql.WriteString("  " + column(&t.Columns[i]) + ",\n")
	}
	sql.WriteString(`  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
)`)
	return append([]string{sql.String(),
		"CREATE INDEX IF NOT EXISTS " + t.SQL + "ByStamp ON " + t.SQL + " (stamp, " + t.ID + ")",
		"CREATE INDEX IF NOT EXISTS " + t.SQL + "Tombstones ON " + t.SQL + " (stamp, " + t.ID + ") WHERE deleted = 1",
	}, indexes(t, nil)...)
}

// column returns the definition of a column. A row that is older than its column has its
// Absent value.
func column(c *record.Column) string {
	sql := c.SQL + " " + [...]string{record.String: "TEXT", record.Number: "REAL", record.Boolean: "INTEGER"}[c.Type]
	if v := c.Absent(); v != nil {
		sql += " DEFAULT " + store.Literal(v)
	}
	return sql
}

// indexes returns the statements that make the indexes of the columns that the rule read
// compares, but not those of had.
func indexes(t *record.Table, had []string) (list []string) {
	for _, name := range t.Read.Columns() {
		if c := t.Column(name); c >= 0 && !slices.Contains(had, name) {
			sql := t.Columns[c].SQL
			list = append(list, "CREATE INDEX IF NOT EXISTS "+t.SQL+"By"+sql+" ON "+t.SQL+" ("+sql+", stamp, "+t.ID+")")
		}
	}
	return list
}

// Changes returns the statements that add to the tables of old what next has beside them:
// tables, columns and indexes. They leave alone what next does not have.
func Changes(old, next *record.Schema) (list []string) {
	for i := range next.Tables {
		t := &next.Tables[i]
		at := slices.IndexFunc(old.Tables, func(o record.Table) bool { return strings.EqualFold(o.SQL, t.SQL) })
		if at < 0 {
			list = append(list, Create(t)...)
			continue
		}
		before := &old.Tables[at]
		for c := range t.Columns {
			sql := t.Columns[c].SQL
			if !slices.ContainsFunc(before.Columns, func(o record.Column) bool { return strings.EqualFold(o.SQL, sql) }) {
				list = append(list, "ALTER TABLE "+t.SQL+" ADD COLUMN "+column(&t.Columns[c]))
			}
		}
		list = append(list, indexes(t, before.Read.Columns())...)
	}
	return list
}
