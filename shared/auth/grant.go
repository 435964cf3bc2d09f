package auth

import (
	"cmp"
	"maps"
	"slices"
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
	all := maps.Clone(g.Added)
	if all == nil {
		all = map[string][]byte{}
	}
	set := func(name string, value []byte) {
		if value != nil {
			all[name] = value
		}
	}
	text := func(text string) []byte { return ijson.AppendString(nil, text) }
	m := c.Claims
	if g.Spaces == nil && m.Spaces != "" { // a token that lacks a mapped claim allows nothing
		g.Spaces = []byte(`[""]`)
	}
	if g.Rooms == nil && m.Rooms != "" {
		g.Rooms = []byte(`["*"]`)
	}
	set(cmp.Or(m.Subject, "sub"), text(g.Subject))
	set(cmp.Or(m.Spaces, "spaces"), g.Spaces)
	set(cmp.Or(m.Rooms, "rooms"), g.Rooms)
	if g.Scope != "" {
		set(cmp.Or(m.Scope, "scope"), text(g.Scope))
	}
	if g.ID != "" {
		set("jti", text(g.ID))
	}
	if len(c.Issuers) > 0 {
		set("iss", text(c.Issuers[0]))
	}
	if len(c.Audiences) > 0 {
		set(cmp.Or(m.Audience, "aud"), text(c.Audiences[0]))
	}
	set("iat", strconv.AppendInt(nil, g.Issued.Unix(), 10))
	set("exp", strconv.AppendInt(nil, g.Expires.Unix(), 10))
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(ijson.AppendString(b, name), ':')
		b = append(b, all[name]...)
	}
	return Sign(c.Secret, append(b, '}'))
}
