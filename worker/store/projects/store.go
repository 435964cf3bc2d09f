package projects

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// A Store keeps projects in one database. Every method is one batch: what it
// checks, what it writes and the number that it draws are one transaction. It
// keeps no state, so it may be shared by any number of requests.
//
// Errors are *project.Refusal where the caller, or what he sent, is the
// reason; any other is internal.
type Store struct {
	db store.DB
	// Statements, as each collection needs them.
	sql map[project.Name]projectSQL

	pulled, listed store.Guess
}

type projectSQL struct {
	problems, list, row string // SELECTs
	draw                string
	insert, update      string
	bury                []projectWrite
}

// New returns the projects in db.
func New(db store.DB) *Store {
	p := &Store{db: db, sql: map[project.Name]projectSQL{}}
	for i := range project.Collections {
		p.sql[project.Collections[i].Name] = statementsOf(&project.Collections[i])
	}
	return p
}

// A Key names a project and who asks about it.
type Key struct{ Project, Caller string }

// A Written is what a write did. Row is the JSON of the row as it is now, nil
// if it was deleted. Changed are the collections that really changed.
type Written struct {
	Row     json.RawMessage
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

// Role is the caller's role, or the refusal of who has none.
func (p *Store) Role(ctx context.Context, key Key) (project.Role, project.Seq, error) {
	results, err := p.db.Batch(ctx, []abi.Statement{{SQL: selectAccess, Args: []any{key.Project, key.Caller}}})
	if err != nil {
		return 0, 0, fmt.Errorf("read role: %w", err)
	}
	a := readAccess(results[0])
	return project.Role(max(a.role, 0)), a.mark, a.may(project.Read)
}

// selectAccess reads what the caller is, and the project's mark and floor.
var selectAccess = `SELECT ` + callerAccess + `, coalesce((SELECT seq FROM ProjectSequences WHERE project_id = ?1), 0),
	coalesce((SELECT floor FROM ProjectSequences WHERE project_id = ?1), 0)`

type accessRow struct {
	role        int
	mark, floor project.Seq
}

func readAccess(r abi.Result) accessRow {
	cells := r.Rows[0]
	return accessRow{int(store.CellNumber(cells[0])), project.Seq(store.CellNumber(cells[1])), project.Seq(store.CellNumber(cells[2]))}
}

// may refuses whoever may not do a in a project that is there.
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

// A given is a list of rows as statements take it, in ?3: created, updated or
// deleted. The ids in all lists differ.
type given struct {
	list string
	rows []project.Row
}

// rowsParameter is the lists as ?3, checked against what D1 takes.
func rowsParameter(lists ...given) (string, error) {
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
	Row               json.RawMessage
	Version           project.Version
}

// readProblem reads a line of problems. The refusal is nil if nothing is wrong.
func readProblem(cell any) (line problemLine, refusal *project.Refusal, err error) {
	if err := json.Unmarshal([]byte(store.CellString(cell)), &line); err != nil {
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

// errUnexplained is a write that was refused without a reason: problems and
// the draw disagree.
var errUnexplained = errors.New("a write drew no number")

// uploadsKept is how long an answer is kept for a retry. docs/protocol.md, Projects 5:
// at least 24 hours.
const uploadsKept = 48 * time.Hour

// drawName is new at every batch.
func drawName() string { return rand.Text() }

// parts of an answer hold at most so many bytes, and an answer about so many:
// a value of D1 has at most 2 MB, an isolate 128.
const (
	projectPartBytes = 1_000_000
	projectPageBytes = 8_000_000
)
