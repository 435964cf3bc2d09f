// Package session says what a room knows of the token by which a socket was let
// in: when it ends, and enough to recognize it when it is revoked. A token
// itself never reaches a room.
package session

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// The reasons with which a room closes a socket whose token is no longer valid.
const (
	EndedReason   = "the token has ended"
	RevokedReason = "the token was revoked"
)

// A Mark is a short hash of a subject or of a token's ID; 0 stands for none.
type Mark uint64

// MarkOf returns the mark of a text: the first 8 bytes of its SHA-256.
func MarkOf(text string) Mark {
	if text == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(text))
	return Mark(binary.LittleEndian.Uint64(sum[:]))
}

// Append appends the 8 bytes of a mark.
func (m Mark) Append(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, uint64(m)) }

// MarkFrom is the inverse of Mark.Append; it returns 0 for anything else.
func MarkFrom(b []byte) Mark {
	if len(b) != 8 {
		return 0
	}
	return Mark(binary.LittleEndian.Uint64(b))
}

// A Session is what a token says of a socket. The zero value is a token that
// says nothing, or a socket from before there were sessions: it never ends.
type Session struct {
	Subject Mark      // claim sub
	Token   Mark      // claim jti
	Issued  time.Time // claim iat; zero: unknown
	Expires time.Time // claim exp; zero: never
}

// Size is how many bytes Append appends.
const Size = 32

// Append appends u64 subject, u64 token, and the two times as u64 Unix
// milliseconds, little endian.
func (s Session) Append(b []byte) []byte {
	return appendTime(appendTime(s.Token.Append(s.Subject.Append(b)), s.Issued), s.Expires)
}

// Cut is the inverse of Append. It returns false if b is too short.
func Cut(b []byte) (s Session, rest []byte, ok bool) {
	if len(b) < Size {
		return Session{}, b, false
	}
	return Session{
		Subject: MarkFrom(b[:8]), Token: MarkFrom(b[8:16]),
		Issued: timeOf(b[16:]), Expires: timeOf(b[24:]),
	}, b[Size:], true
}

// EndedBy tells whether the session has ended at that time.
func (s Session) EndedBy(now time.Time) bool {
	return !s.Expires.IsZero() && !now.Before(s.Expires)
}

// Sooner returns the earlier of two ends, of which the zero time is never.
func Sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// A Revocation ends one token, or the tokens that a subject had at a time.
type Revocation struct {
	Subject Mark // 0: Token says which
	Token   Mark
	At      time.Time
}

// Ends tells whether the revocation ends s. A token that does not say when it
// was issued counts as older than every revocation of its subject.
func (r Revocation) Ends(s Session) bool {
	if r.Token != 0 {
		return s.Token == r.Token
	}
	return r.Subject != 0 && s.Subject == r.Subject && !s.Issued.After(r.At)
}

// RevocationSize is how many bytes a Revocation's Append appends.
const RevocationSize = 24

// Append appends u64 subject, u64 token and the time as Session.Append does.
func (r Revocation) Append(b []byte) []byte {
	return appendTime(r.Token.Append(r.Subject.Append(b)), r.At)
}

// DecodeRevocation is the inverse of Revocation.Append.
func DecodeRevocation(b []byte) (Revocation, bool) {
	if len(b) != RevocationSize {
		return Revocation{}, false
	}
	return Revocation{
		Subject: MarkFrom(b[:8]), Token: MarkFrom(b[8:16]), At: timeOf(b[16:]),
	}, true
}

func appendTime(b []byte, t time.Time) []byte {
	millis := int64(0)
	if !t.IsZero() {
		millis = t.UnixMilli()
	}
	return binary.LittleEndian.AppendUint64(b, uint64(millis))
}

func timeOf(b []byte) time.Time {
	millis := int64(binary.LittleEndian.Uint64(b))
	if millis == 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}

// Recent are the revocations that a room heard in the last minute. A socket may
// be on its way to the room while its token is revoked: the room refuses it by
// these. The zero value has heard none.
type Recent struct{ heard []heard }

type heard struct {
	Revocation
	at time.Time
}

const (
	recentLife = time.Minute // longer than any upgrade takes from the Worker to the room
	maxRecent  = 256
)

// Add remembers r. The oldest ones make place for it.
func (q *Recent) Add(r Revocation, now time.Time) {
	kept := q.heard[:0]
	for i, h := range q.heard {
		if now.Sub(h.at) < recentLife && len(q.heard)-i < maxRecent {
			kept = append(kept, h)
		}
	}
	q.heard = append(kept, heard{r, now})
}

// Clone returns a copy.
func (q *Recent) Clone() Recent { return Recent{slices.Clone(q.heard)} }

// End tells whether one of them ends s.
func (q *Recent) End(s Session) bool {
	for _, h := range q.heard {
		if h.Ends(s) {
			return true
		}
	}
	return false
}
