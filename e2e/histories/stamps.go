//go:build !js

package histories

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// A StampIn is a request whose response has the stamp of a clock. Requests without a
// response are not recorded: they say nothing about the clock.
type StampIn struct {
	Clock   string // "" is that of the tables, others those of projects
	Changes bool   // it changed something, and the answer is its own stamp
}

type clockState struct {
	mark  int64
	above bool // a restore went by: the next mark is greater
}

// Stamps promises that a clock never goes back, and that every change advances it. A restore
// moves it above every stamp that it ever returned. The output is the stamp.
var Stamps = &Model{"stamps never go back", porcupine.Model{
	Partition: partition(func(in any) string { return in.(StampIn).Clock }),
	Init:      func() any { return clockState{} },
	Step: func(state, in, out any) (bool, any) {
		s := state.(clockState)
		if e, event := in.(Event); event {
			return true, clockState{s.mark, s.above || e == Restored}
		}
		stamp := out.(int64)
		if stamp < s.mark || stamp == s.mark && (s.above || in.(StampIn).Changes) {
			return false, s
		}
		return true, clockState{mark: stamp}
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %v", in, out) },
}}

// A FloorIn is a pull or a push with the timestamp of the client's last pull. Requests
// without a response are not recorded.
type FloorIn struct {
	Since int64
	Push  bool
}

// Floor promises that a client whose last pull was before the last restore gets a
// replacement, and that its pushes are rejected. For other clients nothing changes. The
// output says whether the client got a replacement or a rejection.
var Floor = &Model{"a restore's floor holds", porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, in, out any) (bool, any) {
		floor := state.(int64)
		switch in := in.(type) {
		case Event:
			if in == Saved {
				return true, floor
			}
			return out.(int64) > floor, out.(int64)
		case FloorIn:
			stale := in.Since < floor && (in.Push || in.Since > 0)
			return out.(bool) == stale, floor
		}
		return false, floor
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %v", in, out) },
}}
