package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/trpc"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/tickets"
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

func (c *projectCall) page() (after string, limit int, err error) {
	query := queryOf(c.r)
	if limit, err = delta.ParsePageSize(query); err != nil {
		return "", 0, err
	}
	after = query.Get("cursor")
	if query.Has("cursor") && !project.ValidID(after) {
		return "", 0, project.Refuse("cursor", "is not a next_cursor of a page before")
	}
	return after, limit, nil
}

func (c *projectCall) mine() error {
	after, limit, err := c.page()
	if err != nil {
		return err
	}
	answer, err := c.Projects.Mine(c.r.Context(), c.key.Caller, after, limit, memoryBudget)
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, answer)
	return nil
}

func (c *projectCall) list() error {
	after, limit, err := c.page()
	if err != nil {
		return err
	}
	answer, err := c.Projects.List(c.r.Context(), c.key, c.route.collection, after, limit, memoryBudget)
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, answer)
	return nil
}

func (c *projectCall) get() error {
	row, version, err := c.Projects.Get(c.r.Context(), c.key, c.route.collection, c.row)
	if err != nil {
		return err
	}
	c.answer(http.StatusOK, row, version)
	return nil
}

// answer writes a row. Its ETag is its version: see base.
func (c *projectCall) answer(status int, row []byte, version project.Version) {
	c.w.Header().Set("ETag", `"`+strconv.FormatInt(int64(version), 10)+`"`)
	write(c.w, status, row)
}

func (c *projectCall) createProject() error {
	row, err := c.newRow()
	if err != nil {
		return err
	}
	w, err := c.Projects.CreateProject(c.r.Context(), c.key.Caller, row, newID())
	if err != nil {
		return err
	}
	c.answerCreated(row.ID, w)
	return nil
}

func (c *projectCall) create() error {
	row, err := c.newRow()
	if err != nil {
		return err
	}
	w, err := c.Projects.Create(c.r.Context(), c.key, c.route.collection, row)
	if err := c.told(w, err); err != nil {
		return err
	}
	c.answerCreated(row.ID, w)
	return nil
}

func (c *projectCall) newRow() (project.Row, error) {
	row, err := project.Find(c.route.collection).DecodeCreate(c.body)
	if err == nil && row.ID == "" {
		row.ID = newID()
	}
	return row, err
}

func (c *projectCall) answerCreated(id string, w projects.Written) {
	status := http.StatusCreated
	if w.Existed {
		status = http.StatusOK
	}
	c.w.Header().Set("Location", c.r.URL.EscapedPath()+id+"/")
	c.answer(status, w.Row, w.Version)
}

func (c *projectCall) patch() error {
	base, err := c.base()
	if err != nil {
		return err
	}
	row, err := project.Find(c.route.collection).DecodePatch(c.body)
	if err != nil {
		return err
	}
	row.ID, row.Base = c.row, base
	w, err := c.Projects.Patch(c.r.Context(), c.key, c.route.collection, row)
	if err := c.told(w, err); err != nil {
		return withClientValue(err, row)
	}
	if len(w.Merged) > 0 {
		c.w.Header().Set(mergedHeader, strings.Join(w.Merged, ", "))
	}
	c.answer(http.StatusOK, w.Row, w.Version)
	return nil
}

// base is the version that the change was made on, 0 if the request does not
// say: X-Base-Version, or else If-Match with the ETag.
func (c *projectCall) base() (project.Version, error) {
	name, value := baseHeader, c.r.Header.Get(baseHeader)
	if value == "" {
		name, value = "If-Match", c.r.Header.Get("If-Match")
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

func (c *projectCall) remove() error {
	w, err := c.Projects.Delete(c.r.Context(), c.key, c.route.collection, c.row)
	if err := c.told(w, err); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// told tells the subscribers of the project what a write did, after its
// commit, and hands its error on. A write that failed for no reason that is
// known may have been committed: then they are told that anything may have changed.
func (c *projectCall) told(w projects.Written, err error) error {
	var refusal *project.Refusal
	switch {
	case errors.As(err, &refusal):
	case err != nil:
		if _, mark, roleErr := c.Projects.Role(c.r.Context(), c.key); roleErr == nil {
			c.publish(mark, syncroom.AnyTable)
		}
	default:
		if w.Removed != "" {
			c.Rooms.Publish(c.r.Context(), SyncBinding, c.room(), syncroom.Removal(record.Stamp(w.Mark), w.Removed))
		}
		c.publish(w.Mark, w.Changed...)
	}
	return err
}

func (c *projectCall) room() string { return syncroom.ProjectPrefix + c.key.Project }

func (c *projectCall) publish(mark project.Seq, names ...project.Name) {
	changes := make([]syncroom.Change, len(names))
	for i, name := range names {
		changes[i] = syncroom.Change{Table: string(name), Stamp: record.Stamp(mark)}
	}
	if len(changes) > 0 {
		c.Rooms.Publish(c.r.Context(), SyncBinding, c.room(), syncroom.AppendChanges(nil, changes))
	}
}

// subscribe hands the WebSocket to the project's room, with the caller's session,
// so that the room can close it when the caller is removed.
func (c *projectCall) subscribe() error {
	_, mark, err := c.Projects.Role(c.r.Context(), c.key)
	if err != nil {
		return err
	}
	if !isUpgrade(c.r) {
		return &failure{trpc.Error{Code: upgradeRequired, Message: "This is a WebSocket"}, "Upgrade", "websocket"}
	}
	if err := c.enter(c.r.Context(), c.id, tickets.Place{Binding: SyncBinding, Room: c.room()}); err != nil {
		return err
	}
	return c.Rooms.Forward(c.w, c.r, abi.Forward{
		Binding: SyncBinding, Name: c.room(), Protocol: protocol(c.r), Owner: owner(c.id),
		Attachment: syncroom.Admission{Stamp: record.Stamp(mark), Session: sessionOf(c.id)}.Append(nil),
	})
}
