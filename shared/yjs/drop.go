package yjs

import (
	"cmp"
	"fmt"
	"slices"
)

// DropDeleted returns update without the content that its own delete set covers. It
// works like yjs' garbage collector, without a document. The structs in a deleted type
// become GCs. Other deleted structs keep their places and become Deleted content, so
// that other structs can still refer to them. Consecutive deleted structs become one. A
// document that integrates the result equals one that integrates update. The time is
// linear in the update, times the logarithm of the number of deleted types.
func DropDeleted(update []byte) ([]byte, error) {
	u, err := newUpdateReader(update, 1)
	if err != nil {
		return nil, fmt.Errorf("drop deleted: %w", err)
	}
	var s wireStruct
	for ok := true; ok; {
		if ok, err = u.next(&s); err != nil {
			return nil, fmt.Errorf("drop deleted: %w", err)
		}
	}
	deletes, err := u.readDeletes(nil)
	if err != nil {
		return nil, fmt.Errorf("drop deleted: %w", err)
	}
	d := dropper{deletes: sortDeleteSet(deletes)}
	if u, err = newUpdateReader(update, 1); err != nil {
		return nil, fmt.Errorf("drop deleted: %w", err)
	}
	d.w = newUpdateWriter(1, len(update), u.blocksAtMost())
	for {
		// Once read, it can be read again without an error.
		if ok, _ := u.next(&s); !ok {
			break
		}
		d.drop(&s, u.fresh)
	}
	d.flush()
	return d.w.finish(d.deletes), nil
}

// A dropper writes the structs of an update without deleted contents.
type dropper struct {
	w       *updateWriter
	deletes []deleteRange // in the order of the wire
	rest    []deleteRange // those that may cover the struct in hand and later ones
	gcs     []ClockRange  // the clocks of new GCs; in order as far as the blocks are
	// held is a GC or a Deleted that is not yet written: the next struct may extend it.
	held    wireStruct
	holding bool
}

// drop writes s. fresh is true at the start of a block.
func (d *dropper) drop(s *wireStruct, fresh bool) {
	if fresh {
		n, _ := slices.BinarySearchFunc(d.deletes, s.client, func(r deleteRange, client uint64) int { return cmp.Compare(client, r.client) })
		d.rest = d.deletes[n:]
	}
	if ref := s.ref(); ref == refGC || ref == refSkip {
		d.put(s)
		return
	}
	owned := false // the bytes of a string, which a split may change
	for {
		for len(d.rest) > 0 && d.rest[0].client == s.client && d.rest[0].end() <= s.clock {
			d.rest = d.rest[1:]
		}
		if len(d.rest) == 0 || d.rest[0].client != s.client || uint64(d.rest[0].clock) >= s.end() {
			d.put(s)
			return
		}
		from, to := max(uint64(d.rest[0].clock), s.clock), min(d.rest[0].end(), s.end())
		if !owned && s.ref() == refString && to-from < s.length {
			owned, s.content = true, slices.Clone(s.content)
		}
		if from > s.clock {
			head := s.split(from - s.clock)
			d.put(&head)
		}
		if to == s.end() {
			d.put(d.gone(s))
			return
		}
		head := s.split(to - s.clock)
		d.put(d.gone(&head))
	}
}

// gone returns s without content: a GC if its type, or a neighbour, is collected.
func (d *dropper) gone(s *wireStruct) *wireStruct {
	s.info = s.info&^refMask | refDeleted
	s.content, s.name, s.tail = nil, nil, nil
	switch {
	case s.info&flagOrigin != 0 && d.collected(s.origin),
		s.info&flagRightOrigin != 0 && d.collected(s.rightOrigin),
		s.info&(flagOrigin|flagRightOrigin) == 0 && !s.parentIsRoot && (d.deleted(s.parent) || d.collected(s.parent)):
		*s = wireStruct{client: s.client, clock: s.clock, length: s.length, info: refGC}
		if n := len(d.gcs) - 1; n >= 0 && d.gcs[n].Client == s.client && d.gcs[n].To == s.clock {
			d.gcs[n].To = s.end()
		} else {
			d.gcs = append(d.gcs, ClockRange{s.client, s.clock, s.end()})
		}
	}
	return s
}

// deleted reports whether the delete set covers a unit.
func (d *dropper) deleted(id ID) bool {
	n, _ := slices.BinarySearchFunc(d.deletes, id, func(r deleteRange, id ID) int {
		if r.client == id.Client && r.end() <= id.Clock {
			return -1
		}
		return cmp.Or(cmp.Compare(id.Client, r.client), 1)
	})
	return n < len(d.deletes) && d.deletes[n].client == id.Client && uint64(d.deletes[n].clock) <= id.Clock
}

// collected reports whether a unit became a GC. If the clients of an update do not
// descend, it may miss a GC. Then s stays Deleted content, which is valid, too.
func (d *dropper) collected(id ID) bool {
	n, _ := slices.BinarySearchFunc(d.gcs, id, func(r ClockRange, id ID) int {
		if r.Client == id.Client && r.To <= id.Clock {
			return -1
		}
		return cmp.Or(cmp.Compare(id.Client, r.Client), 1)
	})
	return n < len(d.gcs) && d.gcs[n].Client == id.Client && d.gcs[n].From <= id.Clock && id.Clock < d.gcs[n].To
}

// put writes s, or holds it back.
func (d *dropper) put(s *wireStruct) {
	if d.holding && s.continues(&d.held) {
		d.held.length += s.length
		return
	}
	d.flush()
	if s.ref() == refGC || s.ref() == refDeleted {
		d.held, d.holding = *s, true
		d.held.tail = nil
		return
	}
	d.w.write(s)
}

func (d *dropper) flush() {
	if d.holding {
		d.w.write(&d.held)
	}
	d.holding = false
}

// continues reports whether s continues the struct a before it. Both are GCs or
// Deleteds, and equal the halves of a split struct.
func (s *wireStruct) continues(a *wireStruct) bool {
	if s.ref() != a.ref() || s.client != a.client || s.clock != a.end() {
		return false
	}
	if s.ref() == refGC {
		return true
	}
	return s.ref() == refDeleted && s.info&flagOrigin != 0 && s.origin == ID{a.client, a.end() - 1} &&
		s.info&flagRightOrigin == a.info&flagRightOrigin && (s.info&flagRightOrigin == 0 || s.rightOrigin == a.rightOrigin)
}
