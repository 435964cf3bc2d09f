package auth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidemark/shared/ijson"
)

// reserved are the claims of a new token that its maker sets in another way.
var reserved = []string{subjectClaim, "scope", "spaces", "exp", "iat", "nbf", "jti", "aud", "iss"}

// Reserved says whether a claim of that name must not be one of those that somebody adds to a
// new token: it is reserved, or the mapping reads the subject, a right or the audience from it.
func (m Mapping) Reserved(name string) bool {
	read := []string{m.Subject, m.Scope, m.Spaces, m.Rooms, m.Audience}
	return slices.Contains(reserved, name) || slices.ContainsFunc(read, func(path string) bool {
		return path != "" && path == name || strings.HasPrefix(path, name+".")
	})
}

// AddedClaims reads a JSON object of claims to add to a new token: their JSON by their names.
// It rejects those that are Reserved.
func (m Mapping) AddedClaims(text []byte) (map[string][]byte, error) {
	members, err := ijson.Members(text, maxDepth)
	if err != nil {
		return nil, fmt.Errorf(`it is not a JSON object such as {"teams":["a"]}: %w`, err)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if m.Reserved(name) {
			return nil, fmt.Errorf("it has the claim %s, which is reserved: it is set in another way", name)
		}
	}
	return members, nil
}
