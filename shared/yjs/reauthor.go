package yjs

import (
	"errors"
	"fmt"
	"slices"
	"tidemark/shared/lib0"
)

// Reauthor returns update as the work of new clients:
// their ids are first and those after it, in the order of the ids that they
// replace. A peer that integrates it gets a second copy of the content. If a copy
// and other content have the same place, above all in a map, the content with the higher
// ids wins: choose first above all ids of the document. update must be whole. Reauthor
// returns an error if update refers to structs that it does not hold, and ErrNoClients
// if there are too few ids.
//
//layout:long one pass whose closures share the renamed ids
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
	if first > lib0.MaxSafeInteger-uint64(len(clients)) {
		return nil, fmt.Errorf("reauthor: %w: %d from %d on", ErrNoClients, len(clients), first)
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
		missing = missing || u.fresh && s.clock > 0 || s.ref() == refSkip
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

// ErrNoClients: there are too few client ids up to 2^53-1.
var ErrNoClients = errors.New("no client ids are left")

// CollectedUpdate returns an update with one collected unit of client and nothing else. It
// shows nothing, and a document that has it knows the client.
func CollectedUpdate(client uint64) []byte {
	w := newUpdateWriter(1, 16, 1)
	w.write(&wireStruct{client: client, length: 1, info: refGC})
	return w.finish(nil)
}

// DeleteUpdate returns the update that deletes some clocks.
func DeleteUpdate(clocks []ClockRange) []byte {
	deletes := make([]deleteRange, 0, len(clocks))
	for _, r := range clocks {
		if r.From < r.To {
			deletes = append(deletes, deleteRange{r.Client, int32(r.From), int32(r.To - r.From)})
		}
	}
	return newUpdateWriter(1, 0, 0).finish(deletes)
}
