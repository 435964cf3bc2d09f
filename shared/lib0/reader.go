// Package lib0 reads and writes the byte encoding of the JavaScript library
// lib0, which the Yjs formats and protocols are made of.
//
//	varUint    7 bits a byte, low group first, bit 7 = more follows; 0 … 2^53-1
//	varInt     first byte: bit 7 more, bit 6 sign, 6 bits of magnitude; then as varUint (not zig-zag)
//	varBytes   varUint length, bytes
//	string     varBytes of valid UTF-8
//	any        one tag byte (116 … 127) and its payload, see [Reader.SkipAny]
//	floats     big-endian IEEE 754, 4 or 8 bytes; bigint: big-endian int64
//
// A Reader never reads past its buffer, never allocates what the input asks
// for, and reports every failure as *Error. Writers append to a slice.
package lib0

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// MaxSafeInteger is 2^53-1, the largest integer that JavaScript holds exactly;
// larger ones on the wire are refused.
const MaxSafeInteger = 1<<53 - 1

// Reader reads lib0 values from a byte slice. The slices it returns are views
// into that slice. After an error the position is unspecified.
type Reader struct {
	b   []byte
	pos int
}

// NewReader returns a Reader at the start of b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Pos is the number of bytes read.
func (r *Reader) Pos() int { return r.pos }

// Len is the number of bytes left.
func (r *Reader) Len() int { return len(r.b) - r.pos }

// Rest returns the bytes left, without reading them.
func (r *Reader) Rest() []byte { return r.b[r.pos:] }

// Seek sets the position, which must be one that Pos returned.
func (r *Reader) Seek(pos int) { r.pos = pos }

// Since returns the bytes between an earlier position and this one.
func (r *Reader) Since(pos int) []byte { return r.b[pos:r.pos] }

// Fail returns an *Error at the current position.
func (r *Reader) Fail(reason string) error { return &Error{Offset: r.pos, Reason: reason} }

// Byte reads one byte.
func (r *Reader) Byte() (byte, error) {
	if r.pos >= len(r.b) {
		return 0, r.Fail(reasonEnd)
	}
	c := r.b[r.pos]
	r.pos++
	return c, nil
}

const (
	reasonEnd   = "unexpected end"
	reasonRange = "integer above 2^53-1"
)

// Uint reads a varUint. Forms longer than needed are accepted, as lib0 does,
// up to ten bytes.
func (r *Reader) Uint() (uint64, error) {
	// Most integers are clocks and lengths below 2^21.
	switch b := r.b[r.pos:]; {
	case len(b) > 0 && b[0] < 0x80:
		r.pos++
		return uint64(b[0]), nil
	case len(b) > 1 && b[1] < 0x80:
		r.pos += 2
		return uint64(b[0]&0x7f) | uint64(b[1])<<7, nil
	case len(b) > 2 && b[2] < 0x80:
		r.pos += 3
		return uint64(b[0]&0x7f) | uint64(b[1]&0x7f)<<7 | uint64(b[2])<<14, nil
	}
	return r.longUint()
}

// Skip reads the bytes of prefix, if they come next.
func (r *Reader) Skip(prefix []byte) bool {
	b := r.b[r.pos:]
	if len(b) < len(prefix) {
		return false
	}
	for i, c := range prefix {
		if b[i] != c {
			return false
		}
	}
	r.pos += len(prefix)
	return true
}

func (r *Reader) longUint() (uint64, error) {
	var v uint64
	for i := uint(0); ; i++ {
		if r.pos >= len(r.b) {
			return 0, r.Fail(reasonEnd)
		}
		c := r.b[r.pos]
		if i > 9 || i > 6 && uint64(c&0x7f) > uint64(MaxSafeInteger)>>(7*i) {
			return 0, r.Fail(reasonRange)
		}
		v |= uint64(c&0x7f) << (7 * i)
		r.pos++
		if c < 0x80 {
			return v, nil
		}
	}
}

// Int reads a varInt of magnitude up to 2^53-1. negative is the sign bit: it
// tells -0, which run lengths and Any use, from 0.
func (r *Reader) Int() (v int64, negative bool, err error) {
	c, err := r.Byte()
	if err != nil {
		return 0, false, err
	}
	negative = c&0x40 != 0
	v = int64(c & 0x3f)
	for shift := uint(6); c >= 0x80; shift += 7 {
		if r.pos >= len(r.b) {
			return 0, false, r.Fail(reasonEnd)
		}
		c = r.b[r.pos]
		if shift > 62 || shift > 46 && int64(c&0x7f) > int64(MaxSafeInteger)>>shift {
			return 0, false, r.Fail(reasonRange)
		}
		v |= int64(c&0x7f) << shift
		r.pos++
	}
	if negative {
		v = -v
	}
	return v, negative, nil
}

// Take returns the next n bytes.
func (r *Reader) Take(n uint64) ([]byte, error) {
	if n > uint64(len(r.b)-r.pos) {
		return nil, r.Fail("length exceeds the bytes left")
	}
	b := r.b[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

// Bytes reads varBytes.
func (r *Reader) Bytes() ([]byte, error) {
	n, err := r.Uint()
	if err != nil {
		return nil, err
	}
	return r.Take(n)
}

// String reads a string and checks that it is UTF-8: overlong forms and encoded
// surrogates are errors, a byte order mark is kept.
func (r *Reader) String() ([]byte, error) {
	b, err := r.Bytes()
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(b) {
		r.pos -= len(b)
		return nil, r.Fail("string is not UTF-8")
	}
	return b, nil
}

// Float32 reads a big-endian float32.
func (r *Reader) Float32() (float32, error) {
	b, err := r.Take(4)
	if err != nil {
		return 0, err
	}
	return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
}

// Float64 reads a big-endian float64.
func (r *Reader) Float64() (float64, error) {
	b, err := r.Take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// BigInt64 reads a big-endian int64.
func (r *Reader) BigInt64() (int64, error) {
	b, err := r.Take(8)
	if err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}
