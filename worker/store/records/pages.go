package records

import (
	"context"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/store"
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
		clock, err := s.clock(ctx)
		if err != nil {
			return nil, err
		}
		at = s.begin(since, clock)
	}
	sql, least := s.pageSQL(since, at.Replacement), int64(at.Since)
	if at.Replacement || least == 0 {
		least = -1
	}
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: s.rules.readClock}, {SQL: sql, Args: []any{
		least, int64(at.AsOf), int64(at.Stamp), at.Table, at.ID, since.Limit, rows, text}}})
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil {
		return nil, err
	}
	if len(results) != 2 {
		return nil, errResults
	}
	// A space that was not born has a floor above its stamp, and no change since.
	if at.AsOf != clock.stamp && clock.replaces(at.AsOf) || !at.Replacement && at.Since != 0 && clock.replaces(at.Since) {
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
