package auth

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"tidemark/shared/ijson"
)

// MaxSpaceBytes is how long the name of a space may be.
const MaxSpaceBytes = 64

// ValidSpace says whether a space may have that name: 1 to MaxSpaceBytes of A-Z a-z
// 0-9 . _ -, of which the first is a letter or a digit.
func ValidSpace(name string) bool {
	if name == "" || len(name) > MaxSpaceBytes {
		return false
	}
	for i := range len(name) {
		c := name[i]
		alphanumeric := 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alphanumeric && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// Spaces are what the claim spaces of a token says: globs of the names of spaces,
// as in Rooms, and the scope in each. The glob "" is the root, and no other glob
// is. The zero value is of a token without the claim.
type Spaces struct {
	Limited bool
	Scope   Scope  // in all of them: the token's own, if the claim is a list of globs
	Grants  string // globs, each followed by the words of its own scope; each ends with NUL
}

var (
	errSpaces     = errors.New("its spaces are neither an object from globs to scopes nor a list of globs")
	errSpaceNUL   = errors.New("its spaces have a NUL in a glob or a scope")
	errSpaceScope = errors.New("its spaces have a scope that is neither a string nor a list of strings")
)

// parseSpaces reads the claim. If it is nil, the token does not have it. The scope
// is the token's own.
func parseSpaces(claim []byte, scope Scope) (Spaces, error) {
	if claim == nil {
		return Spaces{}, nil
	}
	var grants []string // a glob, its scope, and so on
	s := Spaces{Limited: true}
	switch claim[0] {
	case '[':
		globs, err := ijson.Texts(claim)
		if err != nil {
			return Spaces{}, errSpaces
		}
		for _, glob := range globs {
			grants = append(grants, glob, "")
		}
		s.Scope = scope
	case '{':
		members, err := ijson.Members(claim, maxDepth)
		if err != nil {
			return Spaces{}, errTwice
		}
		for _, glob := range slices.Sorted(maps.Keys(members)) { // in one order, so that equal claims are equal
			words, ok := scopeWords(members[glob])
			if !ok {
				return Spaces{}, errSpaceScope
			}
			grants = append(grants, glob, words)
		}
	default:
		return Spaces{}, errSpaces
	}
	if slices.ContainsFunc(grants, func(text string) bool { return strings.Contains(text, "\x00") }) {
		return Spaces{}, errSpaceNUL
	}
	if len(grants) > 0 {
		s.Grants = strings.Join(grants, "\x00") + "\x00"
	}
	return s, nil
}

// in returns the scope in a space, the union over the globs that match its name, and
// whether any of them does.
func (s Spaces) in(space string) (scope Scope, named bool) {
	var scopes []Scope
	for grants := s.Grants; grants != ""; {
		var glob, words string
		glob, grants, _ = strings.Cut(grants, "\x00")
		words, grants, _ = strings.Cut(grants, "\x00")
		if space == "" && glob == "" || space != "" && matches(glob, space) {
			scopes = append(scopes, Scope{Words: words})
		}
	}
	if len(scopes) == 0 {
		return Scope{}, false
	}
	return union(append(scopes, s.Scope)...), true
}
