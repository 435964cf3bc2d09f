package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

// Pull answers {"changes":…,"timestamp":…[,"experimentalStrategy":"replacement"][,"cursor":"…"]}
// to {lastPulledAt, schemaVersion?, migration?, limit?, cursor?}; an empty
// input is a first pull. With a limit the answer comes in pages: while there
// is a cursor, ask again for the same with it, and give the client all pages
// as one answer. Every page has the same timestamp. Errors:
// *watermelon.InputError, watermelon.ErrTooLarge; any other is internal.
func (s *Store) Pull(ctx context.Context, _ time.Time, input []byte) (answer []byte, err error) {
	p, err := watermelon.DecodePull(&s.schema, s.limits, input)
	if err != nil {
		return nil, err
	}
	if p.Paged() {
		answer, err = s.pullPage(ctx, p)
	} else {
		answer, err = s.pullAll(ctx, p)
	}
	if errors.Is(err, watermelon.ErrTooLarge) {
		return nil, fmt.Errorf("pull: %w for one answer: ask for pages, by limit and cursor", err)
	} else if err != nil {
		return nil, fmt.Errorf("pull: %w", err)
	}
	return answer, nil
}

// pullAll answers everything at once. It first asks in the way that is cheap
// for few or small rows. Where a text would grow too long that way fails, and
// the careful one follows, which measures all rows before it makes a text.
func (s *Store) pullAll(ctx context.Context, p *watermelon.Pull) (answer []byte, err error) {
	first := p.LastPulledAt == 0
	if first {
		answer, err = s.pullTables(ctx, p, func(r *reading) string { return r.quick })
	} else if p.Migration == nil && s.delta[p.SchemaVersion-1] != "" {
		answer, err = s.pullDelta(ctx, p)
	}
	if answer != nil && err == nil {
		return answer, nil
	}
	return s.pullTables(ctx, p, func(r *reading) string {
		switch {
		case first:
			return r.full
		case p.Migration == nil:
			return r.delta
		}
		return r.readDelta(r.migrated(&s.schema, p.Migration))
	})
}

// pullDelta answers what changed, all in one statement; nil if it takes a
// replacement.
func (s *Store) pullDelta(ctx context.Context, p *watermelon.Pull) ([]byte, error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: s.delta[p.SchemaVersion-1], Args: []any{int64(p.LastPulledAt)}}})
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil || clock.replaces(p.LastPulledAt) {
		return nil, err
	}
	tables := s.reading[p.SchemaVersion-1]
	a := newAnswer(tables)
	for i := range tables {
		rows, ids, _ := bytes.Cut(text(results[0], clockColumns+i), []byte{'\n'})
		a.add(i, nil, abi.Text(rows))
		a.add(i, 1.0, abi.Text(ids))
	}
	if a.size > s.limits.PullBytes {
		return nil, watermelon.ErrTooLarge
	}
	return a.text(clock.stamp, false, ""), nil
}

// pullTables asks one statement of each table.
func (s *Store) pullTables(ctx context.Context, p *watermelon.Pull, sql func(*reading) string) ([]byte, error) {
	tables := s.reading[p.SchemaVersion-1]
	statements := make([]abi.Statement, 0, 1+len(tables))
	statements = append(statements, abi.Statement{SQL: readClock})
	first := p.LastPulledAt == 0
	for i := range tables {
		args := []any{int64(p.LastPulledAt), s.limits.PullBytes}
		if first {
			args = args[1:]
		}
		statements = append(statements, abi.Statement{SQL: sql(&tables[i]), Args: args})
	}
	results, err := s.db.Batch(ctx, statements)
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil || len(results) != len(statements) {
		return nil, errors.Join(err, errResults)
	}
	a := newAnswer(tables)
	a.columns = first
	for i, res := range results[1:] {
		for _, cells := range res.Rows {
			part, dead := cells[0], any(0.0)
			if !first {
				part, dead = cells[1], cells[0]
			}
			if part == nil {
				return nil, watermelon.ErrTooLarge
			}
			a.add(i, dead, part)
		}
	}
	if a.size > s.limits.PullBytes {
		return nil, watermelon.ErrTooLarge
	}
	return a.text(clock.stamp, !first && clock.replaces(p.LastPulledAt), ""), nil
}

