// Package ijson reads I-JSON (RFC 7493) from bytes that nobody has checked, in
// one pass and without building values: JSON (RFC 8259) in valid UTF-8, with no
// lone surrogate among the escapes, unless MendHalves mends it, and no number beyond IEEE 754 double
// precision. The caller checks that names are unique, because it knows which
// names there are.
package ijson

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// A Kind is the kind of a value.
type Kind byte

// The kinds. Invalid is also the end of the text.
const (
	Invalid Kind = iota
	Object
	Array
	String
	Number
	True
	False
	Null
)

// A SyntaxError is where a text stops being I-JSON.
type SyntaxError struct {
	Offset int // bytes
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("JSON: %s at offset %d", e.Reason, e.Offset)
}

// A Scanner walks over one text. After an error every method returns zero, and Err
// returns the error. Results are views of the text.
type Scanner struct {
	data  []byte
	pos   int
	depth int // how many more containers may be entered
	first bool
	mends bool
	err   error
}

// NewScanner returns a scanner of data that enters at most depth containers
// within each other.
func NewScanner(data []byte, depth int) *Scanner {
	return &Scanner{data: data, depth: depth}
}

// MendHalves has s write U+FFFD over the escape of half a surrogate pair, in the text
// itself, as toWellFormed of JavaScript does. Otherwise that is an error. It returns s.
func (s *Scanner) MendHalves() *Scanner {
	s.mends = true
	return s
}

// Err is the first error, a *SyntaxError.
func (s *Scanner) Err() error { return s.err }

// Offset is how many bytes were read.
func (s *Scanner) Offset() int { return s.pos }

// Left is how many bytes were not read yet.
func (s *Scanner) Left() int { return len(s.data) - s.pos }

// fail notes the error. Nothing is left to read after it.
func (s *Scanner) fail(reason string) {
	if s.err == nil {
		s.err = &SyntaxError{s.pos, reason}
		s.data = s.data[:s.pos]
	}
}

// next skips white space and returns the byte after it, or 0. The compiler inlines it, as mostly
// there is no white space.
func (s *Scanner) next() byte {
	if s.pos < len(s.data) && s.data[s.pos] > ' ' {
		return s.data[s.pos]
	}
	return s.skipSpace()
}

func (s *Scanner) skipSpace() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// kinds has the kind of a value that begins with that byte.
var kinds = [256]Kind{
	'{': Object, '[': Array, '"': String, 't': True, 'f': False, 'n': Null,
	'-': Number, '0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

// Kind says what the next value is, without reading it. It has many callers: inlined it would take
// 400 bytes of WebAssembly in each.
//
//go:noinline
func (s *Scanner) Kind() Kind { return kinds[s.next()] }

// Enter goes into the object or array that comes next. Member or Element must
// then be called until it returns false.
func (s *Scanner) Enter(k Kind) {
	want := byte('{')
	if k == Array {
		want = '['
	}
	switch {
	case s.next() != want:
		s.unexpected()
	case s.depth == 0:
		s.fail("nested too deeply")
	default:
		s.depth--
		s.pos++
		s.first = true
	}
}

// Member reads the name of the next member of an object, as it stands between
// its quotes, and the colon; at the object's end it leaves it and returns false.
func (s *Scanner) Member() (name []byte, ok bool) {
	if !s.more('}') {
		return nil, false
	}
	if s.next() != '"' {
		s.unexpected()
		return nil, false
	}
	name = s.String()
	if s.next() != ':' {
		s.unexpected()
		return nil, false
	}
	s.pos++
	return name, true
}

// Element says whether an array has another element; at the array's end it
// leaves it.
func (s *Scanner) Element() bool { return s.more(']') }

func (s *Scanner) more(end byte) bool {
	c := s.next()
	first := s.first
	s.first = false
	switch {
	case c == end && c != 0:
		s.pos++
		s.depth++
		return false
	case first && c != 0:
		return true
	case c == ',':
		s.pos++
		return true
	}
	s.unexpected()
	return false
}

func (s *Scanner) unexpected() {
	if s.pos >= len(s.data) {
		s.fail("unexpected end")
		return
	}
	s.fail("unexpected " + strconv.QuoteRuneToASCII(rune(s.data[s.pos])))
}

// Skip reads any value.
func (s *Scanner) Skip() {
	switch s.Kind() {
	case Object:
		s.Enter(Object)
		for {
			if _, ok := s.Member(); !ok {
				return
			}
			s.Skip()
		}
	case Array:
		s.Enter(Array)
		for s.Element() {
			s.Skip()
		}
	case String:
		s.String()
	case Number:
		s.Number()
	default:
		s.Literal()
	}
}

// Pass passes over a value by its quotes and brackets alone, however deep they are, and
// returns its text. The text need not be I-JSON.
func (s *Scanner) Pass() []byte {
	s.next()
	if s.err != nil {
		return nil
	}
	n := extent(s.data[s.pos:])
	if n == 0 {
		s.unexpected()
		return nil
	}
	s.pos += n
	return s.data[s.pos-n : s.pos : s.pos]
}

// extent is the length of the value at the front of b: up to the comma, the white space
// or the closing bracket that is not within the value.
func extent(b []byte) int {
	open := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = StringEnd(b, i+1) - 1
		case '{', '[':
			open++
		case '}', ']':
			if open == 0 {
				return i
			}
			open--
		case ',', ' ', '\t', '\n', '\r':
			if open == 0 {
				return i
			}
		}
	}
	return len(b)
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// StringEnd is where a string of valid JSON ends, behind its last quote, if its first character is
// at i; the end of b if the string has no end.
func StringEnd(b []byte, i int) int {
	for {
		for ; i+8 <= len(b); i += 8 {
			word := binary.LittleEndian.Uint64(b[i:])
			x, y := word^(ones*'"'), word^(ones*'\\')
			if found := ((x-ones)&^x | (y-ones)&^y) & highs; found != 0 {
				i += bits.TrailingZeros64(found) / 8
				break
			}
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' {
			i++
		}
		if i >= len(b) {
			return len(b)
		}
		if b[i] == '"' {
			return i + 1
		}
		i += len(`\"`)
	}
}

