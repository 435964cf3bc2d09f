package auth

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tidemark/shared/ijson"
)

// MaxTokenBytes bounds a token. A longer token is rejected without being read.
const MaxTokenBytes = 8 << 10

var (
	// ErrToken is the error of every token that is not valid.
	ErrToken = errors.New("invalid token")
	// ErrKeys says that a token cannot be checked now, as the keys of its issuer
	// could not be fetched. Later the token may turn out to be valid.
	ErrKeys = errors.New("the keys of the token's issuer could not be fetched")
	// ErrSignature is ErrToken of a token that no key of its issuer has signed.
	ErrSignature = fmt.Errorf("%w: its signature is not good", ErrToken)
)

// A Config says which tokens are valid.
type Config struct {
	// Secret verifies tokens signed by HS256, and JWKS, a JSON Web Key Set (RFC
	// 7517), those signed by RS256, ES256 or EdDSA. Both are the keys of the first
	// of the Issuers.
	Secret []byte
	JWKS   []byte
	// Issuers are the values of the claim iss whose tokens are valid. Each issuer has
	// keys of its own, and no token is checked with the keys of another issuer. Without
	// Issuers the claim does not count.
	Issuers []string
	// JWKSURLs are where the issuers publish their keys, in the same order. If an
	// issuer has neither a URL nor other keys, OpenID Connect Discovery finds the URL.
	// Without Issuers there is at most one URL.
	JWKSURLs []string
	// Audiences, unless empty, are those of which a token must name one.
	Audiences []string
	// MaxTTL, if it is not 0, rejects tokens that expire later than that from now, and
	// tokens that never expire.
	MaxTTL time.Duration
	// Claims says which claims count.
	Claims Mapping
	// Kept are the paths of the claims beside those that Identity.Claims has, named as in
	// a Mapping. The path sub is that of Identity.Subject, and not kept.
	Kept []string
	// Insecure allows http:// in URLs for other hosts than this one.
	Insecure bool
}

