package yjs

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"tidemark/shared/lib0"
)

// appendAny appends text, which lib0.SkipJSON has accepted, as Any: V2's form of the
// values of embeds and formats. Members keep their order and their repeats.
func appendAny(dst, text []byte) []byte {
	j := jsonReader{b: text}
	return j.appendValue(dst)
}

// A jsonReader reads JSON that is known to be well-formed and nested no deeper
// than lib0.MaxDepth, which bounds its recursion.
type jsonReader struct {
	b   []byte
	pos int
}

// token skips white space, and any of the bytes in skip, to the next token.
func (j *jsonReader) token(skip byte) byte {
	for {
		switch c := j.b[j.pos]; c {
		case ' ', '\t', '\n', '\r', skip:
			j.pos++
		default:
			return c
		}
	}
}

func (j *jsonReader) appendValue(dst []byte) []byte {
	switch j.token(' ') {
	case '{':
		return j.appendContainer(append(dst, lib0.TagObject), '}')
	case '[':
		return j.appendContainer(append(dst, lib0.TagArray), ']')
	case '"':
		return j.appendString(append(dst, lib0.TagString))
	case 't':
		j.pos += len("true")
		return append(dst, lib0.TagTrue)
	case 'f':
		j.pos += len("false")
		return append(dst, lib0.TagFalse)
	case 'n':
		j.pos += len("null")
		return append(dst, lib0.TagNull)
	}
	return j.appendNumber(dst)
}

// appendContainer appends the count and the values of an array, or the members
// of an object.
func (j *jsonReader) appendContainer(dst []byte, end byte) []byte {
	j.pos++
	start := len(dst)
	dst = append(dst, 0) // for the count, which nearly always is one byte
	n := uint64(0)
	for ; j.token(',') != end; n++ {
		if end == '}' {
			dst = j.appendString(dst)
			j.token(':')
		}
		dst = j.appendValue(dst)
	}
	j.pos++
	count := lib0.AppendUint(nil, n)
	dst[start] = count[0]
	if len(count) > 1 {
		dst = append(dst, count[1:]...)
		copy(dst[start+len(count):], dst[start+1:])
		copy(dst[start:], count)
	}
	return dst
}

func (j *jsonReader) appendString(dst []byte) []byte {
	j.pos++
	start := j.pos
	var s []byte // the string so far, if it has escapes
	for {
		switch j.b[j.pos] {
		case '"':
			last := j.b[start:j.pos]
			j.pos++
			if s == nil {
				return lib0.AppendBytes(dst, last)
			}
			return lib0.AppendBytes(dst, append(s, last...))
		case '\\':
			s = append(s, j.b[start:j.pos]...)
			s = utf8.AppendRune(s, j.escape())
			start = j.pos
		default:
			j.pos++
		}
	}
}

// escape reads an escape. A single half of a surrogate pair becomes U+FFFD, as in lib0
// strings.
func (j *jsonReader) escape() rune {
	c := j.b[j.pos+1]
	j.pos += 2
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'u':
		high := j.unit()
		if utf16.IsSurrogate(high) && j.b[j.pos] == '\\' && j.b[j.pos+1] == 'u' {
			before := j.pos
			j.pos += 2
			if r := utf16.DecodeRune(high, j.unit()); r != utf8.RuneError {
				return r
			}
			j.pos = before
		}
		return high // AppendRune writes a surrogate as U+FFFD
	}
	return rune(c)
}

func (j *jsonReader) unit() rune {
	v, _ := strconv.ParseUint(string(j.b[j.pos:j.pos+4]), 16, 16)
	j.pos += 4
	return rune(v)
}

func (j *jsonReader) appendNumber(dst []byte) []byte {
	start := j.pos
	for j.pos < len(j.b) && isNumberByte(j.b[j.pos]) {
		j.pos++
	}
	f, _ := strconv.ParseFloat(string(j.b[start:j.pos]), 64) // beyond the range: an infinity, as in JavaScript
	return appendAnyNumber(dst, f)
}

func isNumberByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// appendAnyNumber picks the tag that lib0 picks for a JavaScript number.
func appendAnyNumber(dst []byte, f float64) []byte {
	switch {
	case f == math.Trunc(f) && math.Abs(f) <= math.MaxInt32:
		return lib0.AppendSigned(append(dst, lib0.TagInteger), uint64(math.Abs(f)), math.Signbit(f))
	case float64(float32(f)) == f:
		return lib0.AppendFloat32(append(dst, lib0.TagFloat32), float32(f))
	}
	return lib0.AppendFloat64(append(dst, lib0.TagFloat64), f)
}
