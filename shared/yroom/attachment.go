package yroom

import (
	"hash/crc32"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/awareness"
	"tidemark/shared/lib0"
	"tidemark/shared/session"
	"tidemark/shared/yproto"
)

// Flags of an attachment.
const (
	flagWrite   = 1 << 0
	flagWaiting = 1 << 1
	flagRegular = 1 << 2
	flagOther   = 1 << 3 // the dialect is Hocuspocus
)

// attachment returns the data of a socket that must survive a hibernation:
//
//	byte version, byte flags, the session, varUint n, n × (varUint client, varUint clock, string state),
//	varUint the time of the socket's last news, Unix milliseconds, 0 if there was none, string Admission.Subject
//
// An empty subject is left out, and then a time of 0 is, too.
// Version 1 has no session: it is for sockets whose token has no claims for one, and for old
// sockets, which a deployment does not close. A state that does not fit is empty here, and
// storage keeps it. A client without a state has an empty one, too.
func (p *presence) attachment(s *socket, now time.Time) []byte {
	flags := byte(0)
	if s.Write {
		flags |= flagWrite
	}
	if s.waiting {
		flags |= flagWaiting
	}
	if s.regular {
		flags |= flagRegular
	}
	if s.Dialect == yproto.Hocuspocus {
		flags |= flagOther
	}
	b := []byte{1, flags}
	if s.Session != (session.Session{}) {
		b = s.Session.Append([]byte{2, flags})
	}
	b = lib0.AppendUint(b, uint64(len(s.clients)))
	room := attachmentBytes - entryBytes*len(s.clients) - len(s.Subject)
	for _, client := range s.clients {
		e, _ := p.states.Get(client)
		b = lib0.AppendUint(lib0.AppendUint(b, client), e.Clock)
		if fits := len(e.State) <= room; fits {
			room -= len(e.State)
			b = lib0.AppendBytes(b, e.State)
			p.drop(client)
			continue
		}
		b = lib0.AppendUint(b, 0)
		if p.stale(e, now) {
			p.keep(client, departure{}, now)
		}
	}
	heard := uint64(0)
	if p.config.Silence > 0 && !s.heard.IsZero() {
		heard = uint64(s.heard.UnixMilli())
	}
	if heard == 0 && s.Subject == "" {
		return b
	}
	if b = lib0.AppendUint(b, heard); s.Subject != "" {
		b = lib0.AppendString(b, s.Subject)
	}
	return b
}

// restore restores the sockets and the presence of the room from attachments and rows.
func (p *presence) restore(rows []Presence, open []abi.Conn, now time.Time) {
	p.states.Limits = p.config.limits()
	inStorage := make(map[uint64]Presence, len(rows))
	p.kept = make(map[uint64]kept, len(rows))
	for _, row := range rows {
		inStorage[row.Client] = row
		p.kept[row.Client] = kept{sum: stateSum(row.State)}
	}
	for _, o := range open {
		p.readAttachment(o, p.room.socket(o.ID), inStorage, now)
	}
	for client, row := range inStorage {
		if row.Leaves == 0 || p.owner[client] != 0 {
			continue
		}
		if p.leaving == nil {
			p.leaving = map[uint64]departure{}
		}
		p.leaving[client] = departure{at: time.UnixMilli(row.Leaves), subject: row.Subject, write: row.Write}
		p.states.Restore(awareness.Entry{Client: client, Clock: row.Clock, State: row.State}, now)
	}
	for client := range inStorage {
		if _, leaves := p.leaving[client]; !leaves && p.owner[client] == 0 {
			p.forget(client)
		}
	}
}

// readAttachment reads an attachment up to the first invalid field.
func (p *presence) readAttachment(o abi.Conn, s *socket, kept map[uint64]Presence, now time.Time) {
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
	if flags&flagOther != 0 {
		s.Dialect = yproto.Hocuspocus
	}
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
			row := kept[e.Client]
			e.State, e.Clock = row.State, max(row.Clock, e.Clock)
		}
		if len(e.State) == 0 {
			e.State = nil
		}
		if p.states.Restore(e, now) == nil {
			p.own(o.ID, s, e.Client)
		}
	}
	if heard, err := b.Uint(); err == nil && heard > 0 {
		s.heard, s.regular = time.UnixMilli(int64(heard)), flags&flagRegular != 0
	}
	if subject, err := b.String(); err == nil {
		s.Subject = string(subject)
	}
}

// A kept is a client's state in storage, which keeps the states that are too long for an
// attachment.
type kept struct {
	sum uint32 // of the state
	at  time.Time
}

func stateSum(state []byte) uint32 { return crc32.ChecksumIEEE(state) }

// keepEvery is the least time between two writes of a client's state: each costs a row. A client
// repeats its state within that time. So a state may be older after a hibernation, for a moment.
const keepEvery = 15 * time.Second

// stale reports whether a state must be stored again.
func (p *presence) stale(e awareness.Entry, now time.Time) bool {
	k, stored := p.kept[e.Client]
	return !stored || now.Sub(k.at) >= keepEvery && k.sum != stateSum(e.State)
}

// keep stores a client's state.
func (p *presence) keep(client uint64, leaves departure, now time.Time) {
	e, _ := p.states.Get(client)
	row := &Presence{Client: client, Clock: e.Clock, State: e.State, Subject: leaves.subject, Write: leaves.write}
	if !leaves.at.IsZero() {
		row.Leaves = leaves.at.UnixMilli()
	}
	p.kept[client] = kept{stateSum(e.State), now}
	p.room.write(Write{Keep: row})
}

// drop deletes a client's state from storage, if it is there.
func (p *presence) drop(client uint64) {
	if _, stored := p.kept[client]; stored {
		delete(p.kept, client)
		p.room.write(Write{Forget: []uint64{client}})
	}
}