// ParseTTL reads the life of a token: above 0, a whole number of seconds or a
// duration such as 24h.
func ParseTTL(text string) (time.Duration, error) {
	ttl, err := time.ParseDuration(text)
	if seconds, atoi := strconv.ParseInt(text, 10, 32); atoi == nil {
		ttl, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || ttl <= 0 {
		return 0, fmt.Errorf("%q is neither a number of seconds nor a duration such as 24h", text)
	}
	return ttl, nil
}

// A Verifier verifies tokens, and keeps the fetched keys. Two goroutines must not use
// it at once.
type Verifier struct {
	issuers   []*issuer
	anyIssuer bool
	audiences []string
	maxTTL    time.Duration
	claims    Mapping
	kept      []string
}

// An issuer signs tokens with keys of its own.
type issuer struct {
	name   string
	secret []byte
	keys   []Key
	remote *remote // nil if its keys are not fetched
}

// New reads the configuration. Without any key no token is valid. The error names
// the invalid variable.
func New(c Config) (*Verifier, error) {
	v := &Verifier{audiences: c.Audiences, maxTTL: c.MaxTTL, claims: c.Claims, kept: keptPaths(c.Kept), anyIssuer: len(c.Issuers) == 0}
	names := c.Issuers
	if v.anyIssuer {
		names = []string{""}
	}
	if len(c.JWKSURLs) > len(names) {
		return nil, fmt.Errorf("AUTH_JWKS_URL names %d key sets for %d issuers: each needs its issuer in AUTH_ISSUER", len(c.JWKSURLs), len(names))
	}
	for n, name := range names {
		i := &issuer{name: name}
		if slices.Contains(names[:n], name) {
			return nil, fmt.Errorf("AUTH_ISSUER names %s twice", name)
		}
		if n == 0 {
			i.secret = c.Secret
			if len(c.JWKS) > 0 {
				var err error
				if i.keys, err = parseKeys(c.JWKS, true); err != nil {
					return nil, fmt.Errorf("AUTH_JWKS: %w", err)
				}
			}
		}
		url := ""
		if n < len(c.JWKSURLs) {
			url = c.JWKSURLs[n]
		}
		known := len(i.secret) > 0 || len(i.keys) > 0
		switch {
		case url != "":
			if err := checkURL(url, c.Insecure); err != nil {
				return nil, fmt.Errorf("AUTH_JWKS_URL: %w", err)
			}
			i.remote = &remote{keysURL: url, insecure: c.Insecure}
		case !known && !v.anyIssuer:
			if err := checkURL(name, c.Insecure); err != nil {
				return nil, fmt.Errorf("AUTH_ISSUER: its keys are asked for by OpenID discovery, as no AUTH_SECRET, AUTH_JWKS or AUTH_JWKS_URL is set for it: %w", err)
			}
			i.remote = &remote{discover: name, insecure: c.Insecure}
		}
		v.issuers = append(v.issuers, i)
	}
	return v, nil
}

// A Check is a signature of a token's text. The caller finds out whether one of the keys
// made it.
type Check struct {
	Keys              []Key // at most maxTried
	Signed, Signature []byte
}

// Verify reads a token. Every error is ErrToken, whose text names no part of the
// token, or ErrKeys. With a Fetch there is neither an identity nor an error yet:
// the caller does what the Fetch says, and then calls Verify, or VerifyBy, again.
func (v *Verifier) Verify(token string, now time.Time) (Identity, *Fetch, error) {
	return v.VerifyBy(token, Key{}, now)
}

// VerifyBy does as Verify for a token whose signature a key made, as the caller found out for a
// Check. If the key is no longer one of the issuer's, the result is a Check again.
func (v *Verifier) VerifyBy(token string, by Key, now time.Time) (Identity, *Fetch, error) {
	t, err := parseToken(token)
	if err != nil {
		return Identity{}, nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	i, id, err := v.read(t, now)
	if err != nil {
		return Identity{}, nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if err := id.ValidAt(now); err != nil {
		return Identity{}, nil, err
	}
	if t.alg == "HS256" && len(i.secret) > 0 {
		if !hmac.Equal(authenticator(i.secret, t.signed), t.signature) {
			return Identity{}, nil, ErrSignature
		}
		return id, nil, nil
	}
	keys, fetch, err := i.keysFor(t, now)
	if fetch != nil || err != nil {
		return Identity{}, fetch, err
	}
	if by == (Key{}) || !slices.Contains(keys, by) {
		return Identity{}, &Fetch{Check: &Check{Keys: keys, Signed: t.signed, Signature: t.signature}}, nil
	}
	return id, nil, nil
}

// ReadClaims returns the identity of a token with these claims, a JSON object, as if its signature were good. It does not ask
// whether the token is valid now. Its error is ErrToken.
func (v *Verifier) ReadClaims(payload []byte, now time.Time) (id Identity, err error) {
	t := token{}
	if t.claims, err = ijson.Members(payload, maxDepth); err != nil {
		return id, fmt.Errorf("%w: %w", ErrToken, errTwice)
	}
	if _, id, err = v.read(t, now); err != nil {
		return id, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return id, nil
}

// read reads the claims, whose signature is not verified yet, and finds their issuer.
func (v *Verifier) read(t token, now time.Time) (*issuer, Identity, error) {
	id, err := v.claims.identity(t.claims)
	if err != nil {
		return nil, id, err
	}
	i := v.issuers[0]
	if !v.anyIssuer {
		name, err := t.claims.text("iss")
		n := slices.IndexFunc(v.issuers, func(i *issuer) bool { return i.name == name })
		if err != nil || n < 0 {
			return nil, id, errors.New("its issuer is not the expected one")
		}
		i = v.issuers[n]
	}
	if len(v.audiences) > 0 {
		audience, err := v.claims.audience(t.claims)
		if err != nil {
			return nil, id, err
		}
		if !slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(v.audiences, a) }) {
			return nil, id, errors.New("its audience is not the expected one")
		}
	}
	if v.maxTTL > 0 && (id.Expires.IsZero() || id.Expires.Sub(now) > v.maxTTL) {
		return nil, id, fmt.Errorf("its end is not within %s", v.maxTTL)
	}
	id.Claims, err = t.claims.keep(v.kept)
	return i, id, err
}

// maxTried bounds how many keys a signature is checked with: keys without an id,
// or all of a set if the token names none.
const maxTried = 4

var (
	errNoKey    = fmt.Errorf("%w: no key fits it", ErrToken)
	errManyKeys = fmt.Errorf("%w: it names no key (kid), and its issuer has more than %d that fit", ErrToken, maxTried)
)

// keysFor returns the public keys that may have signed the token. None of them serves
// as a secret.
func (i *issuer) keysFor(t token, now time.Time) ([]Key, *Fetch, error) {
	if !slices.Contains(algorithms, t.alg) {
		return nil, nil, errNoKey
	}
	keys, err := fitting(i.keys, t)
	if i.remote == nil || err == nil {
		return keys, nil, err
	}
	return i.remote.keysFor(t, now)
}

// fitting returns those of the keys that may have signed the token.
func fitting(keys []Key, t token) ([]Key, error) {
	var fit []Key
	for _, k := range keys {
		if k.Alg == t.alg && (t.kid == "" || k.id == "" || k.id == t.kid) {
			fit = append(fit, k)
		}
	}
	switch {
	case len(fit) == 0:
		return nil, errNoKey
	case len(fit) > maxTried:
		return nil, errManyKeys
	}
	return fit, nil
}

// Due returns the Fetch of an issuer whose keys have become old, or nil. Meanwhile
// the issuer's tokens stay valid.
func (v *Verifier) Due(now time.Time) *Fetch {
	for _, i := range v.issuers {
		if i.remote != nil {
			if f := i.remote.due(now); f != nil {
				return f
			}
		}
	}
	return nil
}
