package yjs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yjs/yjstest"
)

func TestDropDeleted(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "00 00", "00 00"},
		{"nothing is deleted", "01 01 07 00 04 01 01 74 02 6162 00", "01 01 07 00 04 01 01 74 02 6162 00"},
		{"a whole string", "01 01 07 00 04 01 01 74 03 616263 01 07 01 00 03", "01 01 07 00 01 01 01 74 03 01 07 01 00 03"},
		{"the middle of a string", "01 01 07 00 04 01 01 74 03 616263 01 07 01 01 01",
			"01 03 07 00 04 01 01 74 01 61 81 07 00 01 84 07 01 01 63 01 07 01 01 01"},
		{"half a surrogate pair", "01 01 07 00 04 01 01 74 06 61f09f988062 01 07 01 02 01",
			"01 03 07 00 04 01 01 74 04 61efbfbd 81 07 01 01 84 07 02 01 62 01 07 01 02 01"},
		{"the other half", "01 01 07 00 04 01 01 74 06 61f09f988062 01 07 01 01 01",
			"01 03 07 00 04 01 01 74 01 61 81 07 00 01 84 07 01 04 efbfbd62 01 07 01 01 01"},
		{"elements", "01 01 07 00 08 01 01 74 03 79 7e 78 01 07 01 01 01",
			"01 03 07 00 08 01 01 74 01 79 81 07 00 01 88 07 01 01 78 01 07 01 01 01"},
		{"a value that was overwritten", "01 02 07 00 28 01 01 6d 01 6b 01 77 03 616263 a8 07 00 01 77 01 64 01 07 01 00 01",
			"01 02 07 00 21 01 01 6d 01 6b 01 88 07 00 01 77 01 64 01 07 01 00 01"},
		{"keystrokes become one", "01 03 07 00 04 01 01 74 01 61 84 07 00 01 62 84 07 01 01 63 01 07 01 00 03", "01 01 07 00 01 01 01 74 03 01 07 01 00 03"},
		{"what stands beside each other does not", "01 02 07 00 04 01 01 74 01 61 44 07 00 01 62 01 07 01 00 02", "01 02 07 00 01 01 01 74 01 41 07 00 01 01 07 01 00 02"},
		{"a type and what is in it", "01 04 07 00 07 01 01 74 02 04 00 07 00 01 61 84 07 01 01 62 27 00 07 00 01 6b 01 01 07 01 00 04",
			"01 02 07 00 01 01 01 74 01 00 03 01 07 01 00 04"},
		{"a type, of which not all is known to be deleted", "01 02 07 00 07 01 01 74 02 04 00 07 00 01 61 01 07 01 00 01",
			"01 02 07 00 01 01 01 74 01 04 00 07 00 01 61 01 07 01 00 01"},
		{"what the delete set covers beyond the update", "01 01 07 02 84 07 01 01 63 01 07 01 00 09", "01 01 07 02 81 07 01 01 01 07 01 00 09"},
		{"a gap", "01 03 07 00 04 01 01 74 01 61 0a 02 84 07 02 01 63 01 07 01 00 04", "01 03 07 00 01 01 01 74 01 0a 02 81 07 02 01 01 07 01 00 04"},
	} {
		got, err := yjs.DropDeleted(unhex(t, c.in))
		differs(t, c.name, got, unhex(t, c.want), err)
	}
	for _, malformed := range []string{"", "01", "01 01 07 00 04 01 01 74 02 6162", "00 01 07 01 00 00"} {
		if got, err := yjs.DropDeleted(unhex(t, malformed)); err == nil {
			t.Errorf("%s: got %x", malformed, got)
		}
	}
}

// A document is the same with and without the dropped contents, also after later
// updates.
func TestDroppingChangesNoDocument(t *testing.T) {
	shorter := 0
	for _, c := range stateCases(t) {
		for _, n := range []int{len(c.Updates), len(c.Updates) / 2, len(c.Updates) / 4} {
			merged, err := yjs.MergeUpdates(append(slices.Clone(c.Updates[:n]), nothing)...)
			if err != nil {
				t.Fatal(err)
			}
			dropped, err := yjs.DropDeleted(merged)
			if err != nil {
				t.Fatalf("seed %d: %v", c.Seed, err)
			}
			if len(dropped) < len(merged) {
				shorter++
			}
			if again, err := yjs.DropDeleted(dropped); err != nil || !bytes.Equal(again, dropped) {
				t.Fatalf("seed %d, %d updates: dropped again\n got %x, %v\nwant %x", c.Seed, n, again, err, dropped)
			}
			a, b := yjs.New(yjs.Options{}), yjs.New(yjs.Options{})
			mustApply(t, a, merged)
			mustApply(t, b, dropped)
			sameDocument(t, fmt.Sprintf("seed %d, %d updates", c.Seed, n), a, b)
			for _, update := range c.Updates[n:] {
				mustApply(t, a, update)
				mustApply(t, b, update)
			}
			sameDocument(t, fmt.Sprintf("seed %d, %d updates and the rest", c.Seed, n), a, b)
			if t.Failed() {
				t.Fatalf("from %x\n  to %x", merged, dropped)
			}
		}
	}
	if shorter == 0 {
		t.Error("nothing was dropped")
	}
}

// sameDocument compares documents, if nothing is pending: structs that wait for a deleted
// type wait no longer when it has become a GC.
func sameDocument(t *testing.T, what string, a, b *yjs.Doc) {
	t.Helper()
	if a.HasPending() || b.HasPending() {
		return
	}
	differs(t, what+": state vector", b.EncodeStateVector(), a.EncodeStateVector(), nil)
	differs(t, what+": state", state(t, b), state(t, a), nil)
	// The order of the roots is that of their first use, which depends on pending structs.
	if got, want := rootsOf(t, b), rootsOf(t, a); !maps.Equal(got, want) {
		t.Errorf("%s: JSON\n got %s\nwant %s", what, got, want)
	}
}

func rootsOf(t *testing.T, d *yjs.Doc) map[string]string {
	t.Helper()
	var raw map[string]json.RawMessage
	text, err := d.AppendJSON(nil, nil, 1<<20)
	if err == nil {
		err = json.Unmarshal(text, &raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	roots := map[string]string{}
	for name, content := range raw {
		roots[name] = string(content)
	}
	return roots
}

func TestDroppingKeepsClocksAndDeletions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		update := merge(t, drawUpdate(t, h), drawUpdate(t, h))
		dropped, err := yjs.DropDeleted(update)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := clocks(t, dropped), clocks(t, update); got != want {
			t.Fatalf("%x became %x: it holds %s, want %s", update, dropped, got, want)
		}
	})
}

// Dropping takes a few times its input in memory, and no more time than merging.
func TestDroppingTakesFewTimesItsInput(t *testing.T) {
	pairs := bytes.Repeat([]byte("\U0001f600"), 200_000)
	halves := lib0.AppendBytes([]byte{1, 1, 1, 0, 4, 1, 1, 't'}, pairs)
	for name, update := range map[string][]byte{
		"a string split by deletions": yjstest.SplitByRanges(450_000),
		"pairs of which halves go":    append(halves, yjstest.Deletes(1, 200_000)[1:]...),
		"items that do not merge":     yjstest.Unmerged(7, 400_000),
		"deletions":                   yjstest.Deletes(0, 500_000),
	} {
		held := allocated()
		if _, err := yjs.DropDeleted(update); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if grew := allocated() - held; grew > 30*uint64(len(update)) {
			t.Errorf("%s: dropping from %d bytes allocated %d", name, len(update), grew)
		}
	}
}
