package door

import (
	"bytes"
	"context"

	"tidemark/shared/auth"
	"tidemark/shared/syncroom"
	"tidemark/worker/store/tickets"
)

// The bindings of the classes of objects.
const (
	SyncBinding     = "SYNC_ROOM"
	YjsBinding      = "YJS_ROOM"
	SpaceBinding    = "SPACE"
	SpaceYjsBinding = "SPACE_YJS_ROOM"
)

// recordsRoom is the one room that all subscribers of the root's tables share.
const recordsRoom = "sync"

// A Space is what a call works on: the root, or one space.
type Space struct {
	Name    string // "" is the root
	Tickets Tickets
	// Publish tells the subscribers which tables changed; nil: their SyncRoom does.
	Publish func(ctx context.Context, changes []syncroom.Change)
	// Unopened, if not nil, is the failure of every request: the space cannot be opened.
	Unopened error
	// Closed, if not nil, is the failure of every request but those of the space's life: its
	// deletion, an import, and what it holds.
	Closed error
	// Paused, if not nil, is the failure of every request for data.
	Paused error
	// Stores are what the sections keep their data in. Package api knows them.
	Stores any
}

// A Place is an object that has sockets.
type Place = tickets.Place

// RecordsRoom is where the subscribers of the tables are.
func (s *Space) RecordsRoom() Place {
	if s.Name == "" {
		return Place{Binding: SyncBinding, Room: recordsRoom}
	}
	return Place{Binding: SpaceBinding, Room: s.Name}
}

// ProjectRoom is where the subscribers of a project are. No room of the root has such
// a name as those of the spaces.
func (s *Space) ProjectRoom(id string) Place {
	room := syncroom.ProjectPrefix + id
	if s.Name != "" {
		room = "space/" + s.Name + "/" + room
	}
	return Place{Binding: SyncBinding, Room: room}
}

// Document is the room of a document. The name of a space has no slash.
func (s *Space) Document(room string) Place {
	if s.Name == "" {
		return Place{Binding: YjsBinding, Room: room}
	}
	return Place{Binding: SpaceYjsBinding, Room: s.Name + "/" + room}
}

// Path is where the paths of the space begin.
func (s *Space) Path() string {
	if s.Name == "" {
		return ""
	}
	return "/s/" + s.Name
}

// toSubscribers is the first byte of a message to a space's object that is for the room of
// its subscribers. Package space knows the others.
const toSubscribers = 2

// ToSubscribers returns the message by which the room of a space's subscribers gets m.
func ToSubscribers(m []byte) []byte { return append([]byte{toSubscribers}, m...) }

// CutToSubscribers is the inverse of ToSubscribers.
func CutToSubscribers(message []byte) (m []byte, ok bool) {
	return bytes.CutPrefix(message, []byte{toSubscribers})
}

// account is the key by which the requests of a subject are counted together. S, A5.
func (c *Call) account() string { return c.ID.Subject + "\x00" + c.Space.Name }

// PublishRecords tells the subscribers of the tables what changed.
func (c *Call) PublishRecords(changes ...syncroom.Change) {
	if len(changes) == 0 {
		return
	}
	if c.Space.Publish != nil {
		c.Space.Publish(c.R.Context(), changes)
		return
	}
	c.Publish(c.Space.RecordsRoom(), changes...)
}

// Publish tells the subscribers of a room of class SyncRoom what changed.
func (c *Call) Publish(p Place, changes ...syncroom.Change) {
	if len(changes) > 0 {
		c.Rooms.Publish(c.R.Context(), p.Binding, p.Room, syncroom.AppendChanges(nil, changes))
	}
}

// The first byte of what the Worker hands to an object of class Space with a request.
const (
	withIdentity = 0 // an identity follows, as auth.Identity.Append appends it
	withTicket   = 1 // a ticket of the space follows
)

// Enclose returns what the Worker hands to a space's object with a request: who the
// caller is in that space. The space itself redeems a ticket, if it is one of that space.
// A1, A4.
func (c *Call) Enclose() ([]byte, error) {
	if err := c.permitOrigin(c.R); err != nil {
		return nil, err
	}
	if c.Invalid == nil && IsUpgrade(c.R) && c.R.Header.Get("Authorization") == "" {
		if ticket := Query(c.R).Get("ticket"); ticket != "" {
			if !c.isTicket(ticket) {
				return nil, errTicket
			}
			return append([]byte{withTicket}, ticket...), nil
		}
	}
	if err := c.Identify(); err != nil {
		return nil, err
	}
	return c.ID.Append([]byte{withIdentity}), nil
}

// Disclose is the inverse of Enclose, in the space.
func (c *Call) Disclose(enclosed []byte) error {
	if len(enclosed) == 0 || enclosed[0] > withTicket {
		return errEnclosed
	}
	if enclosed[0] == withTicket {
		c.ticket = string(enclosed[1:])
		return nil
	}
	id, err := auth.DecodeIdentity(enclosed[1:])
	c.ID, c.known = id, true
	return err
}

// Shut returns the error of a call in a space that is closed or paused. Anybody may invent a ticket, and
// must not learn by it that the space is there. A3.
func (c *Call) Shut(closed error) error {
	if c.ticket != "" {
		return errTicket
	}
	return closed
}

// Reject makes Identify return err.
func (c *Call) Reject(err error) { c.rejected = err }
