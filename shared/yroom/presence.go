package yroom

import (
	"slices"
	"time"

	"tidemark/shared/awareness"
	"tidemark/shared/session"
	"tidemark/shared/yproto"
)

// A presence holds the clients that are in the room, and their states. The socket that
// announces a client first owns it until that socket disconnects, also while the client is
// silent or announces that it is gone. No other socket may announce the client: see maySpeakFor. The
// sockets' attachments keep the states over a hibernation; storage keeps longer ones.
type presence struct {
	room    surroundings
	config  *Config
	states  awareness.States
	owner   map[uint64]Conn
	leaving map[uint64]departure
	kept    map[uint64]kept // what is in storage
	expires time.Time       // the next time to look for silent clients
}

// The surroundings are the methods of a room that presence calls.
type surroundings interface {
	socket(conn Conn) *socket             // nil if there is none
	attach(conn Conn)                     // the socket's attachment has changed
	send(m yproto.Message, conns ...Conn) // to all without conns
	write(w Write)
}

// A departure is a client whose connection broke.
type departure struct {
	at      time.Time // when it counts as gone
	subject session.Mark
	write   bool // its socket could write
	claimed bool // a socket without a subject has announced it
}

const (
	clientsPerSocket = 8
	presenceSockets  = 8     // the presence of a room is limited to that of so many sockets
	attachmentBytes  = 1_900 // for presence; hosts allow 2,000 in all
	entryBytes       = 24    // of a client besides its state, at most
	expireEvery      = 10 * time.Second
	echoCost         = 0.01 // of a message without news: every client sends back what it receives
)

// renewal is the time within which a client repeats its state, unless it is delayed.
// y-protocols repeats a state after 15 seconds, and checks every 3. A tab in the background
// checks once a minute.
const renewal = 20 * time.Second

// The greatest size of a message of tell. A longer state has a message of its own.
const (
	messageEntries = 100
	messageBytes   = 64 << 10
)

// limits bound one awareness message, and how many clients a room knows.
func (c *Config) limits() awareness.Limits {
	l := awareness.DefaultLimits
	l.StateBytes, l.Bytes = c.PresenceStateBytes, max(l.Bytes, 4*c.PresenceBytes)
	return l
}

// apply applies the acceptable entries of an awareness message, and returns the news in it. It
// ignores entries beyond a limit, and closes no socket for them.
func (p *presence) apply(conn Conn, s *socket, update []byte, now time.Time) (awareness.Change, error) {
	entries, err := awareness.Decode(update, p.states.Limits)
	if err != nil {
		return awareness.Change{}, err
	}
	change := p.states.ApplyEntries(p.acceptable(conn, s, entries, now), now)
	s.spoke = true
	return change, nil
}

// announce sends the news of a socket to all sockets. The sender gets them too: y-websocket
// disconnects if it receives nothing for 30 seconds.
func (p *presence) announce(conn Conn, s *socket, change awareness.Change, now time.Time) {
	for _, client := range slices.Concat(change.Added, change.Updated) {
		p.own(conn, s, client)
	}
	if !change.Empty() {
		s.recordNews(now)
		p.room.attach(conn)
		p.tell(change.Clients())
	}
	p.expire(now)
}

// acceptable drops the entries that this socket may not send: those of clients that it may not
// speak for, removals of clients that it does not own, and clients and bytes beyond the limits
// of one socket. Most such entries are honest: a client sends back what it receives. An entry of
// a client that returns after its connection broke counts, also without news: see back.
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

// space returns how many bytes the states of a socket's clients may still grow.
func (p *presence) space(s *socket) int {
	space := p.config.PresenceBytes
	for _, client := range s.clients {
		e, _ := p.states.Get(client)
		space -= len(e.State)
	}
	return min(space, presenceSockets*p.config.PresenceBytes-p.states.Size())
}

// back handles an entry for a client whose connection broke. In the first awareness message of
// a socket, the entry shows that the client is present again: y-websocket sends its own state
// first, and repeats the states of others only later. A socket without a subject may belong to
// any user, also to a client that only repeats a received state. Then back only gives the
// client time to renew its state.
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

// release drops a client of a socket to make place for a new one: the first client without a
// state that is not in entries. It returns false if there is none.
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

// maySpeakFor reports whether a socket may announce a client: the client is its own or free. A
// client may return before the room knows that its former socket is dead. So a socket may take
// over a client of another socket if both have the same subject; a reader only from a reader.
// The same rule holds for a client whose connection broke. A socket without a subject never
// takes over a client of a live socket. After a broken connection it takes over a client only
// from another socket without a subject.
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

// leave removes the clients of a closed socket at once. If the connection broke, it gives them
// time to return first: a removed client that returns with the same clock stays invisible until
// its next renewal.
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

// remove removes clients, and sends the removal to all sockets.
func (p *presence) remove(clients []uint64, now time.Time) {
	change := p.states.Remove(now, clients...)
	for _, client := range clients {
		p.forget(client)
	}
	p.tell(change.Removed)
}

// depart removes the clients whose time to return is over.
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

// nextDeparture returns the time of depart's next work; the zero time is never.
func (p *presence) nextDeparture() (next time.Time) {
	for _, leaves := range p.leaving {
		next = session.Sooner(next, leaves.at)
	}
	return next
}

// expire removes clients that have been silent for too long. No alarm wakes the room for that,
// because clients expire states by themselves. Only clients that connect later need it.
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

// tell sends the states of clients to conns; without any, to all. It sends several short
// messages instead of a long one, because clients send them back.
func (p *presence) tell(clients []uint64, conns ...Conn) {
	for len(clients) > 0 {
		n, size := 0, 0
		for n < min(len(clients), messageEntries) {
			e, _ := p.states.Get(clients[n])
			if size += len(e.State) + entryBytes; n > 0 && size > messageBytes {
				break
			}
			n++
		}
		p.room.send(p.message(clients[:n]), conns...)
		clients = clients[n:]
	}
}

// answer sends a socket the states of all present clients, also if there are none.
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
