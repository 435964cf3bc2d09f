// Package syncroom decides what a SyncRoom does: the room that tells its subscribers, over
// WebSockets, which tables changed. No row passes through it: a subscriber that hears of a
// change pulls.
//
// A subscriber receives texts:
//
//	{"type":"hello","table":"*","stamp":S}          once, first
//	{"type":"change","table":"customers","stamp":S} after a commit
//
// S is the stamp of the last change that the message stands for: a client whose last pull
// returned S or more has that change already. The table "*" is any table. The room replies to
// the text Ping with Pong. It ignores any other text, so that newer clients may say more. It
// closes a socket that sends a binary message with room.CloseUnsupported.
//
// In the room of a project S is called timestamp, and the room closes a subscriber who is no
// longer a member with room.CloseRemoved: see Removal. It closes a subscriber whose token
// expires, or is revoked, with room.CloseEnded.
//
// The room sends each table's first change at once, if it has a subscriber. It gathers those that follow in a
// room.Window, and sends one message for each table, with the last stamp, when that ends.
package syncroom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/room"
	"tidemark/shared/session"
)

// The host replies to Ping with Pong, and need not wake the room for it.
const (
	Ping = "ping"
	Pong = "pong"
)

// The length of the room's window. PerSubscriber is a few times what a message to one costs.
const (
	MinWindow     = 10 * time.Millisecond
	PerSubscriber = 100 * time.Microsecond
)

// movedReason is the reason for room.CloseLater when a forgotten room had something to send.
const movedReason = "the room was moved; connect again"

// AnyTable is the table of a change that may have been one of any table.
const AnyTable = "*"

// A Position counts the changes of what a room tells of: it is the record.Stamp of the
// tables, or the project.Seq of a project. Positions of different rooms have nothing to
// do with each other.
type Position int64

// A Change is a table that changed, and the position of the change.
type Change struct {
	Table string
	At    Position
}

// A Room is the state of one SyncRoom. Its events are one after another.
type Room struct {
	// Key is what messages call S: "stamp", unless it is set before any event.
	Key string
	// Subscribers is to how many sockets the host sent the last message to all.
	Subscribers int
	// Conns lists the open conns and what is attached to them. The room asks for
	// them when it closes some, and once for the end of their tokens.
	Conns func() []abi.Conn

	at      Position // of the last change
	timer   room.Timer
	window  room.Window[Change]
	sent    map[string]bool // tables of the changes that were sent since the window opened
	removed map[session.Mark]Position
	revoked session.Recent

	ends   time.Time // when the alarm comes, for the token that ends first; zero: none is set
	looked bool      // ends and open are known
	open   int       // conns
}

// maxTables bounds how many tables a room remembers.
const maxTables = 1024

// New returns a room that knows of no change. timerSet tells whether the object's timer is set.
func New(conns func() []abi.Conn, timerSet bool) *Room {
	return &Room{
		Key: "stamp", Conns: conns, removed: map[session.Mark]Position{},
		timer: room.InheritTimer(timerSet), window: room.Window[Change]{Least: MinWindow, PerSocket: PerSubscriber},
	}
}

// Connect: conn subscribed, with the Admission that the attachment is. The room may
// know a later stamp than the Worker did when it read that one.
func (r *Room) Connect(conn room.Conn, attachment []byte, now time.Time) (e room.Effects) {
	r.open++
	a := DecodeAdmission(attachment)
	switch {
	case r.removed[a.Session.Subject] > a.At:
		return closeConn(conn, room.CloseRemoved, RemovedReason)
	case r.revoked.End(a.Session):
		return closeConn(conn, room.CloseEnded, session.RevokedReason)
	case a.Session.EndedBy(now):
		return closeConn(conn, room.CloseEnded, session.EndedReason)
	}
	e.Send = []room.Send{text(r.message("hello", Change{AnyTable, max(r.at, a.At)}), conn)}
	if a.Session != (session.Session{}) {
		e.Attach = []room.Attach{{Conn: conn, Data: attachment}}
	}
	r.plan(&e, a.Session.Expires, now)
	return e
}

// text returns the effect that sends a text to conns; without any, to all.
func text(data []byte, conns ...room.Conn) room.Send {
	return room.Send{To: conns, Kind: abi.KindText, Data: data}
}

func closeConn(conn room.Conn, code int, reason string) room.Effects {
	return room.Effects{Close: []room.Close{{Conn: conn, Code: code, Reason: reason}}}
}

// Disconnect: conn is gone. After the last one the room needs no alarm.
func (r *Room) Disconnect(conn room.Conn) (e room.Effects) {
	if r.open--; r.looked && (r.ends.IsZero() || r.open > 0) {
		return e
	}
	if r.look(conn); r.open == 0 && !r.ends.IsZero() {
		r.ends = time.Time{}
		e.Alarm = &time.Time{}
	}
	return e
}

