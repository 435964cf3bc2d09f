package auth

import (
	"encoding/binary"
	"math/bits"
)

// A field is a number below the prime of P-256: four words, the lowest first.
type field [4]uint64

var (
	p256Prime = field{0xffffffffffffffff, 0x00000000ffffffff, 0, 0xffffffff00000001}
	p256B     = field{0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7}
)

// onP256 says whether (x, y), of 32 bytes each, is a point of the curve P-256: y² = x³ - 3x + b.
// FIPS 186-4, D.1.2.3. No secret passes through here, so its time may depend on the values.
func onP256(x, y []byte) bool {
	a, okA := newField(x)
	b, okB := newField(y)
	if !okA || !okB {
		return false
	}
	right := a.times(a).times(a).plus(p256B)
	return b.times(b).plus(a).plus(a).plus(a) == right
}

// newField reads a big-endian number. It returns false if that is not below the prime.
func newField(b []byte) (f field, ok bool) {
	for i := range f {
		f[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	_, below := f.minusPrime()
	return f, below
}

func (f field) minusPrime() (d field, below bool) {
	var borrow uint64
	for i := range f {
		d[i], borrow = bits.Sub64(f[i], p256Prime[i], borrow)
	}
	return d, borrow == 1
}

func (f field) plus(g field) (sum field) {
	var carry uint64
	for i := range f {
		sum[i], carry = bits.Add64(f[i], g[i], carry)
	}
	if less, below := sum.minusPrime(); carry == 1 || !below {
		return less
	}
	return sum
}

// times multiplies bit by bit, the highest first.
func (f field) times(g field) (product field) {
	for i := 255; i >= 0; i-- {
		product = product.plus(product)
		if g[i/64]>>(i%64)&1 == 1 {
			product = product.plus(f)
		}
	}
	return product
}
