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
	have, want := d, text
	for len(want) >= 8 && len(have) >= 8 {
		if binary.LittleEndian.Uint64(have) != binary.LittleEndian.Uint64(want) {
			return nil, 0, false
		}
		have, want = have[8:], want[8:]
	}
	for i, c := range want {
		if have[i] != c {
			return nil, 0, false
		}
	}
	s.pos += len(text)
	s.first = false
	d = d[len(text):]
	i := 0
	switch {
	case kind == String && d[0] == '"':
		left := d[1:]
		for len(left) >= 8 {
			if marks := special(binary.LittleEndian.Uint64(left)); marks != 0 {
				left = left[bits.TrailingZeros64(marks)/8:]
				break
			}
			left = left[8:]
		}
		for len(left) > 0 && ordinary[left[0]] {
			left = left[1:]
		}
		if len(left) == 0 || left[0] != '"' {
			return nil, 0, true
		}
		i = len(d) - len(left) + 1
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
