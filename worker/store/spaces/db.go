package spaces

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// Storage is the SQLite of a space's object; *host.SpaceObject has one.
type Storage interface {
	// Enter runs f in an event of the object. Exec and Try act in an event only.
	Enter(ctx context.Context, f func()) error
	// Exec runs statements as one transaction.
	Exec(statements ...abi.Statement) ([]abi.Result, error)
	// Try is Exec, and then undoes all that the statements wrote.
	Try(statements ...abi.Statement) ([]abi.Result, error)
}

// UnbornPatience is how long a space that was never written keeps its tickets and the places
// of its documents. While it has subscribers, it keeps them for longer.
const UnbornPatience = time.Hour

// A DB is the database of one space. It creates its tables when it is first written, and is
// born with that write: until then reading it answers an empty space and stores nothing. S6.
type DB struct {
	storage Storage
	tables  *Tables
	now     func() time.Time
	made    func(born bool)
	inEvent bool
	layout  int // the number of its layout; -1: not read yet
	born    bool
	refusal error
	// Announced, if not nil, is called in an event whose statements added rows to the outbox.
	Announced func(rows int)
	fresh     bool // it was born, and it is not noted that the directory has it
}

// New returns the database in a storage, with the declared tables. It calls made in the event
// in which the space gets its tables, or is born.
func New(storage Storage, tables *Tables, now func() time.Time, made func(born bool)) *DB {
	return &DB{storage: storage, tables: tables, now: now, made: made, layout: -1}
}

// Batch runs statements as one transaction. If they write to a space that is not there,
// that transaction creates it.
func (d *DB) Batch(ctx context.Context, statements []abi.Statement) (results []abi.Result, err error) {
	return d.run(ctx, statements, true, d.refused)
}

// Kept is the database for what a space keeps although it was not born: its tickets, and
// where its documents are.
func (d *DB) Kept() store.DB { return kept{d} }

type kept struct{ *DB }

func (k kept) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	return k.run(ctx, statements, false, nil)
}

// InEvent runs f in one event of the object. In it a Batch neither waits nor lets other
// events run in between.
func (d *DB) InEvent(ctx context.Context, f func()) error {
	return d.storage.Enter(ctx, func() { d.Within(f) })
}

// IsInEvent says whether InEvent or Within is running.
func (d *DB) IsInEvent() bool { return d.inEvent }

// Within is InEvent for a caller that is in an event of the object.
func (d *DB) Within(f func()) {
	before := d.inEvent
	d.inEvent = true
	defer func() { d.inEvent = before }()
	f()
}

// run runs statements. If bears is true, their first write is the birth of the space.
// refused, if not nil, returns the error of statements that write.
func (d *DB) run(ctx context.Context, statements []abi.Statement, bears bool, refused func() error) (results []abi.Result, err error) {
	if d.inEvent {
		return d.exec(statements, bears, refused)
	}
	if entered := d.storage.Enter(ctx, func() { results, err = d.exec(statements, bears, refused) }); entered != nil {
		return nil, entered
	}
	return results, err
}

// exec runs statements. In a space that was not born it tries them first: only if they
// write something it runs them for good, with the statements of the birth before them.
func (d *DB) exec(statements []abi.Statement, bears bool, refused func() error) ([]abi.Result, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	if refused != nil && refused() != nil {
		results, err := d.try(statements)
		if err == nil && wrote(results) {
			err = refused()
		}
		return results, err
	}
	if d.born {
		return d.announced(statements, d.storage.Exec)
	}
	results, err := d.try(statements)
	if err != nil || !makes(statements, results) {
		return results, err
	}
	begin := d.missingTables()
	switch {
	case bears:
		begin = append(begin, d.birth()...)
	case d.layout == 0:
		begin = append(begin, abi.Statement{SQL: `UPDATE Space SET kept_until = ?1`, Args: []any{d.now().Add(UnbornPatience).UnixMilli()}})
	}
	results, err = d.storage.Exec(slices.Concat(begin, statements)...)
	if err != nil {
		return nil, err
	}
	if bears || d.layout == 0 {
		d.made(bears)
	}
	d.layout, d.born, d.fresh = len(layouts), bears, bears
	return d.announced(statements, func(...abi.Statement) ([]abi.Result, error) { return results[len(begin):], nil })
}

