package projects

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// An Uploaded is the result of an upload. Answer is
// {"client_batch_id":…,"applied":{"tasks":{"created":[{"id":…,"server_version":…}],"updated":[…],"deleted":[…]}},"skipped":{"tasks":[ids]},"timestamp":…}.
// Changed is empty if it was done before, or changed nothing.
type Uploaded struct {
	Answer  []byte
	Changed []project.Name
	Mark    project.Seq
}

// An uploadSQL is the statements of an upload. ?5 is the least role in the draw,
// elsewhere the id of the upload; ?6 is the time. The answer takes the rows without
// their fields.
type uploadSQL struct {
	before, stored string // the answer, if the upload was done before, and after it
	draw, problem  string
	update, insert string
	bury           []collectionWrite
	answer         string
}

func newUploadSQL(r *rules) uploadSQL {
	tasks := project.Find(project.Tasks)
	stored := `SELECT answer FROM ProjectUploads WHERE project_id = ?1 AND user_id = ?2 AND client_batch_id = ?3`
	return uploadSQL{
		before: stored + r.known, stored: stored,
		draw: drawSeq(tasks, true, r.notKnown, r),
		// The first thing that is wrong, if no number was drawn: if one was, nothing is.
		problem: "SELECT CASE WHEN NOT EXISTS " + batchSeq + " THEN (WITH RECURSIVE " + listedRows + ",\n" +
			problemsOf(tasks, true, r) + "\nSELECT " + problemJSON + " FROM problems WHERE problem IS NOT NULL LIMIT 1) END",
		update: updateRows(tasks, r),
		insert: "WITH " + listedRows + "\n" + insertRows(tasks),
		bury:   burials(tasks, r),
		answer: `WITH ` + listedRows + `,
done(k, id, version) AS MATERIALIZED (
	SELECT CASE WHEN s.seq IS NULL THEN 'skipped' WHEN r.k = 'deleted' THEN r.k WHEN t.created_seq = s.seq THEN 'created' ELSE 'updated' END,
		r.id, t.server_version
	FROM rows r LEFT JOIN ProjectTasks t ON t.id = r.id
		LEFT JOIN ProjectSequences s ON s.project_id = ?1 AND s.drawn = ?4 AND s.seq = t.seq
	ORDER BY r.k, r.n)
` + r.keepAnswer + ` INTO ProjectUploads (project_id, user_id, client_batch_id, at, answer)
SELECT ?1, ?2, ?5, CAST(?6 AS INTEGER), json_object('client_batch_id', ?5,
	'applied', json_object('tasks', json_object('created', ` + doneList("created") + `, 'updated', ` + doneList("updated") + `, 'deleted', ` + doneList("deleted") + `)),
	'skipped', json_object('tasks', json_group_array(d.id) FILTER (WHERE d.k = 'skipped')),
	'timestamp', max(s.seq))
FROM ProjectSequences s LEFT JOIN done d ON TRUE WHERE s.project_id = ?1 AND s.drawn = ?4 HAVING count(*) > 0`,
	}
}

// doneList is the list of the rows that an upload did this with. The answer has it from an aggregate, and not from a scalar
// subquery: SQLite 3.54 takes JSON that comes from one for a string.
func doneList(k string) string {
	return `json_group_array(json_object('id', d.id, 'server_version', d.version)) FILTER (WHERE d.k = '` + k + `')`
}

