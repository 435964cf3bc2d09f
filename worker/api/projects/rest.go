package projects

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store/projects"
)

const (
	baseHeader   = "X-Base-Version"
	mergedHeader = "X-Merged-Concurrent-Fields"
)

// newID makes a random UUID. RFC 9562, 5.4.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (c *call) page() (after string, limit int, err error) {
	query := door.Query(c.R)
	if limit, err = delta.ParsePageSize(query); err != nil {
		return "", 0, err
	}
	after = query.Get("cursor")
	if query.Has("cursor") && !project.ValidID(after) {
		return "", 0, project.Refuse("cursor", "is not a next_cursor of a page before")
	}
	return after, limit, nil
}

func (c *call) listMine() error {
	after, limit, err := c.page()
	if err != nil {
		return err
	}
	answer, err := c.store.OfMember(c.R.Context(), c.key.Caller, after, limit, door.Budget)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

func (c *call) list() error {
	after, limit, err := c.page()
	if err != nil {
		return err
	}
	answer, err := c.store.List(c.R.Context(), c.key, c.operation.collection, after, limit, door.Budget)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

func (c *call) get() error {
	row, version, err := c.store.Get(c.R.Context(), c.key, c.operation.collection, c.row)
	if err != nil {
		return err
	}
	c.writeRow(web.StatusOK, row, version)
	return nil
}

// writeRow writes a row. Its ETag is its version: see base.
func (c *call) writeRow(status int, row []byte, version project.Version) {
	c.W.Header().Set("ETag", `"`+strconv.FormatInt(int64(version), 10)+`"`)
	c.WriteJSON(status, row)
}

func (c *call) createProject() error {
	row, err := c.newRow()
	if err != nil {
		return err
	}
	w, err := c.store.CreateProject(c.R.Context(), c.key.Caller, row, newID())
	if err != nil {
		return err
	}
	c.writeCreated(row.ID, w)
	return nil
}

func (c *call) create() error {
	row, err := c.newRow()
	if err != nil {
		return err
	}
	w, err := c.store.Create(c.R.Context(), c.key, c.operation.collection, row)
	if err := c.publish(w, err); err != nil {
		return err
	}
	c.writeCreated(row.ID, w)
	return nil
}

func (c *call) newRow() (project.Row, error) {
	row, err := project.Find(c.operation.collection).DecodeCreate(c.body)
	if err == nil && row.ID == "" {
		row.ID = newID()
	}
	return row, err
}

func (c *call) writeCreated(id string, w projects.Written) {
	status := web.StatusCreated
	if w.Existed {
		status = web.StatusOK
	}
	c.W.Header().Set("Location", c.Space.Path()+c.R.URL.EscapedPath()+id+"/")
	c.writeRow(status, w.Row, w.Version)
}

func (c *call) patch() error {
	base, err := c.base()
	if err != nil {
		return err
	}
	row, err := project.Find(c.operation.collection).DecodePatch(c.body)
	if err != nil {
		return err
	}
	row.ID, row.Base = c.row, base
	w, err := c.store.Patch(c.R.Context(), c.key, c.operation.collection, row)
	if err := c.publish(w, err); err != nil {
		return withClientValue(err, row)
	}
	if len(w.Merged) > 0 {
		c.W.Header().Set(mergedHeader, strings.Join(w.Merged, ", "))
	}
	c.writeRow(web.StatusOK, w.Row, w.Version)
	return nil
}

// base returns the version that the client changed, from X-Base-Version, or else
// If-Match with the ETag. It returns 0 if the request has neither.
func (c *call) base() (project.Version, error) {
	name, value := baseHeader, c.R.Header.Get(baseHeader)
	if value == "" {
		name, value = "If-Match", c.R.Header.Get("If-Match")
		if value == "" || value == "*" {
			return 0, nil
		}
		value = strings.TrimPrefix(value, "W/")
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 || n >= int64(project.MaxSeq) {
		return 0, project.Refuse(name, "must be a server_version: a whole number from 1")
	}
	return project.Version(n), nil
}

func (c *call) delete() error {
	w, err := c.store.Delete(c.R.Context(), c.key, c.operation.collection, c.row)
	if err := c.publish(w, err); err != nil {
		return err
	}
	c.W.WriteHeader(web.StatusNoContent)
	return nil
}
