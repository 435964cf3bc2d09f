package syncroom

import (
	"encoding/binary"

	"tidemark/shared/session"
)

// An Admission is what the Worker says of a subscriber that it lets in, and what
// is attached to the conn.
type Admission struct {
	At      Position // of the last change that the Worker knows
	Session session.Session
}

// sessionEnd ends an admission that has a session. An admission from before there
// were sessions has the subject's text there, or ends with the position: neither
// ends so.
const sessionEnd = 0xff

// Append appends u64 position and, if there is a session, the session and sessionEnd.
func (a Admission) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(a.At))
	if a.Session == (session.Session{}) {
		return b
	}
	return append(a.Session.Append(b), sessionEnd)
}

// DecodeAdmission is the inverse of Append. Bytes that are no admission are an
// empty one.
func DecodeAdmission(b []byte) (a Admission) {
	if len(b) < 8 {
		return a
	}
	a.At = Position(binary.LittleEndian.Uint64(b))
	rest := b[8:]
	if len(rest) == session.Size+1 && rest[session.Size] == sessionEnd {
		a.Session, _, _ = session.Cut(rest)
	} else {
		a.Session.Subject = session.MarkOf(string(rest))
	}
	return a
}
