package yroom

import (
	"cmp"
	"fmt"
	"slices"

	"tidemark/shared/yjs"
)

// A coverage holds the clocks of a document, and its deleted clocks.
type coverage struct {
	vector  yjs.StateVector
	deletes []yjs.ClockRange // sorted by client and clock; ranges of a client do not touch
}

// unsure reports whether apply may take a known update for news: the document is merged, or
// has pending structs. covers is exact, and takes longer.
func (d *document) unsure() bool { return d.doc == nil || d.doc.HasPending() }

// covers reports whether a document holds the whole update.
func (d *document) covers(update *yjs.Summary) (bool, error) {
	if d.known == nil {
		state, err := d.diff(nil)
		if err != nil {
			return false, fmt.Errorf("look for what is known: %w", err)
		}
		known, err := coverageOf(state)
		if err != nil {
			return false, fmt.Errorf("look for what is known: %w", err)
		}
		d.known = known
	}
	for _, r := range update.Structs {
		if d.known.vector.Clock(r.Client) < r.To {
			return false, nil
		}
	}
	for r := range update.DeleteRanges() {
		if !d.known.deleted(r) {
			return false, nil
		}
	}
	return true, nil
}

// holds is covers, and reserves the memory for it.
func (r *Room) holds(d *document, update *yjs.Summary) (bool, error) {
	if d.doc != nil && d.known == nil {
		if err := r.reserve(d.size()); err != nil {
			return false, err
		}
	}
	r.steps += d.size() / bytesAStep
	return d.covers(update)
}

// mayHold reports whether an integrated document holds all structs of an update. It does not
// check the deletions, which takes longer: see covers.
func (d *document) mayHold(update *yjs.Summary) bool {
	vector := d.doc.StateVector()
	for _, r := range update.Structs {
		if vector.Clock(r.Client) < r.To {
			return false
		}
	}
	return true
}

func coverageOf(state []byte) (*coverage, error) {
	encoded, err := yjs.StateVectorFromUpdate(state)
	if err != nil {
		return nil, err
	}
	vector, err := yjs.DecodeStateVector(encoded)
	if err != nil {
		return nil, err
	}
	summary, err := yjs.Validate(state, storedLimits)
	if err != nil {
		return nil, err
	}
	deletes := slices.SortedFunc(summary.DeleteRanges(), func(a, b yjs.ClockRange) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.From, b.From))
	})
	joined := deletes[:0]
	for _, r := range deletes {
		if n := len(joined) - 1; n >= 0 && joined[n].Client == r.Client && joined[n].To >= r.From {
			joined[n].To = max(joined[n].To, r.To)
			continue
		}
		joined = append(joined, r)
	}
	return &coverage{vector, joined}, nil
}

// deleted reports whether all of r is deleted.
func (c *coverage) deleted(r yjs.ClockRange) bool {
	n, found := slices.BinarySearchFunc(c.deletes, r, func(a, b yjs.ClockRange) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.From, b.From))
	})
	if !found {
		n--
	}
	return n >= 0 && c.deletes[n].Client == r.Client && c.deletes[n].To >= r.To
}

// size returns about how many bytes c takes in memory.
func (c *coverage) size() int { return 16*cap(c.vector) + 24*cap(c.deletes) }
