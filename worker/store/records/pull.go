package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// Pull returns {"changes":…,"timestamp":…[,"experimentalStrategy":"replacement"][,"cursor":"…"]}
// for {lastPulledAt, schemaVersion?, migration?, limit?, cursor?}; an empty
// input is a first pull. With a limit the answer comes in pages: while there
// is a cursor, ask again for the same with it, and give the client all pages
// as one answer. Every page has the same timestamp. Octets is about how long the
// answer is. Errors:
// *watermelon.InputError, watermelon.ErrTooLarge, those of the budget's Hold;
// any other is internal.
func (s *Store) Pull(ctx context.Context, _ time.Time, input []byte, b store.Budget) (text ijson.Pieces, octets int, err error) {
	p, err := watermelon.DecodePull(&s.schema, s.limits, input)
	if err != nil {
		return nil, 0, err
	}
	most := s.limits.PullBytes
	if p.Paged() {
		most = max(most, abi.MaxValueBytes) // at least one row
	}
	b = b.Within(most)
	var a *answer
	switch {
	case p.Paged():
		a, err = s.pullPage(ctx, p, b)
	case p.LastPulledAt == 0:
		a, err = s.pullFirst(ctx, p, b)
	default:
		a, err = s.pullSince(ctx, p, b)
	}
	if err == nil && a.octets() > b.Octets {
		err = watermelon.ErrTooLarge
	}
	if err == nil {
		err = b.ReserveMore(ctx, a.size+a.octets())
	}
	if errors.Is(err, watermelon.ErrTooLarge) {
		return nil, 0, fmt.Errorf("pull: %w for one answer: ask for pages, by limit and cursor", err)
	} else if err != nil {
		return nil, 0, fmt.Errorf("pull: %w", err)
	}
	return a.pieces, a.octets(), nil
}

// pullFirst returns every live row. It first asks in the way that is cheap for
// few or small rows, for as much as the last first pulls were; if those are unknown, or
// were large, it is wary. Where that is too little, or a text grows too long for a cell,
// it measures the rows and asks with care.
func (s *Store) pullFirst(ctx context.Context, p *watermelon.Pull, b store.Budget) (*answer, error) {
	tables := s.reading[p.SchemaVersion-1]
	read := func(sql func(*reading) string, limits []int) (*answer, error) {
		frame := total(limits)
		if err := b.Reserve(ctx, frame+min(2*frame, b.Octets)); err != nil { // the names of the members are in the answer only
			return nil, err
		}
		return s.pullTables(ctx, p, sql, nil, limits)
	}
	guesses := &s.guesses[p.SchemaVersion-1]
	limits := guesses.tables()
	var a *answer
	var err error
	if total(limits) <= b.Octets+len(limits)*store.GuessMargin {
		way := func(r *reading) string { return r.quick }
		if guesses.unknown() || slices.ContainsFunc(limits, func(octets int) bool { return octets > store.WaryBytes }) {
			way = func(r *reading) string { return r.wary }
		}
		if a, err = read(way, limits); errors.Is(err, store.ErrMemory) {
			return nil, err
		}
	}
	for _, times := range []int{1, escapedTimes} {
		if a != nil {
			break
		}
		if limits, err = s.measure(ctx, tables, func(r *reading) string { return r.size }, nil, b.Octets, times); err != nil {
			if err == watermelon.ErrTooLarge {
				guesses.tooLarge(b.Octets)
			}
			return nil, err
		}
		if a, err = read(func(r *reading) string { return r.full }, limits); err != nil {
			return nil, err
		}
	}
	if a == nil {
		return nil, watermelon.ErrTooLarge
	}
	for i := range tables {
		guesses.first[i].Saw(partsSize(a.updated[i]))
	}
	return a, nil
}

// pullSince returns what changed. It first asks for as much as the last such
// pulls were, all in one statement; where that is too little, or it takes a
// replacement, it measures the rows and asks with care.
func (s *Store) pullSince(ctx context.Context, p *watermelon.Pull, b store.Budget) (*answer, error) {
	guesses := &s.guesses[p.SchemaVersion-1]
	var limits []int // of each table; nil: measure them
	if p.Migration == nil && s.delta[p.SchemaVersion-1] != "" {
		octets := min(b.Expect(ctx, &guesses.delta), b.Octets)
		if err := b.Reserve(ctx, octets*(len(s.reading[p.SchemaVersion-1])+1)); err != nil {
			return nil, err
		}
		a, replaces, err := s.pullDelta(ctx, p, octets)
		if a != nil && err == nil {
			guesses.delta.Saw(a.size)
			return a, nil
		}
		if replaces {
			limits = guesses.tables()
			for i := range limits {
				limits[i] *= 2 // with the names of the members
			}
			if total(limits) > b.Octets {
				limits = nil
			}
		}
	}
	tables := s.reading[p.SchemaVersion-1]
	size, delta := func(r *reading) string { return r.changed }, func(r *reading) string { return r.delta }
	if p.Migration != nil {
		size = func(r *reading) string { return r.deltaSize(r.migrated(&s.schema, p.Migration)) }
		delta = func(r *reading) string { return r.readDelta(r.migrated(&s.schema, p.Migration)) }
	}
	args := []any{int64(p.LastPulledAt)}
	for _, times := range []int{0, 1, escapedTimes} {
		if times > 0 {
			var err error
			if limits, err = s.measure(ctx, tables, size, args, b.Octets, times); err != nil {
				return nil, err
			}
		} else if limits == nil {
			continue
		}
		if err := b.Reserve(ctx, 2*total(limits)); err != nil {
			return nil, err
		}
		a, err := s.pullTables(ctx, p, delta, args, limits)
		if err != nil {
			return nil, err
		}
		if a != nil {
			if !a.replacement {
				guesses.delta.Saw(a.size)
			}
			return a, nil
		}
	}
	return nil, watermelon.ErrTooLarge
}