// Upload makes the changes of in, all or none, and keeps the answer. If the same
// caller sends the same batch id again, Upload returns that answer and changes
// nothing.
//
//layout:long one batch, whose statements and results are in the same order
func (p *Store) Upload(ctx context.Context, now time.Time, key Key, in *delta.Upload) (Uploaded, error) {
	deleted := make([]project.Row, len(in.Deleted))
	for i, id := range in.Deleted {
		deleted[i].ID = id
	}
	lists := []rowList{{"created", in.Created}, {"updated", in.Updated}, {"deleted", deleted}}
	param, err := rowsParameter(lists...)
	if err != nil {
		return Uploaded{}, err
	}
	ids, err := rowsParameter(onlyIDs(lists)...)
	if err != nil {
		return Uploaded{}, err
	}
	// Known rows first, so that new ones are not taken for known; deletions
	// last, so that they reach what was moved.
	var writes []collectionWrite
	if len(in.Created)+len(in.Updated) > 0 {
		writes = append(writes, collectionWrite{project.Tasks, p.upload.update})
	}
	if len(in.Created) > 0 {
		writes = append(writes, collectionWrite{project.Tasks, p.upload.insert})
	}
	if len(in.Deleted) > 0 {
		writes = append(writes, p.upload.bury...)
	}
	draw := newDraw()
	action := project.CreateTasks
	before := abi.Statement{SQL: p.upload.before, Args: []any{key.Project, key.Caller, in.BatchID}}
	const accessAt, beforeAt, drawAt, problemAt = 0, 1, 2, 3 // in the batch
	batch := []abi.Statement{
		{SQL: p.access, Args: []any{key.Project, key.Caller}},
		before,
		{SQL: p.upload.draw, Args: []any{key.Project, key.Caller, param, draw, int(action.Needs()), in.BatchID}},
		{SQL: p.upload.problem, Args: []any{key.Project, key.Caller, param, draw}},
	}
	writesAt := len(batch)
	for _, w := range writes {
		batch = append(batch, abi.Statement{SQL: w.sql, Args: []any{key.Project, key.Caller, param, draw}})
	}
	batch = p.announce(batch, key.Project, draw)
	storedAt := len(batch) + 1
	batch = append(batch,
		abi.Statement{SQL: p.upload.answer, Args: []any{key.Project, key.Caller, ids, draw, in.BatchID, now.UnixMilli()}},
		abi.Statement{SQL: p.upload.stored, Args: before.Args},
		abi.Statement{SQL: forgetUploads, Args: []any{now.Add(-uploadsKept).UnixMilli(), uploadsForgotten}},
		abi.Statement{SQL: p.access, Args: []any{key.Project, key.Caller}},
	)
	results, err := p.db.Batch(ctx, batch)
	if err != nil {
		return Uploaded{}, fmt.Errorf("upload: %w", err)
	}
	access := readAccess(results[accessAt])
	if stored := results[beforeAt].Rows; len(stored) > 0 && access.may(project.Read) == nil {
		return Uploaded{Answer: []byte(store.CellString(stored[0][0]))}, nil
	}
	if err := access.may(action); err != nil {
		return Uploaded{}, err
	}
	if results[drawAt].Changes == 0 {
		return Uploaded{}, refusalOf(results[problemAt].Rows[0][0], lists...)
	}
	return Uploaded{
		Answer:  []byte(store.CellString(results[storedAt].Rows[0][0])),
		Changed: changedBy(writes, results[writesAt:]),
		Mark:    readAccess(results[len(results)-1]).mark,
	}, nil
}

// onlyIDs returns the lists without the fields.
func onlyIDs(lists []rowList) []rowList {
	out := make([]rowList, len(lists))
	for i, l := range lists {
		out[i] = rowList{l.list, make([]project.Row, len(l.rows))}
		for j := range l.rows {
			out[i].rows[j].ID = l.rows[j].ID
		}
	}
	return out
}

// refusalOf says why an upload drew no number.
func refusalOf(cell any, lists ...rowList) error {
	if cell == nil {
		return errUnexplained
	}
	line, refusal, err := readProblem(cell)
	if err != nil {
		return err
	}
	for _, l := range lists {
		if l.list == line.List {
			refusal.List = l.list
			refusal.Index = slices.IndexFunc(l.rows, func(r project.Row) bool { return r.ID == line.ID })
		}
	}
	return refusal
}
