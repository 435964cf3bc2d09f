package yroom

import (
	"slices"
	"time"

	"tidemark/shared/awareness"
	"tidemark/shared/session"
	"tidemark/shared/yproto"
)

// A presence is who is in the room. A client's state came by a socket and goes
// with it: the socket that announced the client first has it until it disconnects,
// also while the client is silent or says that it is gone, and no other may say
// anything of it, see maySpeakFor. The sockets' attachments keep it over a
// hibernation; what does not fit there is kept in storage.
type presence struct {
	room    surroundings
	config  *Config
	states  awareness.States
	owner   map[uint64]Conn
	leaving map[uint64]departure
	kept    map[uint64]kept // what is in storage
	expires time.Time       // when to look for silent clients again
}

// The surroundings are what presence needs of its room.
type surroundings interface {
	socket(conn Conn) *socket             // nil if there is none
	attach(conn Conn)                     // what is attached to the socket has changed
	send(m yproto.Message, conns ...Conn) // to all without conns
	write(w Write)
}

// A departure is a client whose connection broke.
type departure struct {
	at      time.Time // when it counts as gone
	subject session.Mark
	write   bool // its socket could write
	claimed bool // a socket without a subject says that it is there
}

const (
	clientsPerSocket = 8
	presenceSockets  = 8     // how many sockets may have all the presence that one may have
	attachmentBytes  = 1_900 // for presence; hosts take 2,000 in all
	entryBytes       = 24    // of a client besides its state, at most
	expireEvery      = 10 * time.Second
	echoCost         = 0.01 // of a message that says nothing new: every client sends back what it hears
)

// renewal is within what time a client says its state again if nothing keeps it from
// that: y-protocols does so after 15 seconds, and looks every 3. A tab in the
// background looks once a minute.
const renewal = 20 * time.Second

// What tell puts into one message, besides a state that is longer alone.
const (
	toldEntries = 100
	toldBytes   = 64 << 10
)

// limits bound what is read of one awareness message, and who is known.
func (c *Config) limits() awareness.Limits {
	l := awareness.DefaultLimits
	l.StateBytes, l.Bytes = c.PresenceStateBytes, max(l.Bytes, 4*c.PresenceBytes)
	return l
}

// apply takes what is acceptable of an awareness message, and returns what is news in it. It
// ignores what is beyond a limit: presence never costs its sender the document.
func (p *presence) apply(conn Conn, s *socket, update []byte, now time.Time) (awareness.Change, error) {
	entries, err := awareness.Decode(update, p.states.Limits)
	if err != nil {
		return awareness.Change{}, err
	}
	change := p.states.ApplyEntries(p.acceptable(conn, s, entries, now), now)
	s.spoke = true
	return change, nil
}

// announce tells everybody the news that a socket brought. The sender hears them too:
// y-websocket disconnects if it hears nothing for 30 seconds.
func (p *presence) announce(conn Conn, s *socket, change awareness.Change, now time.Time) {
	for _, client := range slices.Concat(change.Added, change.Updated) {
		p.own(conn, s, client)
	}
	if !change.Empty() {
		s.speaks(now)
		p.room.attach(conn)
		p.tell(change.Clients())
	}
	p.expire(now)
}

// acceptable drops the entries that are not this socket's to say: those of
// clients that it may not speak for, that a client is gone which it does not have,
// and more clients and bytes than one program has. Most of them are honest: a client
// sends back what it hears. A client that is back after its connection broke is
// kept, and needs no news for that: see back.
func (p *presence) acceptable(conn Conn, s *socket, entries []awareness.Entry, now time.Time) []awareness.Entry {
	fresh := len(s.clients)
	space := p.space(s)
	kept := entries[:0]
	for _, e := range entries {
		if e.Offline() && p.owner[e.Client] != conn || !p.maySpeakFor(conn, s, e.Client) {
			continue
		}
		news := p.states.News(e)
		if news && !e.Offline() {
			old, _ := p.states.Get(e.Client)
			grows := max(0, len(e.State)-len(old.State))
			if grows > space {
				continue
			}
			space -= grows
		}
		if !slices.Contains(s.clients, e.Client) && !e.Offline() {
			if news {
				if fresh >= clientsPerSocket {
					if !p.release(s, kept) {
						continue
					}
					fresh--
				}
				fresh++
			}
			if leaves, ok := p.leaving[e.Client]; ok && !s.spoke && len(s.clients) == 0 {
				p.back(conn, s, e.Client, leaves, now)
			}
		}
		kept = append(kept, e)
	}
	return kept
}

// space is how many bytes the states of a socket's clients may still grow by.
func (p *presence) space(s *socket) int {
	space := p.config.PresenceBytes
	for _, client := range s.clients {
		e, _ := p.states.Get(client)
		space -= len(e.State)
	}
	return min(space, presenceSockets*p.config.PresenceBytes-p.states.Size())
}

// back says of a client whose connection broke that it is there, by the first awareness
// message of a socket: y-websocket opens with its own state, and repeats what it hears
// only later, also if it shows nobody itself. Without a subject that may be anybody who
// repeats what it heard: such a client only gets the time to renew its state.
func (p *presence) back(conn Conn, s *socket, client uint64, leaves departure, now time.Time) {
	if leaves.subject != 0 {
		p.own(conn, s, client)
		p.room.attach(conn)
	} else if !leaves.claimed {
		leaves.at, leaves.claimed = now.Add(renewal), true
		p.leaving[client] = leaves
		p.keep(client, leaves, now)
	}
}

