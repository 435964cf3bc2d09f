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
	end, more := []any(nil), false
	for _, cells := range results[1].Rows {
		table := indexOf(p.tables, int(store.CellNumber(cells[0])))
		switch {
		case table < 0:
			more = true
			continue
		case cells[2] == nil:
			return nil, errMore
		case store.CellNumber(cells[1]) != 0:
			p.addDead(table, store.CellText(cells[2]))
		default:
			p.addLive(table, store.CellText(cells[2]))
		}
		if end == nil || store.CellNumber(cells[3]) > store.CellNumber(end[3]) {
			end = cells
		}
	}
	if more && end != nil {
		p.next, err = positionAfter(at, store.CellText(end[4]))
	}
	return p, err
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
// rows of: the table, whether its rows are deleted, a JSON array of rows or of
// ids, and the number and the position [stamp, table, id] of the last of them. A
// row of the table -1 says that there is more.
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

// page joins the next keys of every table, cuts them to a page, and reads its rows. The statement has
// no common table: SQLite would copy what is in it for each use. The inner LIMIT also keeps SQLite from
// reading each row twice.
func page(tables []tableReading, keys func(i int, after string) []string) string {
	var next []string
	var rows strings.Builder
	for i := range tables {
		r := &tables[i]
		// The position, as an id of this table: a blob is greater than any text.
		after := fmt.Sprintf(`CASE WHEN ?4 > %d THEN x'ff' WHEN ?4 < %[1]d THEN '' ELSE ?5 END`, r.index)
		for _, k := range keys(i, after) {
			next = append(next, "SELECT * FROM ("+k+")")
		}
		fmt.Fprintf(&rows, "\nWHEN %d THEN (SELECT %s FROM %s AS t WHERE t.%s = page.id AND %s)", r.index, r.row, r.SQL, r.ID, r.shown())
	}
	return grants.In(fmt.Sprintf(`SELECT tab, dead, iif(sum(octet_length(part)) OVER (ROWS UNBOUNDED PRECEDING) <= ?8, part, NULL) AS part, n, json_array(stamp, tab, id) AS last FROM (
SELECT iif(beyond, -1, tab) AS tab, line IS NULL AS dead, '[' || group_concat(ifnull(line, json_quote(id)), ',') FILTER (WHERE NOT beyond) || ']' AS part, max(n) AS n, stamp, id FROM (
SELECT page.*, CASE iif(beyond, -1, tab)%s END AS line FROM (
SELECT *, n > ?6 OR before >= ?7 AS beyond FROM (
SELECT *, row_number() OVER sofar AS n, sum(octets) OVER sofar - octets AS before FROM (
SELECT stamp, tab, id, octets FROM (
%s) ORDER BY stamp, tab, id LIMIT CAST(?6 AS INTEGER) + 1)
WINDOW sofar AS (ROWS UNBOUNDED PRECEDING))) AS page
LIMIT -1)
GROUP BY 1, 2, before / %d)`, rows.String(), store.UnionAll(next), partOctets), 9)
}

// partOctets is how many octets of rows a cell of a page takes before its last row. Their JSON may be
// escapedTimes as long, and the last row, with the names of its columns, is the longest that may be.
const partOctets = (store.PartBytes - record.MaxRowBytes - 50_000) / escapedTimes
