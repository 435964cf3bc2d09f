package abi

// A Signature asks whether a public key made the signature of some bytes (OpVerify).
type Signature struct {
	Alg string // RS256, ES256 or EdDSA, as in RFC 7518, 3.1 and RFC 8037, 3.1
	// Key are the numbers of the public key, big-endian: N and E of RS256 (E is 3, 17, 37 or 65537), X and Y of ES256 (curve P-256), of
	// 32 bytes each, or X of EdDSA (curve Ed25519), of 32.
	Key               [2]string
	Signed, Signature []byte
}

// AppendSignature appends five texts: Alg, both numbers, Signed, Signature.
func AppendSignature(b []byte, s Signature) []byte {
	for _, text := range [...]string{s.Alg, s.Key[0], s.Key[1], string(s.Signed), string(s.Signature)} {
		b = AppendText(b, text)
	}
	return b
}

// DecodeSignature is the inverse of AppendSignature; Signed and Signature are views.
func DecodeSignature(b []byte) (Signature, error) {
	r := reader{b: b}
	s := Signature{Alg: string(r.text()), Key: [2]string{string(r.text()), string(r.text())}}
	s.Signed, s.Signature = r.text(), r.text()
	if r.failed || len(r.b) > 0 {
		return Signature{}, ErrFrame
	}
	return s, nil
}
