package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// A LineError is a line of a page that cannot be imported. Nothing of the page was written.
type LineError struct {
	Line   int // the first one is 1
	Reason string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// A NotEmptyError refuses the first page of an import.
type NotEmptyError struct{ Has string }

func (e *NotEmptyError) Error() string {
	return "the space must be empty, and it has " + e.Has + ": import into another space, or delete this one first"
}

// An OrderError refuses a page that is not the next one of the import that runs.
type OrderError struct {
	Expected int64 // the number of the page to send; 0: the import is finished
	Reason   string
}

func (e *OrderError) Error() string { return e.Reason }

// Imported is what an import of a page came to.
type Imported struct {
	Lines int    // of the page, without the first and the last one
	Next  string // the cursor of the page to send next; "": this was the last one
	// Stamp is that of the database after the last page; 0 before, and if the page had been
	// written before.
	Stamp record.Stamp
}

// A Page is one that was read, and whose lines are well-formed.
type Page struct {
	// Written says whether the page was written before. Then Answer is what its import came to.
	Written bool
	Answer  Imported
	// Rooms are those of the documents that the page completes.
	Rooms []string

	*page
	states     states
	statements []abi.Statement
}

// IsFirst says whether the page is the first one of its export.
func (p *Page) IsFirst() bool { return p.number == 1 }

// Import writes a page of an export at the time now: all of it, or nothing. The pages come
// in their order, the first one into an empty database. A page that was written before
// changes nothing, so the caller sends a page again whose answer it did not get. Until the
// last page is written, the database refuses each push, and what it has is not complete.
// Errors are *LineError, *NotEmptyError, *OrderError and those of the budget; any other is
// internal.
func (s *Store) Import(ctx context.Context, now time.Time, text []byte, b store.Budget) (Imported, error) {
	p, err := s.Read(ctx, text)
	if err == nil && !p.Written {
		err = s.Check(ctx, p, b)
	}
	if err != nil {
		return Imported{}, err
	}
	return s.Write(ctx, now, p)
}

// Read is the first part of Import. It writes nothing.
func (s *Store) Read(ctx context.Context, text []byte) (*Page, error) {
	p, err := readPage(text)
	if err != nil {
		return nil, err
	}
	w, statements, err := s.decode(p, len(p.lines))
	if err != nil {
		return nil, err
	}
	written, err := s.admit(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Page{written, Imported{Lines: len(p.lines), Next: p.next}, w.rooms, p, w.states, statements}, nil
}

// Write is the part of Import that follows Check. Another request may have written the page
// meanwhile.
func (s *Store) Write(ctx context.Context, now time.Time, p *Page) (Imported, error) {
	done := p.Answer
	if written, err := s.admit(ctx, p.page); written || err != nil {
		return done, err
	}
	statements := slices.Clip(p.statements)
	if p.last {
		statements = append(statements, s.finishing(now)...)
	}
	results, err := s.db.Batch(ctx, statements)
	if refused(err) {
		return s.explain(ctx, p.page, done, err)
	}
	if err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	if p.last {
		done.Stamp = record.Stamp(store.Number(results[len(results)-len(s.finish)], 0))
	}
	return done, nil
}

// Importing says whether an import began that is not finished.
func (s *Store) Importing(ctx context.Context) (bool, error) {
	state, err := s.importState(ctx)
	if err != nil {
		return false, fmt.Errorf("look for an import: %w", err)
	}
	return state.export != "" && !state.finished, nil
}

// A page is one that was split into its lines.
type page struct {
	export string // the id
	number int64
	stamp  int64    // of the header; that of a later page is 0
	lines  [][]byte // without the first and the last one
	next   string
	last   bool
}

// readPage splits a page, and reads its first and its last line.
func readPage(text []byte) (*page, error) {
	lines := bytes.Split(bytes.TrimSuffix(text, []byte{'\n'}), []byte{'\n'})
	p := &page{number: 1}
	head := readLine(lines[0])
	switch head.kind {
	case "format":
		if format := head.integer("format", 0); head.err == nil && format != Format {
			head.fail("the format is %d, and this server reads format %d", format, Format)
		}
		head.text("space", 0, maxRoomBytes)
		p.stamp = head.integer("stamp", 0)
	case "page":
		p.number = head.integer("page", 2)
	default:
		head.fail(`a page begins with {"format":…} or {"page":…}`)
	}
	if p.export = head.text("export", 1, 64); head.err == nil && !validExport(p.export) {
		head.fail(`"export" must be 1 to 64 characters of A-Z a-z 0-9 _ . -`)
	}
	if err := head.end(); err != nil {
		return nil, &LineError{1, err.Error()}
	}
	tail := readLine(lines[len(lines)-1])
	if tail.kind != "next" {
		return nil, &LineError{len(lines), `a page ends with {"next":…}: this one is cut short`}
	}
	if p.last = string(tail.members["next"]) == "null"; p.last {
		tail.raw("next")
	} else {
		p.next = tail.text("next", 1, maxTextBytes)
	}
	if err := tail.end(); err != nil {
		return nil, &LineError{len(lines), err.Error()}
	}
	p.lines = lines[1 : len(lines)-1]
	return p, nil
}

// decode returns what the first n lines of a page come to, and the statements that write
// it.
func (s *Store) decode(p *page, n int) (w *writes, statements []abi.Statement, err error) {
	w = newWrites(s.Statements)
	for i, text := range p.lines[:n] {
		w.line = i + 2
		if err := w.decode(text); err != nil {
			return nil, nil, &LineError{w.line, err.Error()}
		}
	}
	if p.number > 1 {
		return w, append(append([]abi.Statement{{SQL: isNext, Args: []any{p.export, p.number}}}, w.statements(s.Statements)...), abi.Statement{SQL: addPage}), nil
	}
	return w, append([]abi.Statement{
		{SQL: "SELECT CASE WHEN " + s.content + " IS NOT NULL THEN " + refuse + " END AS refused"},
		{SQL: beginImport, Args: []any{p.export, p.stamp}},
		{SQL: closeDoor},
	}, w.statements(s.Statements)...), nil
}

// finishing returns the statements after those of the last page.
func (s *Store) finishing(now time.Time) []abi.Statement {
	list := make([]abi.Statement, len(s.finish))
	for i, sql := range s.finish {
		list[i] = abi.Statement{SQL: sql}
	}
	list[0].Args = []any{now.UnixMilli() + record.ToleranceMillis}
	list[1].Args = []any{now.UnixMilli()}
	return list
}

// An importState is the row of the table Import, and what the database has.
type importState struct {
	export   string // "" if there never was an import
	pages    int64
	finished bool
	content  string
}

func (s *Store) importState(ctx context.Context) (importState, error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: readImport}, {SQL: "SELECT " + s.content + " AS content"}})
	if err != nil {
		return importState{}, err
	}
	state := importState{content: string(store.Text(results[1], 0))}
	for _, row := range results[0].Rows {
		state.export, state.pages, state.finished = store.CellString(row[0]), store.Integer(row[2]), store.Integer(row[3]) != 0
	}
	return state, nil
}

