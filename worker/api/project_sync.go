package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"

	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/trpc"
	"tidemark/worker/store/projects"
)

func (c *projectCall) pull() error {
	in, err := delta.ParsePull(c.key.Project, queryOf(c.r))
	if err != nil {
		return err
	}
	answer, err := c.Projects.Pull(c.r.Context(), c.key.Caller, in, memoryBudget)
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, answer)
	return nil
}

func (c *projectCall) upload() error {
	in, err := delta.ParseUpload(c.body)
	if err != nil {
		return err
	}
	done, err := c.Projects.Upload(c.r.Context(), c.Now(), c.key, in)
	if err := c.told(projects.Written{Mark: done.Mark, Changed: done.Changed}, err); err != nil {
		return explainUpload(err, in)
	}
	write(c.w, http.StatusOK, done.Answer)
	return nil
}

// spendUpload counts an upload of the caller to the project.
func (c *projectCall) spendUpload() error {
	now := c.Now()
	c.mu.Lock()
	ok, wait := c.uploads.Take(c.uploader(), 1, now)
	c.mu.Unlock()
	if ok {
		c.charged = true
		return nil
	}
	seconds := int(math.Ceil(wait.Seconds()))
	return &failure{
		trpc.Error{Code: trpc.TooManyRequests, Message: fmt.Sprintf("At most %d uploads per minute to a project, ask again in %d s", c.Settings.UploadsPerMinute, seconds)},
		"Retry-After", fmt.Sprint(seconds),
	}
}

// isNoProject knows the refusal of who is no member of the project.
func isNoProject(err error) bool {
	var refusal *project.Refusal
	return errors.As(err, &refusal) && refusal.Code == project.NotFound && refusal.List == ""
}

// discharge takes an upload back from the count: invented projects must not fill
// the table of those that are counted. So it is for an upload of no member, and for
// one whose body did not come, of whom nobody knows whether he is one.
func (c *projectCall) discharge() {
	if !c.charged {
		return
	}
	c.mu.Lock()
	c.uploads.Give(c.uploader(), 1)
	c.mu.Unlock()
}

// uploader is whose uploads are counted together.
func (c *projectCall) uploader() string { return c.key.Project + " " + c.key.Caller }

// explainUpload says where in the upload the row of a refusal stands, and what
// the client wanted it to be.
func explainUpload(err error, in *delta.Upload) error {
	refusal, ok := err.(*project.Refusal)
	if !ok || refusal.List == "" {
		return err
	}
	rows := map[string][]project.Row{"created": in.Created, "updated": in.Updated}[refusal.List]
	field := refusal.Field
	refusal.Field = delta.Path(refusal.List, refusal.Index, field)
	if refusal.Index < len(rows) {
		return withClientValue(err, rows[refusal.Index])
	}
	return err
}
