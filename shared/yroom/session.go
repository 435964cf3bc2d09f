package yroom

import (
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/shared/yproto"
)

// An Admission holds the rights and the session of a socket that the Worker admits. On the wire
// it is a byte, 'w' for a socket that may write and 'r' for one that may only read, or the capital letter
// for one of Hocuspocus, then the session, and then At as a varUint and Subject as a string, each if it or one
// behind it is not empty.
type Admission struct {
	Write   bool // it may change the document
	Dialect yproto.Dialect
	Session session.Session
	At      int64 // when the space let the socket in: see Shut
	// Subject is that of the token, for people to read; "": none, or unknown. Rooms compare Session.Subject.
	Subject string
}

// Append appends the admission.
func (a Admission) Append(b []byte) []byte {
	may := byte('r')
	if a.Write {
		may = 'w'
	}
	if a.Dialect == yproto.Hocuspocus {
		may -= 'a' - 'A'
	}
	b = a.Session.Append(append(b, may))
	if a.At == 0 && a.Subject == "" {
		return b
	}
	if b = lib0.AppendUint(b, uint64(a.At)); a.Subject != "" {
		b = lib0.AppendString(b, a.Subject)
	}
	return b
}

// DecodeAdmission reads an admission, also one without a session: an old Worker sends none.
func DecodeAdmission(b []byte) (a Admission) {
	if len(b) > 0 {
		a.Write = b[0] == 'w' || b[0] == 'W'
		if b[0] < 'a' {
			a.Dialect = yproto.Hocuspocus
		}
		var rest []byte
		a.Session, rest, _ = session.Cut(b[1:])
		r := lib0.NewReader(rest)
		if at, err := r.Uint(); err == nil {
			a.At = int64(at)
		}
		if subject, err := r.String(); err == nil {
			a.Subject = string(subject)
		}
	}
	return a
}

// endSessions closes the sockets whose token has expired, or expires within slack. If at least
// one may have expired, it checks all of them, and finds the one that expires next.
func (r *Room) endSessions(now time.Time, slack time.Duration) {
	by := now.Add(slack)
	if r.ends.IsZero() || by.Before(r.ends) {
		return
	}
	r.ends = time.Time{}
	for _, conn := range r.conns() {
		s := r.sockets[conn]
		if s.closed {
			continue
		}
		if s.Session.EndedBy(by) {
			r.end(conn, s, session.EndedReason, now)
		} else {
			r.ends = session.Sooner(r.ends, s.Session.Expires)
		}
	}
}

// revoke closes the sockets whose token was revoked.
func (r *Room) revoke(v session.Revocation, now time.Time) {
	r.revoked.Add(v, now)
	for _, conn := range r.conns() {
		if s := r.sockets[conn]; !s.closed && v.Ends(s.Session) {
			r.end(conn, s, session.RevokedReason, now)
		}
	}
}

// end closes a socket whose token is no longer valid. If the token has expired, the client stays
// present, because it returns in a moment with a new token.
func (r *Room) end(conn Conn, s *socket, reason string, now time.Time) {
	r.close(conn, room.CloseEnded, reason)
	r.present.leave(conn, s, reason == session.EndedReason, now)
}
