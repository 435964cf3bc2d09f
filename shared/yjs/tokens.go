package yjs

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"tidemark/shared/lib0"
)

// The limits of diff's search for common tokens: the number of tokens, and how many of
// them may differ. Beyond them it replaces the whole runs.
const (
	maxTokens = 1 << 17
	maxDiffer = 500
	maxSteps  = 1 << 24
)

// A token is a character, an element, or a content of one unit.
type token struct {
	run
	print uint32
}

// diff compares runs that have neither end in common.
func (r *restorer) diff(a, b []run) {
	if len(a) == 0 || len(b) == 0 || units(a) > maxTokens || units(b) > maxTokens {
		r.replace(a, b)
		return
	}
	x, y := r.sides[present].tokens(a), r.sides[earlier].tokens(b)
	i, j := 0, 0
	for _, m := range common(x, y) {
		if !r.alikeTokens(x[m[0]], y[m[1]]) {
			continue
		}
		r.replace(runsOf(x[i:m[0]]), runsOf(y[j:m[1]]))
		r.keep(x[m[0]].run, y[m[1]].run)
		i, j = m[0]+1, m[1]+1
	}
	r.replace(runsOf(x[i:]), runsOf(y[j:]))
}

func units(runs []run) (n int) {
	for _, q := range runs {
		n += int(q.n)
	}
	return n
}

// alikeTokens compares tokens whose fingerprints are equal, and which may still differ.
func (r *restorer) alikeTokens(x, y token) bool {
	a, b := &r.sides[present].items[x.item], &r.sides[earlier].items[y.item]
	if canJoin(a.ref) {
		return a.ref == b.ref && bytes.Equal(r.sides[present].text(x.run), r.sides[earlier].text(y.run))
	}
	return r.alike(x.run, y.run)
}

// runsOf joins tokens to runs again.
func runsOf(tokens []token) (runs []run) {
	for _, t := range tokens {
		if n := len(runs) - 1; n >= 0 && runs[n].item == t.item && runs[n].from+runs[n].n == t.from {
			runs[n].n += t.n
			runs[n].end = t.end
			continue
		}
		runs = append(runs, t.run)
	}
	return runs
}

// replace puts b in the place of a. It keeps types that can stand for each other, and
// compares their contents.
func (r *restorer) replace(a, b []run) {
	for {
		i, j := r.sides[present].nextType(a), r.sides[earlier].nextType(b)
		if i == len(a) || j == len(b) {
			break
		}
		r.gone, r.added = append(r.gone, a[:i]...), append(r.added, b[:j]...)
		if bytes.Equal(r.sides[present].text(a[i]), r.sides[earlier].text(b[j])) {
			r.keep(a[i], b[j])
		} else {
			r.gone, r.added = append(r.gone, a[i]), append(r.added, b[j])
		}
		a, b = a[i+1:], b[j+1:]
	}
	r.gone, r.added = append(r.gone, a...), append(r.added, b...)
}

// nextType finds the first type among runs, or their number.
func (d *Doc) nextType(runs []run) int {
	i := slices.IndexFunc(runs, func(q run) bool { return d.items[q.item].ref == refType })
	if i < 0 {
		return len(runs)
	}
	return i
}

func (s *side) tokens(runs []run) []token {
	tokens := make([]token, 0, units(runs))
	for _, q := range runs {
		ref := s.items[q.item].ref
		text := s.text(q)
		for at := 0; q.n > 0; {
			t := token{run: run{q.item, q.from, 1, q.at, q.end}}
			switch ref {
			case refString:
				c, size := utf8.DecodeRune(text[at:])
				at += size
				t.end = t.at + uint32(size)
				t.print = uint32(c)
				if size == 4 {
					t.n = 2
				}
			case refAny, refJSON:
				read := lib0.NewReader(text[at:])
				skipElement(&read, ref)
				at += read.Pos()
				t.end = t.at + uint32(read.Pos())
				t.print = uint32(fingerprint(uint64(ref), s.text(t.run)))
			case refType:
				t.print = uint32(fingerprint(s.print(s.items[q.item].contentType()), text))
			default:
				t.print = uint32(fingerprint(uint64(ref), text))
			}
			tokens = append(tokens, t)
			q.from, q.n, q.at = q.from+t.n, q.n-t.n, t.end
		}
	}
	return tokens
}

// common finds a longest common subsequence of a and b as pairs of indexes, or none if
// too many tokens differ. Myers, An O(ND) Difference Algorithm and Its Variations.
func common(a, b []token) (pairs [][2]int) {
	offset := maxDiffer + 1
	reach := make([]int32, 2*offset+1) // by diagonal: the index reached in a
	var trace [][]int32
	steps := 0
	for d := 0; d <= min(maxDiffer, len(a)+len(b)); d++ {
		trace = append(trace, slices.Clone(reach[offset-d:offset+d+1]))
		for k := -d; k <= d; k += 2 {
			i := forward(reach, offset, d, k)
			j := i - k
			for i < len(a) && j >= 0 && j < len(b) && a[i].print == b[j].print {
				i, j = i+1, j+1
				steps++
			}
			reach[offset+k] = int32(i)
			if i >= len(a) && j >= len(b) {
				return walkBack(trace, len(a), len(b))
			}
		}
		if steps += d; steps > maxSteps {
			return nil
		}
	}
	return nil
}

// forward returns the index in a at which diagonal k is reached with d differences,
// before the equal tokens there.
func forward(reach []int32, offset, d, k int) int {
	if k == -d || k != d && reach[offset+k-1] < reach[offset+k+1] {
		return int(reach[offset+k+1])
	}
	return int(reach[offset+k-1]) + 1
}

// walkBack follows the path of common from its end.
func walkBack(trace [][]int32, i, j int) (pairs [][2]int) {
	for d := len(trace) - 1; d > 0; d-- {
		k := i - j
		before := trace[d] // diagonals -d to d, as d-1 differences reach them
		from := forward(before, d, d, k)
		down := k == -d || k != d && before[d+k-1] < before[d+k+1]
		for i > from {
			i, j = i-1, j-1
			pairs = append(pairs, [2]int{i, j})
		}
		if down {
			j--
		} else {
			i--
		}
	}
	for i > 0 && j > 0 {
		i, j = i-1, j-1
		pairs = append(pairs, [2]int{i, j})
	}
	slices.Reverse(pairs)
	return pairs
}
