package yjs_test

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yjs/yjstest"
)

func collect(t testing.TB, pieces iter.Seq2[[]byte, error]) (all [][]byte) {
	t.Helper()
	for piece, err := range pieces {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, piece)
	}
	return all
}

// loadedAgain returns the state of d after a load into a new document, which also joins
// structs that became joinable unnoticed. See loadAgain.
func loadedAgain(t *testing.T, d *yjs.Doc) []byte {
	t.Helper()
	again := yjs.New(yjs.Options{})
	mustApply(t, again, state(t, d))
	return state(t, again)
}

// A peer that applies the pieces in order has the whole at the end, and no struct waits
// before.
func TestPiecesSayWhatTheWholeSays(t *testing.T) {
	several := 0
	for _, c := range stateCases(t) {
		if c.Pending {
			continue
		}
		whole := yjs.New(yjs.Options{})
		for _, update := range c.Updates {
			mustApply(t, whole, update)
		}
		merged, err := yjs.MergeUpdates(append(c.Updates[:len(c.Updates):len(c.Updates)], nothing)...)
		if err != nil {
			t.Fatal(err)
		}
		atOnce := yjs.New(yjs.Options{})
		mustApply(t, atOnce, merged)
		for _, most := range []int{0, 20, 300, 1 << 20} {
			what := fmt.Sprintf("seed %d, pieces of %d", c.Seed, most)
			peer := yjs.New(yjs.Options{})
			pieces := collect(t, whole.Pieces(nil, most))
			for _, piece := range pieces {
				mustApply(t, peer, piece)
				if peer.HasPending() {
					t.Fatalf("%s: after %x of %x something waits", what, piece, pieces)
				}
			}
			if len(pieces) > 1 {
				several++
			}
			differs(t, what, loadedAgain(t, peer), loadedAgain(t, whole), nil)

			peer = yjs.New(yjs.Options{})
			for _, piece := range collect(t, yjs.Pieces(merged, most)) {
				mustApply(t, peer, piece)
				if peer.HasPending() {
					t.Fatalf("%s of the merged updates: after %x something waits", what, piece)
				}
			}
			differs(t, what+" of the merged updates", loadedAgain(t, peer), loadedAgain(t, atOnce), nil)

			peer = yjs.New(yjs.Options{})
			for sv, n := (yjs.StateVector)(nil), 0; ; n++ {
				piece, next, err := whole.Piece(sv, most)
				if err != nil {
					t.Fatal(err)
				}
				mustApply(t, peer, piece)
				if peer.HasPending() {
					t.Fatalf("%s, one by one: after %x something waits", what, piece)
				}
				if next == nil {
					break
				}
				if n > 1000 || !slices.Equal(next, peer.StateVector()) {
					t.Fatalf("%s: %d pieces lead to %v, want %v", what, n, next, peer.StateVector())
				}
				sv = next
			}
			differs(t, what+", one by one", loadedAgain(t, peer), loadedAgain(t, whole), nil)

			// A peer that has a part of it.
			a, b := yjs.New(yjs.Options{}), yjs.New(yjs.Options{})
			for _, update := range c.Updates[:len(c.Updates)/2] {
				mustApply(t, a, update)
				mustApply(t, b, update)
			}
			if a.HasPending() {
				continue
			}
			diff, err := whole.EncodeStateAsUpdate(a.EncodeStateVector())
			if err != nil {
				t.Fatal(err)
			}
			mustApply(t, a, diff)
			for _, piece := range collect(t, whole.Pieces(b.StateVector(), most)) {
				mustApply(t, b, piece)
				if b.HasPending() {
					t.Fatalf("%s of the difference: after %x something waits", what, piece)
				}
			}
			differs(t, what+" of the difference", loadedAgain(t, b), loadedAgain(t, a), nil)
			if t.Failed() {
				return
			}
		}
	}
	if several == 0 {
		t.Error("no document had several pieces")
	}
}