// announced runs statements, and says whether they added rows to the outbox.
func (d *DB) announced(statements []abi.Statement, exec store.Exec) ([]abi.Result, error) {
	results, err := exec(statements...)
	if err == nil && d.Announced != nil {
		if rows := store.Announced(statements, results); rows > 0 {
			d.Announced(rows)
		}
	}
	return results, err
}

// Bear makes a space of one that only keeps the places of documents. It does nothing if there are
// none: somebody has deleted the space. Call it in an event.
func (d *DB) Bear() error {
	if err := d.open(); err != nil || d.born || d.layout == 0 {
		return err
	}
	if _, err := d.storage.Exec(d.birth()...); err != nil {
		return fmt.Errorf("make the space: %w", err)
	}
	d.made(true)
	d.born, d.fresh = true, true
	return nil
}

// try runs statements, on an empty space if there is none, and undoes what they wrote.
func (d *DB) try(statements []abi.Statement) ([]abi.Result, error) {
	tables := d.missingTables()
	results, err := d.storage.Try(slices.Concat(tables, statements)...)
	if err != nil {
		return nil, err
	}
	return results[len(tables):], nil
}

// makes says whether statements wrote something that a space has to keep. An empty push, a
// restore and a purge change the clock alone, and a push that is rejected whole adds to Told: in a
// space that is not there that means nothing. S6.
func makes(statements []abi.Statement, results []abi.Result) bool {
	for i, r := range results {
		if sql := statements[i].SQL; r.Changes > 0 && !strings.HasPrefix(sql, "UPDATE Clock ") && !strings.Contains(sql, "\nINSERT INTO Told ") {
			return true
		}
	}
	return false
}

func wrote(results []abi.Result) bool {
	return slices.ContainsFunc(results, func(r abi.Result) bool { return r.Changes > 0 })
}

// Refuse makes Batch return err instead of writing; nil: it writes again.
func (d *DB) Refuse(err error) { d.refusal = err }

func (d *DB) refused() error { return d.refusal }

// open learns what is stored, and migrates it: to the newest layout, and to the declared
// tables. It returns store.ErrNewerLayout if a newer version wrote it.
func (d *DB) open() error {
	if d.layout >= 0 {
		return nil
	}
	number, err := layouts.Number(d.storage.Try)
	if err == nil {
		err = layouts.Check(number)
	}
	if err == nil && 0 < number && number < len(layouts) {
		err = layouts.Migrate(d.storage.Exec, number)
	}
	if err != nil {
		return fmt.Errorf("open the space: %w", err)
	}
	if number > 0 {
		number = len(layouts)
		results, err := d.storage.Exec(abi.Statement{
			SQL: `SELECT created_at, listed, (SELECT tables FROM Declaration) IS ?1 FROM Space`, Args: []any{d.tables.text},
		})
		if err == nil && store.Number(results[0], 2) == 0 {
			err = d.tables.migrate(d.storage)
		}
		if err != nil {
			return fmt.Errorf("open the space: %w", err)
		}
		d.born = store.Number(results[0], 0) > 0
		d.fresh = d.born && store.Number(results[0], 1) == 0
	}
	d.layout = number
	return nil
}

// missingTables are the statements that create the tables if there are none.
func (d *DB) missingTables() []abi.Statement {
	if d.layout > 0 {
		return nil
	}
	return slices.Concat(layouts.Create(), d.tables.create)
}

// birth are the statements that a space is born with. Its first stamp, which is its
// floor, is a tolerance above now: an earlier space of this name may have had later stamps. S7.
func (d *DB) birth() []abi.Statement {
	now := d.now().UnixMilli()
	return []abi.Statement{
		{SQL: `UPDATE Space SET created_at = ?1`, Args: []any{now}},
		{SQL: `UPDATE Clock SET stamp = ?1, floor = ?1, born = ?1`, Args: []any{now + record.ToleranceMillis}},
	}
}

// Fresh says whether the directory may lack the space.
func (d *DB) Fresh() bool { return d.fresh }

// Forget makes the database learn anew what is stored. Call it after the storage was erased.
func (d *DB) Forget() { d.layout, d.born, d.fresh = -1, false, false }
