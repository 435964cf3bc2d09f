package projects

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
	"tidemark/shared/webhook"
	"tidemark/worker/store"
)

// A Store keeps projects in one database. Every method is one batch: its checks, its
// writes and the number that it draws are one transaction. It has no state of its
// own, so any number of requests may share it.
//
// Errors are *project.Refusal if the caller or its input is the reason; any other is
// internal.
type Store struct {
	db store.DB
	*Statements
}

// Statements are the SQL of projects. They are made once, for any number of
// databases. They also remember how large results were.
type Statements struct {
	rules       *rules
	collections map[project.Name]collectionSQL

	access                  string // see selectAccess
	member, all             string // the pages of listOfMember and listOfAll
	pull, directPull, final string // see readPull, readDirectPull, readFinal
	firstDraw               string
	upload                  uploadSQL

	first, changes, listed store.Guess // pages of a pull from the beginning, of a later one, and of a list

	announces bool // see Announce
}

// A collectionSQL is the statements of one collection.
type collectionSQL struct {
	problems, list, row string // SELECTs
	draw                string
	insert, update      string
	bury                []collectionWrite
}

// New returns the projects in db.
func New(db store.DB, statements *Statements) *Store { return &Store{db, statements} }

// NewStatements returns the statements of all collections.
func NewStatements() *Statements { return newStatements(&standard) }

// Announce makes every write note in the outbox which project it changed. W3.
func (s *Statements) Announce() { s.announces = true }

// announce adds to the statements of a write, which drew that number, one that notes in the outbox
// that the project has changed.
func (p *Store) announce(batch []abi.Statement, id, draw string) []abi.Statement {
	if !p.announces {
		return batch
	}
	return append(batch, store.Announce(`SELECT `+projectChanged+`, project_id FROM ProjectSequences WHERE project_id = ?1 AND drawn = ?2`, id, draw))
}

var projectChanged = store.Literal(string(webhook.ProjectChanged))

func newStatements(r *rules) *Statements {
	s := &Statements{
		rules: r, collections: map[project.Name]collectionSQL{},
		access: selectAccess(r), member: listOfMember(), all: listOfAll(), pull: readPull(), directPull: readDirectPull(r), final: readFinal(),
		firstDraw: firstDraw(r), upload: newUploadSQL(r),
	}
	for i := range project.Collections {
		s.collections[project.Collections[i].Name] = newCollectionSQL(&project.Collections[i], r)
	}
	return s
}

// A Key names a project and the caller.
type Key struct{ Project, Caller string }

// A Written is the result of a write. Row is the JSON of the row as it is now, nil
// if it was deleted. Changed are the collections that really changed.
type Written struct {
	Row     jsonvalue.RawMessage
	Version project.Version
	Changed []project.Name
	Mark    project.Seq
	// Merged are the fields that others changed since the base version.
	Merged []string
	// Existed says that a creation was repeated: nothing was written.
	Existed bool
	// Removed is the user whose membership was deleted, or "".
	Removed string
}

// Role returns the caller's role and the project's mark, or a refusal if the caller
// has none.
func (p *Store) Role(ctx context.Context, key Key) (project.Role, project.Seq, error) {
	results, err := p.db.Batch(ctx, []abi.Statement{{SQL: p.access, Args: []any{key.Project, key.Caller}}})
	if err != nil {
		return 0, 0, fmt.Errorf("read role: %w", err)
	}
	a := readAccess(results[0])
	return project.Role(max(a.role, 0)), a.mark, a.may(project.Read)
}

// selectAccess returns the statement that reads what the caller is, and the
// project's mark and floor.
func selectAccess(r *rules) string {
	return `SELECT ` + callerAccess + `, ` + r.mark + `, coalesce((SELECT floor FROM ProjectSequences WHERE project_id = ?1), 0)`
}

type accessRow struct {
	role        int
	mark, floor project.Seq
}

