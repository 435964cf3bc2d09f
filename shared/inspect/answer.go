package inspect

import (
	"bytes"
	"fmt"

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

// Page returns the answer that has a page of rows. X2.
func Page(page *record.Listed, newest bool) []byte {
	var rows [][]byte
	for i := range page.Rows {
		r := &page.Rows[i]
		rows = append(rows, fmt.Appendf(nil, `{"state":"%s","stamp":%d,"row":%s}`, r.State, r.Stamp, r.Row))
	}
	return fmt.Appendf(nil, `{"timestamp":%d,"rows":[%s],"next":%s}`, page.Stamp, joined(rows), placeText(page.Next, newest))
}

func joined(list [][]byte) []byte { return bytes.Join(list, []byte{','}) }

// quoted is a text as JSON.
func quoted(text string) []byte { return ijson.AppendString(nil, text) }

// Row returns the answer that has what the server has of one row of the table. X3.
func Row(t *record.Table, row *record.Inspected) []byte {
	b := watermelon.AppendStored(nil, row.Stored)
	var list [][]byte
	for i := range row.Verdicts {
		list = append(list, verdict(t, &row.Verdicts[i]))
	}
	return fmt.Appendf(b[:len(b)-len("}")], `,"verdicts":[%s]}`, joined(list))
}

func verdict(t *record.Table, v *record.Verdict) []byte {
	subject, old := []byte("null"), []byte(nil)
	if v.Subject != "" {
		subject = quoted(v.Subject)
	}
	if v.Kind == record.Withdrawn {
		old = fmt.Appendf(nil, `,"old":%s`, onWire(t, v.Old))
	}
	return fmt.Appendf(nil, `{"kind":"%s","subject":%s,"stamp":%d%s}`, v.Kind, subject, v.Stamp, old)
}

// onWire returns an object of values by the columns' names in the database as one by their names on the wire, or null.
func onWire(t *record.Table, old []byte) []byte {
	values, err := ijson.Members(old, 1)
	if err != nil {
		return []byte("null")
	}
	var list [][]byte
	for i := range t.Columns {
		if value, there := values[t.Columns[i].SQL]; there {
			list = append(list, fmt.Appendf(quoted(t.Columns[i].Name), ":%s", value))
		}
	}
	return fmt.Appendf(nil, "{%s}", joined(list))
}