// admit says whether the page was written before. If it was not and is not the next one,
// it returns an error.
func (s *Store) admit(ctx context.Context, p *page) (written bool, err error) {
	state, err := s.importState(ctx)
	if err != nil {
		return false, fmt.Errorf("import: %w", err)
	}
	return state.admit(p)
}

// admit is Store.admit for what was read.
func (i *importState) admit(p *page) (written bool, err error) {
	switch {
	case i.export == p.export && p.number <= i.pages:
		return true, nil
	case i.export == p.export && !i.finished && p.number == i.pages+1:
		return false, nil
	case i.export == p.export && i.finished:
		return false, &OrderError{0, fmt.Sprintf("the import is finished, with %d pages", i.pages)}
	case i.export == p.export:
		return false, &OrderError{i.pages + 1, fmt.Sprintf("this is page %d of the export, and page %d comes next", p.number, i.pages+1)}
	case p.number > 1 && i.export == "":
		return false, &OrderError{1, fmt.Sprintf("this is page %d of an export, and page 1 comes first", p.number)}
	case p.number > 1:
		return false, &OrderError{i.pages + 1, fmt.Sprintf("this is a page of another export than the one whose import began here, with %d pages so far", i.pages)}
	case i.export != "" && !i.finished:
		return false, &NotEmptyError{"an import of another export, which is not finished"}
	case i.content != "":
		return false, &NotEmptyError{i.content}
	case i.export != "":
		return false, &NotEmptyError{"an import that is finished"}
	}
	return false, nil
}

// refused says whether the database ended a batch because of what was to be written.
func refused(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "malformed JSON") || strings.Contains(err.Error(), "constraint failed"))
}

// explain finds out why the database refused a page: another request wrote it meanwhile, or
// a line of it is wrong. It tries how many lines the database takes, and writes none.
func (s *Store) explain(ctx context.Context, p *page, done Imported, cause error) (Imported, error) {
	state, err := s.importState(ctx)
	if err != nil {
		return Imported{}, fmt.Errorf("ask why a page was refused: %w", err)
	}
	if written, err := state.admit(p); written || err != nil {
		return done, err
	}
	var failed error
	n := sort.Search(len(p.lines), func(i int) bool {
		if failed != nil {
			return true
		}
		_, statements, err := s.decode(p, i+1)
		if err == nil {
			_, err = s.db.Batch(ctx, append(slices.Clip(statements), abi.Statement{SQL: probe}))
		}
		if err != nil && strings.Contains(err.Error(), probeText) {
			return false
		}
		if !refused(err) {
			failed = errors.Join(errors.New("ask why a page was refused"), err)
		}
		return true
	})
	switch {
	case failed != nil:
		return Imported{}, failed
	case n == len(p.lines):
		return Imported{}, fmt.Errorf("import: %w", cause)
	}
	return Imported{}, &LineError{n + 2, reasonOf(p.lines[n])}
}

// reasonOf says why the database does not take a line.
func reasonOf(text []byte) string {
	l := readLine(text)
	name, _ := ijson.Text(l.members["collection"])
	switch {
	case l.has("part"):
		return complete
	case l.kind == "document":
		return documentParts
	case l.kind == "version":
		return versionParts
	case name == "dependencies":
		return "the project is unknown before this line, or has a live dependency of the same two tasks"
	case name == "memberships":
		return "the project is unknown before this line, or has a live membership of the same user"
	case l.kind == "collection":
		return "the project is unknown before this line"
	}
	return "the database does not take the line"
}
