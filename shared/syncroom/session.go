package syncroom

import (
	"bytes"
	"time"

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

// plan sets the alarm for a token that ends before all others. The alarm for
// the others is set: the event that let in the one that ends first set it. If it
// is overdue it was given up, and is set again.
func (r *Room) plan(e *Effects, end, now time.Time) {
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

// look counts the conns but one, and finds the token that ends first, of that one too:
// the alarm is set for it.
func (r *Room) look(but int32) {
	r.looked, r.open = true, 0
	for _, c := range r.Conns() {
		r.ends = session.Sooner(r.ends, DecodeAdmission(c.Attachment).Session.Expires)
		if c.ID != but {
			r.open++
		}
	}
}

// Wake is the alarm: conns whose token has ended are closed.
func (r *Room) Wake(now time.Time) (e Effects) {
	r.ends, r.looked = time.Time{}, true
	conns := r.Conns()
	r.open = len(conns)
	for _, c := range conns {
		s := DecodeAdmission(c.Attachment).Session
		if s.EndedBy(now.Add(early)) {
			e.Close = append(e.Close, Close{c.ID, session.CloseEnded, session.EndedReason})
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

// revocation begins a message to the room that is no list of changes, as removal
// does.
var revocation = append(bytes.Repeat([]byte{0xff}, 7), 0xfe)

// Revocation is the message that tokens were revoked: their conns are closed, and
// so are those that are on their way.
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

func (r *Room) revoke(v session.Revocation, now time.Time) Effects {
	r.revoked.Add(v, now)
	return r.closing(session.CloseEnded, session.RevokedReason, func(a Admission) bool { return v.Ends(a.Session) })
}
