package projects

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// cutPages cuts found(k, dead, seq, id, body), the rows that are there in the order
// in which they go out, at limit rows and at about so many octets, and joins them:
// k, dead, text, the number of the last row of the text, its seq and id, and
// whether it is part of the page. The rows that are not have no text.
func cutPages(found, limit, octets string) string {
	return fmt.Sprintf(`, cut AS (
	SELECT *, row_number() OVER w AS n, sum(octet_length(body) + 1) OVER w AS bytes FROM (%s)
	WINDOW w AS (ORDER BY k, seq, id ROWS UNBOUNDED PRECEDING))
SELECT k, dead, iif(kept, group_concat(body), NULL), max(n), seq, id, kept FROM (
	SELECT *, n <= %s AND (bytes <= %s OR n = 1) AS kept FROM cut)
GROUP BY kept, k, dead, bytes / %d`, found, limit, octets, partBytes)
}

// A cut is where a page ends.
type cut struct {
	more bool
	last [4]any // k, dead, seq, id of the last row of the page
}

// readCut calls add with each text of the result of cutPages, by collection.
func readCut(r abi.Result, add func(k int, dead bool, text []byte)) cut {
	var c cut
	lastN := -1.0
	for k := range project.Collections {
		for _, line := range r.Rows {
			if store.CellNumber(line[6]) == 0 {
				c.more = true
				continue
			}
			if int(store.CellNumber(line[0])) != k {
				continue
			}
			add(k, store.CellNumber(line[1]) != 0, store.CellText(line[2]))
			if n := store.CellNumber(line[3]); n > lastN {
				lastN = n
				c.last = [4]any{line[0], line[1], line[4], line[5]}
			}
		}
	}
	return c
}

// readCutPage makes a page of the result of readPull.
func readCutPage(r abi.Result) (*delta.Page, cut, error) {
	page := delta.NewPage()
	c := readCut(r, func(k int, dead bool, text []byte) {
		page.Go(k)
		if dead {
			page.Deleted = append(append(page.Deleted, text...), ',')
		} else {
			page.Live = append(append(page.Live, text...), ',')
		}
	})
	return page, c, nil
}

// listOf selects a page of live rows by id: ?3 is the id to go on behind, ?4
// how many.
func listOf(c *project.Collection) string {
	return `WITH none AS (SELECT 1)` + cutPages(fmt.Sprintf(
		`SELECT 0 AS k, 0 AS dead, 0 AS seq, t.id, %s AS body FROM %s t
	WHERE t.project_id = ?1 AND t.deleted_version IS NULL AND t.id > ?3 AND %s > 0
	ORDER BY t.id LIMIT CAST(?4 AS INTEGER) + 1`, rowObject(c, false), c.Table, callerAccess), "CAST(?4 AS INTEGER)", "CAST(?5 AS INTEGER)")
}

// listOfMember returns the page of the projects that ?1 is a member of, as listOf does.
func listOfMember() string {
	return `WITH none AS (SELECT 1)` + cutPages(fmt.Sprintf(
		`SELECT 0 AS k, 0 AS dead, 0 AS seq, t.id, %s AS body
	FROM ProjectMemberships m JOIN Projects t ON t.id = m.project_id
	WHERE m.user_id = ?1 AND m.deleted_version IS NULL AND m.project_id > ?2
	ORDER BY m.project_id LIMIT CAST(?3 AS INTEGER) + 1`, rowObject(project.Find(project.Projects), false)), "CAST(?3 AS INTEGER)", "CAST(?4 AS INTEGER)")
}

