package space

import (
	"cmp"
	"context"
	"fmt"

	"tidemark/shared/room"
	"tidemark/shared/syncroom"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
	"tidemark/worker/api/spaces"
	store "tidemark/worker/store/spaces"
)

// pausedReason is the reason with which a pause closes sockets.
const pausedReason = "the space is paused: connect again"

var errPaused = door.Fail(door.ServiceUnavailable, "The space is paused: ask again in 5 s").With("Retry-After", "5")

// Pause ends all writing to the space, and closes its sockets. When it returns, nothing is
// stored any more that a client sent, until Resume. It returns more while calls of documents
// that began before are under way, and while rooms have edits that the space has no copy
// of: repeat it. S13.
func (s *Space) Pause(ctx context.Context) (more bool, err error) {
	err = s.change(ctx, func(state *store.State) error {
		switch {
		case state.CreatedAt == 0:
			return spaces.ErrAbsent
		case state.Deleting:
			return errDeleting
		}
		state.Paused = true
		s.object.CloseAll(room.CloseLater, pausedReason)
		return nil
	})
	if err != nil {
		return false, err
	}
	projects := syncroom.Pause(pausedReason)
	err = s.each(ctx, s.db.Projects, func(id string) error { return s.call(ctx, s.door.ProjectRoom(id), projects) })
	if err != nil {
		return false, fmt.Errorf("close the projects of a space: %w", err)
	}
	documents := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpClose, At: s.shutNow(), Data: []byte(pausedReason)})
	err = s.each(ctx, s.db.Rooms, func(name string) error {
		busy, err := s.busy(ctx, name, documents)
		more = more || busy
		return err
	})
	if err != nil {
		return false, fmt.Errorf("close the documents of a space: %w", err)
	}
	return more || s.calling > 0, nil
}

// documentCalls counts the calls of documents' rooms that are under way.
type documentCalls struct {
	door.Calls
	space *Space
}

func (d documentCalls) Call(ctx context.Context, binding, room string, data ...[]byte) ([]byte, error) {
	d.space.calling++
	defer func() { d.space.calling-- }()
	return d.Calls.Call(ctx, binding, room, data...)
}

// busy sends a message to the room of a document, and says whether the reply is
// yroom.StatusBusy.
func (s *Space) busy(ctx context.Context, name string, message []byte) (busy bool, err error) {
	p := s.door.Document(name)
	reply, err := s.Calls.Call(ctx, p.Binding, p.Room, message)
	if err != nil {
		return false, err
	}
	answer, err := yroom.DecodeReply(reply)
	return answer.Status == yroom.StatusBusy, err
}

// Resume ends a pause.
func (s *Space) Resume(ctx context.Context) error {
	return s.change(ctx, func(state *store.State) error {
		if state.CreatedAt == 0 {
			return spaces.ErrAbsent
		}
		state.Paused = false
		return nil
	})
}

// enter notes that a document may be written. In a paused or closed space it may not: a deletion may
// have passed the document's room while the request waited.
func (s *Space) enter(ctx context.Context, room string) (at int64, err error) {
	entered := s.db.InEvent(ctx, func() {
		if err = cmp.Or(s.door.Paused, s.door.Closed); err == nil {
			err = s.db.EnterRoom(ctx, room)
		}
		at = max(s.Now().UnixMilli(), s.ends().shut+1)
	})
	return at, cmp.Or(entered, err)
}

// edited makes the space, if the first write to it was the edit of a document. S6.
func (s *Space) edited(ctx context.Context) (err error) {
	entered := s.db.InEvent(ctx, func() {
		if s.door.Closed == nil {
			err = s.db.Bear()
		}
	})
	return cmp.Or(entered, err)
}