// The pieces of any update hold the same clocks and deletions, also if the update refers
// to structs that it does not hold.
func TestPiecesLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		update := merge(t, drawUpdate(t, h), drawUpdate(t, h))
		var pieces [][]byte
		for piece, err := range yjs.Pieces(update, rapid.IntRange(0, 100).Draw(t, "most")) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := yjs.Validate(piece, yjs.Limits{}); err != nil {
				t.Fatalf("%x: piece %x: %v", update, piece, err)
			}
			pieces = append(pieces, piece)
		}
		if got, want := clocks(t, merge(t, append(pieces, nothing)...)), clocks(t, update); got != want {
			t.Fatalf("%x became %x: they hold %s, want %s", update, pieces, got, want)
		}
	})
}

func TestPiecesAreAsLongAsTheyMay(t *testing.T) {
	const most = 1 << 20
	text := strings.Repeat("a\u00e9\u20ac\U0001f600", 1_000_000)
	long := append(lib0.AppendString([]byte{1, 1, 1, 0, 4, 1, 1, 't'}, text), 0)
	elements := lib0.AppendUint([]byte{1, 1, 1, 0, 8, 1, 1, 't'}, 3_000_000)
	for range 3_000_000 {
		elements = append(elements, 119, 1, 'x')
	}
	for name, update := range map[string][]byte{
		"a string": long, "elements": append(elements, 0), "many items": yjstest.Unmerged(7, 600_000), "many clients": yjstest.Ascending(10, 30_000, 120),
	} {
		doc := yjs.New(yjs.Options{})
		mustApply(t, doc, update)
		for way, all := range map[string]iter.Seq2[[]byte, error]{"of the document": doc.Pieces(nil, most), "of the update": yjs.Pieces(update, most)} {
			peer := yjs.New(yjs.Options{})
			pieces := collect(t, all)
			for i, piece := range pieces {
				if len(piece) > most+most/2 || len(piece) < most/3 && i < len(pieces)-1 {
					t.Errorf("%s, %s: piece %d of %d has %d bytes", name, way, i, len(pieces), len(piece))
				}
				mustApply(t, peer, piece)
			}
			if !bytes.Equal(state(t, peer), state(t, doc)) {
				t.Errorf("%s, %s: a peer has something else", name, way)
			}
		}
	}
}

// A piece takes memory for its own bytes, not for those of the document.
func TestPiecesAreMadeOneByOne(t *testing.T) {
	doc := yjs.New(yjs.Options{})
	mustApply(t, doc, append(lib0.AppendString([]byte{1, 1, 1, 0, 4, 1, 1, 't'}, strings.Repeat("x", 16<<20)), 0))
	for range doc.Pieces(nil, 64<<10) {
		held := allocated()
		n := 0
		for range doc.Pieces(nil, 64<<10) {
			if n++; n == 4 {
				break
			}
		}
		if grew := allocated() - held; grew > 2<<20 {
			t.Errorf("four pieces of 64 KiB allocated %d bytes", grew)
		}
		break
	}
}

// No document has items that wait for each other, but the pieces hold them.
func TestPiecesOfWhatWaitsForItself(t *testing.T) {
	cycle := unhex(t, "02 01 09 00 84 07 00 01 61 01 07 00 84 09 00 01 62 00")
	pieces := collect(t, yjs.Pieces(cycle, 0))
	got, err := yjs.MergeUpdates(pieces...)
	differs(t, "a cycle", got, cycle, err)
	if len(pieces) < 2 {
		t.Errorf("%d pieces", len(pieces))
	}
	for _, malformed := range []string{"", "01", "01 01 07 00 04 01 01 74 02 6162", "02 01 07 00 00 01 01 07 01 00 01 00"} {
		for piece, err := range yjs.Pieces(unhex(t, malformed), 100) {
			if err == nil {
				t.Errorf("%s: got %x", malformed, piece)
			}
		}
	}
}
