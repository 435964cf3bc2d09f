package tables

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// A Plan is what a database needs so that it has the tables of a schema.
type Plan struct {
	Statements []abi.Statement
	// Added are the tables and columns that the statements add, as Visits and Visits.Rating.
	Added []string
}

// An UnfitError says that a table has rows, and that the schema cannot have it.
type UnfitError struct{ Table, Reason string }

func (e *UnfitError) Error() string {
	return fmt.Sprintf("the table %s of the database has rows, and it is not the declared one: %s", e.Table, e.Reason)
}

// A table is one that a database has: its columns by their names in small letters.
type table struct {
	columns map[string]string // the affinities
	key     string
}

// NewPlan looks at what a database has, whatever made it, and returns how it gets the rest of
// next. It leaves alone what next does not have. A table without rows that next cannot have
// as it is, it makes anew; with rows, NewPlan returns an *UnfitError.
func NewPlan(exec store.Exec, next *record.Schema) (Plan, error) {
	found, err := find(exec, next)
	if err != nil {
		return Plan{}, fmt.Errorf("look for the declared tables: %w", err)
	}
	var p Plan
	present := record.Schema{Version: next.Version}
	for i := range next.Tables {
		t := &next.Tables[i]
		has := found[strings.ToLower(t.SQL)]
		if has == nil {
			p.Added = append(p.Added, t.SQL)
			continue
		}
		if reason := has.unfit(t); reason != "" {
			full, err := HasRows(exec, t.SQL)
			if err != nil {
				return Plan{}, err
			}
			if full {
				return Plan{}, &UnfitError{t.SQL, reason}
			}
			p.Statements = append(p.Statements, abi.Statement{SQL: "DROP TABLE " + t.SQL})
			p.Added = append(p.Added, t.SQL)
			continue
		}
		had := *t
		had.Read = nil // the indexes of the rule are made if they are not there
		had.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c record.Column) bool {
			_, old := has.columns[strings.ToLower(c.SQL)]
			if !old {
				p.Added = append(p.Added, t.SQL+"."+c.SQL)
			}
			return !old
		})
		present.Tables = append(present.Tables, had)
	}
	for _, sql := range Changes(&present, next) {
		p.Statements = append(p.Statements, abi.Statement{SQL: sql})
	}
	return p, nil
}

// find returns the tables of next that a database has, by their names in small letters.
func find(exec store.Exec, next *record.Schema) (map[string]*table, error) {
	names := []string{}
	for _, t := range next.Tables {
		names = append(names, strings.ToLower(t.SQL))
	}
	list, err := jsonvalue.Marshal(names)
	if err != nil {
		return nil, err
	}
	results, err := exec(abi.Statement{
		SQL:  `SELECT t.value, c.name, c.type, c.pk FROM json_each(?1) AS t, pragma_table_info(t.value) AS c`,
		Args: []any{string(list)},
	})
	if err != nil {
		return nil, err
	}
	found := map[string]*table{}
	for _, row := range results[0].Rows {
		name, column := store.CellString(row[0]), strings.ToLower(store.CellString(row[1]))
		t := found[name]
		if t == nil {
			t = &table{columns: map[string]string{}}
			found[name] = t
		}
		t.columns[column] = affinity(store.CellString(row[2]))
		if store.CellNumber(row[3]) > 0 {
			t.key = column
		}
	}
	return found, nil
}

// HasRows says whether a table of a database has rows, or tombstones.
func HasRows(exec store.Exec, sql string) (bool, error) {
	results, err := exec(abi.Statement{SQL: "SELECT EXISTS (SELECT 1 FROM " + sql + ")"})
	if err != nil {
		return false, fmt.Errorf("look for rows of %s: %w", sql, err)
	}
	return store.Number(results[0], 0) != 0, nil
}

// unfit returns why the table cannot be the declared one, or "".
func (t *table) unfit(declared *record.Table) string {
	if t.key != strings.ToLower(declared.ID) {
		return fmt.Sprintf("its primary key is %s, not %s", t.key, declared.ID)
	}
	for _, name := range own {
		if _, has := t.columns[name]; !has {
			return "it has no column " + name
		}
	}
	for _, c := range declared.Columns {
		is, has := t.columns[strings.ToLower(c.SQL)]
		if has && is != "" && (is == text) != (c.Type == record.String) {
			return fmt.Sprintf("its column %s is no %s", c.SQL, c.Type)
		}
	}
	return ""
}

// own are the columns that every table has.
var own = [...]string{record.CreatedAt, record.UpdatedAt, "deleted", "stamp", "ahead", "outcome"}

// The affinities of columns that matter here; "" takes any value as it is.
const (
	text    = "TEXT"
	numeric = "NUMERIC"
)

// affinity returns the affinity of a column's type. SQLite docs, Datatypes, 3.1.
func affinity(declared string) string {
	declared = strings.ToUpper(declared)
	has := func(part string) bool { return strings.Contains(declared, part) }
	switch {
	case has("INT"):
		return numeric
	case has("CHAR"), has("CLOB"), has("TEXT"):
		return text
	case has("BLOB"), declared == "":
		return ""
	}
	return numeric
}
