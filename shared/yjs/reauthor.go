package yjs

import (
	"fmt"
	"slices"
)

// Reauthor returns update as the work of other clients, which nobody has seen:
// their ids are first and those after it, in the order of the ids that they stand
// for. A peer that integrates it gets a second copy of the content. Where a copy
// and something else were written at the same place, of a map above all, the one
// with the higher ids wins: take first above all ids of the document. update must
// be whole: an error says that it refers to what it does not hold, or that the
// ids do not suffice.
func Reauthor(update []byte, first uint64) ([]byte, error) {
	summary, err := Validate(update, Limits{Stored: true})
	if err != nil {
		return nil, fmt.Errorf("reauthor: %w", err)
	}
	clients := make([]uint64, len(summary.Structs))
	for i, r := range summary.Structs {
		clients[i] = r.Client
	}
	slices.Sort(clients)
	if first > 1<<53-1-uint64(len(clients)) {
		return nil, fmt.Errorf("reauthor: no %d client ids from %d on", len(clients), first)
	}
	missing := false
	rename := func(client *uint64) {
		n, found := slices.BinarySearch(clients, *client)
		missing = missing || !found
		*client = first + uint64(n)
	}
	u, err := newUpdateReader(update, 1)
	if err != nil {
		return nil, fmt.Errorf("reauthor: %w", err)
	}
	w := newUpdateWriter(1, len(update)+len(update)/2, len(clients))
	var s wireStruct
	for {
		ok, err := u.next(&s)
		if err != nil {
			return nil, fmt.Errorf("reauthor: %w", err)
		}
		if !ok {
			break
		}
		s.tail = nil
		rename(&s.client)
		if ref := s.ref(); ref != refGC && ref != refSkip {
			switch {
			case s.info&(flagOrigin|flagRightOrigin) == 0 && !s.parentIsRoot:
				rename(&s.parent.Client)
			default:
				if s.info&flagOrigin != 0 {
					rename(&s.origin.Client)
				}
				if s.info&flagRightOrigin != 0 {
					rename(&s.rightOrigin.Client)
				}
			}
		}
		w.write(&s)
	}
	deletes, err := u.readDeletes(nil)
	if err != nil {
		return nil, fmt.Errorf("reauthor: %w", err)
	}
	for i := range deletes {
		rename(&deletes[i].client)
	}
	if missing {
		return nil, fmt.Errorf("reauthor: the update refers to what it does not hold")
	}
	return w.finish(deletes), nil
}

// DeleteUpdate returns the update that deletes everything up to a state vector.
func DeleteUpdate(known StateVector) []byte {
	deletes := make([]deleteRange, 0, len(known))
	for _, last := range known {
		if last.Clock > 0 {
			deletes = append(deletes, deleteRange{last.Client, 0, int32(last.Clock)})
		}
	}
	return newUpdateWriter(1, 0, 0).finish(deletes)
}
