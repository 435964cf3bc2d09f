// Package records keeps the rows of the synchronized tables: every line of their
// SQL, and the rules of synchronization that SQL has to keep. A push and a pull
// are one batch each.
package records

import (
	"context"
	"fmt"
	"sync"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
	"tidemark/worker/store/records/inspect"
)

// A Store is the rows of one database. It has no state of its own, so any number
// of requests may share it.
type Store struct {
	db store.DB
	*Statements
}

// New returns the rows in db.
func New(db store.DB, statements *Statements) *Store { return &Store{db, statements} }

// Statements are the SQL for the tables of one schema. They are made once, for any
// number of databases with these tables. They also remember how large
// results were: the databases share these guesses, and a wrong one costs a statement more.
type Statements struct {
	schema     record.Schema
	pageOctets int
	rules      *rules
	plan       *grants.Plan // of the rules of the tables
	guarded    bool         // a table is guarded: see record.Table
	readClaims string

	writing  []tableWriting // of each table
	closings sync.Map       // of closingOf, by the SQL name of the table
	sums     []string       // of each table, for the checksum

	forgetting forgetting
	announces  bool           // see Announce
	looks      inspect.Bounds // of an operator's page

	// Of each version of the schema:
	reading [][]tableReading // the tables that it has
	deltas  []string         // see readDeltas
	pages   []paging
	guesses []guesses
}

// NewStatements returns the statements for a schema. A Page without a Limit, and
// what a checksum reads, have at most about pageOctets. NewStatements panics if the
// schema is invalid.
func NewStatements(schema record.Schema, pageOctets int) *Statements {
	return newStatements(schema, pageOctets, &standard)
}

// Bound replaces pageOctets of NewStatements.
func (s *Statements) Bound(pageOctets int) { s.pageOctets = pageOctets }

func newStatements(schema record.Schema, pageOctets int, r *rules) *Statements {
	if err := schema.Validate(); err != nil {
		panic(err)
	}
	s := &Statements{
		schema: schema, pageOctets: pageOctets, rules: r, looks: inspect.Standard, forgetting: newForgetting(&schema, r),
		plan: grants.New(&schema), readClaims: readClaims(r),
	}
	for i := range schema.Tables {
		s.writing = append(s.writing, newTableWriting(&schema.Tables[i], s.plan, r))
		s.sums = append(s.sums, sumOf(&schema.Tables[i], readable(&schema.Tables[i], s.plan, "t", r)))
		s.guarded = s.guarded || schema.Tables[i].Guarded()
	}
	for version := record.Version(1); version <= schema.Version; version++ {
		tables := newTableReadings(&schema, version, s.plan, r)
		s.reading = append(s.reading, tables)
		s.deltas = append(s.deltas, readDeltas(tables, r))
		s.pages = append(s.pages, newPaging(tables, nil, r))
	}
	s.guesses = make([]guesses, schema.Version)
	for i := range s.guesses {
		s.guesses[i].first = make([]store.Guess, len(s.reading[i]))
	}
	return s
}

// Announce makes every write note in the outbox which tables it changed. W3.
func (s *Statements) Announce() { s.announces = true }

// Announcement returns the statements that note in the outbox that every table may have changed;
// none if there is no receiver.
func (s *Statements) Announcement() []abi.Statement {
	if !s.announces {
		return nil
	}
	var tables []string
	for i := range s.schema.Tables {
		tables = append(tables, announced(&s.schema.Tables[i]))
	}
	return []abi.Statement{store.Announce(store.UnionAll(tables))}
}

// Fits returns an error if D1, or a space, does not take a statement because the tables have too
// many columns together.
func (s *Statements) Fits() error {
	longest := 0
	for _, p := range s.pages {
		longest = max(longest, len(p.changes), len(p.replacement))
	}
	if longest > store.StatementBytes {
		return fmt.Errorf("a page of all tables takes a statement of %d bytes, and Cloudflare takes %d: declare fewer tables, or fewer columns", longest, store.StatementBytes)
	}
	return nil
}

// Stamp returns the stamp of the last change.
func (s *Store) Stamp(ctx context.Context) (record.Stamp, error) {
	c, err := s.clock(ctx)
	return c.stamp, err
}

func (s *Store) clock(ctx context.Context) (clock, error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: s.rules.readClock}})
	if err != nil {
		return clock{}, fmt.Errorf("read the clock: %w", err)
	}
	return clockOf(results)
}

// Row returns what the database has of one row of the schema's n-th table. It writes nothing, the claims of the
// caller neither. A row that the caller may not read is record.Unknown. docs/protocol.md, E1.
func (s *Store) Row(ctx context.Context, caller record.Caller, n int, id string, b store.Budget) (record.Stored, error) {
	r := s.newest(n)
	ask := r.askLive(grants.In(rowBeside(r, "CASE t.deleted WHEN 0 THEN "+r.row+" END", r.reads), 2), s.grants(caller), id)
	stored, _, err := s.readRow(ctx, b, ask)
	return stored, wrap("read a row", err)
}

