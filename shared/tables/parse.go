package tables

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"tidemark/shared/record"
)

// Parse reads a declaration. The error is Errors: it names every mistake with its line. D4.
func Parse(text []byte) (record.Schema, error) {
	root, err := parseTree(text)
	if err != nil {
		return record.Schema{}, Errors{err}
	}
	p := &parsing{sql: map[string]string{}}
	p.schema(root)
	if len(p.errors) == 0 {
		p.indexes(root)
	}
	if len(p.errors) == 0 {
		if err := p.result.Validate(); err != nil { // what is missing above
			p.fail(0, "%v", err)
		}
	}
	if len(p.errors) > 0 {
		slices.SortStableFunc(p.errors, func(a, b *Error) int { return a.Line - b.Line })
		return record.Schema{}, p.errors
	}
	return p.result, nil
}

type parsing struct {
	result        record.Schema
	errors        Errors
	table, column string            // that are being read
	sql           map[string]string // of each name of SQL in small letters, what has it
}

func (p *parsing) fail(line int, format string, args ...any) {
	p.errors = append(p.errors, &Error{line, p.table, p.column, fmt.Sprintf(format, args...)})
}

func (p *parsing) schema(root *node) {
	p.result.Version = maxVersion // so that without a version no since is above it
	if root.member("version") == nil {
		p.fail(1, "version is missing: it is the version of the app's schema, 1 at first")
	}
	for _, m := range root.members {
		if m.key == "version" {
			if v, ok := p.version(m); ok {
				p.result.Version = v
			}
		}
	}
	for _, m := range root.members {
		switch {
		case m.key == "version" || m.key == "local":
		case m.value.kind != unstable.Table:
			p.unknown(m, "the file has version, local and tables", "version", "local")
		default:
			p.tableOf(m)
		}
	}
	for _, m := range root.members {
		if m.key == "local" {
			p.local(m)
		}
	}
}

// unknown reports an unknown key, and names the known key that is nearest.
func (p *parsing) unknown(m member, otherwise string, known ...string) {
	if near := nearest(m.key, known); near != "" {
		otherwise = "did you mean " + near + "?"
	}
	p.fail(m.line, "the key %q is unknown: %s", m.key, otherwise)
}

func (p *parsing) local(m member) {
	if m.value.kind != unstable.Array {
		p.fail(m.line, "local must be an array of strings, not %s", kindOf(m.value))
		return
	}
	for _, item := range m.value.items {
		switch {
		case item.kind != unstable.String:
			p.fail(m.line, "local must be an array of strings: it has %s", kindOf(item))
		case slices.Contains(p.result.Local, item.text):
			p.fail(m.line, "local names %q twice", item.text)
		case p.result.Table(item.text) >= 0:
			p.fail(m.line, "local names %q, which is declared as a table that is synchronized", item.text)
		case !record.IsWireName(item.text):
			p.fail(m.line, "local names %q: %s", item.text, wireNames)
		default:
			p.result.Local = append(p.result.Local, item.text)
		}
	}
}

var tableKeys = []string{"sql", "id", "since", "read", "write", "columns"}

func (p *parsing) tableOf(m member) {
	p.table = m.key
	defer func() { p.table = "" }()
	t := record.Table{Name: m.key, SQL: m.key, ID: "id"}
	wire := p.wireName(m, reservedTables)
	lines := map[string]int{"sql": m.line, "id": m.line}
	columns := m.value.member("columns")
	for _, k := range m.value.members {
		lines[k.key] = k.line
		switch k.key {
		case "sql":
			p.text(k, &t.SQL)
		case "id":
			p.text(k, &t.ID)
		case "since":
			t.Since = p.since(k, 1)
		case "read", "write", "columns":
		default:
			p.unknown(k, "a table has "+strings.Join(tableKeys, ", "), tableKeys...)
		}
	}
	if wire || t.SQL != m.key {
		p.tableName(lines["sql"], t.SQL)
	}
	p.idName(lines["id"], t.ID)
	switch {
	case columns == nil:
		p.fail(m.line, "it has no columns")
	case columns.kind != unstable.Table:
		p.fail(lines["columns"], "columns must be a table, not %s", kindOf(columns))
	default:
		p.columns(&t, lines["columns"], columns)
		for _, k := range m.value.members {
			switch k.key {
			case "read":
				t.Read = p.rule(k, &t)
			case "write":
				t.Write = p.rule(k, &t)
			}
		}
	}
	p.result.Tables = append(p.result.Tables, t)
}

func (p *parsing) columns(t *record.Table, line int, columns *node) {
	if n := len(columns.members); n == 0 || n > record.MaxColumns {
		p.fail(line, "it has %d columns: a table has 1 to %d", n, record.MaxColumns)
	}
	taken := map[string]string{strings.ToLower(t.ID): "the id"}
	for _, k := range columns.members {
		p.column = k.key
		t.Columns = append(t.Columns, p.columnOf(k, t, taken))
	}
	p.column = ""
}

// rule reads a rule of the table, whose columns are known.
func (p *parsing) rule(m member, t *record.Table) record.Rule {
	var text string
	if !p.text(m, &text) {
		return nil
	}
	rule, err := record.ParseRule(text)
	if err != nil {
		p.fail(m.line, "%s: %v", m.key, err)
	}
	for _, term := range rule {
		if err := (record.Rule{term}).Validate(t); err != nil {
			hint := ""
			if near := nearest(term.Column, columnNames(t)); near != "" && t.Column(term.Column) < 0 {
				hint = ": did you mean " + near + "?"
			}
			p.fail(m.line, "%s: %v%s", m.key, err, hint)
		}
	}
	return rule
}

func columnNames(t *record.Table) []string {
	names := []string{"id"}
	for i := range t.Columns {
		names = append(names, t.Columns[i].Name)
	}
	return names
}
