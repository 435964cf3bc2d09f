package auth

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"tidemark/shared/ijson"
)

// A Mapping says which claim of a token is the subject, the scope, the rooms,
// the spaces and the audience. "" is the claim of its usual name: sub, scope,
// rooms, spaces, aud.
//
// A claim is named by a path: names divided by dots, each a member of the object
// before. A name may hold dots itself, as in https://example.com/roles: the longest
// existing name counts.
type Mapping struct {
	Subject, Scope, Rooms, Spaces, Audience string
}

// ParseMapping reads a list such as "scope=permissions,rooms=app_metadata.rooms".
func ParseMapping(text string) (Mapping, error) {
	var m Mapping
	if strings.TrimSpace(text) == "" {
		return m, nil
	}
	fields := map[string]*string{"sub": &m.Subject, "scope": &m.Scope, "rooms": &m.Rooms, "spaces": &m.Spaces, "aud": &m.Audience}
	for pair := range strings.SplitSeq(text, ",") {
		name, path, _ := strings.Cut(strings.TrimSpace(pair), "=")
		field := fields[name]
		switch {
		case field == nil:
			return m, fmt.Errorf("%.40q is none of sub, scope, rooms, spaces and aud", name)
		case *field != "":
			return m, fmt.Errorf("%s comes twice", name)
		case path == "":
			return m, fmt.Errorf("%s is no claim: write %s=CLAIM", name, name)
		}
		*field = path
	}
	return m, nil
}

// identity reads the claims. If the mapping names a claim that the token lacks, the
// token allows nothing: a missing claim must not allow more than a present one.
func (m Mapping) identity(c claims) (id Identity, err error) {
	if id.Subject, err = m.subject(c); err != nil {
		return id, err
	}
	if id.Scope, err = m.scope(c); err != nil {
		return id, err
	}
	rooms, err := c.find(cmp.Or(m.Rooms, "rooms"))
	if err != nil {
		return id, err
	}
	if rooms == nil && m.Rooms != "" {
		rooms = []byte("[]")
	}
	if id.Rooms, err = parseRooms(rooms); err != nil {
		return id, err
	}
	if id.Spaces, err = m.spaces(c, id.Scope); err != nil {
		return id, err
	}
	if id.Spaces.Limited {
		id.Scope = Scope{} // until In says where
	}
	if id.ID, err = c.text("jti"); err != nil {
		return id, err
	}
	if len(id.ID) > maxIDBytes {
		return id, fmt.Errorf("its jti is longer than %d bytes", maxIDBytes)
	}
	if id.Issued, err = c.time("iat"); err != nil {
		return id, err
	}
	if id.NotBefore, err = c.time("nbf"); err != nil {
		return id, err
	}
	id.Expires, err = c.time("exp")
	return id, err
}

func (m Mapping) subject(c claims) (string, error) {
	raw, err := c.find(cmp.Or(m.Subject, "sub"))
	if err != nil {
		return "", err
	}
	if raw == nil && m.Subject == "" {
		return "", nil
	}
	subject, err := ijson.Text(raw)
	switch {
	case err != nil:
		return "", errors.New("its subject is not a string")
	case subject == "" && m.Subject != "":
		return "", errors.New("its subject is empty")
	case len(subject) > maxSubjectBytes:
		return "", fmt.Errorf("its subject is longer than %d bytes", maxSubjectBytes)
	}
	return subject, nil
}

func (m Mapping) scope(c claims) (Scope, error) {
	raw, err := c.find(cmp.Or(m.Scope, "scope"))
	if err != nil {
		return Scope{}, err
	}
	if raw == nil {
		return Scope{All: m.Scope == ""}, nil
	}
	words, ok := scopeWords(raw)
	if !ok {
		return Scope{}, errors.New("its scope is neither a string nor a list of strings")
	}
	return Scope{Words: words}, nil
}

// scopeWords reads words in a string, or a list of them; ok says whether it is one of
// the two. It ignores a text of a list that holds white space, as that is no permission.
func scopeWords(raw []byte) (words string, ok bool) {
	if words, err := ijson.Text(raw); err == nil {
		return words, true
	}
	list, err := ijson.Texts(raw)
	if err != nil {
		return "", false
	}
	var single []string
	for _, word := range list {
		if f := strings.Fields(word); len(f) == 1 && f[0] == word {
			single = append(single, word)
		}
	}
	return strings.Join(single, " "), true
}

// spaces reads the claim of spaces in a token of that scope.
func (m Mapping) spaces(c claims, scope Scope) (Spaces, error) {
	raw, err := c.find(cmp.Or(m.Spaces, "spaces"))
	if err != nil {
		return Spaces{}, err
	}
	if raw == nil && m.Spaces != "" {
		raw = []byte("[]")
	}
	return parseSpaces(raw, scope)
}

// audience reads a string, or a list of them. RFC 7519, 4.1.3.
func (m Mapping) audience(c claims) ([]string, error) {
	raw, err := c.find(cmp.Or(m.Audience, "aud"))
	if err != nil || raw == nil {
		return nil, err
	}
	if one, err := ijson.Text(raw); err == nil {
		return []string{one}, nil
	}
	list, err := ijson.Texts(raw)
	if err != nil {
		return nil, errors.New("its audience is neither a string nor a list of strings")
	}
	return list, nil
}

// find returns the claim of a path as JSON, or nil.
func (c claims) find(path string) ([]byte, error) {
	if raw, ok := c[path]; ok {
		return raw, nil
	}
	for end := strings.LastIndexByte(path, '.'); end >= 0; end = strings.LastIndexByte(path[:end], '.') {
		raw, ok := c[path[:end]]
		if !ok || raw[0] != '{' {
			continue
		}
		inner, err := ijson.Members(raw, maxDepth)
		if err != nil {
			return nil, errTwice
		}
		return claims(inner).find(path[end+1:])
	}
	return nil, nil
}
