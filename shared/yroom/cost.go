package yroom

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tidemark/shared/yjs"
)

// A cost counts the contents of a document's updates. Their length is not enough: a struct
// of four bytes takes a hundred in memory. docs/protocol.md, Y10.
type cost struct {
	bytes, structs, clients, ranges int
}

// The limits of one update, and of all stored updates of a document together. Beyond them the
// room does not merge: a delete range or a client takes 24 bytes in a merge.
const (
	maxClients        = 250_000
	maxStructs        = 1_000_000
	maxRanges         = 500_000
	maxRangesTogether = 1_000_000
)

// errCostly: the stored updates hold more clients or delete ranges than the room can read.
// Storage still holds all of them; the room can be deleted.
var errCostly = errors.New("the document holds too many clients or deletions to be read")

// add counts a valid update.
func (c *cost) add(update []byte, s *yjs.Summary) {
	c.bytes += len(update)
	c.structs += s.Items
	c.clients += s.Blocks
	c.ranges += s.Deletes
}

// memory returns about how many bytes the integrated document takes at least: its updates,
// which hold the contents; a record for each struct, with its index entry; the clients;
// the delete ranges. Splits, keys and clients without structs take more. They count during
// integration: yjs.Options.MemoryBudget.
func (c *cost) memory() int {
	return c.bytes + 96*c.structs + 256*c.clients + 24*c.ranges
}

// mergedAtOnce bounds how many updates merge reads at once: each takes 440 bytes meanwhile,
// however short it is.
const mergedAtOnce = 4096

// merged merges stored updates. It merges a log of usual length at once, so that it copies
// large updates only once.
func merged(updates [][]byte) ([]byte, error) {
	for len(updates) > mergedAtOnce {
		var batches [][]byte
		for batch := range slices.Chunk(updates, mergedAtOnce) {
			state, err := yjs.MergeUpdates(batch...)
			if err != nil {
				return nil, err
			}
			batches = append(batches, state)
		}
		updates = batches
	}
	return yjs.MergeUpdates(updates...)
}

// tooMuch reports whether updates of that cost must not be merged at once.
func (c *cost) tooMuch() bool { return c.clients > maxClients || c.ranges > maxRangesTogether }

// maxFolds bounds how often counted merges stored updates that are over the limits together:
// each time takes up to a second.
const maxFolds = 8

// counted counts the contents of stored updates. When they are over the limits together, it
// merges the updates that it has counted: peers that send their state again repeat most of
// it. It returns the remaining updates, or errCostly if they are over the limits even when
// merged.
func counted(updates [][]byte) (left [][]byte, c cost, err error) {
	var s yjs.Summary
	folds := 0
	for n, update := range updates {
		if err := s.Read(update, storedLimits); err != nil {
			return nil, c, fmt.Errorf("stored update %d: %w", n, err)
		}
		left = append(left, update)
		if c.add(update, &s); !c.tooMuch() {
			continue
		}
		if folds++; len(left) == 1 || folds > maxFolds {
			return nil, c, errCostly
		}
		state, err := merged(left)
		if err == nil {
			err = s.Read(state, storedLimits)
		}
		if err != nil {
			return nil, c, fmt.Errorf("merge what is stored: %w", err)
		}
		left, c = [][]byte{state}, cost{}
		if c.add(state, &s); c.tooMuch() {
			return nil, c, errCostly
		}
	}
	return left, c, nil
}

// bytesAStep is how many bytes of a document the room encodes or compares in about the time
// of a step.
const bytesAStep = 8

// stepsAStruct is how many steps it takes to count and to merge a struct.
const stepsAStruct = 4

// steps returns how many steps it takes to read the updates without integrating them.
func (c *cost) steps() int { return c.bytes/bytesAStep + stepsAStruct*c.structs }

// stepsAMessage is how many steps of integration count as one message of a
// socket's budget: about a tenth of a millisecond.
const stepsAMessage = 5_000

// The time for which the room merges a document and does not integrate it.
const (
	mergeForEver = math.MaxInt64 >> 10 // its updates take too many steps; exact as a float64
	mergeAWhile  = time.Hour           // an instance ended in the room, perhaps by chance
	endsAgain    = 24 * time.Hour      // within this time a second end is no chance
)

// harmlessBytes is how much memory a document takes that the room integrates also after an
// instance has ended in the room once: the document was hardly the reason.
const harmlessBytes = 1 << 20

// integrates reports whether the room integrates a document of that cost, or only merges it.
func (r *Room) integrates(c *cost) bool {
	if r.merging && (r.meta.MergeUntil == mergeForEver || c.memory() > harmlessBytes) {
		return false
	}
	return c.memory() <= r.config.IntegrateBytes
}

// mergeOnly makes the room merge the document, and not integrate it, until a time in Unix
// milliseconds. Storage keeps that time, so that no alarm and no restart tries to integrate
// the document again.
func (r *Room) mergeOnly(until int64) {
	if r.meta.MergeUntil < until {
		r.meta.MergeUntil, r.metaSet = until, true
	}
	r.merging = true
}
