package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A publisher is an issuer's web server, as far as the verifier asks it.
type publisher struct {
	t       *testing.T
	pages   map[string]string // by URL
	control string            // Cache-Control
	down    bool
	asked   []string // URLs
}

// A signer is an issuer's key.
type signer struct {
	id  string
	key *ecdsa.PrivateKey
}

func newSigner(id string) signer {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return signer{id, key}
}

func (s signer) jwk() string {
	point, _ := s.key.PublicKey.Bytes()
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","use":"sig","kid":%q,"x":%q,"y":%q}`, s.id, b64(point[1:33]), b64(point[33:]))
}

func (s signer) token(t *testing.T, claims jwt.MapClaims) string {
	return sign(t, jwt.SigningMethodES256, s.key, map[string]any{"kid": s.id}, claims)
}

func jwks(signers ...signer) string {
	var all []string
	for _, s := range signers {
		all = append(all, s.jwk())
	}
	return `{"keys":[` + strings.Join(all, ",") + `]}`
}

func (p *publisher) answer(f *Fetch) Fetched {
	p.asked = append(p.asked, f.URL)
	if p.down {
		return Fetched{Err: errors.New("connection refused")}
	}
	if body, ok := p.pages[f.URL]; ok {
		return Fetched{Status: 200, CacheControl: p.control, Body: []byte(body)}
	}
	return Fetched{Status: 404}
}

// verify does what a caller does until the verifier has decided.
func (p *publisher) verify(v *Verifier, token string, now time.Time) (Identity, error) {
	for range 5 {
		fetch := v.Due(now)
		var id Identity
		var err error
		if fetch == nil {
			id, fetch, err = verify(v, token, now)
		}
		if fetch == nil {
			return id, err
		}
		if fetch.URL == "" {
			p.t.Fatal("told to wait, and nobody fetches")
		}
		for fetch != nil {
			fetch, _, _ = v.Fetched(fetch, p.answer(fetch), now)
		}
	}
	p.t.Fatal("never decided")
	return Identity{}, nil
}

const keysURL = "https://issuer.example/keys"

func remoteVerifier(t *testing.T, a signer) (*Verifier, *publisher) {
	return verifier(t, Config{JWKSURLs: []string{keysURL}}), &publisher{t: t, pages: map[string]string{keysURL: jwks(a)}}
}

func TestKeysAreFetchedAtFirstUse(t *testing.T) {
	a := newSigner("a")
	v, p := remoteVerifier(t, a)
	for _, bad := range []string{raw(hs256, `{}`), "x.y.z", a.token(t, jwt.MapClaims{"exp": now.Unix()})} {
		if _, err := p.verify(v, bad, now); !errors.Is(err, ErrToken) || len(p.asked) != 0 {
			t.Errorf("%.20s: %v, asked %v", bad, err, p.asked)
		}
	}
	for range 3 {
		id, err := p.verify(v, a.token(t, jwt.MapClaims{"sub": "alice"}), now)
		if err != nil || id.Subject != "alice" || len(p.asked) != 1 {
			t.Errorf("%+v, %v, asked %v", id, err, p.asked)
		}
	}
	forged := newSigner("a")
	if _, err := p.verify(v, forged.token(t, jwt.MapClaims{}), now); !errors.Is(err, ErrToken) || len(p.asked) != 1 {
		t.Errorf("a forged token: %v, asked %v", err, p.asked)
	}
}