// pullDelta returns what changed, all in one statement; nil if it takes a
// replacement, or a table has more than octets.
func (s *Store) pullDelta(ctx context.Context, p *watermelon.Pull, octets int) (a *answer, replaces bool, err error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: s.delta[p.SchemaVersion-1], Args: []any{int64(p.LastPulledAt), octets}}})
	if err != nil {
		return nil, false, err
	}
	clock, err := clockOf(results)
	if err != nil || clock.replaces(p.LastPulledAt) {
		return nil, err == nil, err
	}
	tables := s.reading[p.SchemaVersion-1]
	a = newAnswer(tables, clock.stamp)
	for i := range tables {
		both := store.Text(results[0], clockColumns+i)
		if both == nil {
			return nil, false, nil
		}
		rows, ids, _ := bytes.Cut(both, []byte{'\n'})
		a.add(i, nil, abi.Text(rows))
		a.add(i, 1.0, abi.Text(ids))
	}
	return a, false, nil
}

// pullTables asks one statement of each table: sql has the parameters args, and
// after them how many octets of the table it may return. The answer is nil if
// there are more of one.
func (s *Store) pullTables(ctx context.Context, p *watermelon.Pull, sql func(*reading) string, args []any, limits []int) (*answer, error) {
	tables := s.reading[p.SchemaVersion-1]
	statements := make([]abi.Statement, 0, 1+len(tables))
	statements = append(statements, abi.Statement{SQL: readClock})
	for i := range tables {
		statements = append(statements, abi.Statement{SQL: sql(&tables[i]), Args: append(slices.Clip(args), limits[i])})
	}
	results, err := s.db.Batch(ctx, statements)
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil || len(results) != len(statements) {
		return nil, errors.Join(err, errResults)
	}
	first := p.LastPulledAt == 0
	a := newAnswer(tables, clock.stamp)
	a.columns, a.replacement = first, !first && clock.replaces(p.LastPulledAt)
	for i, res := range results[1:] {
		for _, cells := range res.Rows {
			part, dead := cells[0], any(0.0)
			if !first {
				part, dead = cells[1], cells[0]
			}
			if part == nil {
				return nil, nil
			}
			a.add(i, dead, part)
		}
	}
	return a, nil
}

// measure asks each table how many octets its rows have, about, and returns how
// many to ask for: times as many, but together not many more than most. It
// returns ErrTooLarge if the rows have twice as many: what it measures is more
// than what is answered.
func (s *Store) measure(ctx context.Context, tables []reading, sql func(*reading) string, args []any, most, times int) ([]int, error) {
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
		return nil, watermelon.ErrTooLarge
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

// escapedTimes is how much longer than a text its JSON can be.
const escapedTimes = 6

// pullPage returns one page. It asks for as much as the last pages were, then
// for what a page usually is, then for a page so short that its text is within
// the budget, whatever JSON escapes.
func (s *Store) pullPage(ctx context.Context, p *watermelon.Pull, b store.Budget) (*answer, error) {
	page := &s.guesses[p.SchemaVersion-1].page
	asked := 0
	for _, try := range [...]struct{ text, rows int }{
		{min(b.Expect(ctx, page), store.GuessMargin+p.Limit*guessRow), pageBytes}, {page.Next(store.GuessPage), pageBytes}, {2 * pageBytes, pageBytes}, {b.Octets, b.Octets / (2 * escapedTimes)},
	} {
		text := min(try.text, b.Octets)
		if text == asked && try.rows == pageBytes {
			continue // the budget made it the same
		}
		asked = text
		if err := b.Reserve(ctx, 2*text); err != nil {
			return nil, err
		}
		a, err := s.pullPageWithin(ctx, p, text, try.rows)
		if err != nil {
			return nil, err
		}
		if a != nil {
			page.Saw(a.size)
			return a, nil
		}
	}
	return nil, watermelon.ErrTooLarge
}

// pullPageWithin returns one page of about that many octets of rows, or nil if
// its text has more than text.
func (s *Store) pullPageWithin(ctx context.Context, p *watermelon.Pull, text, rows int) (*answer, error) {
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
		since, int64(c.AsOf), int64(c.Stamp), c.Table, c.ID, p.Limit, rows, text}}})
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
	a := newAnswer(tables, c.AsOf)
	a.replacement = c.Replacement
	for _, cells := range results[1].Rows {
		index, _ := cells[0].(float64)
		if cells[2] == nil {
			return nil, nil
		} else if index >= 0 {
			a.add(position(tables, int(index)), cells[1], cells[2])
		} else if more, _ := cells[1].(float64); more == 1 {
			if a.cursor, err = nextPage(c, store.CellText(cells[2]), p.Signature); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
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
