package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"tidemark/shared/ijson"
)

// A key is one public key, for one algorithm: an *rsa.PublicKey, an
// *ecdsa.PublicKey or an ed25519.PublicKey. For HS256 it is the secret, a []byte.
type key struct {
	id, alg string
	public  any
}

// algorithms are the algorithms of public keys.
var algorithms = []string{"RS256", "ES256", "EdDSA"}

func (k key) equal(other key) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.id == other.id && k.alg == other.alg && public.Equal(other.public)
}

// verifies says whether the key made the signature. RFC 7518, 3.
func (k key) verifies(signed, signature []byte) bool {
	digest := sha256.Sum256(signed)
	switch public := k.public.(type) {
	case []byte:
		return hmac.Equal(authenticator(public, signed), signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		return ecdsa.Verify(public, digest[:], r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, signed, signature)
	}
	return false
}

// The bounds of a key set: how many keys, which sizes of RSA in bits.
const (
	maxKeys    = 32
	minRSABits = 2048
	maxRSABits = 8192
)

type jwk struct {
	Type, ID, Alg, Use, Curve string
	N, E, X, Y                string
}

// parseKeys reads a JSON Web Key Set. It skips keys for another use or algorithm, as
// RFC 7517, 5 requires. A malformed key is an error if the set is strict, and skipped
// otherwise. A set without any usable key is an error.
func parseKeys(b []byte, strict bool) ([]key, error) {
	set, err := ijson.Members(b, maxDepth)
	if err != nil {
		return nil, err
	}
	s := ijson.NewScanner(set["keys"], maxDepth)
	var keys []key
	n := 0
	for s.Enter(ijson.Array); s.Element(); n++ {
		s.Kind() // skips white space
		start := s.Offset()
		s.Skip()
		if s.Err() != nil {
			break
		}
		if n >= maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
		k, ok, err := parseKey(set["keys"][start:s.Offset()])
		if err != nil && strict {
			return nil, fmt.Errorf("key %d: %w", n, err)
		}
		if ok && err == nil {
			keys = append(keys, k)
		}
	}
	if err := s.End(); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("no key for RS256, ES256 or EdDSA")
	}
	return keys, nil
}

// parseKey reads one JSON Web Key; it returns false if the key is for something else.
func parseKey(b []byte) (k key, ok bool, err error) {
	members, err := ijson.Members(b, maxDepth)
	if err != nil {
		return k, false, err
	}
	var j jwk
	for name, to := range map[string]*string{
		"kty": &j.Type, "kid": &j.ID, "alg": &j.Alg, "use": &j.Use, "crv": &j.Curve,
		"n": &j.N, "e": &j.E, "x": &j.X, "y": &j.Y,
	} {
		if *to, err = claims(members).text(name); err != nil {
			return k, false, err
		}
	}
	k = key{id: j.ID, alg: j.algorithm()}
	if k.alg == "" || j.Use != "" && j.Use != "sig" || j.Alg != "" && j.Alg != k.alg {
		return k, false, nil
	}
	k.public, err = j.public()
	return k, err == nil, err
}

// algorithm is the one that the key serves, or "".
func (j jwk) algorithm() string {
	switch {
	case j.Type == "RSA":
		return "RS256"
	case j.Type == "EC" && j.Curve == "P-256":
		return "ES256"
	case j.Type == "OKP" && j.Curve == "Ed25519":
		return "EdDSA"
	}
	return ""
}

func (j jwk) public() (any, error) {
	var n, e, x, y []byte
	for _, f := range []struct {
		to   *[]byte
		from string
	}{{&n, j.N}, {&e, j.E}, {&x, j.X}, {&y, j.Y}} {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(f.from, "="))
		if err != nil {
			return nil, err
		}
		*f.to = b
	}
	switch j.Type {
	case "RSA":
		k := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
		exponent := new(big.Int).SetBytes(e)
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fmt.Errorf("an RSA key of %d bits", bits)
		}
		if exponent.BitLen() > 31 || exponent.Bit(0) == 0 || exponent.BitLen() < 2 {
			return nil, errors.New("an RSA exponent that is even, 1 or too large")
		}
		k.E = int(exponent.Int64())
		return k, nil
	case "EC":
		if len(x) != 32 || len(y) != 32 {
			return nil, errors.New("a P-256 key of another size")
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	}
	if len(x) != ed25519.PublicKeySize {
		return nil, errors.New("an Ed25519 key of another size")
	}
	return ed25519.PublicKey(x), nil
}