// release gives up a socket's first client without a state that entries does not
// name, for a new one. It returns false if there is none.
func (p *presence) release(s *socket, entries []awareness.Entry) bool {
	for _, client := range s.clients {
		named := slices.ContainsFunc(entries, func(e awareness.Entry) bool { return e.Client == client })
		if e, _ := p.states.Get(client); e.State == nil && !named {
			s.clients = remove(s.clients, client)
			p.forget(client)
			return true
		}
	}
	return false
}

// maySpeakFor tells whether a client is the socket's, or free for it. A client
// that another socket has is taken over only by the same subject, and by a reader
// only from a reader: it may be back before its former socket is found dead. So is
// one whose connection broke. A socket without a subject takes over nothing from
// one that lives, and only from another without one after that.
func (p *presence) maySpeakFor(conn Conn, s *socket, client uint64) bool {
	subject := s.Session.Subject
	if leaves, ok := p.leaving[client]; ok {
		return leaves.subject == subject && (s.Write || !leaves.write)
	}
	former := p.room.socket(p.owner[client])
	if former == nil || former == s || former.closed {
		return true
	}
	return subject != 0 && former.Session.Subject == subject && (s.Write || !former.Write)
}

// own makes a client the socket's.
func (p *presence) own(conn Conn, s *socket, client uint64) {
	if _, leaves := p.leaving[client]; leaves {
		delete(p.leaving, client)
		p.forget(client)
	}
	if former, ok := p.owner[client]; ok && former != conn {
		if other := p.room.socket(former); other != nil {
			other.clients = remove(other.clients, client)
			p.room.attach(former)
		}
	}
	if p.owner == nil {
		p.owner = map[uint64]Conn{}
	}
	p.owner[client] = conn
	if !slices.Contains(s.clients, client) {
		s.clients = append(s.clients, client)
	}
}

// forget drops a client's row in storage and its owner.
func (p *presence) forget(client uint64) {
	delete(p.owner, client)
	delete(p.leaving, client)
	p.drop(client)
}

// leave takes the clients of a closed socket away, at once or, if the connection
// broke, when they had the time to come back: a client that is gone and back
// with the same clock would stay unseen until its next renewal.
func (p *presence) leave(conn Conn, s *socket, broken bool, now time.Time) {
	clients := s.clients
	s.clients = nil
	var gone []uint64
	for _, client := range clients {
		e, _ := p.states.Get(client)
		if p.owner[client] != conn {
			continue
		}
		delete(p.owner, client)
		if !broken || e.State == nil {
			gone = append(gone, client)
			continue
		}
		if p.leaving == nil {
			p.leaving = map[uint64]departure{}
		}
		p.leaving[client] = departure{at: now.Add(p.config.Grace), subject: s.Session.Subject, write: s.Write}
		p.keep(client, p.leaving[client], now)
	}
	p.remove(gone, now)
	p.expire(now)
}

// remove says of clients that they are gone.
func (p *presence) remove(clients []uint64, now time.Time) {
	change := p.states.Remove(now, clients...)
	for _, client := range clients {
		p.forget(client)
	}
	p.tell(change.Removed)
}

// depart removes those whose time to come back is over.
func (p *presence) depart(now time.Time) {
	var gone []uint64
	for client, leaves := range p.leaving {
		if !leaves.at.After(now) {
			gone = append(gone, client)
		}
	}
	slices.Sort(gone)
	p.remove(gone, now)
}

// nextDeparture is the zero time if nobody is leaving.
func (p *presence) nextDeparture() (next time.Time) {
	for _, leaves := range p.leaving {
		next = session.Sooner(next, leaves.at)
	}
	return next
}

// expire removes clients that have been silent for too long. Nothing wakes up
// for it: clients do it for themselves, this is for who comes new.
func (p *presence) expire(now time.Time) {
	if now.Before(p.expires) {
		return
	}
	p.expires = now.Add(expireEvery)
	change := p.states.Expire(now)
	for _, client := range change.Removed {
		if p.room.socket(p.owner[client]) != nil {
			p.room.attach(p.owner[client])
		} else {
			p.forget(client)
		}
	}
	p.tell(change.Removed)
}

// tell sends what is known of clients to conns, or to all: in several messages if
// one would be long, as clients send it back.
func (p *presence) tell(clients []uint64, conns ...Conn) {
	for len(clients) > 0 {
		n, size := 0, 0
		for n < min(len(clients), toldEntries) {
			e, _ := p.states.Get(clients[n])
			if size += len(e.State) + entryBytes; n > 0 && size > toldBytes {
				break
			}
			n++
		}
		p.room.send(p.message(clients[:n]), conns...)
		clients = clients[n:]
	}
}

// answer tells a socket who is present, also if nobody is.
func (p *presence) answer(conn Conn) {
	present := p.states.Present()
	if len(present) == 0 {
		p.room.send(p.message(nil), conn)
	}
	p.tell(present, conn)
}

func (p *presence) message(clients []uint64) yproto.Message {
	return yproto.Message{Kind: yproto.Awareness, Payload: p.states.AppendUpdate(nil, clients...)}
}

func remove(clients []uint64, client uint64) []uint64 {
	return slices.DeleteFunc(clients, func(c uint64) bool { return c == client })
}
