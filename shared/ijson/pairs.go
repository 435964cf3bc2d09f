package ijson

import (
	"bytes"
	"slices"
)

// MaxInteger is the greatest integer that a JSON number holds exactly, and that it
// tells from the next one. RFC 7493, 2.2.
const MaxInteger = 1<<53 - 1

// Pairs are the members of a JSON object, as they were written.
type Pairs []Pair

// A Pair is a name, without its escapes, and the JSON of its value.
type Pair struct {
	Name, Value []byte
}

// Get returns the value of that name, the last one of several, or nil.
func (p Pairs) Get(name string) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if string(p[i].Name) == name {
			return p[i].Value
		}
	}
	return nil
}

// Unknown returns the names that are not known, sorted.
func (p Pairs) Unknown(known func(name string) bool) []string {
	var others []string
	for _, member := range p {
		if name := string(member.Name); !known(name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return slices.Compact(others) // searching each would take quadratic time
}

// pairDepth is how deep the values of Pairs may nest.
const pairDepth = 64

// ObjectPairs splits the JSON of an object into its members, which are views of
// data. It writes U+FFFD over half a surrogate pair. The problem says why data is
// no object: it must be complete, in UTF-8, with nothing behind it.
func ObjectPairs(data []byte) (members Pairs, problem string) {
	return objectPairs(make(Pairs, 0, 16), data, (*Scanner).skipped)
}

// SplitPairs is ObjectPairs of a value that a Scanner has read before, as part of another: it
// reads the names again, but passes over the values by their quotes and brackets. It
// appends the members to into.
func SplitPairs(into Pairs, data []byte) (members Pairs, problem string) {
	return objectPairs(into, data, (*Scanner).Pass)
}

func objectPairs(members Pairs, data []byte, value func(*Scanner) []byte) (_ Pairs, problem string) {
	const want = "must be a JSON object"
	s := NewScanner(data, pairDepth).MendHalves()
	if s.Kind() != Object {
		return nil, want
	}
	s.Enter(Object)
	for {
		name, ok := s.Member()
		if !ok {
			break
		}
		if bytes.IndexByte(name, '\\') >= 0 {
			name = Unquote(nil, name)
		}
		members = append(members, Pair{name, value(s)})
	}
	if err := s.End(); err != nil {
		return nil, want + ": " + err.Error()
	}
	return members, ""
}

// Elements splits the JSON of an array into its elements, which are views of data;
// ok says whether data is an array.
func Elements(data []byte) (elements [][]byte, ok bool) {
	return splitArray(data, (*Scanner).skipped)
}

// SplitElements is Elements of a value that a Scanner has read before, as SplitPairs is ObjectPairs.
func SplitElements(data []byte) (elements [][]byte, ok bool) {
	return splitArray(data, (*Scanner).Pass)
}

func splitArray(data []byte, value func(*Scanner) []byte) (elements [][]byte, ok bool) {
	s := NewScanner(data, pairDepth).MendHalves()
	if s.Kind() != Array {
		return nil, false
	}
	for s.Enter(Array); s.Element(); {
		elements = append(elements, value(s))
	}
	return elements, s.End() == nil
}

// skipped skips the next value and returns its text.
func (s *Scanner) skipped() []byte {
	s.next()
	from := s.pos
	s.Skip()
	return s.data[from:s.pos]
}
