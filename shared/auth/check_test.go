package auth

import (
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/abi"
	"tidemark/shared/signature"
)

// made does what a caller does with a Check: it returns the key that made the signature.
func made(c *Check) (Key, bool) {
	for _, k := range c.Keys {
		if signature.Good(abi.Signature{Alg: k.Alg, Key: k.Public, Signed: c.Signed, Signature: c.Signature}) {
			return k, true
		}
	}
	return Key{}, false
}

// verify does as Verify, and what a caller does with a Check.
func verify(v *Verifier, token string, now time.Time) (Identity, *Fetch, error) {
	id, fetch, err := v.Verify(token, now)
	if fetch == nil || fetch.Check == nil {
		return id, fetch, err
	}
	key, ok := made(fetch.Check)
	if !ok {
		return Identity{}, nil, ErrSignature
	}
	return v.VerifyBy(token, key, now)
}

// A key that was withdrawn while the host checked a signature verifies nothing, and neither does a key
// for another token's issuer.
func TestAKeyCountsOnlyWhileItIsTheIssuers(t *testing.T) {
	a, b := newSigner("a"), newSigner("a")
	v, p := remoteVerifier(t, a)
	token := a.token(t, jwt.MapClaims{"sub": "alice", "exp": now.Unix() + 3*3600})
	if _, err := p.verify(v, token, now); err != nil {
		t.Fatal(err)
	}
	_, fetch, err := v.Verify(token, now)
	if fetch == nil || fetch.Check == nil || err != nil {
		t.Fatalf("got %+v, %v, want a check", fetch, err)
	}
	by, ok := made(fetch.Check)
	if !ok {
		t.Fatal("the key did not make the signature")
	}
	if id, fetch, err := v.VerifyBy(token, by, now); err != nil || fetch != nil || id.Subject != "alice" {
		t.Errorf("got %+v, %+v, %v", id, fetch, err)
	}
	p.pages[keysURL] = jwks(b)
	later := now.Add(2 * time.Hour)
	for fetch := v.Due(later); fetch != nil; {
		fetch, _, _ = v.Fetched(fetch, p.answer(fetch), later)
	}
	id, fetch, err := v.VerifyBy(token, by, later)
	if err != nil || id.Subject != "" || fetch == nil || fetch.Check == nil {
		t.Errorf("with a key that is gone: %+v, %+v, %v, want a check", id, fetch, err)
	}
	other := sign(t, jwt.SigningMethodHS256, secret, nil, jwt.MapClaims{"sub": "alice"})
	if _, _, err := verifier(t, Config{Secret: []byte("another")}).VerifyBy(other, by, now); !errors.Is(err, ErrSignature) {
		t.Errorf("a secret's token by a public key: %v", err)
	}
}

// smallPoint returns a point of the curve whose x and the prime are less than 2^256.
func smallPoint(curve *elliptic.CurveParams) (x, y []byte) {
	for n := int64(1); ; n++ {
		x := big.NewInt(n)
		right := new(big.Int).Exp(x, big.NewInt(3), curve.P)
		right.Sub(right, new(big.Int).Mul(x, big.NewInt(3))).Add(right, curve.B).Mod(right, curve.P)
		if y := new(big.Int).ModSqrt(right, curve.P); y != nil {
			return x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))
		}
	}
}

func TestWhichPointsAreKeysOfP256(t *testing.T) {
	point, _ := keys.ecdsa.PublicKey.Bytes()
	x, y := point[1:33], point[33:]
	prime := keys.ecdsa.Params().P
	add := func(b []byte, n *big.Int) []byte { // to a coordinate, without the prime
		return new(big.Int).Mod(new(big.Int).Add(new(big.Int).SetBytes(b), n), new(big.Int).Lsh(big.NewInt(1), 256)).FillBytes(make([]byte, 32))
	}
	one, zero := big.NewInt(1), make([]byte, 32)
	smallX, smallY := smallPoint(keys.ecdsa.Params())
	negative := new(big.Int).Sub(prime, new(big.Int).SetBytes(y)).FillBytes(make([]byte, 32))
	gx, gy := keys.ecdsa.Params().Gx.FillBytes(make([]byte, 32)), keys.ecdsa.Params().Gy.FillBytes(make([]byte, 32))
	for name, c := range map[string]struct {
		x, y []byte
		want bool
	}{
		"a key": {x, y, true}, "the other point of its x": {x, negative, true}, "the generator": {gx, gy, true},
		"another y": {x, add(y, one), false}, "another x": {add(x, one), y, false}, "swapped": {y, x, false}, "zero": {zero, zero, false},
		"the prime as x":          {prime.FillBytes(make([]byte, 32)), y, false},
		"the prime as y":          {x, prime.FillBytes(make([]byte, 32)), false},
		"a small x":               {smallX, smallY, true},
		"a small x and the prime": {add(smallX, prime), smallY, false},
		"the greatest word":       {add(zero, big.NewInt(-1)), add(zero, big.NewInt(-1)), false},
	} {
		if got := onP256(c.x, c.y); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
		b64 := base64.RawURLEncoding.EncodeToString
		set, err := json.Marshal(map[string]any{"keys": []map[string]string{{"kty": "EC", "crv": "P-256", "x": b64(c.x), "y": b64(c.y)}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(Config{JWKS: set}); (err == nil) != c.want {
			t.Errorf("AUTH_JWKS with %s: %v", name, err)
		}
	}
	for range 50 { // as math/big says
		s := newSigner("a")
		point, _ := s.key.PublicKey.Bytes()
		if !onP256(point[1:33], point[33:]) || onP256(point[1:33], add(point[33:], one)) {
			t.Errorf("of %x the test is wrong", point)
		}
	}
}
