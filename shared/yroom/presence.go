package yroom

import (
	"slices"
	"time"

	"tidemark/shared/awareness"
	"tidemark/shared/lib0"
	"tidemark/shared/session"
	"tidemark/shared/yproto"
)

// A presence is who is in the room. A client's state came by a socket and goes
// with it: the socket that announced the client first has it, and no other may
// say anything of it, see maySpeakFor. The sockets' attachments keep it over a hibernation; what does not
// fit there is kept in storage.
type presence struct {
	states  awareness.States
	owner   map[uint64]Conn
	leaving map[uint64]departure
	kept    map[uint64]bool // in storage
	expires time.Time       // when to look for silent clients again
}

// A departure is a client whose connection broke.
type departure struct {
	at      time.Time // when it counts as gone
	subject session.Mark
}

const (
	clientsPerSocket = 8
	attachmentBytes  = 1_900 // for presence; hosts take 2,000 in all
	entryBytes       = 24    // of a client besides its state, at most
	expireEvery      = 10 * time.Second
	echoCost         = 0.01 // of a message that says nothing new: every client sends back what it hears
)

// receive takes an awareness message and sends on what is news in it, to the
// sender too: y-websocket leaves if it hears nothing for 30 seconds.
func (p *presence) receive(r *Room, conn Conn, s *socket, update []byte, now time.Time) (open bool) {
	entries, err := awareness.Decode(update, awareness.EchoLimits)
	if err == nil {
		err = p.states.Check(entries)
	}
	if err != nil {
		r.close(conn, CloseMalformed, "malformed awareness message: "+err.Error())
		return false
	}
	change := p.states.ApplyEntries(p.acceptable(r, conn, s, entries), now)
	cost := 1.0
	if change.Empty() {
		cost = echoCost
	}
	if !r.spend(conn, s, cost, len(update), now) {
		return false
	}
	for _, client := range slices.Concat(change.Added, change.Updated) {
		p.own(r, conn, s, client)
	}
	for _, client := range change.Removed {
		s.clients = remove(s.clients, client)
		p.forget(r, client)
	}
	if !change.Empty() {
		r.attach(conn)
		p.tell(r, change.Clients())
	}
	p.expire(r, now)
	return true
}

// acceptable drops the entries that are not this socket's to say: those of
// clients that it may not speak for, that a client is gone which it does not have,
// and more clients than one program has. Most of them are honest: a client sends
// back what it hears. A client that is back after its connection broke is kept,
// and needs no news for that.
func (p *presence) acceptable(r *Room, conn Conn, s *socket, entries []awareness.Entry) []awareness.Entry {
	fresh := len(s.clients)
	kept := entries[:0]
	for _, e := range entries {
		if e.Offline() && p.owner[e.Client] != conn || !p.maySpeakFor(r, conn, s, e.Client) {
			continue
		}
		if !slices.Contains(s.clients, e.Client) && !e.Offline() {
			if p.states.News(e) {
				if fresh >= clientsPerSocket {
					continue
				}
				fresh++
			}
			if _, leaves := p.leaving[e.Client]; leaves && len(s.clients) == 0 {
				p.own(r, conn, s, e.Client)
				r.attach(conn)
			}
		}
		kept = append(kept, e)
	}
	return kept
}

// maySpeakFor tells whether a client is the socket's, or free for it. A client
// that another socket has is taken over only by the same subject, and by a reader
// only from a reader: it may be back before its former socket is found dead. So
// is one whose connection broke. A socket without a subject takes over nothing
// from one that lives.
func (p *presence) maySpeakFor(r *Room, conn Conn, s *socket, client uint64) bool {
	subject := s.Session.Subject
	if leaves, ok := p.leaving[client]; ok {
		return leaves.subject == 0 || leaves.subject == subject
	}
	former := r.sockets[p.owner[client]]
	if former == nil || former == s || former.closed {
		return true
	}
	return subject != 0 && former.Session.Subject == subject && (s.Write || !former.Write)
}

