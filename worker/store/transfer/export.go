package transfer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// Export returns a page of the database: the first one, or the one that a cursor stands
// for, and the cursor of the next page, or "" after the last one. name is the name of the
// space, or "" for the root. The caller owns the page. Errors are ErrCursor and those of
// the budget; any other is internal.
//
// Rows come in the order of their stamps, and rows of a project in that of its sequence. A
// row that changes meanwhile comes once more. So the rows are those of the moment at which
// their last page was read, and so is each project.
func (s *Store) Export(ctx context.Context, name, cursor string, b store.Budget) (page []byte, next string, err error) {
	most := s.pageBytes
	if b.Octets > 0 {
		most = min(most, b.Octets)
	}
	if err := b.Reserve(ctx, pageTimes*most); err != nil {
		return nil, "", fmt.Errorf("export: %w", err)
	}
	p, page, err := s.begin(ctx, name, cursor)
	if err != nil {
		return nil, "", fmt.Errorf("export: %w", err)
	}
	for head := len(page); p.Phase != phaseEnd && len(page)-head < most; {
		before := len(page)
		if page, err = s.step(ctx, &p, page, most-(len(page)-head)); err != nil {
			return nil, "", fmt.Errorf("export %s: %w", p.Phase, err)
		}
		if len(page) == before {
			p = p.enter(nextPhase[p.Phase])
		}
	}
	if p.Phase == phaseEnd {
		return append(page, endOfExport...), "", nil
	}
	p.Page++
	next = p.cursor()
	page = ijson.AppendString(append(page, `{"next":`...), next)
	return append(page, '}', '\n'), next, nil
}

const endOfExport = `{"next":null}` + "\n"

// begin returns where the page begins, and its first line.
func (s *Store) begin(ctx context.Context, name, cursor string) (position, []byte, error) {
	if cursor != "" {
		p, err := readCursor(cursor, &s.schema)
		line := strconv.AppendInt([]byte(`{"page":`), p.Page, 10)
		line = ijson.AppendString(append(line, `,"export":`...), p.Export)
		return p, append(line, '}', '\n'), err
	}
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: `SELECT stamp FROM Clock`}})
	if err != nil {
		return position{}, nil, err
	}
	if len(results[0].Rows) != 1 {
		return position{}, nil, errors.New("the table Clock has no row: were the migrations applied?")
	}
	p := position{Export: rand.Text(), Page: 1}.enter(phaseRows)
	line := ijson.AppendString(fmt.Appendf(nil, `{"format":%d,"space":`, Format), name)
	line = strconv.AppendInt(append(line, `,"stamp":`...), int64(store.Number(results[0], 0)), 10)
	line = ijson.AppendString(append(line, `,"export":`...), p.Export)
	return p, append(line, '}', '\n'), nil
}

// step appends the next lines, about so many octets of them and at least one, and moves the
// position behind them. It appends none at the end of a phase.
func (s *Store) step(ctx context.Context, p *position, page []byte, octets int) ([]byte, error) {
	switch p.Phase {
	case phaseRows:
		return s.texts(ctx, p, page, s.rows, p.Number, p.tableIndex(&s.schema), p.ID, octets)
	case phaseProjects:
		return s.texts(ctx, p, page, s.projects, p.Owner, p.Number, p.tableIndex(&s.schema), p.ID, octets)
	case phaseDocuments:
		return s.states(ctx, p, page, s.documents, p.Owner, p.Number, p.Part, octets)
	default:
		return s.states(ctx, p, page, s.versions, p.Owner, p.ID, p.Part, octets)
	}
}

// texts appends lines that the database made. Each row of the result is the text of some
// lines, and the position behind them: owner, number, table and id.
func (s *Store) texts(ctx context.Context, p *position, page []byte, sql string, args ...any) ([]byte, error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: sql, Args: args}})
	if err != nil {
		return nil, err
	}
	for _, cells := range results[0].Rows {
		page = append(append(page, store.CellText(cells[0])...), '\n')
		p.Owner, p.Number, p.ID = store.CellString(cells[1]), store.Integer(cells[2]), store.CellString(cells[4])
		switch index := int(store.Integer(cells[3])); {
		case index < 0:
			p.Table = ""
		case p.Phase == phaseRows:
			p.Table = s.schema.Tables[index].Name
		default:
			p.Table = string(project.Collections[index].Name)
		}
	}
	return page, nil
}

// states appends lines with pieces of documents or versions. Each row of the result is the
// room, the id of the version or of the copy, the part, the piece of the state; for the
// main part it has also how many other parts there are or how many bytes, the name, the
// subject and the time.
func (s *Store) states(ctx context.Context, p *position, page []byte, sql string, args ...any) ([]byte, error) {
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: sql, Args: args}})
	if err != nil {
		return nil, err
	}
	for _, cells := range results[0].Rows {
		p.Owner, p.Part = store.CellString(cells[0]), store.Integer(cells[2])
		main := p.Part == mainPart
		if p.Phase == phaseDocuments {
			p.Number = store.Integer(cells[1])
			page = ijson.AppendString(append(page, `{"document":`...), p.Owner)
			page = strconv.AppendInt(append(page, `,"updated_at":`...), p.Number, 10)
			if main {
				page = strconv.AppendInt(append(page, `,"parts":`...), store.Integer(cells[4]), 10)
			}
		} else {
			p.ID = store.CellString(cells[1])
			page = ijson.AppendString(append(page, `{"version":`...), p.ID)
			page = ijson.AppendString(append(page, `,"document":`...), p.Owner)
			if main {
				page = strconv.AppendInt(append(page, `,"bytes":`...), store.Integer(cells[4]), 10)
				page = ijson.AppendString(append(page, `,"name":`...), store.CellText(cells[5]))
				page = ijson.AppendString(append(page, `,"subject":`...), store.CellText(cells[6]))
				page = strconv.AppendInt(append(page, `,"created_at":`...), store.Integer(cells[7]), 10)
			}
		}
		if !main {
			page = strconv.AppendInt(append(page, `,"part":`...), p.Part, 10)
		}
		page = ijson.AppendString(append(page, `,"state":`...), store.CellText(cells[3]))
		page = append(page, '}', '\n')
	}
	return page, nil
}
