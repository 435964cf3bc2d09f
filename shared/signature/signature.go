// Package signature checks the signatures of public keys, for a host and for tests. The guest asks
// its host by abi.OpVerify: the arithmetic of public keys would be an eighth of the guest.
package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"

	"tidemark/shared/abi"
)

// coordinateBytes is the length of a coordinate of P-256, and of a key of Ed25519.
const coordinateBytes = 32

// Good says whether the key made the signature. A key that is malformed made none. RFC 7518, 3.3
// and 3.4, and RFC 8037, 3.1.
func Good(s abi.Signature) bool {
	digest := sha256.Sum256(s.Signed)
	a, b := []byte(s.Key[0]), []byte(s.Key[1])
	switch s.Alg {
	case "RS256":
		n, e := new(big.Int).SetBytes(a), new(big.Int).SetBytes(b)
		if e.BitLen() > 31 {
			return false
		}
		return rsa.VerifyPKCS1v15(&rsa.PublicKey{N: n, E: int(e.Int64())}, crypto.SHA256, digest[:], s.Signature) == nil
	case "ES256":
		if len(a) != coordinateBytes || len(b) != coordinateBytes || len(s.Signature) != 2*coordinateBytes {
			return false
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, a...), b...))
		if err != nil {
			return false
		}
		half := s.Signature[:coordinateBytes]
		return ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(half), new(big.Int).SetBytes(s.Signature[coordinateBytes:]))
	case "EdDSA":
		return len(a) == coordinateBytes && ed25519.Verify(a, s.Signed, s.Signature)
	}
	return false
}
