//go:build !js

package histories

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
)

const project = "histories"

// A projectClient holds a copy of a project's tasks, and changes them.
type projectClient struct {
	*client
	since int64
	tasks map[string]task // as pulled
	edits int
	old   []upload
}

type task struct {
	ID      string
	Name    string
	Version int64 `json:"server_version"`
}

// An upload is kept to be sent again.
type upload struct {
	body  map[string]any
	tasks []VersionIn
	tries *int
	open  *[]Open // its tries that got no answer
}

const (
	projectPath = "/api/v1/projects/" + project + "/"
	tasksPath   = projectPath + "tasks/"
)

// makeProject creates the project unless it exists.
func (c *client) makeProject() {
	for range 100 {
		a := c.ask("POST", "/api/v1/projects/", map[string]any{"id": project, "name": "histories"})
		if a.status == http.StatusCreated || a.status == http.StatusOK {
			return
		} else if a.known() {
			c.fail("create a project: %v", a)
			return
		}
	}
	c.fail("the project was not created")
}

func (c *projectClient) step() {
	c.edits++
	id := fmt.Sprintf("t%d.%d", c.run.round.Load(), c.dice.IntN(poolRows))
	name := fmt.Sprintf("%d.%d", c.index, c.edits)
	_, there := c.tasks[id]
	switch {
	case c.odds(40):
		c.pull()
	case len(c.old) > 0 && c.odds(10):
		c.tryUpload(c.old[c.dice.IntN(len(c.old))])
	case c.odds(40):
		c.upload()
	case there:
		in := VersionIn{ID: id, Deed: Patch, Name: name}
		if c.odds(30) {
			in.Base = c.tasks[id].Version
		}
		c.patch(in)
	default:
		c.create(VersionIn{ID: id, Deed: Create, Name: name})
	}
}

// create sends the creation until there is a response.
func (c *projectClient) create(in VersionIn) {
	var open []Open
	for {
		call := c.run.history.Begin(c.index)
		a := c.ask("POST", tasksPath, map[string]any{"id": in.ID, "name": in.Name})
		o, known := c.heard(call, in, a)
		if open = append(open, o); known {
			c.run.history.Settle(open)
		}
		if known || c.odds(5) {
			return
		}
	}
}

func (c *projectClient) patch(in VersionIn) {
	var headers []string
	if in.Base > 0 {
		headers = []string{"X-Base-Version", strconv.FormatInt(in.Base, 10)}
	}
	call := c.run.history.Begin(c.index)
	c.heard(call, in, c.ask("PATCH", tasksPath+in.ID+"/", map[string]any{"name": in.Name}, headers...))
}

// heard records the response to a creation or a patch.
func (c *projectClient) heard(call Call, in VersionIn, a answer) (o Open, known bool) {
	h := c.run.history
	if !a.known() {
		return h.End(call, Versions, false, in, VersionOut{}), false
	}
	var told struct {
		task
		Code string
	}
	read := a.read(&told)
	out := VersionOut{Known: true, Version: told.Version, Name: told.Name}
	switch told.Code {
	case "":
	case "sync_conflict":
		out.Refused = Conflict
		c.run.count("conflicts")
	case "version_ahead":
		out.Refused = Ahead
	case "not_found", "id_deleted":
		out.Refused = Gone
	default:
		read = false
	}
	if !read {
		c.fail("a task: %v", a)
	}
	return h.End(call, Versions, true, in, out), true
}

// upload changes one or two tasks, and sometimes deletes another.
func (c *projectClient) upload() {
	round := c.run.round.Load()
	batch := uuid()
	u := upload{tries: new(int), open: new([]Open)}
	created, deleted := []any{}, []any{}
	for _, n := range c.pick(1+c.dice.IntN(2), poolRows) {
		c.edits++
		in := VersionIn{ID: fmt.Sprintf("t%d.%d", round, n), Deed: Upload, Name: fmt.Sprintf("%d.%d", c.index, c.edits), Batch: batch}
		if c.odds(3) {
			in.Deed, in.Name = Remove, ""
			deleted = append(deleted, in.ID)
		} else {
			created = append(created, map[string]any{"id": in.ID, "name": in.Name})
		}
		u.tasks = append(u.tasks, in)
	}
	u.body = map[string]any{"client_batch_id": batch, "last_pulled_at": c.since, "changes": map[string]any{
		"tasks": map[string]any{"created": created, "updated": []any{}, "deleted": deleted}}}
	c.old = append(c.old[max(0, len(c.old)-10):], u)
	for !c.tryUpload(u) && c.odds(95) {
	}
}

func (c *projectClient) tryUpload(u upload) (known bool) {
	h := c.run.history
	*u.tries++
	call := h.Begin(c.index)
	a := c.ask("POST", projectPath+"sync/", u.body)
	if !a.known() {
		c.run.count("uploads without an answer")
		for _, in := range u.tasks {
			*u.open = append(*u.open, h.End(call, Versions, false, in, VersionOut{}))
		}
		return false
	}
	var told struct {
		Batch     string `json:"client_batch_id"`
		Timestamp int64
		Applied   struct {
			Tasks struct{ Created, Updated, Deleted []task }
		}
		Skipped struct{ Tasks []string }
	}
	if a.status != http.StatusOK || !a.read(&told) {
		c.fail("upload: %v", a)
		return true
	}
	h.End(call, Batches, true, BatchIn(told.Batch), string(a.body))
	done := map[string]int64{}
	for _, list := range [][]task{told.Applied.Tasks.Created, told.Applied.Tasks.Updated, told.Applied.Tasks.Deleted} {
		for _, t := range list {
			done[t.ID] = t.Version
		}
	}
	if *u.tries > 1 {
		c.run.count("batches that came again")
	} else if len(done) > 0 {
		h.End(call, Stamps, true, StampIn{Clock: project, Changes: true}, told.Timestamp)
	}
	for _, in := range u.tasks {
		out := VersionOut{Known: true, Version: done[in.ID]}
		if out.Version == 0 {
			out.Refused = Gone
		}
		h.End(call, Versions, true, in, out)
	}
	h.Settle(*u.open)
	return true
}

func (c *projectClient) pull() {
	h := c.run.history
	round := c.run.round.Load()
	call := h.Begin(c.index)
	a := c.ask("GET", fmt.Sprintf("%ssync/?since=%d&page_size=5000", projectPath, c.since), nil)
	if !a.known() {
		return
	}
	var told struct {
		Code    string
		Changes struct {
			Tasks struct {
				Updated []task
				Deleted []string
			}
		}
		Timestamp  int64
		NextCursor *string `json:"next_cursor"`
	}
	switch {
	case !a.read(&told) || told.NextCursor != nil:
		c.fail("pull: %v", a)
		return
	case told.Code == "since_ahead": // the server was restored
		c.run.count("begun again")
		c.since, c.tasks = 0, map[string]task{}
		return
	case a.status != http.StatusOK:
		c.fail("pull: %v", a)
		return
	}
	for _, t := range told.Changes.Tasks.Updated {
		c.tasks[t.ID] = t
	}
	for _, id := range told.Changes.Tasks.Deleted {
		delete(c.tasks, id)
	}
	c.since = told.Timestamp
	h.End(call, Stamps, true, StampIn{Clock: project}, told.Timestamp)
	for n := range poolRows {
		in := VersionIn{ID: fmt.Sprintf("t%d.%d", round, n), Deed: Read}
		t := c.tasks[in.ID]
		h.End(call, Versions, true, in, VersionOut{Known: true, Version: t.Version, Name: t.Name})
	}
}

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
