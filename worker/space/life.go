package space

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/shared/room"
	"tidemark/shared/session"
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
	wait := store.UnbornPatience
	if born {
		wait = listingPatience
	}
	s.wake(s.Now().Add(wait))
}

// wake sets when the space wants its next Alarm.
func (s *Space) wake(at time.Time) {
	s.due = at
	s.object.Wake(s.alarm())
}

// alarm is when the object wants its next Alarm.
func (s *Space) alarm() time.Time {
	if s.outbox == nil {
		return s.due
	}
	return session.Sooner(s.due, s.outbox.Due())
}

// announced has the alarm send what the event adds to the outbox.
func (s *Space) announced(rows int) {
	before := s.alarm()
	s.outbox.Noted(rows)
	if at := s.alarm(); !at.Equal(before) {
		s.object.Wake(at)
	}
}

// Due returns when the space wants its next Alarm; the zero time: it wants none. Call it in
// an event.
func (s *Space) Due() time.Time {
	s.db.Within(func() {
		if err := s.open(context.Background()); err != nil {
			s.Log.Error("a space was not opened", "space", s.name, "error", err)
		}
	})
	return s.alarm()
}

// list adds the space to the directory. S9.
func (s *Space) list(ctx context.Context) error {
	state, err := s.db.State(ctx)
	if err != nil || state.CreatedAt == 0 || state.Listed || state.Deleting {
		return err
	}
	if err := s.Directory.Add(ctx, store.Entry{Name: s.name, CreatedAt: state.CreatedAt}); err != nil {
		return err
	}
	var gone, another bool
	err = s.change(ctx, func(now *store.State) error {
		gone = now.CreatedAt == 0 || now.Deleting // a deletion may have removed the entry before it was added
		another = !gone && now.CreatedAt != state.CreatedAt
		if !gone {
			now.Listed = !another
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case gone:
		return s.unlist(ctx)
	case another:
		return s.list(ctx)
	}
	return nil
}

// unlist removes the entry of a space that is not there from the directory. If the space was
// made meanwhile, it is added again.
func (s *Space) unlist(ctx context.Context) error {
	if err := s.Directory.Remove(ctx, s.name, 0); err != nil {
		return err
	}
	made := false
	err := s.change(ctx, func(state *store.State) error {
		if made = state.CreatedAt > 0 && !state.Deleting; made {
			state.Listed = false
		}
		return nil
	})
	if err == nil && made {
		return s.list(ctx)
	}
	return err
}

// Alarm finishes what a request could not finish. It may come before its time: the alarm of
// the object has other reasons, too. It tries again until it succeeds: a host gives up an
// alarm that returns errors. It leaves alone what a newer version wrote.
func (s *Space) Alarm(ctx context.Context) error {
	err := s.live(ctx)
	if err == nil && s.outbox != nil {
		s.outbox.Deliver(ctx) // and the object asks for Due
	}
	return err
}

// live is Alarm without the outbox.
func (s *Space) live(ctx context.Context) error {
	failed := s.finish(ctx)
	if failed == nil || errors.Is(failed, storage.ErrNewerLayout) {
		return failed
	}
	if err := s.db.InEvent(ctx, func() { s.wake(s.Now().Add(deletingPatience)) }); err != nil {
		return fmt.Errorf("%w, after: %w", err, failed)
	}
	s.Log.Warn("a space was not listed, deleted or told to the directory; it is tried again", "space", s.name, "error", failed)
	return nil
}

// finish decides in one event: a request may make the space in the next one.
func (s *Space) finish(ctx context.Context) error {
	waited, err := s.forgetRooms(ctx)
	if err != nil {
		return err
	}
	var state store.State
	var holds int64
	err = s.change(ctx, func(now *store.State) error {
		state, holds = *now, s.notable(s.object.Size())
		if isUnborn(now) {
			s.unborn(now, waited)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case state.Deleting && !s.deleting: // if a request that deletes is cut off, the next alarm goes on
		return s.delete(ctx)
	case state.CreatedAt == 0 || state.Deleting:
		return nil
	case !state.Listed:
		if err := s.list(ctx); err != nil {
			return err
		}
	}
	return s.tell(ctx, holds, state)
}

// isUnborn says whether a space only keeps tickets and the places of documents.
func isUnborn(state *store.State) bool {
	return state.Exists && state.CreatedAt == 0 && !state.Deleting
}

// forgetRooms lets the rooms of a space that was never written forget that they were read, when
// the time of the space is over. The space forgets each one that did, so that an alarm which is
// cut off has done a part. waited reports whether one of them has a socket.
func (s *Space) forgetRooms(ctx context.Context) (waited bool, err error) {
	state, err := s.db.State(ctx)
	if err != nil || !isUnborn(&state) || s.Now().UnixMilli() < state.KeptUntil {
		return false, err
	}
	forget := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpForget})
	err = s.each(ctx, s.db.Rooms, func(name string) error {
		busy, err := s.busy(ctx, name, forget)
		if waited = waited || busy; busy || err != nil {
			return err
		}
		return s.db.LeaveRoom(ctx, name)
	})
	return waited, err
}

// unborn erases a space that was never written when its time is over, unless somebody waits
// for its first write.
func (s *Space) unborn(state *store.State, waited bool) {
	switch now := s.Now(); {
	case now.UnixMilli() < state.KeptUntil:
	case waited, s.object.Subscribers() > 0:
		state.KeptUntil = now.Add(store.UnbornPatience).UnixMilli()
	default:
		s.erase()
		*state = store.State{}
	}
}

// Delete deletes the space: its sockets, its rooms with their documents, its entry in the
// directory, and all that it has stored. If it is cut off, the alarm goes on. S8.
func (s *Space) Delete(ctx context.Context) error {
	exists := false
	err := s.change(ctx, func(state *store.State) error {
		s.object.CloseAll(room.CloseDeleted, deletedReason)
		exists = state.Exists
		state.Deleting = exists
		return nil
	})
	switch {
	case err != nil:
		return err
	case !exists:
		return s.unlist(ctx)
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
	erase := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpErase, At: s.shutNow(), Data: []byte(deletedReason)})
	if err := s.deleteRooms(ctx, erase); err != nil {
		return fmt.Errorf("delete the documents of a space: %w", err)
	}
	end := syncroom.Deletion(deletedReason)
	err := s.each(ctx, s.db.Projects, func(id string) error { return s.call(ctx, s.door.ProjectRoom(id), end) })
	if err != nil {
		return fmt.Errorf("close the projects of a space: %w", err)
	}
	state, err := s.db.State(ctx)
	if err == nil {
		err = s.Directory.Remove(ctx, s.name, state.CreatedAt)
	}
	if err != nil {
		return err
	}
	return s.db.InEvent(ctx, func() {
		s.object.CloseAll(room.CloseDeleted, deletedReason) // those that came meanwhile
		s.erase()
		now := s.Now()
		s.recent.Put(s.name, Ends{shut: s.ends().shut, deleted: now.UnixMilli()}, now)
	})
}

// deleteRooms sends erase to the rooms of all documents. After each page the space forgets the
// rooms, so that a deletion that is cut off again and again comes to its end.
func (s *Space) deleteRooms(ctx context.Context, erase []byte) error {
	for {
		names, err := s.db.Rooms(ctx, "", roomsAtOnce)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := s.call(ctx, s.door.Document(name), erase); err != nil {
				return err
			}
		}
		if len(names) < roomsAtOnce {
			return nil
		}
		if err := s.db.ForgetRooms(ctx, names[len(names)-1]); err != nil {
			return err
		}
	}
}

