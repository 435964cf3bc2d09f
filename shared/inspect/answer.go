package inspect

import (
	"maps"
	"slices"
	"strconv"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

type tablesAnswer struct {
	Timestamp record.Stamp   `json:"timestamp"`
	Version   record.Version `json:"version"`
	Tables    []tableAnswer  `json:"tables"`
}

type tableAnswer struct {
	Name       string         `json:"name"`
	Read       string         `json:"read"`
	Write      string         `json:"write"`
	Rows       int            `json:"rows"`
	Tombstones int            `json:"tombstones"`
	Columns    []columnAnswer `json:"columns"`
}

type columnAnswer struct {
	Name     string         `json:"name"`
	Type     string         `json:"type"`
	Optional bool           `json:"optional"`
	Since    record.Version `json:"since"`
	Default  any            `json:"default,omitempty"`
	Min      *float64       `json:"min,omitempty"`
	Max      *float64       `json:"max,omitempty"`
	Enum     []any          `json:"enum,omitempty"`
	Pattern  string         `json:"pattern,omitempty"`
}

// Tables returns the answer that has the declared tables, and how many rows each has. X1.
func Tables(schema *record.Schema, census record.Census) ([]byte, error) {
	answer := tablesAnswer{Timestamp: census.Stamp, Version: schema.Version, Tables: []tableAnswer{}}
	for i := range schema.Tables {
		t := &schema.Tables[i]
		table := tableAnswer{
			Name: t.Name, Read: t.Read.String(), Write: t.Write.String(),
			Rows: census.Tables[i].Rows, Tombstones: census.Tables[i].Tombstones, Columns: []columnAnswer{},
		}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, columnAnswer{
				Name: c.Name, Type: c.Type.String(), Optional: c.Nullable, Since: max(c.Since, 1), Default: c.Default,
				Min: c.Check.Min, Max: c.Check.Max, Enum: c.Check.Enum, Pattern: c.Check.Pattern,
			})
		}
		answer.Tables = append(answer.Tables, table)
	}
	return jsonvalue.MarshalPlain(answer)
}

// AppendPage appends a page of rows. X2.
func AppendPage(b []byte, page *record.Listed, newest bool) []byte {
	b = strconv.AppendInt(append(b, `{"timestamp":`...), int64(page.Stamp), 10)
	b = append(b, `,"rows":[`...)
	for i := range page.Rows {
		row := &page.Rows[i]
		b = comma(b, i)
		b = append(append(append(b, `{"state":"`...), row.State.String()...), `","stamp":`...)
		b = append(strconv.AppendInt(b, int64(row.Stamp), 10), `,"row":`...)
		b = append(append(b, row.Row...), '}')
	}
	return append(appendPlace(append(b, `],"next":`...), page.Next, newest), '}')
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

// AppendRow appends what the server has of one row of the table. X3.
func AppendRow(b []byte, t *record.Table, row *record.Inspected) []byte {
	b = watermelon.AppendStored(b, row.Stored)
	b = append(b[:len(b)-len("}")], `,"verdicts":[`...)
	for i := range row.Verdicts {
		b = appendVerdict(comma(b, i), t, &row.Verdicts[i])
	}
	return append(b, "]}"...)
}

func appendVerdict(b []byte, t *record.Table, v *record.Verdict) []byte {
	b = append(append(append(b, `{"kind":"`...), v.Kind.String()...), `","subject":`...)
	if v.Subject == "" {
		b = append(b, "null"...)
	} else {
		b = ijson.AppendString(b, v.Subject)
	}
	b = strconv.AppendInt(append(b, `,"stamp":`...), int64(v.Stamp), 10)
	if v.Kind != record.Withdrawn {
		return append(b, '}')
	}
	old, _ := ijson.Members(v.Old, 1)
	b = append(b, `,"old":`...)
	if old == nil {
		return append(b, "null}"...)
	}
	wire := map[string][]byte{}
	for _, c := range t.Columns {
		if value, there := old[c.SQL]; there {
			wire[c.Name] = value
		}
	}
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(wire)) {
		b = append(append(ijson.AppendString(comma(b, i), name), ':'), wire[name]...)
	}
	return append(b, "}}"...)
}
