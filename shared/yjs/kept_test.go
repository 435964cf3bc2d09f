package yjs_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// A document that keeps its first update equals another one, also after later updates.
func TestLoadKeptIsLoad(t *testing.T) {
	// Only long updates are kept: each is merged with a text of another client.
	long := append(lib0.AppendString([]byte{1, 1, 3, 0, 4, 1, 1, 'l'}, strings.Repeat("l", 70_000)), 0)
	for _, c := range stateCases(t)[:60] {
		half := len(c.Updates) / 2
		first, err := yjs.MergeUpdates(append(c.Updates[:half:half], nothing)...)
		if err != nil {
			t.Fatal(err)
		}
		for _, first := range [][]byte{first, c.State} {
			if first, err = yjs.MergeUpdates(first, long); err != nil {
				t.Fatal(err)
			}
			a, b := yjs.New(yjs.Options{}), yjs.New(yjs.Options{})
			if err := a.Load(first); err != nil {
				t.Fatal(err)
			}
			if err := b.LoadKept(bytes.Clone(first)); err != nil {
				t.Fatal(err)
			}
			for n, update := range c.Updates {
				differs(t, fmt.Sprintf("seed %d, before update %d", c.Seed, n), state(t, b), state(t, a), nil)
				if n%3 == 0 { // as storage has it
					if update, err = yjs.MergeUpdates(update, long); err != nil {
						t.Fatal(err)
					}
					for _, d := range []*yjs.Doc{a, b} {
						if err := d.LoadKept(bytes.Clone(update)); err != nil {
							t.Fatal(err)
						}
					}
					continue
				}
				want, err := a.Apply(update)
				if err != nil {
					t.Fatal(err)
				}
				got, err := b.Apply(update)
				differs(t, fmt.Sprintf("seed %d: event of update %d", c.Seed, n), got, want, err)
			}
			if t.Failed() {
				return
			}
			differs(t, fmt.Sprintf("seed %d", c.Seed), state(t, b), state(t, a), nil)
		}
	}
}

// The document joins the items that a rejected update split, at their places.
func TestARefusedUpdateLeavesWhatIsKept(t *testing.T) {
	text := "a\U0001f600b" + strings.Repeat("c", 70_000)
	kept := append(lib0.AppendString([]byte{1, 1, 7, 0, 4, 1, 1, 't'}, text), 0)
	d := yjs.New(yjs.Options{StepBudget: 20})
	if err := d.LoadKept(bytes.Clone(kept)); err != nil {
		t.Fatal(err)
	}
	// The item splits the pair, and the deletions after it take too many steps.
	update := []byte{1, 1, 9, 0, 0x84, 7, 1, 1, 'x', 1, 7, 30}
	for n := range byte(30) {
		update = append(update, n*2+100, 1)
	}
	if _, err := d.Apply(update); err == nil {
		t.Fatal("the update was taken")
	}
	differs(t, "state", state(t, d), kept, nil)
}

// A large document takes its bytes, and not twice as many, when it is loaded, edited,
// sent in pieces, and mostly deleted.
func TestALargeDocumentIsInMemoryOnce(t *testing.T) {
	const size = 16 << 20
	for name, items := range map[string]int{"one string": 1, "a hundred": 100} {
		update := lib0.AppendUint(append(lib0.AppendUint([]byte{1}, uint64(items)), 7), 0)
		for range items {
			update = lib0.AppendString(append(update, 4, 1, 1, 't'), strings.Repeat("x", size/items))
		}
		update = append(update, 0)
		held := allocated()
		d := yjs.New(yjs.Options{})
		if err := d.LoadKept(update); err != nil {
			t.Fatal(err)
		}
		for n := range 100 {
			typed := append(lib0.AppendUint([]byte{1, 1, 9}, uint64(n)), 4, 1, 1, 't')
			mustApply(t, d, append(lib0.AppendString(typed, "y"), 0))
		}
		for range d.Pieces(nil, 64<<10) {
			break
		}
		if grew := allocated() - held; grew > size/8 {
			t.Errorf("%s: reading and editing %d bytes allocated %d", name, size, grew)
		}
		whole := state(t, d)
		held = allocated()
		mustApply(t, d, lib0.AppendUint([]byte{0, 1, 7, 1, 0}, size/4*3))
		if grew := allocated() - held; grew > size/2 {
			t.Errorf("%s: deleting most of it allocated %d", name, grew)
		}
		other := yjs.New(yjs.Options{})
		mustApply(t, other, whole)
		mustApply(t, other, lib0.AppendUint([]byte{0, 1, 7, 1, 0}, size/4*3))
		if !bytes.Equal(state(t, d), state(t, other)) {
			t.Errorf("%s: after deleting most of it the document is another", name)
		}
	}
}
