//go:build !js

package histories

import (
	"fmt"
	"maps"

	"github.com/anishathalye/porcupine"
)

// A Deed is a change or a read of a task.
type Deed int

const (
	Read   Deed = iota
	Create      // an id that is there is answered as it is
	Patch
	Upload // creates or changes
	Remove // by an upload
)

// A VersionIn is a deed to one task. Only tries of the same creation or batch have the same
// name.
type VersionIn struct {
	ID    string
	Deed  Deed
	Name  string
	Base  int64  // of a patch: the version that it was made on, or 0
	Batch string // of an upload or a removal
}

// A VersionOut is the response about the task: its version and name, or a refusal.
type VersionOut struct {
	Known   bool
	Version int64 // 0 if the task is not there
	Name    string
	Refused Refusal
}

// A Refusal is the reason why a task did not change.
type Refusal int

const (
	Done     Refusal = iota
	Conflict         // the version is beyond the patch's base
	Ahead            // the patch's base is beyond the version
	Gone             // there is no such task, or it was deleted
)

type versionState struct {
	version int64 // 0 before the creation
	name    string
	dead    bool
	batches map[string]int64 // that were done: the version that each was answered, 0 if it skipped the task
	saved   *versionState
}

func sameVersion(a, b versionState) bool {
	return a.version == b.version && a.name == b.name && a.dead == b.dead && maps.Equal(a.batches, b.batches) &&
		(a.saved == b.saved || a.saved != nil && b.saved != nil && sameVersion(*a.saved, *b.saved))
}

// Versions promises that each change of a task adds one to its server_version, once,
// however often a batch or a creation comes. A pull returns every task as it is. A change
// of an old version is rejected.
var Versions = &Model{"server_version counts, and deltas miss nothing", porcupine.Model{
	Partition: partition(func(in any) string { return in.(VersionIn).ID }),
	Init:      func() any { return versionState{batches: map[string]int64{}} },
	Equal:     func(a, b any) bool { return sameVersion(a.(versionState), b.(versionState)) },
	Step: func(state, in, out any) (bool, any) {
		s := state.(versionState)
		switch in := in.(type) {
		case Event:
			return true, s.after(in)
		case VersionIn:
			next, want := s.step(in)
			got := out.(VersionOut)
			return !got.Known || got == want, next
		}
		return false, s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
	DescribeState: func(state any) string {
		s := state.(versionState)
		return fmt.Sprintf("%d %q, deleted: %v", s.version, s.name, s.dead)
	},
}}

func (s versionState) after(e Event) versionState {
	if e == Saved {
		copied := s
		copied.saved = nil
		s.saved = &copied
		return s
	}
	if s.saved == nil {
		return s
	}
	restored := *s.saved
	restored.saved = s.saved
	return restored
}

// step returns the task after the deed, and the response that its client must get.
func (s versionState) step(in VersionIn) (versionState, VersionOut) {
	there := s.version > 0 && !s.dead
	switch in.Deed {
	case Read:
		if !there {
			return s, VersionOut{Known: true}
		}
	case Create:
		if s.dead {
			return s, VersionOut{Known: true, Refused: Gone}
		} else if s.version == 0 {
			s.version, s.name = 1, in.Name
		}
	case Patch:
		switch {
		case !there:
			return s, VersionOut{Known: true, Refused: Gone}
		case in.Base > s.version:
			return s, VersionOut{Known: true, Refused: Ahead}
		case in.Base > 0 && in.Base < s.version:
			return s, VersionOut{Known: true, Refused: Conflict, Version: s.version}
		}
		s.version, s.name = s.version+1, in.Name
	case Upload, Remove:
		version, before := s.batches[in.Batch]
		if !before {
			if !s.dead && (there || in.Deed == Upload) {
				s.version++
				version = s.version
				s.name, s.dead = in.Name, in.Deed == Remove
			}
			s.batches = maps.Clone(s.batches)
			s.batches[in.Batch] = version
		}
		if version == 0 {
			return s, VersionOut{Known: true, Refused: Gone}
		}
		return s, VersionOut{Known: true, Version: version}
	}
	return s, VersionOut{Known: true, Version: s.version, Name: s.name}
}
