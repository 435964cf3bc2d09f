// Package webhook decides what the server tells a receiver outside of its changes, when, and what
// it does if the receiver does not take it. The form of an event is that of Standard Webhooks.
// docs/protocol.md, W1 to W5.
//
// A change that waits is a row of its object's outbox: only what changed, and not how often. An
// event is made of rows when it is about to be sent. Then it has an id and a body, which stay the
// same until the receiver has it, and what changes meanwhile is another row. So a row that waits
// for a receiver that is down stands for all changes of its table, project or document.
package webhook

import (
	"strings"
	"time"
)

// A Type is the type of an event.
type Type string

// The types of events. W1.
const (
	RecordsChanged  Type = "records.changed"  // of a root or space; a row for each table
	DocumentChanged Type = "document.changed" // of a room
	DocumentDeleted Type = "document.deleted"
	ProjectChanged  Type = "project.changed" // a row for each project
	SpaceCreated    Type = "space.created"   // of the root; a row for each space
	SpaceDeleted    Type = "space.deleted"
)

// Types are all types.
var Types = []Type{RecordsChanged, DocumentChanged, DocumentDeleted, ProjectChanged, SpaceCreated, SpaceDeleted}

// Any is the key of a row that stands for several, see Merge.
const Any = "*"

// A Config is what the operator sets. The zero Config tells nobody anything.
type Config struct {
	URL          string
	Secrets      [][]byte // each signs every event, so that a secret can be replaced
	Events       []string // globs; nil: all
	AllowPrivate bool     // the URL may begin with http://, and lead to a private address
	// Call is how long the host lets an alarm take; 0: long enough.
	Call time.Duration
}

// On says whether there is a receiver.
func (c *Config) On() bool { return c.URL != "" }

// Wants says whether the receiver wants events of that type.
func (c *Config) Wants(t Type) bool {
	if !c.On() {
		return false
	}
	for _, glob := range c.Events {
		if matches(glob, string(t)) {
			return true
		}
	}
	return len(c.Events) == 0
}

// matches says whether a glob matches a text. A * stands for any characters, or none.
func matches(glob, text string) bool {
	before, after, star := strings.Cut(glob, "*")
	if !star {
		return glob == text
	}
	rest, ok := strings.CutPrefix(text, before)
	for ok && !matches(after, rest) {
		if rest == "" {
			return false
		}
		rest = rest[1:]
	}
	return ok
}