// Message: conn sent data; kind is abi.KindText or abi.KindBinary.
func (r *Room) Message(conn room.Conn, kind int, data []byte) (e room.Effects) {
	switch {
	case kind != abi.KindText:
		return closeConn(conn, room.CloseUnsupported, "this room takes no binary messages")
	case string(data) == Ping:
		e.Send = []room.Send{text([]byte(Pong), conn)}
	}
	return e
}

// Call: the Worker sent data: AppendChanges of what a push changed, a Removal, a Revocation, a
// Deletion, or a Pause.
func (r *Room) Call(data []byte, now time.Time) (e room.Effects, err error) {
	if subject, at, ok := cutRemoval(data); ok {
		return r.remove(session.MarkOf(subject), at), nil
	}
	if v, ok := cutRevocation(data); ok {
		return r.revoke(v, now), nil
	}
	if reason, ok := bytes.CutPrefix(data, deletion); ok {
		r.closeIf(&e, room.CloseDeleted, string(reason), func(Admission) bool { return true })
		return e, nil
	}
	if reason, ok := bytes.CutPrefix(data, pause); ok {
		r.closeIf(&e, room.CloseLater, string(reason), func(Admission) bool { return true })
		return e, nil
	}
	changes, err := DecodeChanges(data)
	if err != nil || len(changes) == 0 {
		return e, err
	}
	alone := r.Subscribers == 0 && !r.window.IsOpen() && len(r.Conns()) == 0
	for _, c := range changes {
		r.at = max(r.at, c.At)
		if alone {
			continue
		}
		if r.sent[c.Table] || len(r.sent) >= maxTables {
			r.gather(c)
		} else {
			r.send(&e, c, now)
		}
	}
	return e, nil
}

// Timer ends the window, unless the window goes on. If a forgotten room set the timer, nobody knows which changes that
// room still had to send: all subscribers connect again, and pull.
func (r *Room) Timer(now time.Time) (e room.Effects) {
	if r.timer.Ring() {
		r.closeAll(&e)
		return e
	}
	if r.window.Extend(&r.timer, &e, now) {
		return e
	}
	r.sent = nil
	for _, c := range r.window.End() {
		r.send(&e, c, now)
	}
	return e
}

func (r *Room) closeAll(e *room.Effects) {
	r.closeIf(e, room.CloseLater, movedReason, func(Admission) bool { return true })
}

// closeIf closes the conns that matches accepts.
func (r *Room) closeIf(e *room.Effects, code int, reason string, matches func(Admission) bool) {
	for _, c := range r.Conns() {
		if matches(DecodeAdmission(c.Attachment)) {
			e.Close = append(e.Close, room.Close{Conn: c.ID, Code: code, Reason: reason})
		}
	}
}

// send sends c to all, and opens the window if none is open.
func (r *Room) send(e *room.Effects, c Change, now time.Time) {
	if !r.window.IsOpen() {
		r.sent = map[string]bool{}
		if r.window.Open(&r.timer, e, r.Subscribers, now) {
			r.closeAll(e)
		}
	}
	r.sent[c.Table] = true
	e.Send = append(e.Send, text(r.message("change", c)))
}

// gather adds c to what the room sends when the window ends.
func (r *Room) gather(c Change) {
	gathered := r.window.Gathered
	i := slices.IndexFunc(gathered, func(g Change) bool { return g.Table == c.Table })
	switch {
	case i >= 0:
		gathered[i].At = max(gathered[i].At, c.At)
	case len(gathered) < maxTables:
		r.window.Gathered = append(gathered, c)
	default: // one message for all tables
		r.window.Gathered = []Change{{AnyTable, r.at}}
	}
}

func (r *Room) message(kind string, c Change) []byte {
	b := append(append([]byte(`{"type":"`), kind...), `","table":`...)
	b = ijson.AppendString(b, c.Table)
	b = append(ijson.AppendString(append(b, ','), r.Key), ':')
	return append(strconv.AppendInt(b, int64(c.At), 10), '}')
}

// AppendChanges appends u64 stamp and the table as a text for each.
func AppendChanges(b []byte, changes []Change) []byte {
	for _, c := range changes {
		b = abi.AppendText(binary.LittleEndian.AppendUint64(b, uint64(c.At)), c.Table)
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
		at := Position(binary.LittleEndian.Uint64(b))
		table, rest, err := abi.CutText(b[8:])
		if err != nil {
			return nil, err
		}
		changes = append(changes, Change{string(table), at})
		b = rest
	}
	return changes, nil
}