func readAccess(r abi.Result) accessRow {
	cells := r.Rows[0]
	return accessRow{int(store.CellNumber(cells[0])), project.Seq(store.CellNumber(cells[1])), project.Seq(store.CellNumber(cells[2]))}
}

// ofOperator returns what an operator is in the project, if there is one or was one: as to reading, one of its members.
func (a accessRow) ofOperator() accessRow {
	if a.role = accessNone; a.mark > 0 {
		a.role = int(project.Viewer)
	}
	return a
}

// may returns a refusal if the caller may not do the action.
func (a accessRow) may(action project.Action) error {
	switch {
	case a.role == accessRevoked:
		return &project.Refusal{Code: project.Revoked}
	case a.role <= accessNone:
		return &project.Refusal{Code: project.NotFound}
	case project.Role(a.role) < action.Needs():
		return &project.Refusal{Code: project.RoleTooLow}
	}
	return nil
}

// A rowList is a list of rows as statements take it, in ?3: created, updated or
// deleted. The ids in all lists differ.
type rowList struct {
	list string
	rows []project.Row
}

// rowsParameter returns the lists as ?3, or an error if they are too long for D1.
func rowsParameter(lists ...rowList) (string, error) {
	b := []byte{'{'}
	for _, l := range lists {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(ijson.AppendString(b, l.list), ":{"...)
		for i := range l.rows {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(ijson.AppendString(b, l.rows[i].ID), ':')
			b = l.rows[i].AppendJSON(b)
		}
		b = append(b, '}')
	}
	b = append(b, '}')
	if len(b) > abi.MaxValueBytes {
		return "", fmt.Errorf("encode rows: %d bytes", len(b))
	}
	return string(b), nil
}

// A problemLine is a line of problems, as problemJSON gives it.
type problemLine struct {
	List, ID, Problem string
	Fields, Merged    []string
	Row               jsonvalue.RawMessage
	Version           project.Version
}

// readProblem reads a line of problems. The refusal is nil if nothing is wrong.
func readProblem(cell any) (line problemLine, refusal *project.Refusal, err error) {
	if err := jsonvalue.Unmarshal([]byte(store.CellString(cell)), &line); err != nil {
		return line, nil, fmt.Errorf("read problem: %w", err)
	}
	if line.Problem == "" {
		return line, nil, nil
	}
	code, field, _ := strings.Cut(line.Problem, " ")
	return line, &project.Refusal{
		Code: project.Code(code), Field: field, Fields: line.Fields, Row: line.Row, Version: line.Version,
	}, nil
}

// readOwnProblem reads the problem of a write of one row. The write is done if the
// row exists already: a creation was repeated.
func readOwnProblem(cell any) (merged []string, done *Written, err error) {
	line, refusal, err := readProblem(cell)
	switch {
	case err != nil:
		return nil, nil, err
	case refusal == nil:
		return line.Merged, nil, nil
	case refusal.Code == project.Exists:
		return nil, &Written{Row: refusal.Row, Version: refusal.Version, Existed: true}, nil
	}
	return nil, nil, refusal
}

// errUnexplained says that a write was rejected without a reason: problems and the
// draw disagree.
var errUnexplained = errors.New("a write drew no number")

// uploadsKept is how long an answer is kept for a retry. docs/protocol.md, Projects 5:
// at least 24 hours.
const uploadsKept = 48 * time.Hour

// forgetUploads deletes some of the answers from before ?1. An upload adds one, so that
// the deletions keep up.
const (
	forgetUploads    = `DELETE FROM ProjectUploads WHERE rowid IN (SELECT rowid FROM ProjectUploads WHERE at < CAST(?1 AS INTEGER) LIMIT ?2)`
	uploadsForgotten = 200
)

// newDraw returns a name for a batch that no other has: see batchSeq.
func newDraw() string { return rand.Text() }

// A cell must stay below D1's 2 MB, a page well below the isolate's 128 MB.
const (
	partBytes = 1_000_000
	pageBytes = 8_000_000
)
