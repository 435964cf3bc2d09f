package projects

import (
	"net/url"
	"slices"

	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

// operatorOperations are for a token with sync:admin and projects:read. Its subject may be no member of any project.
func operatorOperations() []operation {
	const p = "operator/projects/"
	return []operation{
		{method: "GET", path: p, id: "listAllProjects", summary: "All projects, with how many tasks and members they have", operator: true,
			parameters: allParameters, responses: []response{{200, "OperatorProjectPage", "a page, by id", nil}}, serve: (*call).listAll},
		{method: "GET", path: p + "{project_id}/sync/", id: "pullAnyProject", summary: "What a member would pull, in pages", operator: true,
			parameters: pullParameters[:3], responses: []response{{200, "PullAnswer", "a page of changes", nil}},
			refusals: []project.Code{project.NotFound, project.SinceAhead, project.BadCursor}, serve: (*call).pullAny},
	}
}

// only returns the query's parameters. It rejects others than these.
func (c *call) only(names ...string) (url.Values, error) {
	query := door.Query(c.R)
	for name := range query {
		if name != "" && !slices.Contains(names, name) {
			return nil, project.Refuse(name, "is no parameter of this path")
		}
	}
	return query, nil
}

func (c *call) listAll() error {
	query, err := c.only("page_size", "cursor", "deleted")
	if err != nil {
		return err
	}
	if query.Has("deleted") && query.Get("deleted") != "1" {
		return project.Refuse("deleted", "must be 1")
	}
	after, limit, err := c.page()
	if err != nil {
		return err
	}
	answer, err := c.store.All(c.R.Context(), after, limit, query.Has("deleted"), door.Budget)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

func (c *call) pullAny() error {
	query, err := c.only("since", "cursor", "page_size")
	if err != nil {
		return err
	}
	in, err := delta.ParsePull(c.key.Project, query)
	if err != nil {
		return err
	}
	answer, err := c.store.PullAny(c.R.Context(), in, door.Budget)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}
