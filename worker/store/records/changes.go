package records

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// Changes returns what changed since a stamp: one page with everything, or with a
// Limit a page of at most so many rows. The caller asks for the next page until
// there is none; the client takes all pages of a list as one. Errors are
// record.ErrTooLarge, record.ErrOldPosition, those of the budget; any other is
// internal.
func (s *Store) Changes(ctx context.Context, since *record.Since, b store.Budget) (*record.Page, error) {
	most := s.pageOctets
	if since.Limit > 0 {
		most = max(most, abi.MaxValueBytes) // at least one row
	}
	b = b.Within(most)
	var p *parts
	var err error
	switch {
	case since.Limit > 0:
		p, err = s.readPage(ctx, since, b)
	case since.Stamp == 0:
		p, err = s.readAll(ctx, since, b)
	default:
		p, err = s.readSince(ctx, since, b)
	}
	if insufficient(err) {
		err = record.ErrTooLarge
	}
	if err != nil {
		return nil, wrap("read changes", err)
	}
	page := p.page()
	if page.Octets() > b.Octets {
		return nil, wrap("read changes", record.ErrTooLarge)
	}
	if err := b.ReserveMore(ctx, p.size+page.Octets()); err != nil {
		return nil, wrap("read changes", err)
	}
	return page, nil
}

// errMore says that a result has more octets than its statement may return.
var errMore = errors.New("the result has more octets than were asked for")

// insufficient says whether a result was too long for its statement, or one of its
// texts for a cell. Another statement may do. After any other error, as of an
// outage, none is tried.
func insufficient(err error) bool { return errors.Is(err, errMore) || store.TooLong(err) }

// escapedTimes is how much longer than a text its JSON can be.
const escapedTimes = 6

// readAll returns every live row. It first asks in the way that is cheap for few or
// small rows, for as much as the last results had. It uses the guarded statement if
// those are unknown, or were large. If that is insufficient, it measures the rows.
func (s *Store) readAll(ctx context.Context, since *record.Since, b store.Budget) (*parts, error) {
	tables, guesses := s.reading[since.Version-1], &s.guesses[since.Version-1]
	read := func(sql func(*tableReading) string, limits []int) (*parts, error) {
		frame := total(limits)
		if err := b.Reserve(ctx, frame+min(2*frame, b.Octets)); err != nil { // the names of the members are in the answer only
			return nil, err
		}
		return s.readTables(ctx, since, sql, nil, limits)
	}
	limits := guesses.tables()
	var p *parts
	err := errMore
	if total(limits) <= b.Octets+len(limits)*store.GuessMargin {
		sql := func(r *tableReading) string { return r.direct }
		if guesses.unknown() || slices.ContainsFunc(limits, func(octets int) bool { return octets > store.WaryBytes }) {
			sql = func(r *tableReading) string { return r.guarded }
		}
		if p, err = read(sql, limits); store.Passes(err) {
			guesses.tooLarge(store.WaryBytes) // its text may have been the reason
		}
	}
	for _, times := range []int{1, escapedTimes} {
		if !insufficient(err) {
			break
		}
		if limits, err = s.measure(ctx, tables, func(r *tableReading) string { return r.size }, nil, b.Octets, times); err != nil {
			if errors.Is(err, record.ErrTooLarge) {
				guesses.tooLarge(b.Octets)
			}
			return nil, err
		}
		p, err = read(func(r *tableReading) string { return r.measured }, limits)
	}
	if err != nil {
		return nil, err
	}
	for i := range tables {
		guesses.first[i].Saw(size(p.live[i]))
	}
	return p, nil
}

// errReplace says that the client needs a replacement.
var errReplace = errors.New("the client needs a replacement")

