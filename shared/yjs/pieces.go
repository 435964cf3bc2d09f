package yjs

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"tidemark/shared/lib0"
)

// Pieces are updates that together have the content of [Doc.AppendState] for a peer in
// state sv. Each has about most bytes, and is made only when the iteration reaches it. A
// peer that applies them in order never keeps a struct that waits for a later piece. The
// last piece has the delete set; there is always one. The end of a piece may cut strings,
// and contents of several elements. Another long content makes a longer piece. The
// document must not change meanwhile.
func (d *Doc) Pieces(sv StateVector, most int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if !d.HasPending() {
			cutPieces(d.source(sv), most, func(piece []byte, _ bool) bool { return yield(piece, nil) })
		} else if state, err := d.AppendState(nil, sv); err != nil {
			yield(nil, err)
		} else {
			Pieces(state, most)(yield)
		}
	}
}

// Piece is the first of [Doc.Pieces], and the state of a peer that has applied it: the
// next piece is the first one for that state, also after the document has changed.
// next is nil if there is none.
func (d *Doc) Piece(sv StateVector, most int) (piece []byte, next StateVector, err error) {
	if d.HasPending() {
		piece, err = d.AppendState(nil, sv)
		return piece, nil, err
	}
	source := d.source(sv)
	cutPieces(source, most, func(first []byte, last bool) bool {
		if piece = first; !last {
			next = source.taken()
		}
		return false
	})
	return piece, next, nil
}

// Pieces is [Doc.Pieces] of an encoded update: the pieces together have its content.
func Pieces(update []byte, most int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		source, err := newUpdateSource(update)
		if err != nil {
			yield(nil, fmt.Errorf("cut an update into pieces: %w", err))
			return
		}
		cutPieces(source, most, func(piece []byte, _ bool) bool { return yield(piece, nil) })
	}
}

// A structSource has the structs of some clients, those of each in clock order. The
// clients have numbers in the order of the wire.
type structSource interface {
	clients() int
	id(n int) uint64
	// clock is the clock of the next struct of client n; left is false if there is none.
	clock(n int) (clock uint64, left bool)
	// awaits is another client with structs left: the next struct of client n refers to one
	// of them. It is -1 if there is no such client.
	awaits(n int) int
	// size is about how many bytes the next struct of client n takes. divisible is true if
	// take can take it in parts.
	size(n int) (bytes int, divisible bool)
	// take appends the next struct of client n. If it is divisible and longer than most
	// bytes, take appends a part; done is false if there is more of it.
	take(dst []byte, n, most int) (b []byte, done bool)
	appendDeletes(dst []byte) []byte
}

// cutPieces takes each struct after the structs to which it refers. An item that waits
// for another client goes to a stack, as in Doc.integrateHead. No client writes items
// that wait for each other: cutPieces takes them without waiting.
func cutPieces(s structSource, most int, yield func(piece []byte, last bool) bool) {
	p := piece{most: most}
	waiting := make([]bool, s.clients())
	var stack []int
	for first := range waiting {
		stack = append(stack, first)
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			if _, left := s.clock(top); left {
				if other := s.awaits(top); other >= 0 && !waiting[other] {
					waiting[top] = true
					stack = append(stack, other)
					continue
				}
				if p.full(s.size(top)) && !yield(append(p.take(), 0), false) {
					return
				}
				if done := p.add(s, top); !done || len(stack) == 1 {
					continue
				}
			}
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				waiting[stack[len(stack)-1]] = false
			}
		}
	}
	yield(s.appendDeletes(p.take()), true)
}

// A piece collects structs until it is full.
type piece struct {
	most int
	body []byte
	runs []pieceRun
}

// A pieceRun is structs of a client that follow each other in the body.
type pieceRun struct {
	client, clock       uint64
	structs, start, end int
}

// full reports whether the piece must end before a struct of that size.
func (p *piece) full(size int, divisible bool) bool {
	room := p.most - len(p.body)
	return len(p.runs) > 0 && size > room && (!divisible || size <= p.most/2 || room < p.most/16)
}

// add takes the next struct of client n, or a part that fits into the piece.
func (p *piece) add(s structSource, n int) (done bool) {
	clock, _ := s.clock(n)
	start := len(p.body)
	p.body, done = s.take(p.body, n, p.most-start)
	last := len(p.runs) - 1
	if last < 0 || p.runs[last].client != s.id(n) {
		p.runs = append(p.runs, pieceRun{client: s.id(n), clock: clock, start: start})
		last++
	}
	p.runs[last].structs++
	p.runs[last].end = len(p.body)
	return done
}

// take returns the piece without its delete set, and begins a new one.
func (p *piece) take() []byte {
	slices.SortFunc(p.runs, func(a, b pieceRun) int {
		return cmp.Or(cmp.Compare(b.client, a.client), cmp.Compare(a.clock, b.clock))
	})
	clients := 0
	for i := range p.runs {
		if i == 0 || p.runs[i].client != p.runs[i-1].client {
			clients++
		}
	}
	const headRoom = 5 + 8 + 5
	update := lib0.AppendUint(make([]byte, 0, len(p.body)+headRoom*clients+countRoom+1), uint64(clients))
	for runs := p.runs; len(runs) > 0; {
		n, structs := 0, 0
		for n < len(runs) && runs[n].client == runs[0].client {
			structs += runs[n].structs
			n++
		}
		update = lib0.AppendUint(update, uint64(structs))
		update = appendID(update, ID{runs[0].client, runs[0].clock})
		for _, run := range runs[:n] {
			update = append(update, p.body[run.start:run.end]...)
		}
		runs = runs[n:]
	}
	p.body, p.runs = p.body[:0], p.runs[:0]
	return update
}

// cutText returns the offset at which to cut text, at most that many bytes: between
// runes, after the first at least.
func cutText(text []byte, most int) int {
	if len(text) <= most {
		return len(text)
	}
	at := max(most, 0)
	for at > 0 && text[at]&0xc0 == 0x80 {
		at--
	}
	for at == 0 || at < len(text) && text[at]&0xc0 == 0x80 {
		at++
	}
	return at
}

// cutElements returns the offset at which to cut JSON or Any elements, and the number of
// elements before it: one at least.
func cutElements(ref uint8, elements []byte, most int) (at, n int) {
	r := lib0.NewReader(elements)
	for r.Len() > 0 {
		skipElement(&r, ref)
		if n > 0 && r.Pos() > most {
			return at, n
		}
		at = r.Pos()
		n++
	}
	return at, n
}
