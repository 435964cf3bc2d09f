package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	now    = time.Unix(1_800_000_000, 0)
	secret = []byte("a secret of the tests, 32 bytes!")
)

// keys are one of each kind, made once, and the set that publishes them.
var keys = func() (k struct {
	rsa     *rsa.PrivateKey
	ecdsa   *ecdsa.PrivateKey
	ed25519 ed25519.PrivateKey
	set     []byte
}) {
	k.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	k.ecdsa, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed25519, _ = ed25519.GenerateKey(rand.Reader)
	point, _ := k.ecdsa.PublicKey.Bytes()
	b64 := base64.RawURLEncoding.EncodeToString
	k.set, _ = json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": b64(k.rsa.N.Bytes()), "e": b64(big.NewInt(int64(k.rsa.E)).Bytes())},
		{"kty": "EC", "kid": "e", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kty": "OKP", "kid": "d", "crv": "Ed25519", "x": b64(k.ed25519.Public().(ed25519.PublicKey))},
		{"kty": "oct", "kid": "s", "k": b64(secret)},
		{"kty": "EC", "kid": "other", "crv": "P-384"},
	}})
	return k
}()

func sign(t *testing.T, method jwt.SigningMethod, key any, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for k, v := range header {
		token.Header[k] = v
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(t *testing.T, c Config) *Verifier {
	t.Helper()
	v, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGoodTokens(t *testing.T) {
	v := verifier(t, Config{Secret: secret, JWKS: keys.set})
	for name, token := range map[string]string{
		"HS256":             sign(t, jwt.SigningMethodHS256, secret, nil, jwt.MapClaims{"sub": "alice"}),
		"RS256":             sign(t, jwt.SigningMethodRS256, keys.rsa, map[string]any{"kid": "r"}, jwt.MapClaims{"sub": "alice"}),
		"ES256":             sign(t, jwt.SigningMethodES256, keys.ecdsa, map[string]any{"kid": "e"}, jwt.MapClaims{"sub": "alice"}),
		"EdDSA without kid": sign(t, jwt.SigningMethodEdDSA, keys.ed25519, nil, jwt.MapClaims{"sub": "alice"}),
	} {
		id, _, err := verify(v, token, now)
		if err != nil || id.Subject != "alice" || !id.Scope.All || !id.Scope.Allows(SyncWrite) {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
}

func TestRefusedTokens(t *testing.T) {
	hs := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodHS256, secret, nil, c) }
	der, _ := x509.MarshalPKIXPublicKey(&keys.rsa.PublicKey)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := hs(jwt.MapClaims{"sub": "alice"})
	parts := strings.Split(good, ".")
	onlySecret, onlyKeys, both := Config{Secret: secret}, Config{JWKS: keys.set}, Config{Secret: secret, JWKS: keys.set}
	for _, c := range []struct {
		name   string
		config Config
		token  string
	}{
		{"nothing", both, ""},
		{"no token", both, "a.b"},
		{"many dots", both, strings.Repeat(".", 5000)},
		{"too long", both, good + strings.Repeat("A", MaxTokenBytes)},
		{"another secret", both, sign(t, jwt.SigningMethodHS256, []byte("x"), nil, jwt.MapClaims{})},
		{"signature cut off", both, parts[0] + "." + parts[1] + "."},
		{"other claims", both, parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"root"}`)) + "." + parts[2]},
		{"no configuration at all", Config{}, sign(t, jwt.SigningMethodHS256, []byte{}, nil, jwt.MapClaims{})},
		{"alg none", both, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, jwt.MapClaims{})},
		{"alg none without configuration", Config{}, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, jwt.MapClaims{})},
		{"HS384", both, sign(t, jwt.SigningMethodHS384, secret, nil, jwt.MapClaims{})},
		{"RS512", both, sign(t, jwt.SigningMethodRS512, keys.rsa, nil, jwt.MapClaims{})},
		{"PS256", both, sign(t, jwt.SigningMethodPS256, keys.rsa, nil, jwt.MapClaims{})},
		{"HS256 if only keys are configured", onlyKeys, good},
		{"HS256 with an empty secret if only keys are configured", onlyKeys, sign(t, jwt.SigningMethodHS256, []byte{}, nil, jwt.MapClaims{})},
		{"RS256 if only a secret is configured", onlySecret, sign(t, jwt.SigningMethodRS256, keys.rsa, nil, jwt.MapClaims{})},
		{"the public key's PEM as a secret", both, sign(t, jwt.SigningMethodHS256, publicPEM, nil, jwt.MapClaims{})},
		{"the public key's DER as a secret", onlyKeys, sign(t, jwt.SigningMethodHS256, der, nil, jwt.MapClaims{})},
		{"the key set as a secret", onlyKeys, sign(t, jwt.SigningMethodHS256, keys.set, nil, jwt.MapClaims{})},
		{"the set's symmetric key", onlyKeys, sign(t, jwt.SigningMethodHS256, secret, map[string]any{"kid": "s"}, jwt.MapClaims{})},
		{"another key's id", both, sign(t, jwt.SigningMethodES256, keys.ecdsa, map[string]any{"kid": "r"}, jwt.MapClaims{})},
		{"critical header", both, sign(t, jwt.SigningMethodHS256, secret, map[string]any{"crit": []string{"x"}}, jwt.MapClaims{})},
		{"expired", both, hs(jwt.MapClaims{"exp": now.Unix()})},
		{"not valid yet", both, hs(jwt.MapClaims{"nbf": now.Unix() + 1})},
		{"exp as text", both, hs(jwt.MapClaims{"exp": "never"})},
		{"scope as a number", both, hs(jwt.MapClaims{"scope": 1})},
		{"scope as a list with a number", both, hs(jwt.MapClaims{"scope": []any{"sync:read", 1}})},
		{"scope null", both, hs(jwt.MapClaims{"scope": nil})},
		{"no issuer", Config{Secret: secret, Issuers: []string{"i"}}, good},
		{"another issuer", Config{Secret: secret, Issuers: []string{"i"}}, hs(jwt.MapClaims{"iss": "j"})},
		{"no audience", Config{Secret: secret, Audiences: []string{"a"}}, good},
		{"another audience", Config{Secret: secret, Audiences: []string{"a"}}, hs(jwt.MapClaims{"aud": []string{"b"}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, _, err := verify(verifier(t, c.config), c.token, now)
			if !errors.Is(err, ErrToken) {
				t.Fatalf("got %+v, %v", id, err)
			}
			for _, part := range strings.Split(c.token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Errorf("the error quotes the token: %v", err)
				}
			}
		})
	}
}

func TestClaimsAtTheirEdges(t *testing.T) {
	v := verifier(t, Config{Secret: secret, Issuers: []string{"i"}, Audiences: []string{"a"}})
	id, _, err := verify(v, sign(t, jwt.SigningMethodHS256, secret, nil, jwt.MapClaims{
		"iss": "i", "aud": []string{"b", "a"}, "exp": now.Unix() + 1, "nbf": now.Unix(), "scope": "sync:read  other",
		"jti": "t1", "iat": now.Unix() - 60,
	}), now)
	if err != nil {
		t.Fatal(err)
	}
	if id.ID != "t1" || !id.Issued.Equal(now.Add(-time.Minute)) {
		t.Errorf("jti %q, iat %v", id.ID, id.Issued)
	}
	if !id.Scope.Allows(SyncRead) || id.Scope.Allows(SyncWrite) {
		t.Errorf("scope %+v", id.Scope)
	}
	if id.ValidAt(now.Add(time.Second)) == nil {
		t.Error("valid after its end")
	}
	id, _, err = verify(v, sign(t, jwt.SigningMethodHS256, secret, nil, jwt.MapClaims{"iss": "i", "aud": "a", "scope": ""}), now)
	if err != nil || id.Scope.Allows(SyncRead) {
		t.Errorf("an empty scope: %+v, %v", id, err)
	}
}

func TestOnlyAScopeThatNamesItIsTheOperators(t *testing.T) {
	for scope, want := range map[Scope]bool{
		{All: true}:                      false,
		{}:                               false,
		{Words: "sync:read sync:write"}:  false,
		{Words: "sync:admins sync:*"}:    false,
		{Words: "sync:admin"}:            true,
		{Words: "sync:write sync:admin"}: true,
		{All: true, Words: "sync:read"}:  false,
		{All: true, Words: "sync:admin"}: true,
	} {
		if got := scope.Allows(SyncAdmin); got != want {
			t.Errorf("%+v: %v", scope, got)
		}
		scope.Words = strings.ReplaceAll(scope.Words, "sync:admin", "spaces:admin")
		if got := scope.Allows(SpacesAdmin); got != want || scope.Allows(SyncAdmin) {
			t.Errorf("%+v: spaces:admin is %v, want %v", scope, got, want)
		}
	}
}

func TestRefusedKeySets(t *testing.T) {
	short, _ := rsa.GenerateKey(rand.Reader, 1024)
	n := base64.RawURLEncoding.EncodeToString(short.N.Bytes())
	long := base64.RawURLEncoding.EncodeToString(keys.rsa.N.Bytes())
	for _, set := range []string{
		``, `[]`, `{}`, `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA"}]}`,
		`{"keys":[{"kty":"RSA","use":"enc","n":"` + long + `","e":"AQAB"}]}`,
		`{"keys":[{"kty":"RSA","alg":"RS512","n":"` + long + `","e":"AQAB"}]}`,
		`{"keys":[{"kty":"RSA","n":"` + n + `","e":"AQAB"}]}`,
		`{"keys":[{"kty":"RSA","n":"` + long + `","e":"AQ"}]}`,
		`{"keys":[{"kty":"RSA","n":"` + long + `","e":"AQABAQAB"}]}`,
		`{"keys":[{"kty":"RSA","n":"` + long + `","e":"Iw"}]}`, // 35
		`{"keys":[{"kty":"RSA","n":"!","e":"AQAB"}]}`,
		`{"keys":[{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}]}`,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}`,
		`{"keys":[` + strings.Repeat(`{},`, maxKeys) + `{}]}`,
	} {
		if _, err := New(Config{JWKS: []byte(set)}); err == nil && set != "" {
			t.Errorf("accepted %.100s", set)
		}
	}
}

func TestCacheKeepsWithinBothBounds(t *testing.T) {
	c := NewCache(3, 1<<20)
	for i := range 5 {
		c.Put(fmt.Sprint("token", i), Identity{Subject: fmt.Sprint(i)})
		c.Get("token0", now) // keeps it in use
	}
	for token, want := range map[string]bool{"token0": true, "token1": false, "token2": false, "token3": true, "token4": true} {
		if _, ok := c.Get(token, now); ok != want {
			t.Errorf("%s: %v, want %v", token, ok, want)
		}
	}
	c = NewCache(1000, 3*overhead)
	for i := range 9 {
		c.Put(strings.Repeat("x", i), Identity{})
		c.Put(strings.Repeat("x", i), Identity{})
		if c.bytes > c.maxBytes || c.used.Len() != len(c.byToken) {
			t.Fatalf("%d bytes, %d entries, %d tokens", c.bytes, c.used.Len(), len(c.byToken))
		}
	}
	if c.used.Len() != 2 {
		t.Errorf("%d entries, want 2", c.used.Len())
	}
	long := strings.Repeat("y", 3*overhead)
	for _, id := range []Identity{{Spaces: Spaces{Grants: long}}, {Spaces: Spaces{Scope: Scope{Words: long}}}} {
		if c.Put("long spaces", id); c.used.Len() != 2 {
			t.Errorf("spaces over the bound: %d entries", c.used.Len())
		}
	}
	if c.Put(long, Identity{}); c.used.Len() != 2 {
		t.Errorf("an entry over the bound: %d entries", c.used.Len())
	}
}

func TestCacheChecksTimesOnAHit(t *testing.T) {
	c := NewCache(3, 1<<20)
	c.Put("t", Identity{NotBefore: now, Expires: now.Add(time.Minute)})
	if _, ok := c.Get("t", now.Add(59*time.Second)); !ok {
		t.Error("not found while valid")
	}
	if _, ok := c.Get("t", now.Add(time.Minute)); ok {
		t.Error("found after its end")
	}
	if c.used.Len() != 0 || c.bytes != 0 {
		t.Errorf("kept after its end: %d entries, %d bytes", c.used.Len(), c.bytes)
	}
}

func BenchmarkVerify(b *testing.B) {
	v, _ := New(Config{Secret: secret, JWKS: keys.set})
	for _, m := range []struct {
		method jwt.SigningMethod
		key    crypto.PrivateKey
	}{{jwt.SigningMethodHS256, secret}, {jwt.SigningMethodRS256, keys.rsa}, {jwt.SigningMethodES256, keys.ecdsa}, {jwt.SigningMethodEdDSA, keys.ed25519}} {
		token, err := jwt.NewWithClaims(m.method, jwt.MapClaims{"sub": "alice", "exp": now.Unix() + 60}).SignedString(m.key)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(m.method.Alg(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := verify(v, token, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
