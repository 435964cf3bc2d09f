package yjs

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"tidemark/shared/lib0"
)

// ErrCostly: an update holds more than its Limits allow, or more nested types
// than can be followed.
var ErrCostly = errors.New("update holds too much")

// maxLevels bounds the number of levels that Validate keeps, of 32 bytes each.
const maxLevels = 1 << 19

// Limits of one update; a zero field sets none. Bytes that are cheap on the wire
// cost memory: an item of 6 bytes takes about 100, a client of 4 takes 24 to 256,
// a delete range of 2 takes 24.
type Limits struct {
	Bytes   int
	Clients int // blocks, also without structs
	Structs int
	Deletes int // ranges
	// Stored: the update was accepted before, perhaps in parts. Validate leaves out the
	// checks that only protect other peers: together, parts may nest types deeper.
	Stored bool
}

// Summary counts the contents of an update. Read accepts the zero value.
type Summary struct {
	// Structs are the clocks of each client, Skips included, in the order of
	// the update.
	Structs []ClockRange
	// Blocks is the number of blocks, those without structs included.
	Blocks int
	// Items is the number of structs, Skips included.
	Items int
	// Deletes is the number of delete ranges.
	Deletes int

	deletes []byte // the delete set; aliases the update
}

// Validate checks an update of format V1 as far as it can without a document,
// and returns a summary. Every peer can decode an accepted update:
//
//   - counts and lengths are covered by bytes, and the update ends with its
//     delete set;
//   - strings are UTF-8, JSON and Any well-formed and nested at most
//     [lib0.MaxDepth] deep; types at most 1,000 deep, as far as the update
//     itself shows it, reading from the front;
//   - content and type refs are known, nothing has length 0, subdocuments have
//     options, clocks end below 2^31, client ids below 2^53, and each client has
//     one block;
//   - no struct refers to itself or to a later one of its client.
//
// The error is a *lib0.Error or wraps one: it has the offset and the reason.
// Validate copies nothing and allocates only the Structs of the summary; it
// neither recurses nor loops beyond the update.
func Validate(update []byte, limits Limits) (Summary, error) {
	var s Summary
	err := s.Read(update, limits)
	return s, err
}

// Read is [Validate] into a summary that was used before: it allocates nothing,
// if the Structs are long enough and no types are nested.
func (s *Summary) Read(update []byte, limits Limits) error {
	*s = Summary{Structs: s.Structs[:0]}
	u, err := newUpdateReader(update, 1)
	if err != nil {
		return err
	}
	if limits.Bytes > 0 && len(update) > limits.Bytes {
		return costly(&u, "update too long")
	}
	if err := s.readStructs(&u, limits); err != nil {
		return err
	}
	s.deletes = u.rest.Rest()
	for {
		_, ok, err := u.nextDelete()
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		s.Deletes++
		if limits.Deletes > 0 && s.Deletes > limits.Deletes {
			return costly(&u, "too many delete ranges")
		}
	}
}

func (s *Summary) readStructs(u *updateReader, limits Limits) error {
	var item wireStruct
	var nested nesting
	descending := true
	s.Blocks = int(u.blocks)
	if limits.Clients > 0 && s.Blocks > limits.Clients {
		return costly(u, "too many clients")
	}
	for n := 1; ; n++ {
		ok, err := u.next(&item)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if limits.Structs > 0 && n > limits.Structs {
			return costly(u, "too many structs")
		}
		s.Items = n
		last := len(s.Structs) - 1
		if u.fresh {
			if last >= 0 && s.Structs[last].Client <= item.client {
				descending = false
			}
			s.Structs = append(s.Structs, ClockRange{item.client, item.clock, item.end()})
		} else {
			s.Structs[last].To = item.end()
		}
		if limits.Stored {
			continue
		}
		if nested.add(&item) > maxNesting {
			return u.rest.Fail("types nested too deeply")
		}
		if len(nested.levels) > maxLevels {
			return costly(u, "too many nested types")
		}
		if item.ref() == refDoc && item.content[0] >= lib0.TagNull {
			return u.rest.Fail("subdocument without options")
		}
	}
	if !descending && s.repeatsClient() {
		return u.rest.Fail("client with more than one block")
	}
	return nil
}

// costly returns an error that wraps ErrCostly and names the exceeded limit.
func costly(u *updateReader, reason string) error {
	return fmt.Errorf("%w: %w", ErrCostly, u.rest.Fail(reason))
}

func (s *Summary) repeatsClient() bool {
	clients := make([]uint64, len(s.Structs))
	for i, r := range s.Structs {
		clients[i] = r.Client
	}
	slices.Sort(clients)
	return len(slices.Compact(clients)) < len(s.Structs)
}

// Empty reports whether the update has no structs and no deletions, like the reply to a
// peer that lacks nothing.
func (s *Summary) Empty() bool { return len(s.Structs) == 0 && s.Deletes == 0 }

// DeleteRanges are the ranges of the delete set, in the order of the update.
// They may overlap. They are read from the update, which must not have changed.
func (s *Summary) DeleteRanges() iter.Seq[ClockRange] {
	return func(yield func(ClockRange) bool) {
		u := updateReader{rest: lib0.NewReader(s.deletes)}
		for {
			d, ok, _ := u.nextDelete()
			if !ok || !yield(d) {
				return
			}
		}
	}
}

// ParseUpdateMeta returns the clocks that a valid update holds of each client,
// Skips included. yjs 13, parseUpdateMeta.
func ParseUpdateMeta(update []byte) ([]ClockRange, error) {
	s, err := Validate(update, Limits{})
	return s.Structs, err
}
