package records

import (
	"context"
	"fmt"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// readPage returns one page. It asks for as much as the last pages had, then for
// what a page usually has, then for a page so short that its text is within the
// budget, whatever JSON escapes.
func (s *Store) readPage(ctx context.Context, since *record.Since, b store.Budget) (*parts, error) {
	page := &s.guesses[since.Version-1].page
	asked := 0
	err := errMore
	for _, try := range [...]struct{ text, rows int }{
		{min(b.Expect(ctx, page), store.GuessMargin+since.Limit*guessRow), pageBytes},
		{page.Next(store.GuessPage), pageBytes},
		{2 * pageBytes, pageBytes},
		{b.Octets, b.Octets / (2 * escapedTimes)},
	} {
		text := min(try.text, b.Octets)
		if text == asked && try.rows == pageBytes {
			continue // the budget made it the same
		}
		asked = text
		if err := b.Reserve(ctx, 2*text); err != nil {
			return nil, err
		}
		var p *parts
		if p, err = s.readPageWithin(ctx, since, text, try.rows); err == nil {
			page.Saw(p.size)
		}
		if !insufficient(err) {
			return p, err
		}
	}
	return nil, err
}

// readPageWithin returns one page of about that many octets of rows, or errMore if
// its text has more than text.
func (s *Store) readPageWithin(ctx context.Context, since *record.Since, text, rows int) (*parts, error) {
	at := since.After
	if at == nil {
		_, clock, err := s.read(ctx, since.Caller, since.Stamp, func(record.Stamp) []abi.Statement { return nil })
		if err != nil {
			return nil, err
		}
		at = s.begin(since, clock)
	}
	sql, least := s.pageSQL(since, at.Replacement), int64(at.Since)
	if at.Replacement || least == 0 {
		least = -1
	}
	page := abi.Statement{SQL: sql, Args: []any{least, int64(at.AsOf), int64(at.Stamp), at.Table, at.ID, since.Limit, rows, text}}
	if s.guarded && strings.Contains(sql, pageGrants) {
		page.Args = append(page.Args, s.grants(since.Caller))
	}
	results, clock, err := s.read(ctx, since.Caller, at.AsOf, func(record.Stamp) []abi.Statement { return []abi.Statement{page} })
	if err != nil {
		return nil, err
	}
	// A space that was not born has a floor above its stamp, and no change since.
	if clock.other || at.AsOf != clock.stamp && clock.replaces(at.AsOf) || !at.Replacement && at.Since != 0 && clock.replaces(at.Since) {
		return nil, record.ErrOldPosition
	}
	p := newParts(s.reading[since.Version-1], at.AsOf)
	p.replacement = at.Replacement
	for _, cells := range results[1].Rows {
		index, flag, text := int(store.CellNumber(cells[0])), store.CellNumber(cells[1]) != 0, store.CellText(cells[2])
		table := indexOf(p.tables, index)
		switch {
		case cells[2] == nil:
			return nil, errMore
		case index < 0 && flag:
			if p.next, err = positionAfter(at, text); err != nil {
				return nil, err
			}
		case table < 0:
		case flag:
			p.addDead(table, text)
		default:
			p.addLive(table, text)
		}
	}
	return p, nil
}

// pageSQL returns the statement of a page.
func (s *Store) pageSQL(since *record.Since, replacement bool) string {
	pages := s.pages[since.Version-1]
	if since.Migration != nil {
		tables := s.reading[since.Version-1]
		var also []string
		for i := range tables {
			also = append(also, tables[i].migrated(&s.schema, since.Migration))
		}
		pages = newPaging(tables, also, s.rules)
	}
	if replacement {
		return pages.replacement
	}
	return pages.changes
}

// begin returns the position before the first page.
func (s *Store) begin(since *record.Since, clock clock) *record.Position {
	p := &record.Position{Since: since.Stamp, AsOf: clock.stamp, Stamp: since.Stamp, Table: int64(len(s.schema.Tables))}
	p.Replacement = since.Stamp != 0 && clock.replaces(since.Stamp)
	if since.Stamp == 0 || since.Migration != nil {
		p.Stamp = -1
	}
	if p.Replacement {
		p.Stamp, p.Table = 0, 0
	}
	return p
}

// positionAfter returns the position after a page that ended at [stamp, table, id].
func positionAfter(p *record.Position, end []byte) (*record.Position, error) {
	next := *p
	in := ijson.NewScanner(end, 1)
	in.Enter(ijson.Array)
	in.Element()
	_, stamp := in.Number()
	in.Element()
	_, table := in.Number()
	in.Element()
	next.Stamp, next.Table, next.ID = record.Stamp(stamp), int64(table), string(ijson.Unquote(nil, in.String()))
	return &next, in.Err()
}

// indexOf returns where the schema's table is in tables, or -1.
func indexOf(tables []tableReading, table int) int {
	for i := range tables {
		if tables[i].index == table {
			return i
		}
	}
	return -1
}

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

// pageGrants is the parameter with the grants of the caller, if a table asks for them.
const pageGrants = "?9"

// newPaging makes the statements. also are conditions of rows that a page has although
// they did not change, as in tableReading.migrated.
func newPaging(tables []tableReading, also []string, rules *rules) paging {
	const since, place = "CAST(?1 AS INTEGER)", "(CAST(?3 AS INTEGER), %s)"
	return paging{
		changes: page(tables, func(i int, after string) []string {
			r := &tables[i]
			changed, gained := "", ""
			if i < len(also) { // the place begins before since
				gained = also[i]
				changed = " AND " + changedRows(since, gained)
			}
			keys := []string{fmt.Sprintf(`SELECT t.stamp AS stamp, %d AS tab, t.%s AS id, %s AS octets FROM %s AS t
WHERE (t.stamp, t.%[2]s) > %[5]s AND %[7]s AND (t.deleted = 0 OR ?1 >= 0)%[6]s
ORDER BY t.stamp, t.%[2]s LIMIT CAST(?6 AS INTEGER) + 1`, r.index, r.ID, r.bytes, r.SQL, fmt.Sprintf(place, after), changed, both(rules.asOf, r.reads))}
			if r.told.table != "" {
				keys = append(keys, fmt.Sprintf(`SELECT f.stamp AS stamp, %d AS tab, f.id AS id, %s AS octets FROM %s
AND f.stamp <= CAST(?2 AS INTEGER) AND (f.stamp, f.id) > %s
ORDER BY f.stamp, f.id LIMIT CAST(?6 AS INTEGER) + 1`, r.index, r.toldBytes(r.bytes), r.fromTold(since, gained), fmt.Sprintf(place, after)))
			}
			return keys
		}),
		replacement: page(tables, func(i int, after string) []string {
			r := &tables[i]
			return []string{fmt.Sprintf(`SELECT 0 AS stamp, %d AS tab, t.%s AS id, %s AS octets FROM %s AS t
WHERE t.%[2]s > %[5]s AND %[6]s
ORDER BY t.%[2]s LIMIT CAST(?6 AS INTEGER) + 1`, r.index, r.ID, r.bytes, r.SQL, after, both("t.deleted = 0", r.reads))}
		}),
	}
}

// page joins the next keys of every table, cuts them to a page, and reads its rows.
func page(tables []tableReading, keys func(i int, after string) []string) string {
	var next, rows []string
	for i := range tables {
		r := &tables[i]
		// The position, as an id of this table: a blob is greater than any text.
		after := fmt.Sprintf(`CASE WHEN ?4 > %d THEN x'ff' WHEN ?4 < %[1]d THEN '' ELSE ?5 END`, r.index)
		for _, k := range keys(i, after) {
			next = append(next, "SELECT * FROM ("+k+")")
		}
		rows = append(rows, r.onPage())
	}
	last := `SELECT * FROM (
SELECT -1, (SELECT count(*) FROM near) > (SELECT count(*) FROM page), json_array(stamp, tab, id) FROM page
ORDER BY stamp DESC, tab DESC, id DESC LIMIT 1)`
	return grants.In(`WITH near AS MATERIALIZED (
SELECT stamp, tab, id, octets FROM (
`+store.UnionAll(next)+`) ORDER BY stamp, tab, id LIMIT CAST(?6 AS INTEGER) + 1),
page AS MATERIALIZED (
SELECT stamp, tab, id, octets, n FROM (
  SELECT *, row_number() OVER sofar AS n, sum(octets) OVER sofar - octets AS before FROM near
  WINDOW sofar AS (ORDER BY stamp, tab, id ROWS UNBOUNDED PRECEDING))
WHERE n <= ?6 AND before < ?7)
SELECT tab, dead, iif(sum(octet_length(part)) OVER (ROWS UNBOUNDED PRECEDING) <= ?8, part, NULL) AS part FROM (
`+store.UnionAll(rows)+")\nUNION ALL\n"+last, 9)
}

// onPage reads the rows of the table on the page. It takes as many to a cell as are sure to fit:
// JSON may take escapedTimes as much as a row is stored in.
func (r *tableReading) onPage() string {
	join, dead, row, id, group := "CROSS JOIN", "t.deleted", r.row, "t."+r.ID, "t.rowid"
	if r.told.table != "" {
		join, dead, id, group = "LEFT JOIN", r.shown()+" IS NOT TRUE", "page.id", "page.n"
	}
	from := fmt.Sprintf("FROM page %s %s AS t ON t.%s = page.id WHERE page.tab = %d", join, r.SQL, r.ID, r.index)
	return fmt.Sprintf(`SELECT %d AS tab, %s AS dead, json_group_array(CASE WHEN %[2]s THEN %s ELSE %s END) AS part
%s GROUP BY 2, %s / (SELECT max(1, %d / max(octets)) FROM page WHERE tab = %[1]d)`,
		r.index, dead, id, row, from, group, store.PartBytes/escapedTimes)
}
