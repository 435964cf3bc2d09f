package ijson

import (
	"encoding/binary"
	"math/bits"
)

// Expect reads text if it comes next just as it is, and says whether it did. Text is what Member read
// once, from where the value before it ended. Expect also reads the value behind it if that is of
// the kind and of the most common form: a String of ASCII without escapes, or a Number of at most 15
// digits and nothing else. Otherwise the value is nil, and the caller reads it. A string has its quotes.
//
// It calls nothing: in WebAssembly a call takes as long as several bytes.
func (s *Scanner) Expect(text []byte, kind Kind) (value []byte, number float64, ok bool) {
	d := s.data[s.pos:]
	if len(d) <= len(text) {
		return nil, 0, false
	}
	i := 0
	for ; i+8 <= len(text); i += 8 {
		if binary.LittleEndian.Uint64(d[i:]) != binary.LittleEndian.Uint64(text[i:]) {
			return nil, 0, false
		}
	}
	for ; i < len(text); i++ {
		if d[i] != text[i] {
			return nil, 0, false
		}
	}
	s.pos += len(text)
	s.first = false
	d = d[i:]
	i = 0
	switch {
	case kind == String && d[0] == '"':
		for i = 1; i+8 <= len(d); i += 8 {
			if marks := special(binary.LittleEndian.Uint64(d[i:])); marks != 0 {
				i += bits.TrailingZeros64(marks) / 8
				break
			}
		}
		for i < len(d) && ordinary[d[i]] {
			i++
		}
		if i >= len(d) || d[i] != '"' {
			return nil, 0, true
		}
		i++
	case kind == Number:
		var whole uint64
		for i < len(d) && d[i]-'0' < 10 {
			whole = whole*10 + uint64(d[i]-'0')
			i++
		}
		if i == 0 || i > maxPlainDigits || i == len(d) || d[i] != ',' && d[i] != '}' || d[0] == '0' && i > 1 {
			return nil, 0, true
		}
		number = float64(whole)
	default:
		return nil, 0, true
	}
	s.pos += i
	return d[:i:i], number, true
}