// List returns {"results":[…],"next_cursor":…}: a page of the collection's
// live rows by id, behind the id after. The cursor is the last id.
func (p *Store) List(ctx context.Context, key Key, name project.Name, after string, limit int, b store.Budget) ([]byte, error) {
	results, err := p.list(ctx, limit, b, func(octets int) []abi.Statement {
		return []abi.Statement{
			{SQL: p.access, Args: []any{key.Project, key.Caller}},
			{SQL: p.collections[name].list, Args: []any{key.Project, key.Caller, after, limit, octets}},
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, err)
	}
	if err := readAccess(results[0]).may(project.Read); err != nil {
		return nil, err
	}
	return listAnswer(results[1]), nil
}

// OfMember returns the projects that the caller is a member of, as List does.
func (p *Store) OfMember(ctx context.Context, caller, after string, limit int, b store.Budget) ([]byte, error) {
	results, err := p.list(ctx, limit, b, func(octets int) []abi.Statement {
		return []abi.Statement{{SQL: p.member, Args: []any{caller, after, limit, octets}}}
	})
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	return listAnswer(results[0]), nil
}

// list asks for a page of as many octets as the last ones had, and again for the
// most that a page has if that was too little. The last statement is the page's.
func (p *Store) list(ctx context.Context, limit int, b store.Budget, of func(octets int) []abi.Statement) ([]abi.Result, error) {
	for octets := min(b.Expect(ctx, &p.listed), pageBytes); ; octets = pageBytes {
		if err := b.Reserve(ctx, pageTimes*octets); err != nil {
			return nil, err
		}
		results, err := p.db.Batch(ctx, of(octets))
		if err != nil {
			return nil, err
		}
		size, rows, more := 0, 0, false
		for _, line := range results[len(results)-1].Rows {
			text, _ := line[2].(abi.Text)
			size += len(text)
			if store.CellNumber(line[6]) == 0 {
				more = true
			} else {
				rows = max(rows, int(store.CellNumber(line[3])))
			}
		}
		if !more || rows >= limit || octets == pageBytes {
			p.listed.Saw(size)
			return results, nil
		}
	}
}

func listAnswer(r abi.Result) []byte {
	b := []byte(`{"results":[`)
	c := readCut(r, func(_ int, _ bool, text []byte) { b = append(append(b, text...), ',') })
	b = append(bytes.TrimSuffix(b, []byte{','}), `],"next_cursor":`...)
	if !c.more {
		return append(b, "null}"...)
	}
	return append(append(append(b, '"'), store.CellString(c.last[3])...), `"}`...)
}

// Get returns the JSON of a live row.
func (p *Store) Get(ctx context.Context, key Key, name project.Name, id string) (jsonvalue.RawMessage, project.Version, error) {
	results, err := p.db.Batch(ctx, []abi.Statement{
		{SQL: p.access, Args: []any{key.Project, key.Caller}},
		{SQL: p.collections[name].row, Args: []any{key.Project, id}},
	})
	if err != nil {
		return nil, 0, fmt.Errorf("get of %s: %w", name, err)
	}
	if err := readAccess(results[0]).may(project.Read); err != nil {
		return nil, 0, err
	}
	if len(results[1].Rows) == 0 {
		return nil, 0, &project.Refusal{Code: project.NotFound}
	}
	row := results[1].Rows[0]
	return []byte(store.CellString(row[0])), project.Version(store.CellNumber(row[1])), nil
}

// rowsBeyond is the condition of the rows t of collection i that a page may have: see
// readPull.
func rowsBeyond(i int, r *rules) string {
	beyond := strings.NewReplacer("$seq", fmt.Sprintf("CAST(?%d AS INTEGER)", 4+2*i), "$id", fmt.Sprintf("?%d", 5+2*i)).Replace(r.beyond)
	return "t.project_id = ?1" + r.sent + " AND " + beyond + " AND " + r.cursor + " <= CAST(?2 AS INTEGER)"
}

// rooms are common tables: room1, room2, … have how many rows of a page, and one more, are left
// for each collection after the first. Each counts the rows of one collection alone.
func rooms(r *rules) string {
	var tables []string
	for i := range project.Collections[1:] {
		from, left := "", "CAST(?3 AS INTEGER) + 1"
		if i > 0 {
			from, left = fmt.Sprintf(" FROM room%d", i), "n"
		}
		tables = append(tables, fmt.Sprintf(`room%d AS MATERIALIZED (SELECT %s - (SELECT count(*) FROM (SELECT 1 FROM %s t WHERE %s LIMIT %s)) AS n%s)`,
			i+1, left, project.Collections[i].Table, rowsBeyond(i, r), roomFor(i), from))
	}
	return strings.Join(tables, ",\n")
}

// roomFor is how many rows of a page, and one more, are left for collection i. It needs rooms.
func roomFor(i int) string {
	if i == 0 {
		return "CAST(?3 AS INTEGER) + 1"
	}
	return fmt.Sprintf("(SELECT n FROM room%d)", i)
}

// readPull selects a page, of rows however long: ?1 is the project, ?2 the
// mark, or MaxSeq for the sequence's, which no row is beyond, ?3 how many rows,
// then for each collection the (seq, id) that its rows have to be beyond. The
// collections before the one that the page is in have theirs beyond the mark. It always
// has the standard rules: simulations without a rule read by readDirectPull.
func readPull() string {
	var terms []string
	for i := range project.Collections {
		c := &project.Collections[i]
		terms = append(terms, fmt.Sprintf(`SELECT * FROM (SELECT %d AS k, t.deleted_version IS NOT NULL AS dead, t.seq, t.id,
		iif(t.deleted_version IS NULL, %s, json_quote(t.id)) AS body
		FROM %s t WHERE %s ORDER BY t.seq, t.id LIMIT %s)`, i, rowObject(c, true), c.Table, rowsBeyond(i, &standard), roomFor(i)))
	}
	return "WITH " + rooms(&standard) + cutPages(strings.Join(terms, "\n\tUNION ALL "), "CAST(?3 AS INTEGER)", fmt.Sprint(pageBytes))
}

// readFinal selects every id of the project that a removed member can have
// seen. D1 loses one of two columns with the same name.
func readFinal() string {
	var terms strings.Builder
	for i := range project.Collections {
		if i > 0 {
			terms.WriteString("\n\tUNION ALL ")
		}
		fmt.Fprintf(&terms, `SELECT %d AS k, 1 AS dead, seq, id, json_quote(id) AS body FROM %s
		WHERE project_id = ?1 AND created_seq < (SELECT seq FROM removal)`, i, project.Collections[i].Table)
	}
	return `WITH removal(seq) AS MATERIALIZED (SELECT iif(` + callerAccess + ` = -2,
	(SELECT max(seq) FROM ProjectMemberships WHERE project_id = ?1 AND user_id = ?2), -1))` +
		fmt.Sprintf("\nSELECT k, 1 AS dead, group_concat(body) AS body, 0 AS n, 0 AS seq, '' AS id, 1 AS kept FROM (SELECT *, row_number() OVER () AS n FROM (%s)) GROUP BY k, n / 10000", terms.String())
}

// Pull returns a page of changes: see delta.Page. Mark and rows are of
// one snapshot. It first asks in the way that is cheap for few or small rows, for
// as much as the last pages were and then for the most that a page has; but not
// where the last pages were so large that a text would grow too long. Pages of a first pull are
// large, so it does not ask for less while others hold memory, as changes do: it would ask twice.
func (p *Store) Pull(ctx context.Context, caller string, in delta.Pull, b store.Budget) ([]byte, error) {
	statements := []abi.Statement{{SQL: p.access, Args: []any{in.Project, caller}}, {}}
	guess := &p.first
	octets := guess.Next(store.GuessPage)
	if in.Since > 0 {
		guess = &p.changes
		octets = b.Expect(ctx, guess)
	}
	if !in.Final && guess.Next(0) <= store.WaryBytes {
		read := func(r abi.Result) (*delta.Page, cut, error) { return readDirectPage(r, in.PageRows) }
		for _, octets := range []int{min(octets, store.GuessMargin+in.PageRows*guessRow, pageBytes), pageBytes} {
			if err := b.Reserve(ctx, pageTimes*octets); err != nil {
				return nil, fmt.Errorf("pull: %w", err)
			}
			statements[1] = abi.Statement{SQL: p.directPull, Args: append(pullArgs(in), octets)}
			results, err := p.db.Batch(ctx, statements)
			if store.TooLong(err) {
				break
			}
			if err != nil {
				if store.Passes(err) {
					guess.Saw(store.WaryBytes + 1) // its text may have been the reason
				}
				return nil, fmt.Errorf("pull: %w", err)
			}
			if text := store.Text(results[1], 0); text != nil {
				guess.Saw(len(text))
				return pullAnswer(in, results, read)
			}
		}
	}
	statements[1] = abi.Statement{SQL: p.Statements.pull, Args: pullArgs(in)}
	if in.Final {
		statements[1] = abi.Statement{SQL: p.final, Args: []any{in.Project, caller}}
	}
	if err := b.Reserve(ctx, pageTimes*pageBytes); err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	results, err := p.db.Batch(ctx, statements)
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	answer, err := pullAnswer(in, results, readCutPage)
	if err == nil && !in.Final {
		guess.Saw(len(answer))
	}
	return answer, err
}

// pageTimes is how much memory a page takes, in multiples of its octets: as the database's result,
// and as the answer, which has the names of the members, too.
const pageTimes = 3

// guessRow is how many octets a row has at most, more or less.
const guessRow = 8 << 10

func pullAnswer(in delta.Pull, results []abi.Result, read func(abi.Result) (*delta.Page, cut, error)) ([]byte, error) {
	a := readAccess(results[0])
	mark := a.mark
	switch {
	case in.Final && a.role == accessRevoked:
		page, _, err := read(results[1])
		if err != nil {
			return nil, fmt.Errorf("pull: %w", err)
		}
		return page.End(mark, nil), nil
	case a.role != accessGone && a.may(project.Read) != nil:
		return nil, a.may(project.Read)
	case in.Final:
		return nil, &project.Refusal{Code: project.NotRemoved, Field: "final"}
	case in.Since > mark, in.Since > 0 && in.Since < a.floor:
		return nil, &project.Refusal{Code: project.SinceAhead, Field: "since"}
	case in.After != nil && (in.After.Mark > mark || in.After.Mark < a.floor):
		return nil, &project.Refusal{Code: project.BadCursor, Field: "cursor"}
	case in.After != nil:
		mark = in.After.Mark
	}
	page, c, err := read(results[1])
	if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	if !c.more {
		return page.End(mark, nil), nil
	}
	return page.End(mark, &delta.Cursor{
		Project: in.Project, Since: in.Since, Mark: mark, Collection: int(store.CellNumber(c.last[0])),
		Seq: project.Seq(store.CellNumber(c.last[2])), ID: store.CellString(c.last[3]),
	}), nil
}

func pullArgs(in delta.Pull) []any {
	mark := project.Seq(project.MaxSeq)
	if in.After != nil {
		mark = in.After.Mark
	}
	args := []any{in.Project, int64(mark), in.PageRows}
	for i := range project.Collections {
		// Every id is above "", so (since + 1, "") is every row with a greater seq.
		from, id := in.Since+1, ""
		switch {
		case in.After == nil || i > in.After.Collection:
		case i == in.After.Collection:
			from, id = in.After.Seq, in.After.ID
		default:
			from = project.MaxSeq
		}
		args = append(args, int64(from), id)
	}
	return args
}
