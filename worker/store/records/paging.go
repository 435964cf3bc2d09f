package records

import (
	"fmt"

	"tidemark/worker/store"
)

// pageBytes is about the most octets of rows on one page.
const pageBytes = 4 << 20

// paging are the statements that read one page of all tables. They return
// rows of: the table, or -1 for where the page ended; deleted, or whether
// there is more; and a JSON array of rows, of ids, or the position [stamp,
// table, id].
//
// Parameters: ?1 since (-1: live rows only), ?2 asOf, ?3 ?4 ?5 the stamp, table
// and id that the page before ended at, ?6 rows and ?7 octets of a page, which
// are about those of its rows. ?8 is how many its texts may have; the arrays of
// those beyond are NULL.
type paging struct {
	changes     string // in the order of stamp, table, id
	replacement string // all live rows, in the order of table, id
}

// newPaging makes the statements. also are conditions of rows that a page has although
// they did not change, as in tableReading.migrated.
func newPaging(tables []tableReading, also []string, rules *rules) paging {
	return paging{
		changes: page(tables, func(i int, after string) string {
			r := &tables[i]
			changed := ""
			if i < len(also) && also[i] != "" {
				changed = fmt.Sprintf(" AND (t.stamp > CAST(?1 AS INTEGER) OR %s)", also[i])
			}
			return fmt.Sprintf(`SELECT t.stamp AS stamp, %d AS tab, t.%s AS id, %s AS octets FROM %s AS t
WHERE (t.stamp, t.%[2]s) > (CAST(?3 AS INTEGER), %[5]s) AND %[7]s AND (t.deleted = 0 OR ?1 >= 0)%[6]s
ORDER BY t.stamp, t.%[2]s LIMIT CAST(?6 AS INTEGER) + 1`, r.index, r.ID, r.bytes, r.SQL, after, changed, rules.asOf)
		}),
		replacement: page(tables, func(i int, after string) string {
			r := &tables[i]
			return fmt.Sprintf(`SELECT 0 AS stamp, %d AS tab, t.%s AS id, %s AS octets FROM %s AS t
WHERE t.%[2]s > %[5]s AND t.deleted = 0
ORDER BY t.%[2]s LIMIT CAST(?6 AS INTEGER) + 1`, r.index, r.ID, r.bytes, r.SQL, after)
		}),
	}
}

// page joins the next keys of every table, cuts them to a page, and reads its rows.
func page(tables []tableReading, keys func(i int, after string) string) string {
	var next, rows []string
	for i := range tables {
		r := &tables[i]
		// The position, as an id of this table: a blob is greater than any text.
		after := fmt.Sprintf(`CASE WHEN ?4 > %d THEN x'ff' WHEN ?4 < %[1]d THEN '' ELSE ?5 END`, r.index)
		next = append(next, "SELECT * FROM ("+keys(i, after)+")")
		rows = append(rows, fmt.Sprintf(`SELECT %d AS tab, t.deleted AS dead, json_group_array(CASE t.deleted WHEN 0 THEN %s ELSE t.%s END) AS part
FROM page CROSS JOIN %s AS t ON t.%[3]s = page.id WHERE page.tab = %[1]d
GROUP BY t.deleted, t.rowid / (SELECT max(1, %[5]d / max(%[6]s)) FROM page CROSS JOIN %[4]s AS t ON t.%[3]s = page.id WHERE page.tab = %[1]d)`,
			r.index, r.row, r.ID, r.SQL, store.PartBytes, r.bound))
	}
	last := `SELECT * FROM (
SELECT -1, (SELECT count(*) FROM near) > (SELECT count(*) FROM page), json_array(stamp, tab, id) FROM page
ORDER BY stamp DESC, tab DESC, id DESC LIMIT 1)`
	return `WITH near AS MATERIALIZED (
SELECT stamp, tab, id, octets FROM (
` + store.UnionAll(next) + `) ORDER BY stamp, tab, id LIMIT CAST(?6 AS INTEGER) + 1),
page AS MATERIALIZED (
SELECT stamp, tab, id FROM (
  SELECT *, row_number() OVER sofar AS n, sum(octets) OVER sofar - octets AS before FROM near
  WINDOW sofar AS (ORDER BY stamp, tab, id ROWS UNBOUNDED PRECEDING))
WHERE n <= ?6 AND before < ?7)
SELECT tab, dead, iif(sum(octet_length(part)) OVER (ROWS UNBOUNDED PRECEDING) <= ?8, part, NULL) AS part FROM (
` + store.UnionAll(rows) + ")\nUNION ALL\n" + last
}