func TestDiscoveryFindsTheKeys(t *testing.T) {
	a := newSigner("a")
	for issuer, configuration := range map[string]string{
		"https://issuer.example/":     "https://issuer.example/.well-known/openid-configuration",
		"https://issuer.example/auth": "https://issuer.example/auth/.well-known/openid-configuration",
	} {
		for document, ok := range map[string]bool{
			`{"issuer":"` + issuer + `","jwks_uri":"` + keysURL + `"}`:                           true,
			`{"issuer":"` + issuer + `","Issuer":"x","jwks_uri":"` + keysURL + `"}`:              true,
			`{"issuer":"https://evil.example/","jwks_uri":"` + keysURL + `"}`:                    false,
			`{"issuer":"` + strings.TrimSuffix(issuer, "/") + `x","jwks_uri":"` + keysURL + `"}`: false,
			`{"issuer":"` + issuer + `","jwks_uri":"http://issuer.example/keys"}`:                false,
			`{"issuer":"` + issuer + `","jwks_uri":"file:///etc/passwd"}`:                        false,
			`{"issuer":"` + issuer + `"}`:                                                        false,
			`{"issuer":"` + issuer + `","issuer":"` + issuer + `","jwks_uri":"` + keysURL + `"}`: false,
			`<html>`: false,
		} {
			v := verifier(t, Config{Issuers: []string{issuer}})
			p := &publisher{t: t, pages: map[string]string{configuration: document, keysURL: jwks(a)}}
			_, err := p.verify(v, a.token(t, jwt.MapClaims{"iss": issuer}), now)
			if (err == nil) != ok || !ok && !errors.Is(err, ErrKeys) || p.asked[0] != configuration {
				t.Errorf("%s: %v, asked %v", document, err, p.asked)
			}
			if _, err := p.verify(v, a.token(t, jwt.MapClaims{"iss": issuer + "x"}), now); !errors.Is(err, ErrToken) {
				t.Errorf("another issuer: %v", err)
			}
		}
	}
}

