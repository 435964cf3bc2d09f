package ijson

import "fmt"

// Members reads a text that is one object: its values, as they are written, by
// their names without escapes. They are views of the text, which nests at most
// depth containers. A name that comes twice is an error; the names within a value
// are not compared. RFC 7493, 2.3.
func Members(data []byte, depth int) (map[string][]byte, error) {
	s := NewScanner(data, depth)
	members := map[string][]byte{}
	for s.Enter(Object); ; {
		raw, ok := s.Member()
		if !ok {
			break
		}
		name := string(Unquote(nil, raw))
		if _, twice := members[name]; twice {
			return nil, &SyntaxError{s.pos, fmt.Sprintf("the name %.40q comes twice", name)}
		}
		s.next()
		start := s.pos
		s.Skip()
		members[name] = data[start:s.pos:s.pos]
	}
	if err := s.End(); err != nil {
		return nil, err
	}
	return members, nil
}

// Text reads a text that is one string, and returns what the string stands for.
func Text(data []byte) (string, error) {
	s := NewScanner(data, 0)
	raw := s.String()
	if err := s.End(); err != nil {
		return "", err
	}
	return string(Unquote(nil, raw)), nil
}

// Texts reads a text that is one array of strings.
func Texts(data []byte) ([]string, error) {
	s := NewScanner(data, 1)
	texts := []string{}
	for s.Enter(Array); s.Element(); {
		texts = append(texts, string(Unquote(nil, s.String())))
	}
	if err := s.End(); err != nil {
		return nil, err
	}
	return texts, nil
}
