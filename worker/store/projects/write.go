package projects

import (
	"context"
	"fmt"
	"slices"

	"tidemark/shared/abi"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

func newCollectionSQL(c *project.Collection, r *rules) collectionSQL {
	s := collectionSQL{
		problems: "WITH RECURSIVE " + listedRows + ",\n" + problemsOf(c, false, r) + "\nSELECT " + problemJSON + " FROM problems",
		insert:   "WITH RECURSIVE " + listedRows + ",\n" + problemsOf(c, false, r) + "\n" + insertRows(c),
		update:   updateRows(c, r),
		draw:     drawSeq(c, false, "1", r),
		row: fmt.Sprintf(`SELECT %s, t.server_version, t.project_id = ?1 AND t.deleted_version IS NULL AS live FROM %s t WHERE t.id = ?2 AND live`,
			rowObject(c, false), c.Table),
		list: listOf(c),
		bury: burials(c, r),
	}
	// The checks of a creation are in the insert's own statement.
	s.insert += "\nAND NOT EXISTS (SELECT 1 FROM problems WHERE problem IS NOT NULL)"
	return s
}

// drawSeq takes the next number of the project's sequence, if the caller has at
// least the role ?5 and nothing is wrong with the rows.
func drawSeq(c *project.Collection, upload bool, condition string, r *rules) string {
	return "WITH RECURSIVE " + listedRows + ",\n" + problemsOf(c, upload, r) + `
UPDATE ProjectSequences SET seq = seq + 1, drawn = ?4
WHERE project_id = ?1 AND ` + callerAccess + ` >= CAST(?5 AS INTEGER) AND NOT EXISTS (SELECT 1 FROM problems WHERE problem IS NOT NULL) AND ` + condition
}

// Create inserts the row, whose ID the caller made. If the row exists, Create
// returns it as it is and writes nothing.
func (p *Store) Create(ctx context.Context, key Key, name project.Name, row project.Row) (Written, error) {
	s := p.collections[name]
	return p.write(ctx, key, name, name.Creates(), "created", row,
		[]collectionWrite{{name, s.insert}})
}

// Patch changes the row. With a Base, the change is one made on that version:
// see project.SyncConflict.
func (p *Store) Patch(ctx context.Context, key Key, name project.Name, row project.Row) (Written, error) {
	return p.write(ctx, key, name, name.Edits(), "updated", row,
		[]collectionWrite{{name, p.collections[name].update}})
}

// Delete makes tombstones of the row and of the rows that need it.
func (p *Store) Delete(ctx context.Context, key Key, name project.Name, id string) (Written, error) {
	return p.write(ctx, key, name, name.Deletes(), "deleted", project.Row{ID: id}, p.collections[name].bury)
}

func (p *Store) write(ctx context.Context, key Key, name project.Name, action project.Action, list string, row project.Row, writes []collectionWrite) (Written, error) {
	param, err := rowsParameter(rowList{list, []project.Row{row}})
	if err != nil {
		return Written{}, err
	}
	s := p.collections[name]
	draw := newDraw()
	batch := []abi.Statement{
		{SQL: p.access, Args: []any{key.Project, key.Caller}},
		{SQL: s.problems, Args: []any{key.Project, key.Caller, param}},
		{SQL: s.draw, Args: []any{key.Project, key.Caller, param, draw, int(action.Needs())}},
	}
	for _, w := range writes {
		batch = append(batch, abi.Statement{SQL: w.sql, Args: []any{key.Project, key.Caller, param, draw}})
	}
	batch = append(batch,
		abi.Statement{SQL: s.row, Args: []any{key.Project, row.ID}},
		abi.Statement{SQL: `SELECT seq FROM ProjectSequences WHERE project_id = ?1`, Args: []any{key.Project}},
		abi.Statement{SQL: `SELECT user_id FROM ProjectMemberships WHERE id = ?1`, Args: []any{row.ID}},
	)
	results, err := p.db.Batch(ctx, p.announce(batch, key.Project, draw))
	if err != nil {
		return Written{}, fmt.Errorf("%s of %s: %w", list, name, err)
	}
	if err := readAccess(results[0]).may(action); err != nil {
		return Written{}, err
	}
	merged, done, err := readOwnProblem(results[1].Rows[0][0])
	if err != nil {
		return Written{}, err
	}
	if done != nil {
		return *done, nil
	}
	if results[2].Changes == 0 {
		return Written{}, errUnexplained
	}
	after := results[3+len(writes):]
	w := Written{Merged: merged, Mark: project.Seq(store.CellNumber(after[1].Rows[0][0])), Changed: changedBy(writes, results[3:])}
	if len(after[0].Rows) > 0 {
		w.Row = []byte(store.CellString(after[0].Rows[0][0]))
		w.Version = project.Version(store.CellNumber(after[0].Rows[0][1]))
	}
	if name == project.Memberships && list == "deleted" {
		w.Removed = store.CellString(after[2].Rows[0][0])
	}
	return w, nil
}

// changedBy are the collections whose writes changed anything.
func changedBy(writes []collectionWrite, results []abi.Result) []project.Name {
	var names []project.Name
	for i, w := range writes {
		if results[i].Changes > 0 && !slices.Contains(names, w.name) {
			names = append(names, w.name)
		}
	}
	return names
}

// firstDraw returns the statement that begins the sequence of a project.
func firstDraw(r *rules) string {
	return "WITH RECURSIVE " + listedRows + ",\n" + problemsOf(project.Find(project.Projects), false, r) + `
INSERT INTO ProjectSequences (project_id, seq, drawn)
SELECT ?1, 1, ?4 WHERE NOT EXISTS (SELECT 1 FROM problems WHERE problem IS NOT NULL)
	AND NOT EXISTS (SELECT 1 FROM ProjectSequences WHERE project_id = ?1)`
}

const firstOwner = `INSERT INTO ProjectMemberships (id, project_id, user_id, role, server_version, seq, created_seq)
SELECT ?3, ?1, ?2, 'Owner', 1, seq, seq FROM ProjectSequences WHERE project_id = ?1 AND drawn = ?4`

// CreateProject makes the project of that row, and the caller its Owner by a
// membership of that id. If the caller is a member of the project already, it returns
// the project as it is.
func (p *Store) CreateProject(ctx context.Context, caller string, row project.Row, membershipID string) (Written, error) {
	param, err := rowsParameter(rowList{"created", []project.Row{row}})
	if err != nil {
		return Written{}, err
	}
	s := p.collections[project.Projects]
	draw := newDraw()
	batch := []abi.Statement{
		{SQL: s.problems, Args: []any{row.ID, caller, param}},
		{SQL: p.firstDraw, Args: []any{row.ID, caller, param, draw}},
		{SQL: s.insert, Args: []any{row.ID, caller, param, draw}},
		{SQL: firstOwner, Args: []any{row.ID, caller, membershipID, draw}},
		{SQL: s.row, Args: []any{row.ID, row.ID}},
	}
	results, err := p.db.Batch(ctx, p.announce(batch, row.ID, draw))
	if err != nil {
		return Written{}, fmt.Errorf("create project: %w", err)
	}
	_, done, err := readOwnProblem(results[0].Rows[0][0])
	if err != nil {
		return Written{}, err
	}
	if done != nil {
		return *done, nil
	}
	if len(results[4].Rows) == 0 {
		return Written{}, errUnexplained
	}
	return Written{Row: []byte(store.CellString(results[4].Rows[0][0])), Version: 1, Mark: 1}, nil
}
