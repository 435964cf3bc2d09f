package syncroom

import (
	"bytes"
	"time"

	"tidemark/shared/room"
	"tidemark/shared/session"
)

const (
	// early is how much before its time an alarm is taken as due.
	early = 50 * time.Millisecond
	// perConn is, for each conn, how long after an alarm the next comes at the
	// earliest: each looks at all conns. In a room of 5,000 a socket may outlive its
	// token by 5 s.
	perConn = time.Millisecond
)

// plan sets the alarm for a token that expires before all others. For the others the alarm is
// set: the event that admitted the one that expires first set it. The host has given up an
// alarm that is overdue, so plan sets that again.
func (r *Room) plan(e *room.Effects, end, now time.Time) {
	if end.IsZero() {
		return
	}
	overdue := false
	if !r.looked {
		r.look(0)
		overdue = !r.ends.IsZero() && !r.ends.After(now)
	}
	if first := session.Sooner(r.ends, end); overdue || !first.Equal(r.ends) {
		r.ends = first
		e.Alarm = &first
	}
}

// Ends returns when the token of a conn expires first; the zero time: none does.
func (r *Room) Ends() time.Time {
	if !r.looked {
		r.look(0)
	}
	return r.ends
}

// look counts the conns except one, and finds the token that expires first. It includes the
// token of that one: the alarm is set for it.
func (r *Room) look(but int32) {
	r.looked, r.open = true, 0
	for _, c := range r.Conns() {
		r.ends = session.Sooner(r.ends, DecodeAdmission(c.Attachment).Session.Expires)
		if c.ID != but {
			r.open++
		}
	}
}

// Alarm closes the conns whose token has expired.
func (r *Room) Alarm(now time.Time) (e room.Effects) {
	r.ends, r.looked = time.Time{}, true
	conns := r.Conns()
	r.open = len(conns)
	for _, c := range conns {
		s := DecodeAdmission(c.Attachment).Session
		if s.EndedBy(now.Add(early)) {
			e.Close = append(e.Close, room.Close{Conn: c.ID, Code: room.CloseEnded, Reason: session.EndedReason})
		} else {
			r.ends = session.Sooner(r.ends, s.Expires)
		}
	}
	if r.ends.IsZero() {
		return e
	}
	if soonest := now.Add(time.Duration(len(conns)) * perConn); soonest.After(r.ends) {
		r.ends = soonest
	}
	alarm := r.ends
	e.Alarm = &alarm
	return e
}

// revocation begins a call that is no list of changes, as removal does.
var revocation = append(bytes.Repeat([]byte{0xff}, 7), 0xfe)

// Revocation is the call that says that tokens were revoked. The room closes their conns, and
// those that are on their way.
func Revocation(v session.Revocation) []byte {
	return v.Append(bytes.Clone(revocation))
}

func cutRevocation(data []byte) (session.Revocation, bool) {
	rest, ok := bytes.CutPrefix(data, revocation)
	if !ok {
		return session.Revocation{}, false
	}
	return session.DecodeRevocation(rest)
}

func (r *Room) revoke(v session.Revocation, now time.Time) (e room.Effects) {
	r.revoked.Add(v, now)
	r.closeIf(&e, room.CloseEnded, session.RevokedReason, func(a Admission) bool { return v.Ends(a.Session) })
	return e
}
