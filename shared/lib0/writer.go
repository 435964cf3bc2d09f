package lib0

import (
	"encoding/binary"
	"math"
)

// AppendUint appends the shortest varUint of v, which must be at most
// MaxSafeInteger for a lib0 reader to accept it.
func AppendUint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// AppendInt appends the shortest varInt of v. For -0 see AppendSigned.
func AppendInt(b []byte, v int64) []byte {
	if v < 0 {
		return AppendSigned(b, uint64(-v), true)
	}
	return AppendSigned(b, uint64(v), false)
}

// AppendSigned appends a varInt given as magnitude and sign, so that -0 can be
// written.
func AppendSigned(b []byte, magnitude uint64, negative bool) []byte {
	c := byte(magnitude & 0x3f)
	if negative {
		c |= 0x40
	}
	if magnitude >>= 6; magnitude == 0 {
		return append(b, c)
	}
	return AppendUint(append(b, c|0x80), magnitude)
}

// AppendBytes appends varBytes.
func AppendBytes(b, v []byte) []byte {
	return append(AppendUint(b, uint64(len(v))), v...)
}

// AppendString appends a string, which must be UTF-8 for a reader to accept it.
func AppendString(b []byte, s string) []byte {
	return append(AppendUint(b, uint64(len(s))), s...)
}

// AppendFloat32 appends a big-endian float32.
func AppendFloat32(b []byte, f float32) []byte {
	return binary.BigEndian.AppendUint32(b, math.Float32bits(f))
}

// AppendFloat64 appends a big-endian float64.
func AppendFloat64(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

// AppendBigInt64 appends a big-endian int64.
func AppendBigInt64(b []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(v))
}
