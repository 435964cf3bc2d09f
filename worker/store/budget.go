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
	// of the database and the answer made of them. The store calls it before it
	// asks the database. It may wait. Its error ends the request.
	Hold func(ctx context.Context, bytes int) error
	// Grow, if not nil, is Hold for a request that still uses what it held.
	Grow func(ctx context.Context, bytes int) error
	// Busy, if not nil, says whether other requests wait for much memory.
	Busy func(ctx context.Context) bool
}

// ErrMemory wraps the errors of Hold and Grow.
var ErrMemory = errors.New("hold memory")

// Reserve waits until the request holds that many bytes of memory.
func (b Budget) Reserve(ctx context.Context, bytes int) error { return reserve(ctx, b.Hold, bytes) }

// ReserveMore is Reserve for a request that still uses what it held.
func (b Budget) ReserveMore(ctx context.Context, bytes int) error {
	return reserve(ctx, b.Grow, bytes)
}

func reserve(ctx context.Context, hold func(context.Context, int) error, bytes int) error {
	if hold == nil {
		return nil
	}
	if err := hold(ctx, bytes); err != nil {
		return fmt.Errorf("%w: %w", ErrMemory, err)
	}
	return nil
}

// Expect returns how many octets to ask for by the guess. While others hold much
// memory it returns few: a request that needs little then does not wait, and one
// that needs more asks twice.
func (b Budget) Expect(ctx context.Context, g *Guess) int {
	if b.Busy != nil && b.Busy(ctx) {
		return min(g.Next(GuessPage), GuessPage)
	}
	return g.Next(GuessPage)
}

// Within returns b with an answer of at most that many octets.
func (b Budget) Within(octets int) Budget {
	if b.Octets == 0 || b.Octets > octets {
		b.Octets = octets
	}
	return b
}

// A Guess is how large the next result of a kind will be: a little more than the
// last ones. It forgets a large one slowly. A request that asks the database for
// as much sees whether the guess was too low.
type Guess struct{ octets atomic.Int64 } // 0: nothing was seen yet

// GuessMargin is the least that Next adds to what was seen.
const GuessMargin = 16 << 10

// GuessPage is the guess for changes, or for a page, before any was seen.
const GuessPage = 128 << 10

// Next returns the guess, or that number if nothing was seen yet.
func (g *Guess) Next(unseen int) int {
	n := int(g.octets.Load())
	if n == 0 {
		return unseen
	}
	return n + n/8 + GuessMargin
}

// Saw notes how large a result was.
func (g *Guess) Saw(octets int) {
	before := g.octets.Load()
	g.octets.Store(max(int64(octets), before-before/8, 1))
}

// Seen says whether a result was noted.
func (g *Guess) Seen() bool { return g.octets.Load() != 0 }
