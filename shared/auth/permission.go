package auth

import (
	"slices"
	"strings"
)

// A Permission is one word of a scope.
type Permission string

// The permissions. Only a scope that names SyncAdmin, the operator's, allows it.
const (
	SyncRead      Permission = "sync:read"
	SyncWrite     Permission = "sync:write"
	SyncAdmin     Permission = "sync:admin"
	YjsRead       Permission = "yjs:read"
	YjsWrite      Permission = "yjs:write"
	ProjectsRead  Permission = "projects:read"
	ProjectsWrite Permission = "projects:write"
)

// A Scope is the permissions of a token, divided by spaces, or all of them but
// SyncAdmin. RFC 8693, 4.2.
type Scope struct {
	All   bool
	Words string
}

// Allows says whether p is among the permissions.
func (s Scope) Allows(p Permission) bool {
	if s.All {
		return p != SyncAdmin
	}
	return slices.Contains(strings.Fields(s.Words), string(p))
}
