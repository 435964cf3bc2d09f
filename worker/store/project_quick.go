package store

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/ijson"
	"tidemark/shared/project"
)

// quickPull selects the page that projectPull does, with the same parameters,
// without measuring its rows: if a text of them grows beyond what D1 takes, it
// fails. It answers a line for each collection, k: found, how many rows there
// are in all collections, if need be one more than the page has; the live rows
// as columns (see appendRows); the dead ones' ids; and the number and id of the
// page's last row, if the page ends in this collection.
var quickPull = func() string {
	var counts, terms []string
	for i := range project.Collections {
		c := &project.Collections[i]
		where := fmt.Sprintf("%s t WHERE %s", c.Table, rowsBeyond(i))
		room := fmt.Sprintf("(SELECT n FROM room WHERE k = %d)", i)
		counts = append(counts, fmt.Sprintf("SELECT %d, (SELECT count(*) FROM (SELECT 1 FROM %s LIMIT CAST(?4 AS INTEGER) + 1))", i, where))
		columns := []string{"t.id", "t.server_version"}
		for _, f := range c.Fields {
			columns = append(columns, pulledValue(&f))
		}
		for j, column := range columns {
			columns[j] = "json_group_array(" + column + ") FILTER (WHERE t.deleted_version IS NULL)"
		}
		terms = append(terms, fmt.Sprintf(`SELECT %d AS k, (SELECT sum(n) FROM counts) AS found, %s AS columns,
	json_group_array(t.id) FILTER (WHERE t.deleted_version IS NOT NULL) AS dead,
	iif(%[3]s BETWEEN 1 AND (SELECT n FROM counts WHERE k = %[1]d), (SELECT t.seq || ' ' || t.id FROM %[4]s ORDER BY t.seq, t.id LIMIT 1 OFFSET %[3]s - 1), NULL) AS last
FROM (SELECT * FROM %[4]s ORDER BY t.seq, t.id LIMIT max(0, %[3]s)) t`, i, lines(columns), room, where))
	}
	return "WITH " + pullMark + `,
counts(k, n) AS MATERIALIZED (
	` + strings.Join(counts, "\n\tUNION ALL ") + `),
room(k, n) AS MATERIALIZED (SELECT k, CAST(?4 AS INTEGER) - coalesce((SELECT sum(n) FROM counts b WHERE b.k < counts.k), 0) FROM counts)
` + strings.Join(terms, "\nUNION ALL ")
}()

// quickMembers is what stands before each value of a row, by collection.
var quickMembers = func() (all [][][]byte) {
	for i := range project.Collections {
		members := [][]byte{[]byte(`{"id":`), []byte(`,"server_version":`)}
		for _, f := range project.Collections[i].Fields {
			members = append(members, append(ijson.AppendString([]byte{','}, f.Name), ':'))
		}
		all = append(all, members)
	}
	return all
}()

// readQuickPage reads the answer of quickPull to a page of that many rows.
func readQuickPage(r abi.Result, rows int) cutPage {
	var p cutPage
	for _, line := range r.Rows {
		k := int(cellNumber(line[0]))
		if k < 0 || k >= len(quickMembers) {
			continue
		}
		p.more = cellNumber(line[1]) > float64(rows)
		columns, _ := line[2].(abi.Text)
		if live := appendRows(nil, quickMembers[k], columns); len(live) > 0 {
			p.parts = append(p.parts, delta.Part{Collection: k, Text: live})
		}
		if dead := strings.Trim(cellString(line[3]), "[]"); dead != "" {
			p.parts = append(p.parts, delta.Part{Collection: k, Deleted: true, Text: []byte(dead)})
		}
		if seq, id, ok := strings.Cut(cellString(line[4]), " "); ok {
			n, _ := strconv.ParseFloat(seq, 64)
			p.last = [4]any{float64(k), nil, n, abi.Text(id)}
		}
	}
	return p
}