func TestNoKeyOfAnotherIssuerServes(t *testing.T) {
	a, b := newSigner("k"), newSigner("k")
	v := verifier(t, Config{
		Secret: secret, Issuers: []string{"https://a.example", "https://b.example", "https://c.example"},
		JWKSURLs: []string{"https://a.example/keys", "https://b.example/keys"},
	})
	p := &publisher{t: t, pages: map[string]string{
		"https://a.example/keys": jwks(a), "https://b.example/keys": jwks(b),
		"https://c.example/.well-known/openid-configuration": `{"issuer":"https://c.example","jwks_uri":"https://c.example/k"}`,
		"https://c.example/k":                                jwks(a, b),
	}}
	for _, c := range []struct {
		name, token string
		ok          bool
	}{
		{"a of a", a.token(t, jwt.MapClaims{"iss": "https://a.example"}), true},
		{"b of b", b.token(t, jwt.MapClaims{"iss": "https://b.example"}), true},
		{"a of b", a.token(t, jwt.MapClaims{"iss": "https://b.example"}), false},
		{"b of a", b.token(t, jwt.MapClaims{"iss": "https://a.example"}), false},
		{"of nobody", a.token(t, jwt.MapClaims{}), false},
		{"of another", a.token(t, jwt.MapClaims{"iss": "https://d.example"}), false},
		{"of a list", a.token(t, jwt.MapClaims{"iss": []string{"https://a.example"}}), false},
		{"discovered", b.token(t, jwt.MapClaims{"iss": "https://c.example"}), true},
		{"the secret of the first", raw(hs256, `{"iss":"https://a.example"}`), true},
		{"the secret for the second", raw(hs256, `{"iss":"https://b.example"}`), false},
		{"the secret for the third", raw(hs256, `{"iss":"https://c.example"}`), false},
	} {
		if _, err := p.verify(v, c.token, now); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestOthersWaitWhileOneFetches(t *testing.T) {
	a := newSigner("a")
	v, p := remoteVerifier(t, a)
	token := a.token(t, jwt.MapClaims{})
	_, first, _ := verify(v, token, now)
	_, second, _ := verify(v, token, now.Add(time.Second))
	if first == nil || first.URL != keysURL || first.Timeout != firstTimeout || second == nil || second.URL != "" || second.Wait <= 0 {
		t.Fatalf("%+v, %+v", first, second)
	}
	if _, third, _ := verify(v, token, now.Add(lease)); third == nil || third.URL == "" {
		t.Errorf("who fetches is waited for, for ever: %+v", third)
	}
	v.Fetched(first, p.answer(first), now.Add(lease))
	if _, fetch, err := verify(v, token, now.Add(lease)); fetch != nil || err != nil {
		t.Errorf("a late answer does not count: %+v, %v", fetch, err)
	}
}

func TestWithoutKeysItIsTriedAgainSoonAndThenSeldom(t *testing.T) {
	a := newSigner("a")
	v, p := remoteVerifier(t, a)
	p.down = true
	token := a.token(t, jwt.MapClaims{})
	for second := range 3600 {
		if _, err := p.verify(v, token, now.Add(time.Duration(second)*time.Second)); !errors.Is(err, ErrKeys) {
			t.Fatal(err)
		}
	}
	if n := len(p.asked); n < 30 || n > 65 {
		t.Errorf("asked %d times in an hour", n)
	}
	p.down = false
	if _, err := p.verify(v, token, now.Add(time.Hour+time.Minute)); err != nil {
		t.Error(err)
	}
}

func TestUnknownKeyIDsFetchOnceAMinute(t *testing.T) {
	a, b := newSigner("a"), newSigner("b")
	v, p := remoteVerifier(t, a)
	p.control = "max-age=86400"
	if _, err := p.verify(v, a.token(t, jwt.MapClaims{}), now); err != nil {
		t.Fatal(err)
	}
	for second := range 600 {
		unknown := newSigner(fmt.Sprint("unknown", second))
		if _, err := p.verify(v, unknown.token(t, jwt.MapClaims{}), now.Add(time.Duration(second)*time.Second)); !errors.Is(err, ErrToken) {
			t.Fatal(err)
		}
		if _, err := p.verify(v, a.token(t, jwt.MapClaims{}), now.Add(time.Duration(second)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.asked) - 1; n != 10 {
		t.Errorf("asked %d times in ten minutes after the first", n)
	}
	// A new key appears, and later the old one disappears.
	p.pages[keysURL] = jwks(a, b)
	later := now.Add(time.Hour)
	for _, s := range []signer{b, a} {
		if _, err := p.verify(v, s.token(t, jwt.MapClaims{}), later); err != nil {
			t.Errorf("key %s: %v", s.id, err)
		}
	}
	p.pages[keysURL] = jwks(b)
	later = later.Add(24 * time.Hour)
	if _, err := p.verify(v, b.token(t, jwt.MapClaims{}), later); err != nil {
		t.Error(err)
	}
	if _, err := p.verify(v, a.token(t, jwt.MapClaims{}), later); !errors.Is(err, ErrToken) {
		t.Errorf("a key that disappeared: %v", err)
	}
}

func TestAVanishedKeyIsTold(t *testing.T) {
	a, b := newSigner("a"), newSigner("b")
	v, p := remoteVerifier(t, a)
	for n, step := range []struct {
		keys string
		gone bool
	}{{jwks(a), false}, {jwks(b, a), false}, {jwks(a, b), false}, {jwks(a), true}, {jwks(newSigner("a")), true}} {
		p.pages[keysURL] = step.keys
		at := now.Add(time.Duration(n) * 24 * time.Hour)
		fetch := v.Due(at)
		if n == 0 {
			_, fetch, _ = verify(v, a.token(t, jwt.MapClaims{}), at)
		}
		if fetch == nil {
			t.Fatalf("step %d: nothing is due", n)
		}
		if _, gone, err := v.Fetched(fetch, p.answer(fetch), at); gone != step.gone || err != nil {
			t.Errorf("step %d: %v, %v", n, gone, err)
		}
	}
}

func TestOldKeysAreGoodWhileTheIssuerIsDown(t *testing.T) {
	a := newSigner("a")
	v, p := remoteVerifier(t, a)
	token := a.token(t, jwt.MapClaims{})
	if _, err := p.verify(v, token, now); err != nil {
		t.Fatal(err)
	}
	for name, fail := range map[string]func(){
		"down":       func() { p.down = true },
		"404":        func() { p.pages = nil },
		"no keys":    func() { p.pages = map[string]string{keysURL: `{"keys":[]}`} },
		"other text": func() { p.pages = map[string]string{keysURL: `<html>`} },
	} {
		p.down = false
		fail()
		for _, after := range []time.Duration{2 * time.Hour, 48 * time.Hour, maxKept} {
			if _, err := p.verify(v, token, now.Add(after)); err != nil {
				t.Errorf("%s, after %v: %v", name, after, err)
			}
		}
	}
	asked := len(p.asked)
	for second := range 60 {
		p.verify(v, token, now.Add(maxKept-2*time.Minute+time.Duration(second)*time.Second))
	}
	if n := len(p.asked) - asked; n > 1 {
		t.Errorf("asked %d times in a minute", n)
	}
	if _, err := p.verify(v, token, now.Add(maxKept+time.Second)); !errors.Is(err, ErrKeys) {
		t.Errorf("keys are good for ever: %v", err)
	}
}

func TestAClockThatGoesBackStopsNoFetch(t *testing.T) {
	a, b := newSigner("a"), newSigner("b")
	v, p := remoteVerifier(t, a)
	if _, err := p.verify(v, a.token(t, jwt.MapClaims{}), now); err != nil {
		t.Fatal(err)
	}
	p.pages[keysURL] = jwks(b)
	if _, err := p.verify(v, b.token(t, jwt.MapClaims{}), now.Add(-24*time.Hour)); err != nil {
		t.Error(err)
	}
}

func TestAMalformedKeyLeavesTheOthers(t *testing.T) {
	a := newSigner("a")
	v, p := remoteVerifier(t, a)
	p.pages[keysURL] = strings.Replace(jwks(a), `[`, `[{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":1},{"kty":"EC","kty":"EC"},`, 1)
	if _, err := p.verify(v, a.token(t, jwt.MapClaims{}), now); err != nil {
		t.Error(err)
	}
}

func TestHowLongKeysAreFresh(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": usualFresh, "public": usualFresh, "max-age=x": usualFresh, "max-age=-1": usualFresh,
		"public, max-age=1800":             30 * time.Minute,
		`Max-Age="7200", must-revalidate`:  2 * time.Hour,
		"max-age=0":                        minFresh,
		"max-age=15, stale-if-error=86400": minFresh,
		"max-age=99999999":                 maxFresh,
		"no-store":                         minFresh,
		"max-age=7200, no-cache":           minFresh,
	} {
		if got := freshness(header); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestKeysComeOverHTTPSOrFromThisMachine(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://a.example/keys": true, "http://127.0.0.1:8080/": true, "http://[::1]/k": true, "http://localhost:1/k": true,
		"http://a.example/keys": false, "http://127.0.0.1.a.example/": false, "http://10.0.0.1/": false, "ftp://a.example/": false,
		"https://user:pw@a.example/": false, "https://": false, "keys": false, "": false, "https://a.example/#k": false, "://": false,
	} {
		if err := checkURL(url, false); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
	if err := checkURL("http://a.example/keys", true); err != nil {
		t.Error(err)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for variable, c := range map[string]Config{
		"AUTH_JWKS:":                {JWKS: []byte("{}")},
		"AUTH_JWKS_URL: ":           {JWKSURLs: []string{"http://a.example/keys"}},
		"AUTH_JWKS_URL names 2":     {JWKSURLs: []string{"https://a.example/keys", "https://b.example/keys"}},
		"AUTH_ISSUER: ":             {Issuers: []string{"accounts"}},
		"AUTH_ISSUER names a twice": {Secret: secret, Issuers: []string{"a", "a"}},
		"AUTH_JWKS_URL names 3":     {Issuers: []string{"a", "b"}, JWKSURLs: []string{"", "", "https://a.example/keys"}},
	} {
		if _, err := New(c); err == nil || !strings.HasPrefix(err.Error(), variable) {
			t.Errorf("%s %v", variable, err)
		}
	}
}
