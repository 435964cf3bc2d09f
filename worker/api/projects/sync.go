package projects

import (
	"errors"

	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store/projects"
)

func (c *call) pull() error {
	in, err := delta.ParsePull(c.key.Project, door.Query(c.R))
	if err != nil {
		return err
	}
	answer, err := c.store.Pull(c.R.Context(), c.key.Caller, in, door.Budget)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

func (c *call) upload() error {
	in, err := delta.ParseUpload(c.body)
	if err != nil {
		return err
	}
	done, err := c.store.Upload(c.R.Context(), c.Now(), c.key, in)
	if err := c.publish(projects.Written{Mark: done.Mark, Changed: done.Changed}, err); err != nil {
		return explainUpload(err, in)
	}
	c.WriteJSON(web.StatusOK, done.Answer)
	return nil
}

// countUpload counts an upload of the caller to the project.
func (c *call) countUpload() error {
	if err := c.Uploads.Take(c.uploader(), 1, c.Now()); err != nil {
		return err
	}
	c.counted = true
	return nil
}

// isNoProject knows the refusal of a caller that is no member of the project.
func isNoProject(err error) bool {
	var refusal *project.Refusal
	return errors.As(err, &refusal) && refusal.Code == project.NotFound && refusal.List == ""
}

// uncountUpload takes an upload back from the count, as invented projects must not
// fill the limiter's memory. It is for an upload of a caller that is no member, or that
// may be none because its body was not read.
func (c *call) uncountUpload() {
	if c.counted {
		c.Uploads.Give(c.uploader(), 1)
	}
}

// uploader is the key by which uploads are counted together.
func (c *call) uploader() string { return c.Space.Name + " " + c.key.Project + " " + c.key.Caller }

// explainUpload adds to a refusal where in the upload its row stands, and the values
// that the client sent.
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
