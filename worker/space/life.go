package space

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/shared/room"
	"tidemark/shared/syncroom"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
	"tidemark/worker/api/spaces"
	storage "tidemark/worker/store"
	store "tidemark/worker/store/spaces"
)

const (
	// listingPatience is how long after its birth the alarm adds a space to the directory, if
	// the request that made it did not.
	listingPatience = 10 * time.Second
	// unbornPatience is how long a space that was never written keeps its tickets and the
	// places of its documents.
	unbornPatience = time.Hour
	// deletingPatience is how long after its begin the alarm goes on with a deletion.
	deletingPatience = 2 * time.Minute
	// roomsAtOnce bounds how many rooms one statement of a deletion reads.
	roomsAtOnce = 100
)

// deletedReason is the reason with which the sockets of a space are closed.
const deletedReason = "the space was deleted"

var errDeleting = door.Fail(door.ServiceUnavailable, "The space is being deleted: ask again in 5 s").With("Retry-After", "5")

// made sets the alarm of a space that has just got its tables.
func (s *Space) made(born bool) {
	wait := unbornPatience
	if born {
		wait = listingPatience
	}
	s.wake(s.Now().Add(wait))
}

// wake sets when the space wants its next Alarm.
func (s *Space) wake(at time.Time) {
	s.due = at
	s.object.Wake(at)
}

// Due returns when the space wants its next Alarm; the zero time: it wants none. Call it in
// an event.
func (s *Space) Due() time.Time {
	s.db.Within(func() {
		if err := s.open(context.Background()); err != nil {
			s.Log.Error("a space was not opened", "space", s.name, "error", err)
		}
	})
	return s.due
}

// list adds the space to the directory. S9. If the space is deleted meanwhile, it takes the
// entry back.
func (s *Space) list(ctx context.Context) error {
	state, err := s.db.State(ctx)
	if err != nil || state.CreatedAt == 0 || state.Listed || state.Deleting {
		return err
	}
	if err := s.Directory.Add(ctx, store.Entry{Name: s.name, CreatedAt: state.CreatedAt}); err != nil {
		return err
	}
	created := state.CreatedAt
	entered := s.db.InEvent(ctx, func() {
		if state, err = s.db.State(ctx); err != nil || state.CreatedAt != created || state.Deleting {
			return // it was deleted meanwhile, or is being deleted
		}
		if err = s.db.SetListed(ctx); err == nil {
			s.wake(time.Time{})
		}
	})
	switch {
	case entered != nil:
		return entered
	case err == nil && (state.CreatedAt == 0 || state.Deleting):
		return s.Directory.Remove(ctx, s.name)
	}
	return err
}

// Alarm finishes what a request could not finish. It tries again until it succeeds: a host
// gives up an alarm that returns errors. It leaves alone what a newer version wrote.
func (s *Space) Alarm(ctx context.Context) error {
	failed := s.finish(ctx)
	if failed == nil || errors.Is(failed, storage.ErrNewerLayout) {
		return failed
	}
	if err := s.db.InEvent(ctx, func() { s.wake(s.Now().Add(deletingPatience)) }); err != nil {
		return fmt.Errorf("%w, after: %w", err, failed)
	}
	s.Log.Warn("a space was not listed or deleted; it is tried again", "space", s.name, "error", failed)
	return nil
}

// finish decides in one event: a request may make the space in the next one.
func (s *Space) finish(ctx context.Context) error {
	var state store.State
	var err error
	entered := s.db.InEvent(ctx, func() {
		if state, err = s.db.State(ctx); err == nil && state.Exists && state.CreatedAt == 0 && !state.Deleting {
			s.unborn()
		}
	})
	switch {
	case entered != nil:
		return entered
	case err != nil:
		return err
	case state.Deleting && s.deleting: // by a request; if that is cut off, the next alarm goes on
		return s.inEvent(ctx, func() { s.wake(s.Now().Add(deletingPatience)) })
	case state.Deleting:
		return s.delete(ctx)
	case state.CreatedAt > 0 && !state.Listed:
		return s.list(ctx)
	}
	return nil
}

