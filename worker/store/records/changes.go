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
	given := s.grants(since.Caller)
	read := func(sql func(*tableReading) string, limits []int) (*parts, error) {
		frame := total(limits)
		if err := b.Reserve(ctx, frame+min(2*frame, b.Octets)); err != nil { // the names of the members are in the answer only
			return nil, err
		}
		return s.readTables(ctx, since, limits, func(r *tableReading, _ record.Stamp, limit int) abi.Statement {
			return r.askLive(sql(r), given, limit)
		})
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
		octets := func(r *tableReading, _ record.Stamp) abi.Statement { return r.askLive(r.size, given) }
		if limits, err = s.measure(ctx, since, octets, b.Octets, times); err != nil {
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
	given := s.grants(since.Caller)
	size := func(r *tableReading, after record.Stamp) abi.Statement {
		sql := r.changesSize
		if since.Migration != nil {
			sql = r.readChangesSize(r.migrated(&s.schema, since.Migration))
		}
		return r.ask(sql, given, int64(after))
	}
	changes := func(r *tableReading, after record.Stamp, limit int) abi.Statement {
		sql := r.changes
		if since.Migration != nil {
			sql = r.readChanges(r.migrated(&s.schema, since.Migration))
		}
		return r.ask(sql, given, int64(after), limit)
	}
	err := errMore
	for _, times := range []int{0, 1, escapedTimes} {
		if times > 0 {
			if limits, err = s.measure(ctx, since, size, b.Octets, times); err != nil {
				return nil, err
			}
		} else if limits == nil {
			continue
		}
		if err := b.Reserve(ctx, 2*total(limits)); err != nil {
			return nil, err
		}
		var p *parts
		if p, err = s.readTables(ctx, since, limits, changes); err == nil && !p.replacement {
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

// grants is the parameter of statements that ask for the caller's grants; nil if none does.
func (s *Store) grants(c record.Caller) abi.Text {
	if !s.guarded {
		return nil
	}
	return s.plan.Bind(c)
}

// readDelta returns what changed, all in one statement, or in two if rules say who may read. It
// returns errMore if a table has more than octets, and errReplace.
func (s *Store) readDelta(ctx context.Context, since *record.Since, octets int) (*parts, error) {
	delta := abi.Statement{SQL: s.deltas[since.Version-1], Args: []any{int64(since.Stamp), octets}}
	if s.guarded {
		delta.Args = append(delta.Args, s.grants(since.Caller))
	}
	var results []abi.Result
	var c clock
	var err error
	if s.plan.Reads() {
		results, c, err = s.read(ctx, since.Caller, since.Stamp, func(record.Stamp) []abi.Statement { return []abi.Statement{delta} })
	} else if results, err = s.db.Batch(ctx, []abi.Statement{delta}); err == nil {
		c, err = clockOf(results)
	}
	if err != nil {
		return nil, err
	}
	if c.replaces(since.Stamp) || c.ruled && !s.plan.Reads() { // rules that are gone may have hidden rows
		return nil, errReplace
	}
	p := newParts(s.reading[since.Version-1], c.stamp)
	found := results[len(results)-1]
	for i := range p.tables {
		both := store.Text(found, clockColumns+i)
		if both == nil {
			return nil, errMore
		}
		rows, ids, _ := bytes.Cut(both, []byte{'\n'})
		p.addLive(i, rows)
		p.addDead(i, ids)
	}
	return p, nil
}

// readTables asks one statement of each table, which may return so many octets. It returns
// errMore if a table has more.
func (s *Store) readTables(ctx context.Context, since *record.Since, limits []int, ask func(r *tableReading, after record.Stamp, limit int) abi.Statement) (*parts, error) {
	tables := s.reading[since.Version-1]
	results, clock, err := s.read(ctx, since.Caller, since.Stamp, func(after record.Stamp) (statements []abi.Statement) {
		for i := range tables {
			statements = append(statements, ask(&tables[i], after, limits[i]))
		}
		return statements
	})
	if err != nil {
		return nil, err
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
			case len(cells) > 1 && store.CellNumber(cells[0]) != 0:
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
func (s *Store) measure(ctx context.Context, since *record.Since, ask func(r *tableReading, after record.Stamp) abi.Statement, most, times int) ([]int, error) {
	tables := s.reading[since.Version-1]
	statements := func(after record.Stamp) (list []abi.Statement) {
		for i := range tables {
			list = append(list, ask(&tables[i], after))
		}
		return list
	}
	var results []abi.Result
	var err error
	if since.Stamp != 0 {
		results, _, err = s.read(ctx, since.Caller, since.Stamp, statements)
		results = results[min(1, len(results)):]
	} else {
		results, err = s.db.Batch(ctx, statements(since.Stamp))
	}
	if err != nil {
		return nil, err
	}
	if len(results) != len(tables) {
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

// guesses are those of the pulls of apps of one schema version.
type guesses struct {
	first       []store.Guess // of each table
	delta, page store.Guess
}

// The guesses before anything was seen.
const (
	guessTable = 2 << 20 // of one table of a first pull
	guessRow   = 8 << 10 // of a row of a short page
)

// tables are the guesses for all rows of each table, as columns.
func (g *guesses) tables() []int {
	limits := make([]int, len(g.first))
	for i := range limits {
		limits[i] = g.first[i].Next(guessTable)
	}
	return limits
}

// unknown says whether a table was never read as a whole.
func (g *guesses) unknown() bool {
	for i := range g.first {
		if !g.first[i].Seen() {
			return true
		}
	}
	return false
}

// tooLarge notes that the tables may have more than that many octets.
func (g *guesses) tooLarge(octets int) {
	for i := range g.first {
		g.first[i].Saw(octets)
	}
}

func total(sizes []int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}
