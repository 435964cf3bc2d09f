package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// A key is one public key, for one algorithm.
type key struct {
	id, alg string
	public  any
}

// The bounds of a key set: how many keys, which sizes of RSA in bits.
const (
	maxKeys    = 32
	minRSABits = 2048
	maxRSABits = 8192
)

type jwk struct {
	Type  string `json:"kty"`
	ID    string `json:"kid"`
	Alg   string `json:"alg"`
	Use   string `json:"use"`
	Curve string `json:"crv"`
	N     string `json:"n"`
	E     string `json:"e"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// parseKeys reads a JSON Web Key Set. Keys for another use or of an algorithm
// that is not served are passed over, as RFC 7517, 5 wants; one that is
// malformed is an error, as is a set without any key to use.
func parseKeys(b []byte) ([]key, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys, at most %d", len(set.Keys), maxKeys)
	}
	var keys []key
	for i, j := range set.Keys {
		k := key{id: j.ID, alg: j.algorithm()}
		if k.alg == "" || j.Use != "" && j.Use != "sig" || j.Alg != "" && j.Alg != k.alg {
			continue
		}
		var err error
		if k.public, err = j.public(); err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("no key for RS256, ES256 or EdDSA")
	}
	return keys, nil
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
