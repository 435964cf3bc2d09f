//go:build !js

package wasmtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Gate holds back deliveries of some kinds and lets them through in an order
// that its seed decides. Kinds are those of edge.TestOptions.Hold. A Clock's Advance
// waits for the "alarm" that falls due.
type Gate struct {
	mu      sync.Mutex
	kinds   []string
	random  *rand.Rand
	waiting []*delivery
	counts  map[string]int // of all deliveries, by kind
}

type delivery struct {
	kind, name string
	through    chan struct{}
}

// NewGate returns a gate that is open until Hold.
func NewGate(seed uint64) *Gate {
	return &Gate{random: rand.New(rand.NewPCG(seed, 0)), counts: map[string]int{}}
}

// Hold holds back the later deliveries of these kinds, and no others.
func (g *Gate) Hold(kinds ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kinds = kinds
}

func (g *Gate) pass(kind, name string) {
	g.mu.Lock()
	g.counts[kind]++
	if !slices.Contains(g.kinds, kind) {
		g.mu.Unlock()
		return
	}
	d := &delivery{kind, name, make(chan struct{})}
	g.waiting = append(g.waiting, d)
	g.mu.Unlock()
	<-d.through
}

// Count is how many deliveries of a kind there were, also those that it holds back.
func (g *Gate) Count(kind string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts[kind]
}

// Held is how many deliveries are held back.
func (g *Gate) Held() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// Wait waits until n deliveries are held back.
func (g *Gate) Wait(t testing.TB, n int) {
	t.Helper()
	Until(t, fmt.Sprint(n, " deliveries are held back"), func() bool { return g.Held() >= n })
}

// Release lets one delivery through, which the seed chooses. It returns its kind and
// name; false if the gate holds none back.
func (g *Gate) Release() (kind, name string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return "", "", false
	}
	slices.SortStableFunc(g.waiting, func(a, b *delivery) int {
		return strings.Compare(a.kind+" "+a.name, b.kind+" "+b.name)
	})
	i := g.random.IntN(len(g.waiting))
	d := g.waiting[i]
	g.waiting = slices.Delete(g.waiting, i, i+1)
	close(d.through)
	return d.kind, d.name, true
}

// Open lets all deliveries through, also those that it holds back.
func (g *Gate) Open() {
	g.Hold()
	for {
		if _, _, ok := g.Release(); !ok {
			return
		}
	}
}