// pullPage answers one page.
func (s *Store) pullPage(ctx context.Context, p *watermelon.Pull) ([]byte, error) {
	c := p.Cursor
	if c == nil {
		results, err := s.db.Batch(ctx, []abi.Statement{{SQL: readClock}})
		if err != nil {
			return nil, err
		}
		clock, err := clockOf(results)
		if err != nil {
			return nil, err
		}
		c = s.firstPage(p, clock)
	}
	tables := s.reading[p.SchemaVersion-1]
	paging := s.pages[p.SchemaVersion-1]
	if p.Migration != nil {
		var also []string
		for i := range tables {
			also = append(also, tables[i].migrated(&s.schema, p.Migration))
		}
		paging = newPaging(tables, also)
	}
	sql, since := paging.changes, int64(c.Since)
	if c.Replacement {
		sql = paging.replacement
	}
	if c.Replacement || since == 0 {
		since = -1
	}
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: readClock}, {SQL: sql, Args: []any{
		since, int64(c.AsOf), int64(c.Stamp), c.Table, c.ID, p.Limit, pageBytes}}})
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil || len(results) != 2 {
		return nil, errors.Join(err, errResults)
	}
	if clock.replaces(c.AsOf) || !c.Replacement && c.Since != 0 && clock.replaces(c.Since) {
		return nil, &watermelon.InputError{Reason: "cursor is too old: begin again with the first page"}
	}
	a := newAnswer(tables)
	cursor := ""
	for _, cells := range results[1].Rows {
		index, _ := cells[0].(float64)
		if index >= 0 {
			a.add(position(tables, int(index)), cells[1], cells[2])
		} else if more, _ := cells[1].(float64); more == 1 {
			if cursor, err = nextPage(c, cellText(cells[2]), p.Signature); err != nil {
				return nil, err
			}
		}
	}
	return a.text(c.AsOf, c.Replacement, cursor), nil
}

// firstPage is the cursor before the first page.
func (s *Store) firstPage(p *watermelon.Pull, clock clock) *watermelon.Cursor {
	c := &watermelon.Cursor{Since: p.LastPulledAt, AsOf: clock.stamp, Stamp: p.LastPulledAt, Table: int64(len(s.schema.Tables))}
	c.Replacement = p.LastPulledAt != 0 && clock.replaces(p.LastPulledAt)
	if p.LastPulledAt == 0 || p.Migration != nil {
		c.Stamp = -1
	}
	if c.Replacement {
		c.Stamp, c.Table = 0, 0
	}
	return c
}

// nextPage is the cursor after a page that ended at [stamp, table, id].
func nextPage(c *watermelon.Cursor, end []byte, signature uint64) (string, error) {
	next := *c
	in := ijson.NewScanner(end, 1)
	in.Enter(ijson.Array)
	in.Element()
	_, stamp := in.Number()
	in.Element()
	_, table := in.Number()
	in.Element()
	next.Stamp, next.Table, next.ID = record.Stamp(stamp), int64(table), string(ijson.Unquote(nil, in.String()))
	return next.Text(signature), in.Err()
}

// position is where the schema's table is in tables, or -1.
func position(tables []reading, index int) int {
	for i := range tables {
		if tables[i].index == index {
			return i
		}
	}
	return -1
}

// An answer collects the parts of a pull, table by table.
type answer struct {
	tables        []reading
	updated, dead [][][]byte // without their brackets
	columns       bool       // updated are parts as reading.full answers them
	size          int
}

func newAnswer(tables []reading) *answer {
	return &answer{tables: tables, updated: make([][][]byte, len(tables)), dead: make([][][]byte, len(tables))}
}

// add takes the cells of a part: whether its rows are tombstones, and its array.
func (a *answer) add(table int, dead, array any) {
	part := cellText(array)
	if len(part) <= len("[]") || table < 0 {
		return
	}
	if !a.columns {
		part = part[1 : len(part)-1]
	}
	a.size += len(part) + 1
	if d, _ := dead.(float64); d != 0 {
		a.dead[table] = append(a.dead[table], part)
	} else {
		a.updated[table] = append(a.updated[table], part)
	}
}

func (a *answer) text(stamp record.Stamp, replacement bool, cursor string) []byte {
	size := a.size
	if a.columns {
		size *= 2 // the names of the members
	}
	b := make([]byte, 0, size+256+128*len(a.tables))
	b = append(b, `{"changes":{`...)
	for i := range a.tables {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendString(b, a.tables[i].Name)
		b = append(b, `:{"created":[],"updated":[`...)
		if a.columns {
			for n, part := range a.updated[i] {
				if n > 0 {
					b = append(b, ',')
				}
				b = appendRows(b, a.tables[i].members, part)
			}
		} else {
			b = appendParts(b, a.updated[i])
		}
		b = append(b, `],"deleted":[`...)
		b = append(appendParts(b, a.dead[i]), "]}"...)
	}
	b = strconv.AppendInt(append(b, `},"timestamp":`...), int64(stamp), 10)
	if replacement {
		b = append(b, `,"experimentalStrategy":"replacement"`...)
	}
	if cursor != "" {
		b = ijson.AppendString(append(b, `,"cursor":`...), cursor)
	}
	return append(b, '}')
}

func appendParts(b []byte, parts [][]byte) []byte {
	for i, part := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, part...)
	}
	return b
}