// unborn erases a space that was never written, unless somebody waits for its first write.
func (s *Space) unborn() {
	if s.object.Subscribers() > 0 {
		s.wake(s.Now().Add(unbornPatience))
		return
	}
	s.erase()
}

// Delete deletes the space: its sockets, its rooms with their documents, its entry in the
// directory, and all that it has stored. If it is cut off, the alarm goes on. S8.
func (s *Space) Delete(ctx context.Context) error {
	state, err := s.db.State(ctx)
	if err != nil {
		return err
	}
	if !state.Exists {
		return s.db.InEvent(ctx, func() { s.object.CloseAll(room.CloseDeleted, deletedReason) })
	}
	entered := s.db.InEvent(ctx, func() {
		if err = s.db.SetDeleting(ctx); err == nil {
			s.door.Closed = errDeleting
			s.wake(s.Now().Add(deletingPatience))
			s.object.CloseAll(room.CloseDeleted, deletedReason)
		}
	})
	if entered != nil {
		return entered
	}
	if err != nil {
		return err
	}
	return s.delete(ctx)
}

// delete deletes what the space has. Two deletions at a time could take what was written
// after the first of them.
func (s *Space) delete(ctx context.Context) error {
	if s.deleting {
		return errDeleting
	}
	s.deleting = true
	defer func() { s.deleting = false }()
	erase := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpErase})
	err := s.each(ctx, s.db.Rooms, func(name string) error { return s.call(ctx, s.door.Document(name), erase) })
	if err != nil {
		return fmt.Errorf("delete the documents of a space: %w", err)
	}
	end := syncroom.Deletion(deletedReason)
	err = s.each(ctx, s.db.Projects, func(id string) error { return s.call(ctx, s.door.ProjectRoom(id), end) })
	if err != nil {
		return fmt.Errorf("close the projects of a space: %w", err)
	}
	if err := s.Directory.Remove(ctx, s.name); err != nil {
		return err
	}
	return s.db.InEvent(ctx, s.erase)
}

// each calls f for each name, page by page.
func (s *Space) each(ctx context.Context, list func(context.Context, string, int) ([]string, error), f func(string) error) error {
	for after := ""; ; {
		names, err := list(ctx, after, roomsAtOnce)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := f(name); err != nil {
				return err
			}
			after = name
		}
		if len(names) < roomsAtOnce {
			return nil
		}
	}
}

func (s *Space) call(ctx context.Context, p door.Place, message []byte) error {
	_, err := s.Calls.Call(ctx, p.Binding, p.Room, message)
	return err
}

// erase deletes what the object has stored, in an event. A socket that came meanwhile is
// closed, too.
func (s *Space) erase() {
	s.object.CloseAll(room.CloseDeleted, deletedReason)
	s.object.Erase()
	s.db.Forget()
	s.db.Refuse(nil)
	s.due, s.door.Closed, s.door.Paused, s.opened = time.Time{}, nil, nil, false
}

// Info says what the space holds. S10.
func (s *Space) Info(ctx context.Context) (spaces.Info, error) {
	info := spaces.Info{Name: s.name, Tables: map[string]spaces.Table{}}
	state, err := s.db.State(ctx)
	if err != nil {
		return info, err
	}
	if state.CreatedAt > 0 {
		info.CreatedAt = &state.CreatedAt
	}
	tables, documents, stamp, err := s.db.Count(ctx, &s.Schema)
	if err != nil {
		return info, err
	}
	for i, t := range tables {
		info.Tables[s.Schema.Tables[i].Name] = spaces.Table{Rows: t.Rows, Tombstones: t.Tombstones}
	}
	info.Documents, info.Stamp = documents, int64(stamp)
	err = s.db.InEvent(ctx, func() { info.Bytes, info.Subscribers = s.object.Size(), s.object.Subscribers() })
	return info, err
}
