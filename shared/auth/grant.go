package auth

import (
	"cmp"
	"strconv"
	"time"

	"tidemark/shared/ijson"
)

// A Grant is what a new token says.
type Grant struct {
	Subject string
	Scope   string // words; "": the token has no such claim
	// Spaces and Rooms are the JSON of these claims; nil: the token is for the root, and opens
	// every room.
	Spaces, Rooms   []byte
	ID              string            // the claim jti; "": the token has none
	Added           map[string][]byte // other claims: their JSON by their names. None is reserved
	Issued, Expires time.Time
}

// Issue makes a token that the configuration's secret signs. It names the claims as
// Config.Claims does, and has the first issuer and the first audience, which a verifier of the
// configuration requires. It checks nothing: the caller has a verifier read the token.
func (c Config) Issue(g Grant) string {
	m := c.Claims
	if g.Spaces == nil && m.Spaces != "" { // a token that lacks a mapped claim allows nothing
		g.Spaces = []byte(`[""]`)
	}
	if g.Rooms == nil && m.Rooms != "" {
		g.Rooms = []byte(`["*"]`)
	}
	var issuer, audience []byte
	if len(c.Issuers) > 0 {
		issuer = ijson.AppendString(nil, c.Issuers[0])
	}
	if len(c.Audiences) > 0 {
		audience = ijson.AppendString(nil, c.Audiences[0])
	}
	members := []struct {
		name  string
		value []byte // nil: the token does not have it
	}{
		{"iss", issuer},
		{cmp.Or(m.Audience, "aud"), audience},
		{cmp.Or(m.Subject, "sub"), ijson.AppendString(nil, g.Subject)},
		{cmp.Or(m.Scope, "scope"), textOrNone(g.Scope)},
		{cmp.Or(m.Spaces, "spaces"), g.Spaces},
		{cmp.Or(m.Rooms, "rooms"), g.Rooms},
		{"jti", textOrNone(g.ID)},
		{"iat", strconv.AppendInt(nil, g.Issued.Unix(), 10)},
		{"exp", strconv.AppendInt(nil, g.Expires.Unix(), 10)},
	}
	b := []byte{'{'}
	for _, member := range members {
		if member.value != nil {
			b = appendMember(b, member.name, member.value)
		}
	}
	for name, value := range g.Added {
		b = appendMember(b, name, value)
	}
	return Sign(c.Secret, append(b, '}'))
}

// textOrNone returns the JSON of a text, and of "" nil.
func textOrNone(text string) []byte {
	if text == "" {
		return nil
	}
	return ijson.AppendString(nil, text)
}

// appendMember appends a member of an object, of which b has the brace and perhaps others.
func appendMember(b []byte, name string, value []byte) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(append(ijson.AppendString(b, name), ':'), value...)
}
