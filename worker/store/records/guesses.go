package records

import "tidemark/worker/store"

// guesses are those of the pulls of apps of one schema version.
type guesses struct {
	first       []store.Guess // of each table
	delta, page store.Guess
}

// The guesses before anything was seen.
const (
	guessTable = 2 << 20 // of one table of a first pull
	guessRow   = 8 << 10 // of a row of a short page
)

// tables are the guesses for all rows of each table, as columns.
func (g *guesses) tables() []int {
	limits := make([]int, len(g.first))
	for i := range limits {
		limits[i] = g.first[i].Next(guessTable)
	}
	return limits
}

// unknown says whether a table was never read as a whole.
func (g *guesses) unknown() bool {
	for i := range g.first {
		if !g.first[i].Seen() {
			return true
		}
	}
	return false
}

// tooLarge notes that the tables may have more than that many octets.
func (g *guesses) tooLarge(octets int) {
	for i := range g.first {
		g.first[i].Saw(octets)
	}
}

func total(sizes []int) (n int) {
	for _, size := range sizes {
		n += size
	}
	return n
}
