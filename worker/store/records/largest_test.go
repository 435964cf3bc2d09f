//go:build !js

package records

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/record"
	"tidemark/worker/store/records/inspect"
)

// largest are schemas with as much in their statements as there may be: many tables with short
// rules, and two with rules of MaxTerms terms, each of which looks into a list of the token.
func largest(t *testing.T) map[string]record.Schema {
	rule := func(terms int) record.Rule {
		var list []string
		for i := range terms {
			list = append(list, fmt.Sprintf("column_%d in teams_%[1]d", i))
		}
		rule, err := record.ParseRule(strings.Join(list, " or "))
		if err != nil {
			t.Fatal(err)
		}
		return rule
	}
	tables := func(tables, columns, terms int) record.Schema {
		s := record.Schema{Version: 1}
		for i := range tables {
			table := record.Table{Name: fmt.Sprint("table_", i), SQL: fmt.Sprint("table_", i), ID: "id", Read: rule(terms), Write: rule(terms)}
			for c := range columns {
				table.Columns = append(table.Columns, record.Column{Name: fmt.Sprint("column_", c), SQL: fmt.Sprint("column_", c)})
			}
			s.Tables = append(s.Tables, table)
		}
		return s
	}
	return map[string]record.Schema{
		"30 tables": tables(30, 10, 2),
		"16 terms":  tables(2, record.MaxColumns, record.MaxTerms),
	}
}

// D1 lets an expression be 100 deep, and SQLite 3.54 rejects a statement that names a common table
// after as many other tables, copies of them in common tables included.
func TestTheLargestStatementsAreWithinTheDepthOfExpressions(t *testing.T) {
	for name, schema := range largest(t) {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if _, err := f.db.Batch(t.Context(), createTables(schema)); err != nil {
				t.Fatal(err)
			}
			s := NewStatements(schema, 1<<20)
			if err := s.Fits(); err != nil {
				t.Error(err)
			}
			var changed, names, also []string
			var all []string
			for i := range s.writing {
				w, r := &s.writing[i], &s.reading[0][i]
				changed, names, also = append(changed, w.changed), append(names, w.SQL), append(also, "t.deleted = 0")
				all = append(all, w.simple, w.write, w.oversized, w.bury, w.refused, w.tellRows, w.keptIDs, w.tellIDs, w.tellEvery,
					abortIfAny(w.conflicts), abortIfAny(w.buried), s.sums[i],
					r.direct, r.guarded, r.measured, r.size, r.changes, r.changesSize, r.readChanges(also[i]), r.readChangesSize(also[i]))
			}
			rows := &record.Batch{Tables: make([]record.TableBatch, len(schema.Tables))}
			rows.Tables[0].RowCount = 1
			w := &s.writingAsServer(rows)[0]
			table := s.inspected(0)
			l := &record.Listing{Newest: true, From: &record.Place{}, Filter: record.Filter{Column: "column_1", Is: record.Starts, Value: "x"}, As: &record.Caller{}}
			all = append(all, w.write, w.oversized, w.bury, w.refused, w.tellRows, w.keptIDs, w.tellIDs, table.Page(l, s.looks, nil).SQL, table.Verdicts("x").SQL,
				rowBeside(s.newest(0), s.newest(0).row, ""), inspect.Count(schema.Tables).SQL)
			migrated := newPaging(s.reading[0], also, s.rules)
			all = append(all, s.readClaims, s.deltas[0], s.pages[0].changes, s.pages[0].replacement, migrated.changes,
				closeWrite(changed, true, s.rules), closeSimple(names, s.plan, s.rules), s.forgetting.next)
			all = append(append(all, s.forgetting.count...), s.forgetting.delete...)
			for _, sql := range all {
				f.plan(sql)
			}
		})
	}
}
