// Package space is the program of a space's object: one Durable Object that holds the rows,
// the stamp, the tickets and the subscribers of a team. It serves the requests that the
// Worker forwards to it by the handlers of the root, over a database of its own. A push
// commits and tells the subscribers in one event of the object.
package space

import (
	"cmp"
	"context"
	"errors"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/logline"
	"tidemark/shared/record"
	"tidemark/shared/room"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/shared/web"
	"tidemark/worker/api"
	"tidemark/worker/api/dialect"
	docsapi "tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	rowsapi "tidemark/worker/api/records"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
	"tidemark/worker/store/spaces"
	"tidemark/worker/store/tickets"
	"tidemark/worker/store/transfer"
	"tidemark/worker/webhooks"
)

// An Object is what a space needs of its Durable Object; *host.SpaceObject is one.
type Object interface {
	spaces.Storage
	// Size is how many bytes the object has stored.
	Size() int64
	// Erase deletes all that the object has stored, when the event has ended.
	Erase()
	// Publish tells the subscribers what changed, and CloseAll closes their sockets.
	Publish(changes []syncroom.Change)
	CloseAll(code int, reason string)
	// Subscribers is how many sockets the object has.
	Subscribers() int
	// Wake has the host call Alarm at that time; the zero time: not at all.
	Wake(at time.Time)
}

// A Config is what all spaces share.
type Config struct {
	// Serve serves a request of a space: (*api.Handler).ServeSpace.
	Serve     func(w web.ResponseWriter, r *web.Request, s *door.Space, enclosed []byte)
	Records   *records.Statements
	Projects  *projects.Statements
	Transfer  *transfer.Statements
	Schema    record.Schema
	Tables    *spaces.Tables // of Schema
	Limits    watermelon.Limits
	Bytes     int64 // LIMIT_SPACE_BYTES
	Directory *spaces.Directory
	Calls     door.Calls // reaches the rooms of documents and projects
	Now       func() time.Time
	Log       *logline.Logger
	// Outbox, if not nil, returns the outbox of a space in its database.
	Outbox func(db store.DB, space string) *webhooks.Outbox
}

// Ends are the times of the last pause, deletion or import of a space, and of its last deletion,
// Unix milliseconds.
type Ends struct{ shut, deleted int64 }

// A Space is the state of one object. It implements host.Program.
type Space struct {
	*Config
	name   string
	object Object
	db     *spaces.DB
	door   door.Space
	opened bool
	due    time.Time        // of the next Alarm, but for the outbox; zero: none
	told   int64            // of the state
	tells  bool             // the next Alarm tells the directory how full the space is
	outbox *webhooks.Outbox // nil: there is none
	recent *room.Recent[Ends]

	deleting  bool // a request or an alarm is deleting it
	importing bool // a request is importing a page
	calling   int  // see documentCalls
}

// New makes the program of the space of that name. All spaces of an instance share recent.
func New(c *Config, name string, o Object, recent *room.Recent[Ends]) *Space {
	s := &Space{Config: c, name: name, object: o, recent: recent}
	s.db = spaces.New(o, c.Tables, c.Now, s.made)
	if c.Outbox != nil {
		s.outbox = c.Outbox(s.db.Kept(), name)
		s.db.Announced = s.announced
	}
	rows := &dialect.Watermelon{Records: &recordLimit{records.New(s.db, c.Records), s}, Schema: c.Schema, Limits: c.Limits}
	projectStore, copies := projects.New(s.db, c.Projects), documents.NewCopies(s.db)
	ticketStore := tickets.New(s.db.Kept())
	s.door = door.Space{
		Name: name, Tickets: ticketStore, Publish: s.publish,
		Stores: &api.Stores{
			Tickets:   ticketStore,
			Records:   rowsapi.Config{Store: &rowStore{rows, s}, Restorers: []rowsapi.Restorer{ticketStore, projectStore}},
			Projects:  &projectLimit{projectStore, s},
			Documents: &docsapi.Config{Calls: documentCalls{c.Calls, s}, Copies: copies, Versions: &versionLimit{copies, s}, Known: s.db.HasRoom, Enter: s.enter, Edited: s.edited, Full: s.full},
			Transfer:  &importStore{transfer.New(s.db, c.Transfer), s},
			Space:     s,
		},
	}
	return s
}

