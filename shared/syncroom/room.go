// Package syncroom decides what a SyncRoom does: the room that tells its
// subscribers, over WebSockets, which tables changed. Rows never pass it; who
// is told pulls.
//
// A subscriber receives texts:
//
//	{"type":"hello","table":"*","stamp":S}          once, first
//	{"type":"change","table":"customers","stamp":S} after a commit
//
// S is the stamp of the last change that the message stands for: a client whose
// last pull answered S or more has it already. The table "*" is any table. The
// text Ping is answered Pong. Any other text is ignored, so that newer clients
// may say more; a binary message closes its socket with CloseUnsupported.
//
// In the room of a project S is called timestamp, and a subscriber who is no
// more a member is closed with CloseRemoved: see Removal. A subscriber whose token
// ends, or is revoked, is closed with session.CloseEnded.
//
// Each table's first change is told at once. Those that follow within a window
// are told as one, with the last stamp, when it ends. A window is as long as
// telling all subscribers leaves most of the time free: see PerSubscriber.
package syncroom

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/session"
)

// Ping is answered Pong by the host, which need not wake the room for it.
const (
	Ping = "ping"
	Pong = "pong"
)

// A window is PerSubscriber long for each, a few times what a message to one
// costs, and at least MinWindow.
const (
	MinWindow     = 10 * time.Millisecond
	PerSubscriber = 100 * time.Microsecond
)

// CloseUnsupported is the close code for a binary message. RFC 6455, 7.4.1.
const CloseUnsupported = 1003

// CloseMoved is the close code when the room has forgotten what it had to tell.
// Codes from 4500 on may be tried again.
const (
	CloseMoved  = 4500
	MovedReason = "the room was moved; connect again"
)

// AnyTable is the table of a change that may have been one of any table.
const AnyTable = "*"

// A Change is a table that changed, and the stamp of its rows.
type Change struct {
	Table string
	Stamp record.Stamp
}

// Effects are what an event asks for, to be done in the order of the fields.
type Effects struct {
	Timer  time.Duration // until Timer is to be called; 0 asks for none. If one is set already, Lost is called
	Attach *Attach       // nil: nothing
	Alarm  *time.Time    // replaces the alarm, which calls Wake; the zero time removes it, nil leaves it as it is
	Send   []Send
	Close  []Close
}

// An Attach remembers data with a conn over hibernation: see Room.Conns.
type Attach struct {
	Conn int32
	Data []byte
}

// A Send is one text for one conn, or for all if Conn is 0.
type Send struct {
	Conn int32
	Text []byte
}

// A Close ends a conn.
type Close struct {
	Conn   int32
	Code   int
	Reason string
}

// A Room is the state of one SyncRoom. Its events are one after another.
type Room struct {
	// Key is what messages call S: "stamp", unless it is set before any event.
	Key string
	// Subscribers is to how many the host sent last.
	Subscribers int
	// Conns lists the open conns and what is attached to them. The room asks for
	// them when it closes some, and once for the end of their tokens.
	Conns func() []abi.Conn

	stamp   record.Stamp
	told    map[string]bool // tables told since the window began; nil: none is open
	pending []Change        // to be told when it ends
	removed map[session.Mark]record.Stamp
	revoked session.Recent

	ends   time.Time // when the alarm comes, for the token that ends first; zero: none is set
	looked bool      // ends and open are known
	open   int       // conns
}

// maxTables bounds the tables that a room remembers.
const maxTables = 1024

// New makes a room that has heard nothing.
func New(conns func() []abi.Conn) *Room {
	return &Room{Key: "stamp", Conns: conns, removed: map[session.Mark]record.Stamp{}}
}

// Open: conn subscribed, with the Admission that the attachment is. The room may
// have heard of a later stamp since the Worker read that one.
func (r *Room) Open(conn int32, attachment []byte, now time.Time) Effects {
	r.open++
	a := DecodeAdmission(attachment)
	switch {
	case r.removed[a.Session.Subject] > a.Stamp:
		return Effects{Close: []Close{{conn, CloseRemoved, RemovedReason}}}
	case r.revoked.End(a.Session):
		return Effects{Close: []Close{{conn, session.CloseEnded, session.RevokedReason}}}
	case a.Session.EndedBy(now):
		return Effects{Close: []Close{{conn, session.CloseEnded, session.EndedReason}}}
	}
	e := Effects{Send: []Send{{Conn: conn, Text: r.message("hello", Change{AnyTable, max(r.stamp, a.Stamp)})}}}
	if a.Session != (session.Session{}) {
		e.Attach = &Attach{conn, attachment}
	}
	r.plan(&e, a.Session.Expires, now)
	return e
}

