//go:build ignore

// This program writes signatures.json: what a host says by OpVerify of signatures that were made
// and then changed. go run wasm/edge/testdata/signatures.go > wasm/edge/testdata/signatures.json
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"math/big"
	"os"
	"slices"
)

// A one is a case. Bytes are base64.
type one struct {
	What, Alg               string
	A, B, Signed, Signature []byte
	Want                    bool
}

var cases []one

func add(c one, what string, change func(c *one)) {
	c.What, c.Want = c.Alg+" "+what, false
	for _, b := range []*[]byte{&c.A, &c.B, &c.Signed, &c.Signature} {
		*b = bytes.Clone(*b)
	}
	change(&c)
	cases = append(cases, c)
}

func main() {
	signed := []byte("a header.a payload")
	digest := sha256.Sum256(signed)
	of := rsaCase(signed, digest[:])
	ec, n := ecdsaCase(signed, digest[:])
	public, private, err := ed25519.GenerateKey(nil)
	must(err)
	ed := one{Alg: "EdDSA", A: public, Signed: signed, Signature: ed25519.Sign(private, signed)}
	for _, c := range []one{of, ec, ed} {
		add(c, "as it was made", func(c *one) { c.Want = true })
		add(c, "of another text", func(c *one) { c.Signed[3]++ })
		add(c, "of no text", func(c *one) { c.Signed = nil })
		add(c, "changed at its begin", func(c *one) { c.Signature[1] ^= 1 })
		add(c, "changed at its end", func(c *one) { c.Signature[len(c.Signature)-2] ^= 1 })
		add(c, "cut", func(c *one) { c.Signature = c.Signature[:len(c.Signature)-1] })
		add(c, "with a byte more", func(c *one) { c.Signature = append(c.Signature, 0) })
		add(c, "with a zero in front", func(c *one) { c.Signature = append([]byte{0}, c.Signature...) })
		add(c, "of zeros", func(c *one) { clear(c.Signature) })
		add(c, "that is empty", func(c *one) { c.Signature = nil })
		add(c, "of another key", func(c *one) { c.A[5] ^= 4 })
		add(c, "of a key that is cut", func(c *one) { c.A = c.A[:len(c.A)-1] })
		add(c, "of a key that is empty", func(c *one) { c.A, c.B = nil, nil })
		add(c, "by an algorithm that nobody knows", func(c *one) { c.Alg = "none" })
		add(c, "by HS256", func(c *one) { c.Alg = "HS256" })
	}
	add(of, "with another exponent", func(c *one) { c.B = []byte{3} })
	add(of, "with an exponent of 40 bits", func(c *one) { c.B = []byte{1, 0, 0, 0, 1} })
	r, s := new(big.Int).SetBytes(ec.Signature[:32]), new(big.Int).SetBytes(ec.Signature[32:])
	add(ec, "with the other s", func(c *one) { // which FIPS 186 allows, too
		new(big.Int).Sub(n, s).FillBytes(c.Signature[32:])
		c.Want = true
	})
	add(ec, "with r and s swapped", func(c *one) { c.Signature = slices.Concat(c.Signature[32:], c.Signature[:32]) })
	add(ec, "with the order as s", func(c *one) { n.FillBytes(c.Signature[32:]) })
	add(ec, "as ASN.1", func(c *one) {
		c.Signature = slices.Concat([]byte{48, 70, 2, 33, 0}, r.FillBytes(make([]byte, 32)), []byte{2, 33, 0}, s.FillBytes(make([]byte, 32)))
	})
	add(ec, "of a key with another y", func(c *one) { c.B[31] ^= 1 })
	add(ec, "of a key without y", func(c *one) { c.B = nil })
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	add(ed, "with the order added to S", func(c *one) {
		slices.Reverse(c.Signature[32:])
		new(big.Int).Add(new(big.Int).SetBytes(c.Signature[32:]), order).FillBytes(c.Signature[32:])
		slices.Reverse(c.Signature[32:])
	})
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	must(out.Encode(cases))
}

func rsaCase(signed, digest []byte) one {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
	must(err)
	return one{Alg: "RS256", A: key.N.Bytes(), B: big.NewInt(int64(key.E)).Bytes(), Signed: signed, Signature: signature}
}

func ecdsaCase(signed, digest []byte) (one, *big.Int) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	r, s, err := ecdsa.Sign(rand.Reader, key, digest)
	must(err)
	point, err := key.PublicKey.Bytes()
	must(err)
	signature := slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
	return one{Alg: "ES256", A: point[1:33], B: point[33:], Signed: signed, Signature: signature}, key.Params().N
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
