package projects

import (
	"errors"

	"tidemark/shared/project"
	"tidemark/shared/syncroom"
	"tidemark/worker/api/door"
	"tidemark/worker/store/projects"
)

// publish tells the subscribers of the project what a write changed, after its
// commit, and returns the error of the write. A write that failed for an unknown reason
// may have been committed: then the subscribers are told that anything may have changed.
func (c *call) publish(w projects.Written, err error) error {
	var refusal *project.Refusal
	switch {
	case errors.As(err, &refusal):
	case err != nil:
		if _, mark, roleErr := c.store.Role(c.R.Context(), c.key); roleErr == nil {
			c.publishChanges(mark, syncroom.AnyTable)
		}
	default:
		if w.Removed != "" {
			room := c.room()
			c.Rooms.Publish(c.R.Context(), room.Binding, room.Room, syncroom.Removal(syncroom.Position(w.Mark), w.Removed))
		}
		c.publishChanges(w.Mark, w.Changed...)
	}
	return err
}

func (c *call) room() door.Place { return c.Space.ProjectRoom(c.key.Project) }

func (c *call) publishChanges(mark project.Seq, names ...project.Name) {
	changes := make([]syncroom.Change, len(names))
	for i, name := range names {
		changes[i] = syncroom.Change{Table: string(name), At: syncroom.Position(mark)}
	}
	c.Publish(c.room(), changes...)
}

// subscribe hands the WebSocket to the project's room, with the caller's session,
// so that the room can close it when the caller is removed.
func (c *call) subscribe() error {
	_, mark, err := c.store.Role(c.R.Context(), c.key)
	if err != nil {
		return err
	}
	if !door.IsUpgrade(c.R) {
		return door.NotUpgrade()
	}
	if err := c.Enter(c.room()); err != nil {
		return err
	}
	admission := syncroom.Admission{At: syncroom.Position(mark), Session: c.Session()}
	return c.Join(c.room(), admission.Append(nil))
}