// ends returns what is remembered of the space: what is on its way from before must not count.
func (s *Space) ends() Ends { return s.recent.Get(s.name, s.Now()) }

// shutNow returns the time for a yroom.Shut. What the space lets in afterwards has a later time.
func (s *Space) shutNow() int64 {
	now, ends := s.Now(), s.ends()
	ends.shut = max(now.UnixMilli(), ends.shut+1)
	s.recent.Put(s.name, ends, now)
	return ends.shut
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

// erase deletes what the object has stored, and its alarm, in an event.
func (s *Space) erase() {
	s.object.Erase()
	s.db.Forget()
	if s.outbox != nil {
		s.outbox.Forget()
	}
	s.due, s.opened = time.Time{}, false
	s.settle(store.State{})
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
	info.Paused = state.Paused
	tables, documents, stamp, err := s.db.Count(ctx, &s.Schema)
	if err != nil {
		return info, err
	}
	for i, t := range tables {
		info.Tables[s.Schema.Tables[i].Name] = spaces.Table{Rows: t.Rows, Tombstones: t.Tombstones}
	}
	info.Documents, info.Stamp = documents, int64(stamp)
	err = s.db.InEvent(ctx, func() { info.Bytes, info.Subscribers = s.fill(), s.object.Subscribers() })
	return info, err
}
