package ijson

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

const loneSurrogate = "lone surrogate"

// escape measures the escape at the front of b, or says what is wrong with it.
func escape(b []byte) (n int, reason string) {
	if len(b) < 2 {
		return 0, "unexpected end"
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
		r := hex4(b)
		switch {
		case r < 0:
			return 0, "invalid escape"
		case !utf16.IsSurrogate(r):
			return 6, ""
		case utf16.DecodeRune(r, hex4(b[6:])) == utf8.RuneError:
			return 0, loneSurrogate
		}
		return 12, ""
	}
	return 0, "invalid escape"
}

// hex4 is the code unit of the escape \uXXXX at the front of b, or -1.
func hex4(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20-'a' < 6:
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// Unquote appends what a string stands for; raw is what Scanner.String or
// Scanner.Member returned.
func Unquote(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		switch c := raw[1]; c {
		case 'u':
			r := hex4(raw)
			raw = raw[6:]
			if utf16.IsSurrogate(r) {
				r = utf16.DecodeRune(r, hex4(raw))
				raw = raw[6:]
			}
			dst = utf8.AppendRune(dst, r)
			continue
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			dst = append(dst, c)
		}
		raw = raw[2:]
	}
}

// AppendString appends text as JSON.stringify writes it. RFC 8785, 3.2.2.2.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := range len(text) {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(append(dst, text[from:i]...), '\\')
		from = i + 1
		switch c {
		case '\b':
			dst = append(dst, 'b')
		case '\f':
			dst = append(dst, 'f')
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		case '"', '\\':
			dst = append(dst, c)
		default:
			dst = append(dst, 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, text[from:]...), '"')
}

// AppendNumber appends a finite number as JSON.stringify writes it.
// RFC 8785, 3.2.2.3; ECMA-262, Number::toString.
func AppendNumber(dst []byte, v float64) []byte {
	if v == 0 {
		return append(dst, '0')
	}
	if a := math.Abs(v); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
	// Go writes at least two digits of the exponent.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// AppendCanonical reads any value but an object and appends it as
// JSON.stringify writes it, which is its canonical form (RFC 8785).
func (s *Scanner) AppendCanonical(dst []byte) []byte {
	switch s.Kind() {
	case Array:
		dst = append(dst, '[')
		s.Enter(Array)
		for i := 0; s.Element(); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = s.AppendCanonical(dst)
		}
		return append(dst, ']')
	case String:
		raw := s.String()
		if bytes.IndexByte(raw, '\\') < 0 {
			return append(append(append(dst, '"'), raw...), '"')
		}
		return AppendString(dst, Unquote(nil, raw))
	case Number:
		_, v := s.Number()
		return AppendNumber(dst, v)
	}
	switch s.Literal() {
	case True:
		return append(dst, "true"...)
	case False:
		return append(dst, "false"...)
	case Null:
		return append(dst, "null"...)
	}
	return dst
}