// Literal reads true, false or null.
func (s *Scanner) Literal() Kind {
	for _, l := range [...]struct {
		text string
		kind Kind
	}{{"true", True}, {"false", False}, {"null", Null}} {
		if s.next() == l.text[0] && len(s.data)-s.pos >= len(l.text) && string(s.data[s.pos:s.pos+len(l.text)]) == l.text {
			s.pos += len(l.text)
			return l.kind
		}
	}
	s.unexpected()
	return Invalid
}

// End checks that nothing but white space is left.
func (s *Scanner) End() error {
	if s.next() != 0 || s.err == nil && s.pos < len(s.data) {
		s.unexpected()
	}
	return s.err
}

// maxPlainDigits is how many digits a double always holds exactly.
const maxPlainDigits = 15

// Number reads a number: as it was written, and its value.
func (s *Scanner) Number() (text []byte, value float64) {
	s.next()
	if s.err != nil {
		return nil, 0
	}
	start := s.pos
	d := s.data
	i := start
	if i < len(d) && d[i] == '-' {
		i++
	}
	digits := i
	var whole uint64
	for i < len(d) && d[i]-'0' < 10 {
		whole = whole*10 + uint64(d[i]-'0')
		i++
	}
	plain := i-digits <= maxPlainDigits
	ok := i > digits && (d[digits] != '0' || i == digits+1)
	if ok && i < len(d) && d[i] == '.' {
		n := i + 1
		for i = n; i < len(d) && d[i]-'0' < 10; i++ {
		}
		ok, plain = i > n, false
	}
	if ok && i < len(d) && (d[i] == 'e' || d[i] == 'E') {
		i++
		if i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		n := i
		for ; i < len(d) && d[i]-'0' < 10; i++ {
		}
		ok, plain = i > n, false
	}
	s.pos = i
	if !ok {
		s.unexpected()
		return nil, 0
	}
	text = d[start:i:i]
	if !plain {
		var err error
		if value, err = strconv.ParseFloat(string(text), 64); err != nil {
			s.pos = start
			s.fail("number out of range")
			return nil, 0
		}
		return text, value
	}
	if value = float64(whole); d[start] == '-' {
		value = -value
	}
	return text, value
}

// ordinary are the bytes of a string that stand for themselves, in ASCII.
var ordinary = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// special marks the first byte of w that does not stand for itself in a string, or is not ASCII, by
// its highest bit. It may mark bytes after that. One that is not ASCII keeps its highest bit in at least one of the terms.
func special(w uint64) uint64 {
	const each = 0x0101010101010101
	return ((w - ' '*each) | ((w ^ '"'*each) - each) | ((w ^ '\\'*each) - each)) & (0x80 * each)
}

// String reads a string: what stands between its quotes, escapes and all.
func (s *Scanner) String() []byte {
	quoted := s.QuotedString()
	if quoted == nil {
		return nil
	}
	return quoted[1 : len(quoted)-1 : len(quoted)-1]
}

// QuotedString reads a string with its quotes, as it was written.
func (s *Scanner) QuotedString() []byte {
	if s.next() != '"' {
		s.unexpected()
		return nil
	}
	d := s.data
	start := s.pos
	i := start + 1
	for {
		for i+8 <= len(d) {
			if marks := special(binary.LittleEndian.Uint64(d[i:])); marks != 0 {
				i += bits.TrailingZeros64(marks) / 8
				break
			}
			i += 8
		}
		for i < len(d) && ordinary[d[i]] {
			i++
		}
		if i >= len(d) {
			s.pos = i
			s.unexpected()
			return nil
		}
		switch c := d[i]; {
		case c == '"':
			s.pos = i + 1
			return d[start:s.pos:s.pos]
		case c == '\\':
			n, reason := escape(d[i:])
			if reason == loneSurrogate && s.mends {
				n, reason = copy(d[i:], `\ufffd`), ""
			}
			if reason != "" {
				s.pos = i
				s.fail(reason)
				return nil
			}
			i += n
		case c < 0x20:
			s.pos = i
			s.fail("control character in a string")
			return nil
		default:
			for i < len(d) && d[i] >= utf8.RuneSelf {
				r, n := utf8.DecodeRune(d[i:])
				if r == utf8.RuneError && n == 1 {
					s.pos = i
					s.fail("invalid UTF-8")
					return nil
				}
				i += n
			}
		}
	}
}
