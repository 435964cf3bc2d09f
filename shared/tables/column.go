package tables

import (
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"tidemark/shared/pattern/re2"
	"tidemark/shared/record"
)

var columnKeys = []string{"type", "sql", "optional", "default", "since", "min", "max", "enum", "pattern"}

// otherTypes are words that other databases and languages have for our types.
var otherTypes = map[string]string{
	"text": "string", "varchar": "string", "char": "string", "str": "string", "uuid": "string",
	"int": "number", "integer": "number", "float": "number", "double": "number", "real": "number", "decimal": "number", "numeric": "number",
	"date": "number", "datetime": "number", "timestamp": "number", "time": "number", "bool": "boolean",
}

// columnOf reads a column of the table t. taken has the names of SQL, in small letters, that
// the table has already, and what has them.
func (p *parsing) columnOf(m member, t *record.Table, taken map[string]string) record.Column {
	c := record.Column{Name: m.key, SQL: m.key}
	wire := p.wireName(m, reservedColumns)
	if m.value.kind != unstable.Table {
		p.fail(m.line, "a column is a table, not %s: write %s = { type = \"string\" }", kindOf(m.value), m.key)
		return c
	}
	lines := map[string]int{"sql": m.line}
	typed := p.typeOf(m, &c)
	for _, k := range m.value.members {
		lines[k.key] = k.line
		switch k.key {
		case "sql":
			p.text(k, &c.SQL)
		case "optional":
			if k.value.kind != unstable.Bool {
				p.fail(k.line, "optional must be true or false, not %s", kindOf(k.value))
			}
			c.Nullable = k.value.text == "true"
		case "since":
			c.Since = p.since(k, max(t.Since, 1))
		case "type", "default", "min", "max", "enum", "pattern":
		default:
			p.unknown(k, "a column has "+strings.Join(columnKeys, ", "), columnKeys...)
		}
	}
	if wire || c.SQL != m.key {
		p.columnName(lines["sql"], c.SQL, m.key, taken)
	}
	if typed && p.check(m, &c) {
		p.preset(m, t, &c)
	}
	return c
}

func (p *parsing) typeOf(m member, c *record.Column) bool {
	for _, k := range m.value.members {
		if k.key != "type" {
			continue
		}
		var name string
		if !p.text(k, &name) {
			return false
		}
		known := false
		if c.Type, known = record.ParseType(name); !known {
			hint := "it is string, number or boolean"
			if near := otherTypes[strings.ToLower(name)]; near != "" {
				hint = "write " + near
			} else if near := nearest(name, []string{"string", "number", "boolean"}); near != "" {
				hint = "did you mean " + near + "?"
			}
			p.fail(k.line, "the type %q is unknown: %s", name, hint)
		}
		return known
	}
	p.fail(m.line, "type is missing: it is string, number or boolean")
	return false
}

// check reads the checks of a column. It returns whether they are right.
func (p *parsing) check(m member, c *record.Column) bool {
	before := len(p.errors)
	line := 0
	for _, k := range m.value.members {
		if !slices.Contains([]string{"min", "max", "enum", "pattern"}, k.key) {
			continue
		}
		if c.Type == record.Boolean {
			p.fail(k.line, "a boolean takes no %s", k.key)
			continue
		}
		one := record.Column{Type: c.Type}
		switch k.key {
		case "min":
			one.Check.Min = p.bound(k)
			c.Check.Min = one.Check.Min
		case "max":
			one.Check.Max = p.bound(k)
			c.Check.Max = one.Check.Max
		case "enum":
			one.Check.Enum = p.enum(k, c.Type)
			c.Check.Enum = one.Check.Enum
		case "pattern":
			p.pattern(k, c.Type, &one.Check)
			c.Check.Pattern, c.Check.Program = one.Check.Pattern, one.Check.Program
		}
		line = k.line
		if err := one.Validate(); err != nil {
			p.fail(k.line, "%v", err)
		}
	}
	if len(p.errors) > before {
		return false
	}
	if err := c.Validate(); err != nil { // of several together
		p.fail(line, "%v", err)
		return false
	}
	return true
}

// pattern reads the pattern of a column of that type, and compiles it unless Validate rejects
// it anyway.
func (p *parsing) pattern(m member, t record.Type, check *record.Check) {
	var text string
	if !p.text(m, &text) || text == "" {
		return
	}
	if t == record.String && len(text) <= record.MaxPattern {
		program, err := re2.Compile(text)
		if err != nil {
			p.fail(m.line, "%v", err)
			return
		}
		check.Program = program
	}
	check.Pattern = text
}

func (p *parsing) enum(m member, t record.Type) (values []any) {
	if m.value.kind != unstable.Array {
		p.fail(m.line, "enum must be an array, not %s", kindOf(m.value))
		return nil
	}
	values = []any{}
	for _, item := range m.value.items {
		v, ok := p.valueOf(m.line, item, t, "enum has")
		switch {
		case !ok:
			return nil
		case slices.Contains(values, v):
			p.fail(m.line, "enum has %s twice", shown(item))
		}
		values = append(values, v)
	}
	return values
}

// preset reads the default of a column whose checks are right.
func (p *parsing) preset(m member, t *record.Table, c *record.Column) {
	line := m.line
	for _, k := range m.value.members {
		if k.key == "default" {
			v, ok := p.valueOf(k.line, k.value, c.Type, "default is")
			if !ok {
				return
			}
			c.Default, line = v, k.line
		}
	}
	if err := c.Validate(); err != nil {
		p.fail(line, "%v", err)
	} else if c.Required() && since(t, c) > max(t.Since, 1) {
		p.fail(line, "apps of version %d do not send it, and without it their rows would fail its check: write a default that meets it, or optional = true", since(t, c)-1)
	}
}