// Closed: conn is gone. With the last one goes the alarm.
func (r *Room) Closed(conn int32) (e Effects) {
	if r.open--; r.looked && (r.ends.IsZero() || r.open > 0) {
		return e
	}
	if r.look(conn); r.open == 0 && !r.ends.IsZero() {
		r.ends = time.Time{}
		e.Alarm = &time.Time{}
	}
	return e
}

// Message: conn sent something; kind is abi.KindText or abi.KindBinary.
func (r *Room) Message(conn int32, kind int, data []byte) Effects {
	switch {
	case kind != abi.KindText:
		return Effects{Close: []Close{{conn, CloseUnsupported, "this room takes no binary messages"}}}
	case string(data) == Ping:
		return Effects{Send: []Send{{conn, []byte(Pong)}}}
	}
	return Effects{}
}

// Publish: a push committed; data is AppendChanges of what it changed, or a
// Removal, or a Revocation.
func (r *Room) Publish(data []byte, now time.Time) (Effects, error) {
	if subject, stamp, ok := cutRemoval(data); ok {
		return r.remove(session.MarkOf(subject), stamp), nil
	}
	if v, ok := cutRevocation(data); ok {
		return r.revoke(v, now), nil
	}
	changes, err := DecodeChanges(data)
	if err != nil || len(changes) == 0 {
		return Effects{}, err
	}
	var e Effects
	for _, c := range changes {
		r.stamp = max(r.stamp, c.Stamp)
		if r.told[c.Table] || len(r.told) >= maxTables {
			r.wait(c)
		} else {
			r.tell(&e, c)
		}
	}
	return e, nil
}

// Timer: the window is over. In a room that opened none, another room did, which
// is forgotten: see Lost.
func (r *Room) Timer() Effects {
	if r.told == nil {
		return r.Lost()
	}
	var e Effects
	waited := r.pending
	r.told, r.pending = nil, nil
	for _, c := range waited {
		r.tell(&e, c)
	}
	return e
}

// Lost: the host finds that a timer is set which this room did not ask for.
// Nobody knows what the room before it had yet to tell: whoever connects again
// pulls.
func (r *Room) Lost() Effects {
	return r.closing(CloseMoved, MovedReason, func(Admission) bool { return true })
}

// closing closes those conns.
func (r *Room) closing(code int, reason string, which func(Admission) bool) (e Effects) {
	for _, c := range r.Conns() {
		if which(DecodeAdmission(c.Attachment)) {
			e.Close = append(e.Close, Close{c.ID, code, reason})
		}
	}
	return e
}

// tell sends c to all, and opens the window if none is open.
func (r *Room) tell(e *Effects, c Change) {
	if r.told == nil {
		r.told = map[string]bool{}
		e.Timer = max(MinWindow, time.Duration(r.Subscribers)*PerSubscriber)
	}
	r.told[c.Table] = true
	e.Send = append(e.Send, Send{Text: r.message("change", c)})
}

// wait adds c to what is told when the window ends.
func (r *Room) wait(c Change) {
	i := slices.IndexFunc(r.pending, func(p Change) bool { return p.Table == c.Table })
	switch {
	case i >= 0:
		r.pending[i].Stamp = max(r.pending[i].Stamp, c.Stamp)
	case len(r.pending) < maxTables:
		r.pending = append(r.pending, c)
	default: // one for all that there are
		r.pending = []Change{{AnyTable, r.stamp}}
	}
}

func (r *Room) message(kind string, c Change) []byte {
	b := append(append([]byte(`{"type":"`), kind...), `","table":`...)
	b = ijson.AppendString(b, c.Table)
	b = append(ijson.AppendString(append(b, ','), r.Key), ':')
	return append(strconv.AppendInt(b, int64(c.Stamp), 10), '}')
}

// AppendChanges appends u64 stamp and the table as a text for each.
func AppendChanges(b []byte, changes []Change) []byte {
	for _, c := range changes {
		b = abi.AppendText(binary.LittleEndian.AppendUint64(b, uint64(c.Stamp)), c.Table)
	}
	return b
}

var errTables = errors.New("syncroom: too many tables")

// DecodeChanges is the inverse of AppendChanges.
func DecodeChanges(b []byte) ([]Change, error) {
	var changes []Change
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, abi.ErrFrame
		}
		if len(changes) == maxTables {
			return nil, errTables
		}
		stamp := record.Stamp(binary.LittleEndian.Uint64(b))
		table, rest, err := abi.CutText(b[8:])
		if err != nil {
			return nil, err
		}
		changes = append(changes, Change{string(table), stamp})
		b = rest
	}
	return changes, nil
}
