//go:build !js

package histories

import (
	"fmt"
	"maps"

	"github.com/anishathalye/porcupine"
)

// A RowIn is one row of an accepted push. Without a value and a deletion it is one row of a
// pull.
type RowIn struct {
	ID    string
	Value string // unlike every other, but the same in each try of the same push
	// Base is the value that the client had pulled.
	Base   string
	Delete bool
	// Since is the mark of the client's last pull.
	Since int64
}

// A RowOut is the row's result.
type RowOut struct {
	Known bool
	Value string // that was pulled; "" if there is no such row
	Lost  bool   // the push told that the row is superseded
}

type rowState struct {
	value string // "" if the row is not there
	dead  bool
	seen  map[string]bool // every value that came
	floor int64           // a push from before it does nothing: see Floor
	saved *rowState       // what the last copy of the data holds
}

func (s rowState) saw(value string) rowState {
	s.seen = maps.Clone(s.seen)
	s.seen[value] = true
	return s
}

func sameRow(a, b rowState) bool {
	return a.value == b.value && a.dead == b.dead && a.floor == b.floor && maps.Equal(a.seen, b.seen) &&
		(a.saved == b.saved || a.saved != nil && b.saved != nil && sameRow(*a.saved, *b.saved))
}

// Rows promises that a pull returns the current rows. An edit is stored, or superseded names
// it; an edit of a version that its author had pulled is stored. A push that comes again,
// at any time, changes nothing. A deleted row stays deleted.
var Rows = &Model{"a push is idempotent, and a pull shows what was pushed", porcupine.Model{
	Partition: partition(func(in any) string { return in.(RowIn).ID }),
	Init:      func() any { return rowState{seen: map[string]bool{}} },
	Equal:     func(a, b any) bool { return sameRow(a.(rowState), b.(rowState)) },
	Step: func(state, in, out any) (bool, any) {
		s := state.(rowState)
		switch in := in.(type) {
		case Event:
			return true, s.after(in, out)
		case RowIn:
			return s.step(in, out.(RowOut))
		}
		return false, s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%q", state.(rowState).value) },
}}

func (s rowState) after(e Event, out any) rowState {
	if e == Saved {
		copied := s
		copied.saved = nil
		s.saved = &copied
		return s
	}
	if s.saved != nil {
		saved := s.saved
		s = *saved
		s.saved = saved
	}
	s.floor = out.(int64)
	return s
}

func (s rowState) step(in RowIn, out RowOut) (bool, rowState) {
	pull := in.Value == "" && !in.Delete
	switch {
	case pull:
		return out.Value == s.value, s
	case in.Since < s.floor:
		return !out.Known, s
	case in.Delete:
		s.value, s.dead = "", true
		return true, s
	case s.seen[in.Value]:
		return true, s
	case s.dead:
		return !out.Known || out.Lost, s.saw(in.Value)
	case out.Lost:
		return s.value != in.Base, s.saw(in.Value)
	}
	s = s.saw(in.Value)
	s.value = in.Value
	return true, s
}
