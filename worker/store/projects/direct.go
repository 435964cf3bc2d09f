package projects

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/ijson"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// readDirectPull selects the page that readPull does, with the same parameters and
// after them how many octets the texts may have together (those beyond are NULL),
// and one row more, if there is one. It does not measure the rows: if a text of
// them grows too long for a cell of D1, it fails. It returns a line for each
// collection: k and its columns, see store.Columns. The first two columns are not
// sent to the client: seq, and whether the row is a tombstone.
func readDirectPull(r *rules) string {
	var terms []string
	for i := range project.Collections {
		c := &project.Collections[i]
		columns := []string{r.cursor, "t.deleted_version IS NOT NULL", "t.id", "t.server_version"}
		for _, f := range c.Fields {
			columns = append(columns, pulledValue(&f))
		}
		for j, column := range columns {
			columns[j] = "json_group_array(" + column + ")"
		}
		terms = append(terms, fmt.Sprintf("SELECT %d AS k, %s AS columns FROM (SELECT * FROM %s t WHERE %s ORDER BY %s, t.id LIMIT %s) t",
			i, store.Lines(columns), c.Table, rowsBeyond(i, r), r.cursor, roomFor(i)))
	}
	return fmt.Sprintf("WITH %s\nSELECT k, iif(sum(octet_length(columns)) OVER (ROWS UNBOUNDED PRECEDING) <= ?%d, columns, NULL) AS columns FROM (%s)",
		rooms(r), 4+2*len(project.Collections), strings.Join(terms, "\nUNION ALL "))
}

// The columns that are not sent to the client, and the id.
const (
	directSeq = iota
	directDead
	directID
)

// directMembers are the texts before each value of a row that is sent, by
// collection.
var directMembers = func() (all [][][]byte) {
	for i := range project.Collections {
		members := [][]byte{[]byte(`{"id":`), []byte(`,"server_version":`)}
		for _, f := range project.Collections[i].Fields {
			members = append(members, append(ijson.AppendString([]byte{','}, f.Name), ':'))
		}
		all = append(all, members)
	}
	return all
}()

// directSize is how many octets the texts have, or false if one is NULL.
func directSize(r abi.Result) (octets int, ok bool) {
	for _, line := range r.Rows {
		text, ok := line[1].(abi.Text)
		if !ok {
			return 0, false
		}
		octets += len(text)
	}
	return octets, true
}

// readDirectPage makes a page of at most so many rows of the result of readDirectPull.
func readDirectPage(r abi.Result, room int) cutPage {
	var p cutPage
	for _, line := range r.Rows {
		k := int(store.CellNumber(line[0]))
		text, _ := line[1].(abi.Text)
		c := store.NewColumns(text, directID+len(directMembers[k]))
		live, dead := make([]byte, 0, renderedSize(text, k)), []byte(nil)
		var seq, id []byte
		for ; c.Next(); room-- {
			if room == 0 {
				p.more = true
				break
			}
			seq, id = c.Value(directSeq), c.Value(directID)
			if string(c.Value(directDead)) == "1" {
				dead = append(append(dead, id...), ',')
			} else {
				live = c.AppendRow(live, directMembers[k], directID)
			}
		}
		if len(live) > 0 {
			p.parts = append(p.parts, delta.Part{Collection: k, Text: live[:len(live)-1]})
		}
		if len(dead) > 0 {
			p.parts = append(p.parts, delta.Part{Collection: k, Deleted: true, Text: dead[:len(dead)-1]})
		}
		if seq != nil {
			n, _ := strconv.ParseFloat(string(seq), 64)
			p.last = [4]any{line[0], nil, n, abi.Text(bytes.Trim(id, `"`))}
		}
	}
	return p
}

// renderedSize is how many bytes the rows of a text of collection k have as JSON, if all are live:
// a text that grows is copied several times.
func renderedSize(text []byte, k int) int {
	first, _, _ := bytes.Cut(text, []byte{'\n'})
	row := len("},")
	for _, member := range directMembers[k] {
		row += len(member)
	}
	return len(text) + (bytes.Count(first, []byte{','})+1)*row
}