// open learns, once, what is left to do in the space.
func (s *Space) open(ctx context.Context) (err error) {
	if s.opened {
		return nil
	}
	entered := s.inEvent(ctx, func() {
		var state spaces.State
		if state, err = s.db.State(ctx); err != nil {
			return
		}
		if s.outbox != nil {
			if err = s.outbox.Open(ctx); err != nil {
				return
			}
		}
		s.opened = true
		s.settle(state)
		if s.outbox != nil && !s.outbox.Due().IsZero() {
			s.object.Wake(s.alarm())
		}
		if state.Deleting && !s.deleting { // the instance that began it has ended, so nobody goes on
			s.wake(s.Now())
		}
	})
	return cmp.Or(entered, err)
}

// change lets f change the state of the space, and settles it, in one event. If f fails, the
// state remains as it was.
func (s *Space) change(ctx context.Context, f func(*spaces.State) error) (err error) {
	entered := s.inEvent(ctx, func() {
		var state spaces.State
		if state, err = s.db.State(ctx); err != nil {
			return
		}
		before := state
		if err = f(&state); err != nil {
			return
		}
		if state != before {
			if err = s.db.SetState(ctx, state); err != nil {
				return
			}
		}
		s.settle(state)
	})
	return cmp.Or(entered, err)
}

// settle opens and closes the doors of the space as its state says, and sets its alarm. Call
// it in an event.
func (s *Space) settle(state spaces.State) {
	s.door.Closed, s.door.Paused = nil, nil
	s.told = state.Told
	switch {
	case state.Deleting:
		s.door.Closed = errDeleting
	case state.Importing, s.importing:
		s.door.Closed = errImporting
	}
	if state.Paused {
		s.door.Paused = errPaused
	}
	s.db.Refuse(s.door.Paused)
	var due time.Time
	switch {
	case state.Deleting:
		due = s.Now().Add(deletingPatience)
	case !state.Exists:
	case state.CreatedAt == 0:
		due = time.UnixMilli(state.KeptUntil)
	case !state.Listed:
		due = time.UnixMilli(state.CreatedAt).Add(listingPatience)
	case s.tells && s.due.IsZero():
		due = s.Now()
	case s.tells:
		due = s.due
	}
	if !due.IsZero() || !s.due.IsZero() {
		s.wake(due)
	}
}

// inEvent runs f in the event that is running, or else in one of its own.
func (s *Space) inEvent(ctx context.Context, f func()) error {
	if s.db.IsInEvent() {
		f()
		return nil
	}
	return s.db.InEvent(ctx, f)
}

// errUnopened is the failure of every request while the space cannot read its own state.
var errUnopened = door.Fail(door.ServiceUnavailable, "The space cannot be opened: ask again in 5 s").With("Retry-After", "5")

// Serve serves a request. Before it responds to the one that made the space, the
// directory has the space.
func (s *Space) Serve(w web.ResponseWriter, r *web.Request, enclosed []byte) {
	if err := s.open(r.Context()); err != nil {
		unopened := s.door
		unopened.Unopened = err
		if r.Context().Err() == nil && !errors.Is(err, store.ErrNewerLayout) && !abi.Full(err) {
			s.Log.Error("a space was not opened", "space", s.name, "error", err)
			unopened.Unopened = errUnopened
		}
		s.Config.Serve(w, r, &unopened, enclosed)
		return
	}
	s.Config.Serve(w, r, &s.door, enclosed)
	if s.db.Fresh() {
		if err := s.list(r.Context()); err != nil {
			s.Log.Warn("a space is not in the directory yet; the alarm adds it", "space", s.name, "error", err)
		}
	}
}

// publish tells the subscribers of the tables, in an event of its own.
func (s *Space) publish(ctx context.Context, changes []syncroom.Change) {
	if err := s.db.InEvent(ctx, func() { s.object.Publish(changes) }); err != nil {
		s.Log.Error("the subscribers of a space were not told", "space", s.name, "error", err)
	}
}
