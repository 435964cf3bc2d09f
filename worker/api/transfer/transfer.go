// Package transfer serves the export of all that a place has, and the import into a place
// that is empty. docs/protocol.md, Export and import.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
	"tidemark/worker/store/transfer"
)

// ContentType is that of a page.
const ContentType = "application/x-ndjson"

// maxBodyBytes bounds the body of an import: a page, and some white space.
const maxBodyBytes = transfer.MaxPageBytes + 64<<10

// Store exports and imports; *transfer.Store does.
type Store interface {
	Export(ctx context.Context, name, cursor string, b store.Budget) (page []byte, next string, err error)
	Import(ctx context.Context, now time.Time, page []byte, b store.Budget) (transfer.Imported, error)
}

type handler struct{ of func(*door.Call) Store }

// Section is the routes of the root, or of a space: the export and, if importing, the
// import. Without that the path of the import is of no route. of returns what a call works
// with.
func Section(of func(*door.Call) Store, importing bool) *door.Section {
	h := &handler{of}
	s := &door.Section{
		Roots:  []string{"/export"},
		Routes: []door.Route{{Name: "transfer.export", Method: "GET", Pattern: "/export", Permission: auth.SyncAdmin, Serve: h.export}},
		Admit:  (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
	if importing {
		s.Roots = append(s.Roots, "/import")
		s.Routes = append(s.Routes, door.Route{Name: "transfer.import", Method: "POST", Pattern: "/import", Permission: auth.SyncAdmin, Logged: true, Serve: h.importPage})
	}
	return s
}

// export writes one page.
func (h *handler) export(c *door.Call) error {
	page, _, err := h.of(c).Export(c.R.Context(), c.Space.Name, door.Query(c.R).Get("cursor"), door.Budget)
	if errors.Is(err, transfer.ErrCursor) {
		return door.Fail(door.BadRequest, "cursor is not from an export of this server: begin again without one")
	}
	if err != nil {
		return err
	}
	c.W.Header().Set("Content-Type", ContentType)
	c.W.WriteHeader(web.StatusOK)
	c.W.Write(page)
	return nil
}

// importPage writes the page in the body. After the last one the subscribers are told, as
// after a restore.
func (h *handler) importPage(c *door.Call) error {
	page, err := c.ReadBody(maxBodyBytes)
	if err != nil {
		return err
	}
	done, err := h.of(c).Import(c.R.Context(), c.Now(), page, door.Budget)
	if err != nil {
		return failureOf(err)
	}
	if done.Stamp > 0 {
		c.PublishRecords(syncroom.Change{Table: syncroom.AnyTable, At: syncroom.Position(done.Stamp)})
	}
	b := strconv.AppendInt([]byte(`{"imported":`), int64(done.Lines), 10)
	if b = append(b, `,"next":`...); done.Next == "" {
		b = append(b, "null"...)
	} else {
		b = ijson.AppendString(b, done.Next)
	}
	c.WriteJSON(web.StatusOK, append(b, '}'))
	return nil
}

// failureOf turns the errors of an import into failures. It returns other errors as they
// are.
func failureOf(err error) error {
	var line *transfer.LineError
	var notEmpty *transfer.NotEmptyError
	var order *transfer.OrderError
	switch {
	case errors.As(err, &line):
		f := door.Fail(door.BadRequest, line.Error())
		f.Members = fmt.Appendf(nil, `"line":%d`, line.Line)
		return f
	case errors.As(err, &notEmpty):
		return door.Fail(door.Conflict, notEmpty.Error())
	case errors.As(err, &order):
		f := door.Fail(door.Conflict, order.Error())
		if order.Expected > 0 {
			f.Members = fmt.Appendf(nil, `"page":%d`, order.Expected)
		}
		return f
	}
	return err
}
