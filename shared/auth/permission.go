package auth

import (
	"slices"
	"strings"
)

// A Permission is one word of a scope.
type Permission string

// The permissions. Only a scope that names SyncAdmin or SpacesAdmin, the operator's,
// allows it.
const (
	SyncRead      Permission = "sync:read"
	SyncWrite     Permission = "sync:write"
	SyncAdmin     Permission = "sync:admin"
	YjsRead       Permission = "yjs:read"
	YjsWrite      Permission = "yjs:write"
	ProjectsRead  Permission = "projects:read"
	ProjectsWrite Permission = "projects:write"
	SpacesAdmin   Permission = "spaces:admin"
)

// Permissions are all of them.
var Permissions = []Permission{SyncRead, SyncWrite, SyncAdmin, YjsRead, YjsWrite, ProjectsRead, ProjectsWrite, SpacesAdmin}

// EveryScope returns the claim scope of a token that may do everything.
func EveryScope() string {
	words := make([]string, len(Permissions))
	for i, p := range Permissions {
		words[i] = string(p)
	}
	return strings.Join(words, " ")
}

// A Scope is the permissions of a token: words with blanks between (RFC 8693, 4.2),
// and with All also every permission but SyncAdmin and SpacesAdmin.
type Scope struct {
	All   bool
	Words string
}

// Allows says whether p is among the permissions.
func (s Scope) Allows(p Permission) bool {
	if s.All && p != SyncAdmin && p != SpacesAdmin {
		return true
	}
	return slices.Contains(strings.Fields(s.Words), string(p))
}

// List returns the words, sorted and each once. With All the permissions are among them.
func (s Scope) List() []string {
	all := s.Words
	for _, p := range Permissions {
		if s.All && s.Allows(p) {
			all += " " + string(p)
		}
	}
	return strings.Fields(union(Scope{Words: all}).Words)
}

// union returns the scope that allows what any of the scopes allows. Its words are
// sorted.
func union(scopes ...Scope) (all Scope) {
	var words []string
	for _, s := range scopes {
		all.All = all.All || s.All
		words = append(words, strings.Fields(s.Words)...)
	}
	slices.Sort(words)
	all.Words = strings.Join(slices.Compact(words), " ")
	return all
}