// newest is the schema's n-th table, with all its columns.
func (s *Statements) newest(n int) *tableReading { return &s.reading[s.schema.Version-1][n] }

// rowBeside reads the clock, and beside it the row ?1 of a table, if it meets the condition.
func rowBeside(r *tableReading, row, condition string) string {
	return fmt.Sprintf(`SELECT %s, t.deleted, t.stamp AS changed, t.ahead, %s AS row FROM Clock LEFT JOIN %s AS t ON %s`,
		clockOfRow, row, r.SQL, both("t."+r.ID+" = ?1", condition))
}

// readRow runs rowBeside, and other statements in the same transaction.
func (s *Store) readRow(ctx context.Context, b store.Budget, ask abi.Statement, others ...abi.Statement) (record.Stored, []abi.Result, error) {
	if err := b.Reserve(ctx, 2*record.MaxRowBytes); err != nil {
		return record.Stored{}, nil, err
	}
	results, err := s.db.Batch(ctx, append([]abi.Statement{ask}, others...))
	if err != nil {
		return record.Stored{}, nil, err
	}
	c, err := clockOf(results)
	if err != nil {
		return record.Stored{}, nil, err
	}
	cells := results[0].Rows[0][clockColumns:]
	row := record.Stored{
		Now: c.stamp, Horizon: c.horizon, Floor: c.floor,
		Stamp: record.Stamp(store.Integer(cells[1])), Ahead: store.Integer(cells[2]), Row: store.CellText(cells[3]),
	}
	if cells[0] != nil {
		row.State = record.Live + record.State(store.Integer(cells[0]))
	} else {
		row.Row = nil // JSON of nulls
	}
	return row, results[1:], nil
}

// clockOfRow are clockNames beside a table that has a column stamp, too.
const clockOfRow = `Clock.stamp, horizon, floor, ruled`

// Inspect returns what the database has of one row of the schema's n-th table, whoever may read it. X3.
func (s *Store) Inspect(ctx context.Context, n int, id string, b store.Budget) (record.Inspected, error) {
	r := s.newest(n)
	ask := abi.Statement{SQL: rowBeside(r, r.row, ""), Args: []any{id}}
	stored, results, err := s.readRow(ctx, b, ask, s.inspected(n).Verdicts(id))
	if err != nil {
		return record.Inspected{}, wrap("inspect a row", err)
	}
	return record.Inspected{Stored: stored, Verdicts: inspect.VerdictsOf(results[0])}, nil
}

// Census counts the rows of all tables. X1.
func (s *Store) Census(ctx context.Context) (record.Census, error) {
	statements := []abi.Statement{{SQL: s.rules.readClock}}
	if len(s.schema.Tables) > 0 {
		statements = append(statements, inspect.Count(s.schema.Tables))
	}
	results, err := s.db.Batch(ctx, statements)
	if err != nil {
		return record.Census{}, wrap("count the rows", err)
	}
	c, err := clockOf(results)
	if err != nil || len(s.schema.Tables) == 0 {
		return record.Census{Stamp: c.stamp}, wrap("count the rows", err)
	}
	return record.Census{Stamp: c.stamp, Tables: inspect.Counted(results[1], len(s.schema.Tables))}, nil
}

// Page returns one page of the rows of a table, whoever may read them. X2.
func (s *Store) Page(ctx context.Context, l *record.Listing, b store.Budget) (record.Listed, error) {
	if err := b.Reserve(ctx, 2*s.looks.Most()); err != nil {
		return record.Listed{}, wrap("read a page of a table", err)
	}
	var given abi.Text
	if l.As != nil {
		given = s.plan.Bind(*l.As)
	}
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: s.rules.readClock}, s.inspected(l.Table).Page(l, s.looks, given)})
	if err != nil {
		return record.Listed{}, wrap("read a page of a table", err)
	}
	c, err := clockOf(results)
	if err != nil {
		return record.Listed{}, wrap("read a page of a table", err)
	}
	page := inspect.Listed(results[1])
	page.Stamp = c.stamp
	return page, nil
}

// inspected is the schema's n-th table for package inspect. Its conditions are those of pulls and pushes.
func (s *Statements) inspected(n int) *inspect.Table {
	r, t := s.newest(n), &s.schema.Tables[n]
	g := guard{comparison: &comparison{Table: t, rules: s.rules}, plan: s.plan}
	return &inspect.Table{Table: t, Row: r.row, Octets: r.bytes, Reads: r.reads, Writes: g.writes(func(name string) string { return "t." + sqlOf(t, name) })}
}
