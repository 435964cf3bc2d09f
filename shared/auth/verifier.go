// Package auth decides who a caller is and what he may do: JSON Web Tokens by
// a shared secret or by public keys, scopes, and the bound on how often a
// subject may ask. Time is an argument everywhere.
package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxTokenBytes bounds a token; a longer one is refused unread.
const MaxTokenBytes = 8 << 10

// ErrToken is the reason of every refusal of a token.
var ErrToken = errors.New("invalid token")

// A Permission is one word of a scope.
type Permission string

// The permissions of structured sync. SyncAdmin is the operator's: only a
// scope that names it allows it.
const (
	SyncRead  Permission = "sync:read"
	SyncWrite Permission = "sync:write"
	SyncAdmin Permission = "sync:admin"
)

// A Scope is the permissions of a token, divided by spaces, or all of them but
// SyncAdmin. RFC 8693, 4.2.
type Scope struct {
	All   bool
	Words string
}

// Allows says whether p is among the permissions.
func (s Scope) Allows(p Permission) bool {
	if s.All {
		return p != SyncAdmin
	}
	return slices.Contains(strings.Fields(s.Words), string(p))
}

// An Identity is what a verified token says. Without a claim the subject and the
// ID are "", the scope is all and the times are zero.
type Identity struct {
	Subject                    string
	Scope                      Scope
	Rooms                      Rooms
	ID                         string // the token's own, claim jti
	Issued, NotBefore, Expires time.Time
}

// ValidAt refuses an identity whose token is not valid yet, or no more.
func (id Identity) ValidAt(now time.Time) error {
	if !id.Expires.IsZero() && !now.Before(id.Expires) {
		return fmt.Errorf("%w: it has expired", ErrToken)
	}
	if now.Before(id.NotBefore) {
		return fmt.Errorf("%w: it is not valid yet", ErrToken)
	}
	return nil
}

// A Config says which tokens are good. With a Secret, those signed by HS256;
// with JWKS, those signed by RS256, ES256 or EdDSA with one of its keys; with
// both, either. An Issuer or Audience, if not "", must be the token's.
type Config struct {
	Secret   []byte
	JWKS     []byte // a JSON Web Key Set, RFC 7517
	Issuer   string
	Audience string
}

// A Verifier tells good tokens. It keeps no state, so it may be shared.
type Verifier struct {
	secret   []byte
	keys     []key
	parser   *jwt.Parser
	issuer   string
	audience string
}

// New reads the configuration. Without a secret and without keys no token is good.
func New(c Config) (*Verifier, error) {
	v := &Verifier{secret: c.Secret, issuer: c.Issuer, audience: c.Audience}
	methods := []string{} // nil would allow every method
	if len(c.Secret) > 0 {
		methods = append(methods, "HS256")
	}
	if len(c.JWKS) > 0 {
		var err error
		if v.keys, err = parseKeys(c.JWKS); err != nil {
			return nil, fmt.Errorf("read JWKS: %w", err)
		}
		methods = append(methods, "RS256", "ES256", "EdDSA")
	}
	// The times are checked by ValidAt, again at each use.
	v.parser = jwt.NewParser(jwt.WithValidMethods(methods), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	return v, nil
}

type claims struct {
	jwt.RegisteredClaims
	Scope json.RawMessage `json:"scope"`
	Rooms json.RawMessage `json:"rooms"`
}

// Verify reads a token. Every error is ErrToken; its text names no part of
// the token.
func (v *Verifier) Verify(token string, now time.Time) (Identity, error) {
	if len(token) > MaxTokenBytes {
		return Identity{}, fmt.Errorf("%w: it is longer than %d bytes", ErrToken, MaxTokenBytes)
	}
	var c claims
	if _, err := v.parser.ParseWithClaims(token, &c, v.keysFor); err != nil {
		return Identity{}, fmt.Errorf("%w: %s", ErrToken, reason(err))
	}
	id := Identity{Subject: c.Subject, Scope: Scope{All: true}, ID: c.ID}
	if c.Scope != nil {
		id.Scope.All = false
		if bytes.Equal(c.Scope, []byte("null")) || json.Unmarshal(c.Scope, &id.Scope.Words) != nil {
			return Identity{}, fmt.Errorf("%w: its scope is not a string", ErrToken)
		}
	}
	var err error
	if id.Rooms, err = parseRooms(c.Rooms); err != nil {
		return Identity{}, fmt.Errorf("%w: %s", ErrToken, err)
	}
	if c.ExpiresAt != nil {
		id.Expires = c.ExpiresAt.Time
	}
	if c.IssuedAt != nil {
		id.Issued = c.IssuedAt.Time
	}
	if c.NotBefore != nil {
		id.NotBefore = c.NotBefore.Time
	}
	if v.issuer != "" && c.Issuer != v.issuer {
		return Identity{}, fmt.Errorf("%w: its issuer is not the expected one", ErrToken)
	}
	if v.audience != "" && !slices.Contains(c.Audience, v.audience) {
		return Identity{}, fmt.Errorf("%w: its audience is not the expected one", ErrToken)
	}
	return id, id.ValidAt(now)
}

// reason says why the parser refused, in words of our own: the parser's may
// quote the token.
func reason(err error) string {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return "it is malformed"
	case errors.Is(err, errNoKey):
		return "no key fits it"
	case errors.Is(err, errCritical):
		return errCritical.Error()
	}
	return "its signature is not good"
}

var (
	errNoKey    = errors.New("no key fits")
	errCritical = errors.New("it has critical headers")
)

// keysFor gives a token only keys of its method's own type: a public key never
// serves as a secret, nor the secret as a key of a signature.
func (v *Verifier) keysFor(t *jwt.Token) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		return nil, errCritical
	}
	alg := t.Method.Alg()
	if alg == "HS256" {
		return v.secret, nil
	}
	kid, _ := t.Header["kid"].(string)
	var set jwt.VerificationKeySet
	for _, k := range v.keys {
		if k.alg == alg && (kid == "" || k.id == "" || k.id == kid) {
			set.Keys = append(set.Keys, k.public)
		}
	}
	if len(set.Keys) == 0 {
		return nil, errNoKey
	}
	return set, nil
}
