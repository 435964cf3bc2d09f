package watermelon

import (
	"hash/fnv"
	"strconv"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
)

// A Pull is a checked pull.
type Pull struct {
	record.Since
	signature uint64 // of what all pages of one pull must ask for
}

// DecodePull checks {lastPulledAt, schemaVersion?, migration?, limit?,
// cursor?}. An empty input, and null, are a first pull. Its errors are
// *InputError.
func DecodePull(schema *record.Schema, limits Limits, input []byte) (*Pull, error) {
	d := pullDecoder{
		decoder: decoder{s: ijson.NewScanner(input, limits.Depth).MendHalves()},
		schema:  schema,
		pull:    Pull{Since: record.Since{Version: schema.Version}},
	}
	cursor := ""
	if len(input) > 0 {
		if d.s.Kind() == ijson.Null {
			d.s.Literal()
		} else {
			cursor = d.members(limits)
		}
		if err := d.s.End(); err != nil {
			d.fail("")
		}
	}
	p := &d.pull
	p.signature = p.sign()
	if cursor != "" && d.err == nil {
		c, ok := parseCursor(cursor, p.signature)
		if !ok || c.Since != p.Stamp || int(c.Table) > len(schema.Tables) {
			d.fail("cursor does not belong to this pull")
		}
		p.After = c
		if p.Limit == 0 {
			p.Limit = limits.PageRows
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}

type pullDecoder struct {
	decoder
	schema *record.Schema
	pull   Pull
}

func (d *pullDecoder) members(limits Limits) (cursor string) {
	var members names
	d.object("the input")
	for d.err == nil {
		name, ok := d.member(&members)
		if !ok {
			break
		}
		switch string(name) {
		case "lastPulledAt":
			d.pull.Stamp = d.stamp("lastPulledAt")
		case "schemaVersion":
			if d.s.Kind() == ijson.Null {
				d.s.Literal()
				break
			}
			v := record.Version(d.integer("schemaVersion", 1, 1<<31))
			d.pull.Version = min(v, d.schema.Version)
		case "migration":
			d.migration()
		case "limit":
			if d.s.Kind() == ijson.Null {
				d.s.Literal()
				break
			}
			d.pull.Limit = min(int(d.integer("limit", 1, 1<<31)), limits.PageRows)
		case "cursor":
			cursor = d.text("cursor", 1024)
		default:
			d.s.Skip()
		}
	}
	return cursor
}

func (d *pullDecoder) migration() {
	if d.s.Kind() == ijson.Null {
		d.s.Literal()
		return
	}
	m := &record.Migration{Tables: make([]bool, len(d.schema.Tables)), Columns: make([][]bool, len(d.schema.Tables))}
	d.pull.Migration = m
	var members names
	d.object("migration")
	for d.err == nil {
		name, ok := d.member(&members)
		if !ok {
			break
		}
		switch string(name) {
		case "from":
			d.integer("migration.from", 0, 1<<31)
		case "tables":
			d.array("migration.tables")
			for d.err == nil && d.s.Element() {
				if t := d.tableName(); t >= 0 {
					m.Tables[t] = true
				}
			}
		case "columns":
			d.array("migration.columns")
			for d.err == nil && d.s.Element() {
				d.migrationColumns(m)
			}
		default:
			d.s.Skip()
		}
	}
}

// tableName reads the name of a table; -1 is one that is not declared, which the server
// has nothing of: docs/protocol.md, P6.
func (d *pullDecoder) tableName() int {
	return d.schema.Table(d.text("a table of the migration", 1024))
}

func (d *pullDecoder) migrationColumns(m *record.Migration) {
	var members names
	var columns []string
	table, named := -1, false
	d.object("migration.columns")
	for d.err == nil {
		name, ok := d.member(&members)
		if !ok {
			break
		}
		switch string(name) {
		case "table":
			table, named = d.tableName(), true
		case "columns":
			d.array("the columns of the migration")
			for d.err == nil && d.s.Element() {
				if columns = append(columns, d.text("a column of the migration", 1024)); len(columns) > maxMembers {
					d.fail("too many columns")
				}
			}
		default:
			d.s.Skip()
		}
	}
	if d.err != nil {
		return
	}
	if !named {
		d.fail("migration.columns names no table")
	}
	if table < 0 {
		return
	}
	t := &d.schema.Tables[table]
	if m.Columns[table] == nil {
		m.Columns[table] = make([]bool, len(t.Columns))
	}
	for _, name := range columns {
		c := t.Column(name)
		switch {
		case c >= 0:
			m.Columns[table][c] = true
		case name == record.CreatedAt || name == record.UpdatedAt:
			m.Tables[table] = true // no row has their default
		}
	}
}

// sign sums up what all pages of one pull must ask for alike.
func (p *Pull) sign() uint64 {
	h := fnv.New64a()
	b := strconv.AppendInt(nil, int64(p.Version), 10)
	if m := p.Migration; m != nil {
		for t := range m.Tables {
			b = strconv.AppendBool(append(b, '\n'), m.Tables[t])
			for c := range m.Columns[t] {
				b = strconv.AppendBool(append(b, ' '), m.Columns[t][c])
			}
		}
	}
	h.Write(b)
	return h.Sum64()
}
