package records

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
)

// Rows shows and changes the rows of all callers; *dialect.Watermelon does. Its errors are those of a Store.
type Rows interface {
	Tables(ctx context.Context) (answer []byte, err error)
	List(ctx context.Context, get func(name string) string, b store.Budget) (answer []byte, err error)
	Look(ctx context.Context, table, id string, b store.Budget) (answer []byte, stamp record.Stamp, err error)
	As(ctx context.Context, body []byte, enter func(claims []byte) (inspect.Entry, record.Caller, error), b store.Budget) (answer []byte, err error)
	Change(ctx context.Context, now time.Time, change *inspect.Change, b store.Budget) (answer []byte, stamp record.Stamp, changed []syncroom.Change, err error)
}

// inspecting are the routes by which an operator looks at rows, whoever may read them, and changes one.
func (h *handler) inspecting() []door.Route {
	return []door.Route{
		{Name: "sync.tables", Method: "GET", Pattern: "/sync/tables", Permission: auth.SyncAdmin, Serve: h.tables},
		{Name: "sync.rows", Method: "GET", Pattern: "/sync/rows", Permission: auth.SyncAdmin, Serve: h.rows},
		{Name: "sync.row", Method: "GET", Pattern: "/sync/row", Permission: auth.SyncAdmin, Serve: h.row},
		{Name: "sync.row.edit", Method: "PATCH", Pattern: "/sync/row", Permission: auth.SyncAdmin, Also: auth.SyncWrite, Logged: true, Serve: h.edit},
		{Name: "sync.row.delete", Method: "DELETE", Pattern: "/sync/row", Permission: auth.SyncAdmin, Also: auth.SyncWrite, Logged: true, Serve: h.remove},
		{Name: "sync.as", Method: "POST", Pattern: "/sync/as", Permission: auth.SyncAdmin, Serve: h.as},
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

// maxEditBytes is how long the body of an edit may be: a row, and what is around it.
const maxEditBytes = record.MaxRowBytes + door.SmallBytes

// edit changes columns of one row as the server itself. X5.
func (h *handler) edit(c *door.Call) error {
	change, err := changeOf(c)
	if err != nil {
		return err
	}
	body, err := c.ReadJSON(maxEditBytes)
	if err != nil {
		return err
	}
	if change.Set, err = inspect.DecodeEdit(body); err != nil {
		return failureOf(err)
	}
	return h.change(c, change)
}

// remove deletes one row as the server itself. X6.
func (h *handler) remove(c *door.Call) error {
	change, err := changeOf(c)
	if err != nil {
		return err
	}
	change.Delete = true
	return h.change(c, change)
}

// changeOf reads which row is to be changed, and by If-Match, which stamp it must have.
func changeOf(c *door.Call) (*inspect.Change, error) {
	get, err := parameters(c, "table", "id")
	if err != nil {
		return nil, err
	}
	change := &inspect.Change{Table: get("table"), ID: get("id")}
	if tag := c.R.Header.Get("If-Match"); tag != "" && tag != "*" {
		text := strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return nil, door.Fail(door.BadRequest, `The header if-match must have the stamp of the row: "STAMP"`)
		}
		change.If = record.Stamp(n)
	}
	return change, nil
}

// change changes a row, and tells the subscribers after the commit.
func (h *handler) change(c *door.Call, change *inspect.Change) error {
	answer, stamp, changed, err := h.of(c).Store.Change(c.R.Context(), c.Now(), change, door.Budget)
	if err != nil && !wroteNothing(err) {
		h.tellAll(c)
	}
	c.PublishRecords(changed...)
	if err != nil {
		return failureOf(err)
	}
	c.Changed = []any{"table", change.Table, "id", change.ID}
	writeRow(c, answer, stamp)
	return nil
}
