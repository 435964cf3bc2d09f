package projects

import (
	"context"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// listOfAll returns the page of all projects, as listOf does, for an operator: ?1 is the id to go on behind, ?2 how many,
// ?3 how many octets. Deleted projects are in it if ?4 is 1. It counts the tasks and the members of the page's projects.
func listOfAll() string {
	live := func(name project.Name) string {
		return `(SELECT count(*) FROM ` + project.Find(name).Table + ` x WHERE x.project_id = t.id AND x.deleted_version IS NULL)`
	}
	return `WITH none AS (SELECT 1)` + cutPages(`SELECT 0 AS k, 0 AS dead, 0 AS seq, t.id,
	json_object('id', t.id, 'name', t.name, 'status', t.status, 'archived', `+store.JSONBoolean("t.archived")+`,
		'deleted', `+store.JSONBoolean("(t.deleted_version IS NOT NULL)")+`,
		'sequence', coalesce((SELECT s.seq FROM ProjectSequences s WHERE s.project_id = t.id), 0),
		'tasks', `+live(project.Tasks)+`, 'members', `+live(project.Memberships)+`, 'server_version', t.server_version) AS body
	FROM Projects t WHERE t.id > ?1 AND (t.deleted_version IS NULL OR CAST(?4 AS INTEGER) = 1)
	ORDER BY t.id LIMIT CAST(?2 AS INTEGER) + 1`, "CAST(?2 AS INTEGER)", "CAST(?3 AS INTEGER)")
}

// All returns a page of all projects, as List does, for an operator: with deleted ones, if the caller wants them.
func (p *Store) All(ctx context.Context, after string, limit int, deleted bool, b store.Budget) ([]byte, error) {
	also := 0
	if deleted {
		also = 1
	}
	results, err := p.list(ctx, limit, b, func(octets int) []abi.Statement {
		return []abi.Statement{{SQL: p.all, Args: []any{after, limit, octets, also}}}
	})
	if err != nil {
		return nil, fmt.Errorf("list all projects: %w", err)
	}
	return listAnswer(results[0]), nil
}

// PullAny returns what Pull does, for an operator, who needs no membership.
func (p *Store) PullAny(ctx context.Context, in delta.Pull, b store.Budget) ([]byte, error) {
	return p.page(ctx, "", true, in, b)
}
