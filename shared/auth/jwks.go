package auth

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"tidemark/shared/ijson"
)

// A Key is a public key. Two are the same key if they are equal.
type Key struct {
	id, Alg string
	// Public are the numbers of the key, big-endian: N and E for RS256, without zeros in front,
	// X and Y for ES256, of 32 bytes each, and X for EdDSA, of 32.
	Public [2]string
}

// algorithms are the algorithms of public keys.
var algorithms = []string{"RS256", "ES256", "EdDSA"}

// The bounds of a key set: how many keys, which sizes of RSA in bits.
const (
	maxKeys    = 32
	minRSABits = 2048
	maxRSABits = 8192
)

// exponents are those of RSA that workerd accepts, big-endian.
var exponents = []string{"\x03", "\x11", "\x25", "\x01\x00\x01"}

type jwk struct {
	Type, ID, Alg, Use, Curve string
	N, E, X, Y                string
}

// parseKeys reads a JSON Web Key Set. It skips keys for another use or algorithm, as
// RFC 7517, 5 requires. A malformed key is an error if the set is strict, and skipped
// otherwise. A set without any usable key is an error.
func parseKeys(b []byte, strict bool) ([]Key, error) {
	set, err := ijson.Members(b, maxDepth)
	if err != nil {
		return nil, err
	}
	s := ijson.NewScanner(set["keys"], maxDepth)
	var keys []Key
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
func parseKey(b []byte) (k Key, ok bool, err error) {
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
	k = Key{id: j.ID, Alg: j.algorithm()}
	if k.Alg == "" || j.Use != "" && j.Use != "sig" || j.Alg != "" && j.Alg != k.Alg {
		return k, false, nil
	}
	k.Public, err = j.public()
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

// public returns the numbers of the key. The guest checks their form, and the host computes with them.
func (j jwk) public() (none [2]string, err error) {
	var n, e, x, y []byte
	for _, f := range []struct {
		to   *[]byte
		from string
	}{{&n, j.N}, {&e, j.E}, {&x, j.X}, {&y, j.Y}} {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(f.from, "="))
		if err != nil {
			return none, err
		}
		*f.to = b
	}
	switch j.Type {
	case "RSA":
		n, e = bytes.TrimLeft(n, "\x00"), bytes.TrimLeft(e, "\x00")
		if size := bitLength(n); size < minRSABits || size > maxRSABits {
			return none, fmt.Errorf("an RSA key of %d bits", size)
		}
		if !slices.Contains(exponents, string(e)) {
			return none, errors.New("an RSA exponent other than 3, 17, 37 and 65537")
		}
		return [2]string{string(n), string(e)}, nil
	case "EC":
		if len(x) != 32 || len(y) != 32 {
			return none, errors.New("a P-256 key of another size")
		}
		if !onP256(x, y) {
			return none, errors.New("a P-256 key that is no point of the curve")
		}
		return [2]string{string(x), string(y)}, nil
	}
	if len(x) != 32 {
		return none, errors.New("an Ed25519 key of another size")
	}
	return [2]string{string(x)}, nil
}

// bitLength returns the length in bits of a big-endian number without zeros in front.
func bitLength(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	return 8*(len(b)-1) + bits.Len8(b[0])
}
