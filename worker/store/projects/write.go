package projects

import (
	"context"
	"fmt"
	"slices"

	"tidemark/shared/abi"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

func statementsOf(c *project.Collection) projectSQL {
	s := projectSQL{
		problems: "WITH RECURSIVE " + givenRows + ",\n" + problemsOf(c, false) + "\nSELECT " + problemJSON + " FROM problems",
		insert:   "WITH RECURSIVE " + givenRows + ",\n" + problemsOf(c, false) + "\n" + insertRows(c),
		update:   updateRows(c),
		draw:     drawSeq(c, false, "1"),
		row: fmt.Sprintf(`SELECT %s, t.server_version, t.project_id = ?1 AND t.deleted_version IS NULL AS live FROM %s t WHERE t.id = ?2 AND live`,
			rowObject(c, false), c.Table),
		list: listOf(c),
		bury: burials(c),
	}
	// The checks of a creation are in the insert's own statement.
	s.insert += "\nAND NOT EXISTS (SELECT 1 FROM problems WHERE problem IS NOT NULL)"
	return s
}

// drawSeq takes the next number of the project's sequence, if the caller has at
// least the role ?5 and nothing is wrong with the rows.
func drawSeq(c *project.Collection, upload bool, condition string) string {
	return "WITH RECURSIVE " + givenRows + ",\n" + problemsOf(c, upload) + `
UPDATE ProjectSequences SET seq = seq + 1, drawn = ?4
WHERE project_id = ?1 AND ` + callerAccess + ` >= CAST(?5 AS INTEGER) AND NOT EXISTS (SELECT 1 FROM problems WHERE problem IS NOT NULL) AND ` + condition
}

// Create inserts the row, whose ID the caller made. If it is there it is
// answered as it is, and nothing is written.
func (p *Store) Create(ctx context.Context, key Key, name project.Name, row project.Row) (Written, error) {
	s := p.sql[name]
	return p.write(ctx, key, name, name.Creates(), "created", row,
		[]projectWrite{{name, s.insert}})
}

// Patch changes the row. With a Base, the change is one made on that version:
// see project.SyncConflict.
func (p *Store) Patch(ctx context.Context, key Key, name project.Name, row project.Row) (Written, error) {
	return p.write(ctx, key, name, name.Edits(), "updated", row,
		[]projectWrite{{name, p.sql[name].update}})
}

// Delete makes the row a tombstone, and what cannot be without it.
func (p *Store) Delete(ctx context.Context, key Key, name project.Name, id string) (Written, error) {
	return p.write(ctx, key, name, name.Deletes(), "deleted", project.Row{ID: id}, p.sql[name].bury)
}

func (p *Store) write(ctx context.Context, key Key, name project.Name, action project.Action, list string, row project.Row, writes []projectWrite) (Written, error) {
	param, err := rowsParameter(given{list, []project.Row{row}})
	if err != nil {
		return Written{}, err
	}
	s := p.sql[name]
	drawn := drawName()
	batch := []abi.Statement{
		{SQL: selectAccess, Args: []any{key.Project, key.Caller}},
		{SQL: s.problems, Args: []any{key.Project, key.Caller, param}},
		{SQL: s.draw, Args: []any{key.Project, key.Caller, param, drawn, int(action.Needs())}},
	}
	for _, w := range writes {
		batch = append(batch, abi.Statement{SQL: w.sql, Args: []any{key.Project, key.Caller, param, drawn}})
	}
	batch = append(batch,
		abi.Statement{SQL: s.row, Args: []any{key.Project, row.ID}},
		abi.Statement{SQL: `SELECT seq FROM ProjectSequences WHERE project_id = ?1`, Args: []any{key.Project}},
		abi.Statement{SQL: `SELECT user_id FROM ProjectMemberships WHERE id = ?1`, Args: []any{row.ID}},
	)
	results, err := p.db.Batch(ctx, batch)
	if err != nil {
		return Written{}, fmt.Errorf("%s of %s: %w", list, name, err)
	}
	if err := readAccess(results[0]).may(action); err != nil {
		return Written{}, err
	}
	line, refusal, err := readProblem(results[1].Rows[0][0])
	if err != nil {
		return Written{}, err
	}
	if refusal != nil {
		if refusal.Code == project.Exists {
			return Written{Row: refusal.Row, Version: refusal.Version, Existed: true}, nil
		}
		return Written{}, refusal
	}
	if results[2].Changes == 0 {
		return Written{}, errUnexplained
	}
	after := results[3+len(writes):]
	w := Written{Merged: line.Merged, Mark: project.Seq(store.CellNumber(after[1].Rows[0][0])), Changed: changedBy(writes, results[3:])}
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
func changedBy(writes []projectWrite, results []abi.Result) []project.Name {
	var names []project.Name
	for i, w := range writes {
		if results[i].Changes > 0 && !slices.Contains(names, w.name) {
			names = append(names, w.name)
		}
	}
	return names
}

var (
	firstDraw = "WITH RECURSIVE " + givenRows + ",\n" + problemsOf(project.Find(project.Projects), false) + `
INSERT INTO ProjectSequences (project_id, seq, drawn)
SELECT ?1, 1, ?4 WHERE NOT EXISTS (SELECT 1 FROM problems WHERE problem IS NOT NULL)
	AND NOT EXISTS (SELECT 1 FROM ProjectSequences WHERE project_id = ?1)`
	firstOwner = `INSERT INTO ProjectMemberships (id, project_id, user_id, role, server_version, seq, created_seq)
SELECT ?3, ?1, ?2, 'Owner', 1, seq, seq FROM ProjectSequences WHERE project_id = ?1 AND drawn = ?4`
)

// CreateProject makes the project of that row, and the caller its Owner by a
// membership of that id. One that the caller is a member of is answered as it is.
func (p *Store) CreateProject(ctx context.Context, caller string, row project.Row, membershipID string) (Written, error) {
	param, err := rowsParameter(given{"created", []project.Row{row}})
	if err != nil {
		return Written{}, err
	}
	s := p.sql[project.Projects]
	drawn := drawName()
	results, err := p.db.Batch(ctx, []abi.Statement{
		{SQL: s.problems, Args: []any{row.ID, caller, param}},
		{SQL: firstDraw, Args: []any{row.ID, caller, param, drawn}},
		{SQL: s.insert, Args: []any{row.ID, caller, param, drawn}},
		{SQL: firstOwner, Args: []any{row.ID, caller, membershipID, drawn}},
		{SQL: s.row, Args: []any{row.ID, row.ID}},
	})
	if err != nil {
		return Written{}, fmt.Errorf("create project: %w", err)
	}
	_, refusal, err := readProblem(results[0].Rows[0][0])
	if err != nil {
		return Written{}, err
	}
	if refusal != nil {
		if refusal.Code == project.Exists {
			return Written{Row: refusal.Row, Version: refusal.Version, Existed: true}, nil
		}
		return Written{}, refusal
	}
	if len(results[4].Rows) == 0 {
		return Written{}, errUnexplained
	}
	return Written{Row: []byte(store.CellString(results[4].Rows[0][0])), Version: 1, Mark: 1}, nil
}