// own makes a client the socket's.
func (p *presence) own(r *Room, conn Conn, s *socket, client uint64) {
	if _, leaves := p.leaving[client]; leaves {
		delete(p.leaving, client)
		p.forget(r, client)
	}
	if former, ok := p.owner[client]; ok && former != conn {
		if other := r.sockets[former]; other != nil {
			other.clients = remove(other.clients, client)
			r.attach(former)
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
func (p *presence) forget(r *Room, client uint64) {
	delete(p.owner, client)
	delete(p.leaving, client)
	if p.kept[client] {
		delete(p.kept, client)
		r.write(Write{Forget: []uint64{client}})
	}
}

func (p *presence) keep(r *Room, client uint64, leaves departure) {
	e, _ := p.states.Get(client)
	kept := &Presence{Client: client, Clock: e.Clock, State: e.State, Subject: leaves.subject}
	if !leaves.at.IsZero() {
		kept.Leaves = leaves.at.UnixMilli()
	}
	if p.kept == nil {
		p.kept = map[uint64]bool{}
	}
	p.kept[client] = true
	r.write(Write{Keep: kept})
}

// leave takes the clients of a closed socket away, at once or, if the connection
// broke, when they had the time to come back: a client that is gone and back
// with the same clock would stay unseen until its next renewal.
func (p *presence) leave(r *Room, conn Conn, s *socket, broken bool, now time.Time) {
	clients, subject := s.clients, s.Session.Subject
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
		p.leaving[client] = departure{now.Add(r.config.Grace), subject}
		p.keep(r, client, p.leaving[client])
	}
	p.remove(r, gone, now)
	p.expire(r, now)
}

// remove says of clients that they are gone.
func (p *presence) remove(r *Room, clients []uint64, now time.Time) {
	change := p.states.Remove(now, clients...)
	for _, client := range clients {
		p.forget(r, client)
	}
	p.tell(r, change.Removed)
}

// depart removes those whose time to come back is over.
func (p *presence) depart(r *Room, now time.Time) {
	var gone []uint64
	for client, leaves := range p.leaving {
		if !leaves.at.After(now) {
			gone = append(gone, client)
		}
	}
	slices.Sort(gone)
	p.remove(r, gone, now)
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
func (p *presence) expire(r *Room, now time.Time) {
	if now.Before(p.expires) {
		return
	}
	p.expires = now.Add(expireEvery)
	change := p.states.Expire(now)
	for _, client := range change.Removed {
		if s := r.sockets[p.owner[client]]; s != nil {
			s.clients = remove(s.clients, client)
			r.attach(p.owner[client])
		}
		p.forget(r, client)
	}
	p.tell(r, change.Removed)
}

// tell sends what is known of clients to conns, or to all: in several messages if
// one would be more than a client may say, as clients send it back.
func (p *presence) tell(r *Room, clients []uint64, conns ...Conn) {
	for len(clients) > 0 {
		n, size := 0, 0
		for n < min(len(clients), awarenessLimits.Entries) {
			e, _ := p.states.Get(clients[n])
			if size += len(e.State) + entryBytes; n > 0 && size > awarenessLimits.Bytes {
				break
			}
			n++
		}
		r.send(p.frame(clients[:n]), conns...)
		clients = clients[n:]
	}
}

// answer tells a socket who is there, nobody included.
func (p *presence) answer(r *Room, conn Conn) {
	present := p.states.Present()
	if len(present) == 0 {
		r.send(p.frame(nil), conn)
	}
	p.tell(r, present, conn)
}

func (p *presence) frame(clients []uint64) []byte {
	return yproto.AppendAwareness(nil, p.states.AppendUpdate(nil, clients...))
}

// Flags of an attachment.
const (
	flagWrite   = 1 << 0
	flagWaiting = 1 << 1
)

// attachment is what must survive a hibernation:
//
//	byte version, byte flags, the session, varUint n, n × (varUint client, varUint clock, string state)
//
// Version 1 has no session: sockets whose token says nothing have it, and those
// from before there were sessions, which a deployment does not close. A state
// that does not fit is kept in storage and empty here.
func (p *presence) attachment(r *Room, s *socket) []byte {
	flags := byte(0)
	if s.Write {
		flags |= flagWrite
	}
	if s.waiting {
		flags |= flagWaiting
	}
	b := []byte{1, flags}
	if s.Session != (session.Session{}) {
		b = s.Session.Append([]byte{2, flags})
	}
	b = lib0.AppendUint(b, uint64(len(s.clients)))
	room := attachmentBytes - entryBytes*len(s.clients)
	for _, client := range s.clients {
		e, _ := p.states.Get(client)
		b = lib0.AppendUint(lib0.AppendUint(b, client), e.Clock)
		if fits := len(e.State) <= room; fits {
			room -= len(e.State)
			b = lib0.AppendBytes(b, e.State)
			if p.kept[client] {
				delete(p.kept, client)
				r.write(Write{Forget: []uint64{client}})
			}
			continue
		}
		b = lib0.AppendUint(b, 0)
		p.keep(r, client, departure{})
	}
	return b
}

// restore makes the room's sockets and presence of what was attached and kept.
func (p *presence) restore(r *Room, rows []Presence, open []Open, now time.Time) {
	p.states.Limits = awarenessLimits
	kept := make(map[uint64]Presence, len(rows))
	for _, row := range rows {
		kept[row.Client] = row
	}
	for _, o := range open {
		s := &socket{}
		r.sockets[o.Conn] = s
		p.readAttachment(r, o, s, kept, now)
	}
	for client, row := range kept {
		if row.Leaves == 0 || p.owner[client] != 0 {
			continue
		}
		if p.leaving == nil {
			p.leaving = map[uint64]departure{}
		}
		p.leaving[client] = departure{time.UnixMilli(row.Leaves), row.Subject}
		p.states.Restore(awareness.Entry{Client: client, Clock: row.Clock, State: row.State}, now)
	}
	p.kept = make(map[uint64]bool, len(kept))
	for client := range kept {
		p.kept[client] = true
		if _, leaves := p.leaving[client]; !leaves && p.owner[client] == 0 {
			p.forget(r, client)
		}
	}
}

// readAttachment reads as much as it understands.
func (p *presence) readAttachment(r *Room, o Open, s *socket, kept map[uint64]Presence, now time.Time) {
	b := lib0.NewReader(o.Attachment)
	version, err := b.Byte()
	if err != nil || version != 1 && version != 2 {
		return
	}
	flags, err := b.Byte()
	if err != nil {
		return
	}
	if version == 2 {
		var ok bool
		if s.Session, _, ok = session.Cut(b.Rest()); !ok {
			return
		}
		b.Seek(b.Pos() + session.Size)
	}
	s.Write, s.waiting = flags&flagWrite != 0, flags&flagWaiting != 0
	n, err := b.Count(3)
	if err != nil {
		return
	}
	for range n {
		var e awareness.Entry
		if e.Client, err = b.Uint(); err == nil {
			if e.Clock, err = b.Uint(); err == nil {
				e.State, err = b.String()
			}
		}
		if err != nil {
			return
		}
		if len(e.State) == 0 {
			if row := kept[e.Client]; row.Clock == e.Clock {
				e.State = row.State
			}
		}
		if len(e.State) > 0 && p.states.Restore(e, now) == nil {
			p.own(r, o.Conn, s, e.Client)
		}
	}
}

func remove(clients []uint64, client uint64) []uint64 {
	return slices.DeleteFunc(clients, func(c uint64) bool { return c == client })
}
