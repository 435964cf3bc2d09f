package yjs

import (
	"cmp"
	"slices"
)

// nesting finds how deep an update nests types in types that it brings itself.
// It remembers the items that are types, or lie in one.
type nesting struct {
	levels []level
}

// A level is a run of items [from, to) with depth types of the update around
// them. Levels stand in the order of the update.
type level struct {
	client, from, to uint64
	depth            int
}

// add adds the next struct and returns its depth.
func (n *nesting) add(s *wireStruct) int {
	if s.ref() == refGC || s.ref() == refSkip {
		return 0
	}
	depth := 0
	switch {
	case s.info&flagOrigin != 0:
		depth = max(0, n.of(s.origin))
	case s.info&flagRightOrigin != 0:
		depth = max(0, n.of(s.rightOrigin))
	case !s.parentIsRoot:
		depth = 1 + n.of(s.parent)
	}
	if depth == 0 && s.ref() != refType {
		return 0
	}
	if last := len(n.levels) - 1; last >= 0 && n.levels[last].client == s.client && n.levels[last].to == s.clock && n.levels[last].depth == depth {
		n.levels[last].to = s.end()
	} else {
		n.levels = append(n.levels, level{s.client, s.clock, s.end(), depth})
	}
	return depth
}

// of returns the depth of an item, -1 if it is unknown. If the clients of an update do
// not descend, it may miss a known item.
func (n *nesting) of(id ID) int {
	if len(n.levels) == 0 {
		return -1
	}
	i, _ := slices.BinarySearchFunc(n.levels, id, func(l level, id ID) int {
		if l.client == id.Client && l.to <= id.Clock {
			return -1
		}
		return cmp.Compare(id.Client, l.client)
	})
	if i < len(n.levels) && n.levels[i].client == id.Client && n.levels[i].from <= id.Clock && id.Clock < n.levels[i].to {
		return n.levels[i].depth
	}
	return -1
}
