package lib0

import (
	"math"
	"strconv"
)

// SkipJSON checks that b is one JSON text as JSON.parse accepts it, of at most
// MaxDepth levels. b must be valid UTF-8. It neither recurses nor allocates,
// save for the error.
func SkipJSON(b []byte) error {
	s := jsonScanner{b: b}
	if reason := s.scan(); reason != "" {
		return &Error{Offset: s.pos, Reason: "JSON: " + reason}
	}
	return nil
}

type jsonScanner struct {
	b   []byte
	pos int
}

func (s *jsonScanner) space() {
	for s.pos < len(s.b) {
		switch s.b[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek is the byte at the position, 0 at the end: no JSON token starts with it.
func (s *jsonScanner) peek() byte {
	if s.pos < len(s.b) {
		return s.b[s.pos]
	}
	return 0
}

// scan returns the reason why the text is refused, or "".
//
//layout:long the two states of one scanner: before a value and after it
func (s *jsonScanner) scan() string {
	var open [MaxDepth]byte // the closing byte of each open container
	depth := 0
	for {
		// A value is due.
		s.space()
		switch c := s.peek(); c {
		case '{', '[':
			if depth == MaxDepth {
				return "nested too deeply"
			}
			s.pos++
			s.space()
			if c == '{' {
				open[depth] = '}'
			} else {
				open[depth] = ']'
			}
			depth++
			if s.peek() != open[depth-1] {
				if c == '{' {
					if reason := s.key(); reason != "" {
						return reason
					}
				}
				continue
			}
		default:
			if reason := s.scalar(c); reason != "" {
				return reason
			}
		}
		// A value is done: close containers until another value is due.
		for {
			s.space()
			if depth == 0 {
				if s.pos < len(s.b) {
					return "bytes after the value"
				}
				return ""
			}
			c := s.peek()
			if c == open[depth-1] {
				s.pos++
				depth--
				continue
			}
			if c != ',' {
				return "expected a comma or the end of a container"
			}
			s.pos++
			if open[depth-1] == '}' {
				s.space()
				if reason := s.key(); reason != "" {
					return reason
				}
			}
			break
		}
	}
}

func (s *jsonScanner) key() string {
	if s.peek() != '"' {
		return "expected a key"
	}
	if reason := s.str(); reason != "" {
		return reason
	}
	s.space()
	if s.peek() != ':' {
		return "expected a colon"
	}
	s.pos++
	return ""
}

func (s *jsonScanner) scalar(c byte) string {
	switch {
	case c == '"':
		return s.str()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	return "expected a value"
}

func (s *jsonScanner) word(w string) string {
	if len(s.b)-s.pos < len(w) || string(s.b[s.pos:s.pos+len(w)]) != w {
		return "expected a value"
	}
	s.pos += len(w)
	return ""
}

func (s *jsonScanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

func (s *jsonScanner) number() string {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return "expected a digit"
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return "expected a digit"
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return "expected a digit"
		}
	}
	return ""
}

func (s *jsonScanner) str() string {
	for s.pos++; s.pos < len(s.b); s.pos++ {
		switch c := s.b[s.pos]; {
		case c == '"':
			s.pos++
			return ""
		case c < 0x20:
			return "control character in a string"
		case c == '\\':
			s.pos++
			switch s.peek() {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					s.pos++
					if c := s.peek(); !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
						return "bad escape"
					}
				}
			default:
				return "bad escape"
			}
		}
	}
	return "unexpected end of a string"
}

// AppendAnyJSON appends the Any value any, which SkipAny must have accepted, as
// JSON.stringify writes it: undefined is null, and is left out of objects; NaN
// and infinities are null; bytes are an object of numbered members. A bigint,
// on which JSON.stringify throws, becomes a number. The last member of a name
// does not hide earlier ones.
func AppendAnyJSON(dst []byte, any []byte) []byte {
	r := NewReader(any)
	var open [MaxDepth]struct {
		left   uint64
		object bool
		comma  bool
	}
	depth := -1
	for {
		var key []byte
		if depth >= 0 && open[depth].object {
			key, _ = r.String()
		}
		tag, _ := r.Byte()
		if depth >= 0 {
			top := &open[depth]
			if !top.object || tag != TagUndefined {
				if top.comma {
					dst = append(dst, ',')
				}
				top.comma = true
			}
			if top.object && tag != TagUndefined {
				dst = append(AppendJSONString(dst, key), ':')
			}
			top.left--
		}
		switch tag {
		case TagArray, TagObject:
			n, _ := r.Uint()
			depth++
			open[depth].left, open[depth].object, open[depth].comma = n, tag == TagObject, false
			if tag == TagObject {
				dst = append(dst, '{')
			} else {
				dst = append(dst, '[')
			}
		case TagUndefined:
			if depth < 0 || !open[depth].object {
				dst = append(dst, "null"...)
			}
		default:
			dst = r.appendScalarJSON(dst, tag)
		}
		for depth >= 0 && open[depth].left == 0 {
			if open[depth].object {
				dst = append(dst, '}')
			} else {
				dst = append(dst, ']')
			}
			depth--
		}
		if depth < 0 {
			return dst
		}
	}
}

func (r *Reader) appendScalarJSON(dst []byte, tag byte) []byte {
	switch tag {
	case TagInteger:
		v, _, _ := r.Int()
		return strconv.AppendInt(dst, v, 10)
	case TagFloat32:
		f, _ := r.Float32()
		return AppendJSONNumber(dst, float64(f))
	case TagFloat64:
		f, _ := r.Float64()
		return AppendJSONNumber(dst, f)
	case TagBigInt:
		v, _ := r.BigInt64()
		return strconv.AppendInt(dst, v, 10)
	case TagFalse:
		return append(dst, "false"...)
	case TagTrue:
		return append(dst, "true"...)
	case TagString:
		s, _ := r.String()
		return AppendJSONString(dst, s)
	case TagBytes:
		b, _ := r.Bytes()
		return AppendJSONBytes(dst, b)
	}
	return append(dst, "null"...)
}

// AppendJSONNumber appends f as JavaScript prints it: the shortest digits that
// give f back, -0 as 0, null where JSON has no number.
// ECMA-262, Number::toString.
func AppendJSONNumber(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if f == 0 {
		return append(dst, '0')
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript as many as needed.
	if n := len(dst); dst[n-2] == '0' && dst[n-3] < '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// AppendJSONBytes appends what JSON.stringify makes of a Uint8Array:
// {"0":1,"1":2}.
func AppendJSONBytes(dst, b []byte) []byte {
	dst = append(dst, '{')
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, '"', ':')
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return append(dst, '}')
}

// AppendJSONString appends the JSON string of s, valid UTF-8, with the escapes
// that JSON.stringify uses and no others.
func AppendJSONString(dst, s []byte) []byte {
	dst = AppendJSONEscaped(append(dst, '"'), s)
	return append(dst, '"')
}

// AppendJSONEscaped is AppendJSONString without the quotes, for strings that
// come in pieces.
func AppendJSONEscaped(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, s[start:]...)
}
