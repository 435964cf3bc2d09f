package trpc

import (
	"fmt"
	"unicode/utf8"
)

// MaxDepth is how deep the arrays and objects of a batch's inputs may nest.
const MaxDepth = 256

// A scanner walks over JSON from i, without making anything of it. RFC 8259.
type scanner struct {
	b    []byte
	i    int
	deep bool // it failed for its depth
}

func (s *scanner) bad() *Error {
	if s.deep {
		return &Error{Code: BadRequest, Message: fmt.Sprintf("The input nests deeper than %d levels", MaxDepth)}
	}
	if s.i >= len(s.b) {
		return &Error{Code: BadRequest, Message: "The input is not valid JSON: it ends too early"}
	}
	return &Error{Code: BadRequest, Message: fmt.Sprintf("The input is not valid JSON at byte %d", s.i)}
}

// next is the byte at i, 0 at the end.
func (s *scanner) next() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) end() bool {
	s.space()
	return s.i == len(s.b)
}

// value passes one value. The stack holds the closing brackets to come.
func (s *scanner) value() bool {
	var stack []byte
	for {
		s.space()
		switch c := s.next(); {
		case c == '{' || c == '[':
			if len(stack) == MaxDepth {
				s.deep = true
				return false
			}
			s.i++
			s.space()
			stack = append(stack, c+2) // ASCII: { is followed by |}, [ by \]
			if s.next() == c+2 {
				break
			}
			if c == '{' && !s.key() {
				return false
			}
			continue
		case c == '"':
			if !s.text() {
				return false
			}
		case c == '-' || c >= '0' && c <= '9':
			if !s.number() {
				return false
			}
		case !s.word("true") && !s.word("false") && !s.word("null"):
			return false
		}
		for {
			if len(stack) == 0 {
				return true
			}
			s.space()
			closing := stack[len(stack)-1]
			if s.next() == closing {
				s.i++
				stack = stack[:len(stack)-1]
				continue
			}
			if s.next() != ',' {
				return false
			}
			s.i++
			if closing == '}' && !s.key() {
				return false
			}
			break
		}
	}
}

// key passes a member's name and its colon.
func (s *scanner) key() bool {
	s.space()
	if !s.text() {
		return false
	}
	s.space()
	if s.next() != ':' {
		return false
	}
	s.i++
	return true
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

func (s *scanner) text() bool {
	if s.next() != '"' {
		return false
	}
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return true
		case c < ' ':
			return false
		case c == '\\':
			s.i++
			if !s.escape() {
				return false
			}
		}
	}
	return false
}

// escape passes what follows a backslash but its last byte.
func (s *scanner) escape() bool {
	switch s.next() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.i++
			c := s.next() | 0x20
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
		return true
	}
	return false
}

func (s *scanner) number() bool {
	if s.next() == '-' {
		s.i++
	}
	if s.next() == '0' {
		s.i++
	} else if !s.digits() {
		return false
	}
	if s.next() == '.' {
		s.i++
		if !s.digits() {
			return false
		}
	}
	if s.next()|0x20 == 'e' {
		s.i++
		if c := s.next(); c == '+' || c == '-' {
			s.i++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	from := s.i
	for s.next() >= '0' && s.next() <= '9' {
		s.i++
	}
	return s.i > from
}

// AppendString appends v as a JSON string. What is not UTF-8 becomes U+FFFD.
func AppendString(b []byte, v string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i, r := range v {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case r == utf8.RuneError:
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, v[i:i+utf8.RuneLen(r)]...)
		}
	}
	return append(b, '"')
}
