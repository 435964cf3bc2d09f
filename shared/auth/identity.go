package auth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// An Identity is what a verified token says. Without a claim the subject and the
// ID are "", the scope is all and the times are zero.
//
// The scope of a token with the claim spaces is in Spaces, and differs from space to
// space. Scope then allows nothing until In narrows the identity to one of them.
type Identity struct {
	Subject                    string
	Scope                      Scope
	Rooms                      Rooms
	Spaces                     Spaces
	ID                         string // the token's own, claim jti
	Claims                     string // of Config.Kept: a canonical JSON object by their paths; "": none
	Issued, NotBefore, Expires time.Time
}

// ValidAt returns ErrToken if the token is not valid yet, or has expired.
func (id Identity) ValidAt(now time.Time) error {
	if !id.Expires.IsZero() && !now.Before(id.Expires) {
		return fmt.Errorf("%w: it has expired", ErrToken)
	}
	if now.Before(id.NotBefore) {
		return fmt.Errorf("%w: it is not valid yet", ErrToken)
	}
	return nil
}

// In returns the identity as it is in a space, or with "" in the root, and false if
// its token does not name the place. The caller checks the name by ValidSpace. The
// result no longer has Spaces: it has the rights in that one place, and In takes it to
// no space.
// docs/auth.md, A1 and A2.
func (id Identity) In(space string) (Identity, bool) {
	spaces := id.Spaces
	id.Spaces = Spaces{}
	named := space == ""
	if spaces.Limited {
		id.Scope, named = spaces.in(space)
	}
	if !named {
		return Identity{}, false
	}
	return id, true
}

// identityVersion is the first byte of an encoded identity.
const identityVersion = 1

// The second byte of an encoded identity says which booleans are true and which
// times are not zero.
const (
	flagAll = 1 << iota
	flagRooms
	flagIssued
	flagNotBefore
	flagExpires
	flagClaims
	flagsEnd
)

var errIdentity = errors.New("the encoded identity is malformed")

// Append appends the encoded identity, which In narrowed before: Spaces are left out.
// It has a version byte, a byte of flags, the subject, the scope's words, the globs
// of the rooms and the ID, each after its length as a uvarint, then each time that is
// not zero, in Unix milliseconds as a varint. The claims follow if there are any.
func (id Identity) Append(b []byte) []byte {
	start := len(b) + 1
	b = append(b, identityVersion, 0)
	if id.Scope.All {
		b[start] |= flagAll
	}
	if id.Rooms.Limited {
		b[start] |= flagRooms
	}
	for _, text := range [...]string{id.Subject, id.Scope.Words, id.Rooms.Globs, id.ID} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	for i, t := range [...]time.Time{id.Issued, id.NotBefore, id.Expires} {
		if !t.IsZero() {
			b[start] |= flagIssued << i
			b = binary.AppendVarint(b, t.UnixMilli())
		}
	}
	if id.Claims != "" {
		b[start] |= flagClaims
		b = append(b, id.Claims...)
	}
	return b
}

// DecodeIdentity is the inverse of Append, but for parts of milliseconds. The identity
// keeps no part of b.
func DecodeIdentity(b []byte) (id Identity, err error) {
	switch {
	case len(b) < 2:
		return Identity{}, errIdentity
	case b[0] != identityVersion:
		return Identity{}, fmt.Errorf("the encoded identity has version %d, and this guest reads version %d", b[0], identityVersion)
	case b[1] >= flagsEnd:
		return Identity{}, errIdentity
	}
	flags, b := b[1], b[2:]
	id.Scope.All, id.Rooms.Limited = flags&flagAll != 0, flags&flagRooms != 0
	for _, text := range [...]*string{&id.Subject, &id.Scope.Words, &id.Rooms.Globs, &id.ID} {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return Identity{}, errIdentity
		}
		end := n + int(size)
		*text, b = string(b[n:end]), b[end:]
	}
	for i, t := range [...]*time.Time{&id.Issued, &id.NotBefore, &id.Expires} {
		if flags&(flagIssued<<i) == 0 {
			continue
		}
		millis, n := binary.Varint(b)
		if n <= 0 {
			return Identity{}, errIdentity
		}
		if *t, b = time.UnixMilli(millis), b[n:]; t.IsZero() {
			return Identity{}, errIdentity
		}
	}
	if claims := flags&flagClaims != 0; claims != (len(b) > 0) {
		return Identity{}, errIdentity
	}
	id.Claims = string(b)
	return id, nil
}
