package records

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"tidemark/shared/auth"
	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
)

// Rows shows and changes the rows of all callers; *dialect.Watermelon does. Its errors are those of a Store.
type Rows interface {
	Tables(ctx context.Context) (answer []byte, err error)
	List(ctx context.Context, get func(name string) string, b store.Budget) (answer []byte, err error)
	Look(ctx context.Context, table, id string, b store.Budget) (answer []byte, stamp record.Stamp, err error)
}

// inspecting are the routes by which an operator looks at rows, whoever may read them.
func (h *handler) inspecting() []door.Route {
	return []door.Route{
		{Name: "sync.tables", Method: "GET", Pattern: "/sync/tables", Permission: auth.SyncAdmin, Serve: h.tables},
		{Name: "sync.rows", Method: "GET", Pattern: "/sync/rows", Permission: auth.SyncAdmin, Serve: h.rows},
		{Name: "sync.row", Method: "GET", Pattern: "/sync/row", Permission: auth.SyncAdmin, Serve: h.row},
	}
}

// parameters returns a function that returns a parameter of the URL. It returns an error for an unknown one, as a
// misspelt filter would show other rows than the operator means.
func parameters(c *door.Call, known ...string) (get func(name string) string, err error) {
	query := door.Query(c.R)
	if query.Get("") == "" {
		delete(query, "") // there are no parameters, or an & is at the end
	}
	for name, values := range query {
		if len(values) > 1 {
			return nil, door.Fail(door.BadRequest, fmt.Sprintf("The parameter %.64q is there twice", name))
		}
	}
	if err := inspect.Known("parameter", slices.Collect(maps.Keys(query)), known...); err != nil {
		return nil, failureOf(err)
	}
	return query.Get, nil
}

// tables returns the declared tables, and how many rows each has. X1.
func (h *handler) tables(c *door.Call) error {
	if _, err := parameters(c); err != nil {
		return err
	}
	answer, err := h.of(c).Store.Tables(c.R.Context())
	if err != nil {
		return failureOf(err)
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

// rows returns a page of the rows of a table. X2.
func (h *handler) rows(c *door.Call) error {
	get, err := parameters(c, "table", "after", "limit", "order", "deleted", "column", "is", "value")
	if err != nil {
		return err
	}
	answer, err := h.of(c).Store.List(c.R.Context(), get, door.Budget)
	if err != nil {
		return failureOf(err)
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

// row returns what the server has of one row. X3.
func (h *handler) row(c *door.Call) error {
	get, err := parameters(c, "table", "id")
	if err != nil {
		return err
	}
	answer, stamp, err := h.of(c).Store.Look(c.R.Context(), get("table"), get("id"), door.Budget)
	if err != nil {
		return failureOf(err)
	}
	writeRow(c, answer, stamp)
	return nil
}

// writeRow writes what the server has of one row. Its stamp is the ETag.
func writeRow(c *door.Call, answer []byte, stamp record.Stamp) {
	if stamp > 0 {
		c.W.Header().Set("ETag", `"`+strconv.FormatInt(int64(stamp), 10)+`"`)
	}
	c.WriteJSON(web.StatusOK, answer)
}
