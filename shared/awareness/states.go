// Package awareness holds who is present in a room: one small JSON state per
// client, with a clock. It speaks the y-protocols awareness format and decides
// which entries of an update are news. It has no timers: every method that
// needs the time takes it.
package awareness

import (
	"fmt"
	"slices"
	"time"
)

// Timeout is how long a state lives without news. Clients renew theirs after
// half of it. y-protocols/awareness, outdatedTimeout.
const Timeout = 30 * time.Second

// Forget is how long the clock of a removed client is remembered, so that an
// entry still on its way cannot bring the client back.
const Forget = time.Minute

// Limits of one update and of one room. What is beyond them is ignored.
type Limits struct {
	Bytes      int // of an update
	Entries    int // in an update
	StateBytes int // of one JSON state
	Clients    int // known to a room at a time, removed ones that are not yet forgotten included
}

// DefaultLimits suits a room that strangers may write to. An update may repeat all
// that its sender heard: y-websocket sends that back, in JavaScript's notation, which
// can be several times longer.
var DefaultLimits = Limits{Bytes: 4 << 20, Entries: 10_000, StateBytes: 256 << 10, Clients: 10_000}

// States is the presence of one room. The zero value is empty, with
// DefaultLimits. It is not safe for concurrent use.
type States struct {
	Limits  Limits
	clients map[uint64]peer
	size    int // of the states, bytes
}

// A peer is what is known of one client. A removed client keeps its clock: its
// state is nil.
type peer struct {
	clock uint64
	state []byte
	heard time.Time
}

// Change names the clients that an event concerned, in the order of the event.
type Change struct {
	Added, Updated, Removed []uint64
}

// Empty tells that there is nothing to broadcast.
func (c Change) Empty() bool {
	return len(c.Added)+len(c.Updated)+len(c.Removed) == 0
}

// Clients are all clients of c: the ones to put in the update to broadcast.
func (c Change) Clients() []uint64 {
	return slices.Concat(c.Added, c.Updated, c.Removed)
}

// Apply takes in an update and returns what was news. An update that cannot be
// read changes nothing.
func (s *States) Apply(update []byte, now time.Time) (Change, error) {
	entries, err := Decode(update, s.limits())
	if err != nil {
		return Change{}, err
	}
	return s.ApplyEntries(entries, now), nil
}

// News tells whether an entry says what s does not know: its clock is above the
// stored one (0 for an unknown client), or equal to it while it takes a present
// state away. y-protocols/awareness, applyAwarenessUpdate.
func (s *States) News(e Entry) bool {
	old := s.clients[e.Client]
	return e.Clock > old.clock || e.Clock == old.clock && old.state != nil && e.Offline()
}

// ApplyEntries takes in entries that Decode returned, or some of them, and returns
// what was news. Only that may be sent on: clients send back what they receive, and
// a room that forwards everything never falls silent. New clients beyond
// Limits.Clients are ignored. States copies what it keeps.
func (s *States) ApplyEntries(entries []Entry, now time.Time) Change {
	var change Change
	for _, e := range entries {
		_, known := s.clients[e.Client]
		offline := e.Offline()
		if !s.News(e) {
			continue
		}
		if !known && len(s.clients) >= s.limits().Clients {
			continue
		}
		next := peer{clock: e.Clock, heard: now}
		if !offline {
			next.state = slices.Clone(e.State)
		}
		s.put(e.Client, next)
		switch {
		case offline && known:
			change.Removed = append(change.Removed, e.Client)
		case offline:
		case known:
			change.Updated = append(change.Updated, e.Client)
		default:
			change.Added = append(change.Added, e.Client)
		}
	}
	return change
}

// Remove marks clients as gone, as when their socket closes, and returns those
// that were present. Their clocks stay as they are: a higher one would tie with
// the client's own next renewal and win over it.
// y-protocols/awareness, removeAwarenessStates.
func (s *States) Remove(now time.Time, clients ...uint64) Change {
	var change Change
	for _, client := range clients {
		p := s.clients[client]
		if p.state == nil {
			continue
		}
		s.put(client, peer{clock: p.clock, heard: now})
		change.Removed = append(change.Removed, client)
	}
	return change
}

// Expire removes the states without news for Timeout and forgets clients that
// have been gone for Forget.
func (s *States) Expire(now time.Time) Change {
	var silent []uint64
	for client, p := range s.clients {
		age := now.Sub(p.heard)
		if p.state == nil && age >= Forget {
			delete(s.clients, client)
		}
		if p.state != nil && age >= Timeout {
			silent = append(silent, client)
		}
	}
	slices.Sort(silent)
	return s.Remove(now, silent...)
}

// Get returns what is known of a client. The state is JSON, owned by s, and nil
// if the client is not present; known tells whether there is at least a clock.
func (s *States) Get(client uint64) (entry Entry, known bool) {
	p, known := s.clients[client]
	return Entry{Client: client, Clock: p.clock, State: p.state}, known
}

// Size is how many bytes the states hold.
func (s *States) Size() int { return s.size }

// Present lists the clients that have a state, ascending.
func (s *States) Present() []uint64 {
	present := make([]uint64, 0, len(s.clients))
	for client, p := range s.clients {
		if p.state != nil {
			present = append(present, client)
		}
	}
	slices.Sort(present)
	return present
}

// AppendUpdate appends the update that tells others about clients: their states,
// or null for those that are gone. Unknown clients are left out.
func (s *States) AppendUpdate(dst []byte, clients ...uint64) []byte {
	entries := make([]Entry, 0, len(clients))
	for _, client := range clients {
		if e, known := s.Get(client); known {
			entries = append(entries, e)
		}
	}
	return AppendUpdate(dst, entries...)
}

// Restore puts back an entry kept from before a hibernation, heard of at the
// given time, if it is newer than what s has. It reports an error if the state
// is not JSON. The limits may have been others then: a state beyond them comes back
// as none.
func (s *States) Restore(e Entry, heard time.Time) error {
	if len(e.State) > s.limits().StateBytes {
		e.State = nil
	}
	if err := e.check(); err != nil {
		return fmt.Errorf("restore awareness of client %d: %w", e.Client, err)
	}
	if old, known := s.clients[e.Client]; known && old.clock >= e.Clock {
		return nil
	}
	p := peer{clock: e.Clock, heard: heard}
	if !e.Offline() {
		p.state = slices.Clone(e.State)
	}
	s.put(e.Client, p)
	return nil
}

func (s *States) put(client uint64, p peer) {
	if s.clients == nil {
		s.clients = make(map[uint64]peer)
	}
	s.size += len(p.state) - len(s.clients[client].state)
	s.clients[client] = p
}

func (s *States) limits() Limits {
	if s.Limits == (Limits{}) {
		return DefaultLimits
	}
	return s.Limits
}
