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
// after them how many octets its text may have (NULL if it has more), and one row
// more, if there is one. It does not measure the rows: if the text of them grows too
// long for a cell of D1, it fails. The text has the rows as json_array, divided by
// commas: see store.Rows. The first two values are not sent to the client: the kind of the
// row (its collection, and beyond them that of a tombstone), and its seq. The LIMIT
// of the compound ends it after the last row, so that no collection is read that the page has no room for.
func readDirectPull(r *rules) string {
	var terms []string
	for i := range project.Collections {
		c := &project.Collections[i]
		values := []string{fmt.Sprintf("iif(t.deleted_version IS NULL, %d, %d)", i, i+len(project.Collections)), r.cursor, "t.id", "t.server_version"}
		for _, f := range c.Fields {
			value := "t." + f.Name
			if f.Kind == project.Boolean {
				value = "iif(" + value + ", json('true'), json('false'))" // SQLite calls json() once, not for each row
			}
			values = append(values, value)
		}
		terms = append(terms, fmt.Sprintf("SELECT * FROM (SELECT json_array(%s) AS line FROM %s t WHERE %s ORDER BY %s, t.id LIMIT CAST(?3 AS INTEGER) + 1)",
			strings.Join(values, ", "), c.Table, rowsBeyond(i, r), r.cursor))
	}
	return fmt.Sprintf("SELECT iif(octet_length(lines) <= ?%d, lines, NULL) AS lines FROM (SELECT coalesce(group_concat(line), '') AS lines FROM (%s LIMIT CAST(?3 AS INTEGER) + 1))",
		4+2*len(project.Collections), strings.Join(terms, "\nUNION ALL "))
}

// The values that are not sent to the client, and the id.
const (
	directKind = iota
	directSeq
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

// readDirectPage makes a page of at most so many rows of the result of readDirectPull. It returns an error if the result
// is not one of readDirectPull: half a page would look like a whole one to the client.
func readDirectPage(r abi.Result, room int) (*delta.Page, cut, error) {
	page, c := delta.NewPage(), cut{}
	rows := store.NewRows(store.Text(r, 0))
	k := 0
	var seq, id []byte
	for ; rows.Next(); room-- {
		if room == 0 {
			c.more = true
			break
		}
		kind, err := strconv.Atoi(string(rows.Value(directKind)))
		seq, id = rows.Value(directSeq), rows.Value(directID)
		if err != nil || kind < 0 || kind >= 2*len(project.Collections) || id == nil {
			return nil, cut{}, fmt.Errorf("the database returned a row of kind %.20q with the id %.100q", rows.Value(directKind), id)
		}
		k = kind % len(project.Collections)
		page.Go(k)
		if kind == k {
			page.Live = rows.AppendObject(page.Live, directMembers[k], directID)
		} else {
			page.Deleted = append(append(page.Deleted, id...), ',')
		}
	}
	if err := rows.Err(); err != nil {
		return nil, cut{}, err
	}
	if seq != nil {
		n, _ := strconv.ParseFloat(string(seq), 64)
		c.last = [4]any{float64(k), nil, n, abi.Text(bytes.Trim(id, `"`))}
	}
	return page, c, nil
}
