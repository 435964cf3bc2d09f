package project

import "tidemark/shared/jsonvalue"

// A Code says why a request about a project was refused. It is part of the
// interface: a client acts on it.
type Code string

// The codes. docs/protocol.md, Projects 1, 3, 4 and 5.
const (
	NotFound     Code = "not_found"              // no such row, or no project that the caller may know of
	Revoked      Code = "membership_revoked"     // the caller was a member and is no more
	RoleTooLow   Code = "role_too_low"           //
	SinceAhead   Code = "since_ahead"            // since is beyond the mark, as after a restore
	BadCursor    Code = "invalid_cursor"         // the cursor's mark is beyond the project's
	BadReference Code = "invalid_reference"      // a field names a row that is not live in this project
	VersionAhead Code = "version_ahead"          // the base version is one that the row never had
	ParentCycle  Code = "parent_cycle"           // a task would be its own ancestor, or be nested too deeply
	LinkCycle    Code = "dependency_cycle"       //
	LinkTwice    Code = "duplicate_dependency"   // there is a live dependency of that pair
	MemberTwice  Code = "already_member"         //
	LastOwner    Code = "last_owner"             // a project always keeps an Owner
	IDTaken      Code = "id_taken"               // a row of another project has the id
	IDDeleted    Code = "id_deleted"             // a deleted row has the id
	SyncConflict Code = "sync_conflict"          // the same fields were changed since the base version
	Exists       Code = "exists"                 // a creation was repeated: not an error to the client
	NotRemoved   Code = "membership_not_revoked" // final is for removed members
)

// MaxNesting is how many ancestors a task may have.
const MaxNesting = 100

// A Refusal is a request that was refused. Nothing was written.
type Refusal struct {
	Code Code
	// Field is the field that it is about, or "".
	Field string
	// List and Index say which row of an upload; List is "" otherwise.
	List  string
	Index int
	// Row is the JSON of the row as it is, if the code is SyncConflict or Exists.
	Row jsonvalue.RawMessage
	// Fields are the fields in conflict.
	Fields []string
	// Version is the row's version, where Row is.
	Version Version
}

func (r *Refusal) Error() string { return "refused: " + string(r.Code) }
