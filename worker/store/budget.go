package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// A Budget is what one request may take. The zero Budget has no bounds but the
// store's own limits.
type Budget struct {
	// Octets bounds the answer; 0 is the store's limit.
	Octets int
	// Hold, if not nil, sets how many bytes of memory the request holds: results
	// of the database and the answer made of them. It is asked before the database
	// is, and may wait. Its error ends the request.
	Hold func(ctx context.Context, bytes int) error
	// Grow, if not nil, is Hold for a request that still uses what it held.
	Grow func(ctx context.Context, bytes int) error
	// Busy, if not nil, says whether others wait for much memory.
	Busy func(ctx context.Context) bool
}

// errHold wraps the errors of Hold.
var errHold = errors.New("hold memory")

// Reserve waits until the request holds that many bytes of memory.
func (b Budget) Reserve(ctx context.Context, bytes int) error { return b.hold(ctx, bytes) }

func (b Budget) hold(ctx context.Context, bytes int) error { return held(ctx, b.Hold, bytes) }

func (b Budget) grow(ctx context.Context, bytes int) error { return held(ctx, b.Grow, bytes) }

func held(ctx context.Context, hold func(context.Context, int) error, bytes int) error {
	if hold == nil {
		return nil
	}
	if err := hold(ctx, bytes); err != nil {
		return fmt.Errorf("%w: %w", errHold, err)
	}
	return nil
}

// expects returns how many octets to ask for by the guess. While others hold much
// memory it returns few: a request that needs little then does not wait, and one that
// needs more asks twice.
func (b Budget) expects(ctx context.Context, g *guess) int {
	if b.Busy != nil && b.Busy(ctx) {
		return min(g.next(guessDelta), guessDelta)
	}
	return g.next(guessDelta)
}

// within is b with an answer of at most that many octets.
func (b Budget) within(octets int) Budget {
	if b.Octets == 0 || b.Octets > octets {
		b.Octets = octets
	}
	return b
}

// A guess is how large the next result of a kind will be: a little more than
// the last ones, of which a large one is forgotten slowly. Whoever asks the
// database for as much sees whether that was too little. 0 is no experience.
type guess struct{ octets atomic.Int64 }

// guessFloor is the least that is asked for.
const guessFloor = 16 << 10

// next is the guess, or that number without experience.
func (g *guess) next(without int) int {
	n := int(g.octets.Load())
	if n == 0 {
		return without
	}
	return n + n/8 + guessFloor
}

func (g *guess) saw(octets int) {
	before := g.octets.Load()
	g.octets.Store(max(int64(octets), before-before/8, 1))
}

// guesses are those of the pulls of apps of one schema version.
type guesses struct {
	first       []guess // of each table
	delta, page guess
}

// The guesses without experience: for one table of a first pull, and for what
// changed or a page.
const (
	guessWhole = 2 << 20
	guessDelta = 128 << 10
	guessRow   = 8 << 10 // of a short page
)

// whole are the guesses for all rows of each table, as columns.
func (g *guesses) whole() []int {
	limits := make([]int, len(g.first))
	for i := range limits {
		limits[i] = g.first[i].next(guessWhole)
	}
	return limits
}

// unknown says whether a table was never read as a whole.
func (g *guesses) unknown() bool {
	for i := range g.first {
		if g.first[i].octets.Load() == 0 {
			return true
		}
	}
	return false
}

// tooLarge remembers that the tables may have more than that many octets.
func (g *guesses) tooLarge(octets int) {
	for i := range g.first {
		g.first[i].saw(octets)
	}
}

func total(sizes []int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}