// readSince returns what changed. It first asks for as much as the last such
// results had, all in one statement. If that is insufficient, or the client needs a
// replacement, it asks each table.
func (s *Store) readSince(ctx context.Context, since *record.Since, b store.Budget) (*parts, error) {
	tables, guesses := s.reading[since.Version-1], &s.guesses[since.Version-1]
	var limits []int // of each table; nil: measure them
	if since.Migration == nil && s.deltas[since.Version-1] != "" {
		octets := min(b.Expect(ctx, &guesses.delta), b.Octets)
		if err := b.Reserve(ctx, octets*(len(tables)+1)); err != nil {
			return nil, err
		}
		p, err := s.readDelta(ctx, since, octets)
		switch {
		case err == nil:
			guesses.delta.Saw(p.size)
			return p, nil
		case errors.Is(err, errReplace):
			if limits = doubled(guesses.tables()); total(limits) > b.Octets { // with the names of the members
				limits = nil
			}
		case !insufficient(err):
			return nil, err
		}
	}
	size, changes := func(r *tableReading) string { return r.changesSize }, func(r *tableReading) string { return r.changes }
	if since.Migration != nil {
		size = func(r *tableReading) string { return r.readChangesSize(r.migrated(&s.schema, since.Migration)) }
		changes = func(r *tableReading) string { return r.readChanges(r.migrated(&s.schema, since.Migration)) }
	}
	args := []any{int64(since.Stamp)}
	err := errMore
	for _, times := range []int{0, 1, escapedTimes} {
		if times > 0 {
			if limits, err = s.measure(ctx, tables, size, args, b.Octets, times); err != nil {
				return nil, err
			}
		} else if limits == nil {
			continue
		}
		if err := b.Reserve(ctx, 2*total(limits)); err != nil {
			return nil, err
		}
		var p *parts
		if p, err = s.readTables(ctx, since, changes, args, limits); err == nil && !p.replacement {
			guesses.delta.Saw(p.size)
		}
		if !insufficient(err) {
			return p, err
		}
	}
	return nil, err
}

func doubled(list []int) []int {
	for i := range list {
		list[i] *= 2
	}
	return list
}

// readDelta returns what changed, all in one statement. It returns errMore if a
// table has more than octets, and errReplace.
func (s *Store) readDelta(ctx context.Context, since *record.Since, octets int) (*parts, error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: s.deltas[since.Version-1], Args: []any{int64(since.Stamp), octets}}})
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil {
		return nil, err
	}
	if clock.replaces(since.Stamp) {
		return nil, errReplace
	}
	p := newParts(s.reading[since.Version-1], clock.stamp)
	for i := range p.tables {
		both := store.Text(results[0], clockColumns+i)
		if both == nil {
			return nil, errMore
		}
		rows, ids, _ := bytes.Cut(both, []byte{'\n'})
		p.addLive(i, rows)
		p.addDead(i, ids)
	}
	return p, nil
}

// readTables asks one statement of each table: sql has the parameters args, and
// after them how many octets of the table it may return. It returns errMore if a
// table has more.
func (s *Store) readTables(ctx context.Context, since *record.Since, sql func(*tableReading) string, args []any, limits []int) (*parts, error) {
	tables := s.reading[since.Version-1]
	statements := make([]abi.Statement, 0, 1+len(tables))
	statements = append(statements, abi.Statement{SQL: s.rules.readClock})
	for i := range tables {
		statements = append(statements, abi.Statement{SQL: sql(&tables[i]), Args: append(slices.Clip(args), limits[i])})
	}
	results, err := s.db.Batch(ctx, statements)
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil {
		return nil, err
	}
	if len(results) != len(statements) {
		return nil, errResults
	}
	p := newParts(tables, clock.stamp)
	p.columns = since.Stamp == 0
	p.replacement = !p.columns && clock.replaces(since.Stamp)
	for i, result := range results[1:] {
		for _, cells := range result.Rows {
			text := cells[len(cells)-1]
			switch {
			case text == nil:
				return nil, errMore
			case !p.columns && store.CellNumber(cells[0]) != 0:
				p.addDead(i, store.CellText(text))
			default:
				p.addLive(i, store.CellText(text))
			}
		}
	}
	return p, nil
}

// measure asks each table how many octets its rows have, about, and returns how
// many to ask for: times as many, but together not many more than most. It returns
// record.ErrTooLarge if the rows have twice as many: a row takes more octets there
// than in an answer.
func (s *Store) measure(ctx context.Context, tables []tableReading, sql func(*tableReading) string, args []any, most, times int) ([]int, error) {
	statements := make([]abi.Statement, len(tables))
	for i := range tables {
		statements[i] = abi.Statement{SQL: sql(&tables[i]), Args: args}
	}
	results, err := s.db.Batch(ctx, statements)
	if err != nil {
		return nil, err
	}
	if len(results) != len(statements) {
		return nil, errResults
	}
	sizes := make([]int, len(tables))
	for i := range results {
		sizes[i] = int(store.Number(results[i], 0))
	}
	all := total(sizes)
	if all/2 > most {
		return nil, record.ErrTooLarge
	}
	for i, size := range sizes {
		size *= times
		if all*times > most {
			size = int(float64(size) * float64(most) / float64(all*times))
		}
		sizes[i] = size + size/8 + store.GuessMargin
	}
	return sizes, nil
}
