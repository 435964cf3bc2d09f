package yjs_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// A history holds the structs of some clients, whose bytes are the same in each update.
// Client c+1 wrote history[c].
type history [][]writtenStruct

type writtenStruct struct {
	clock, length uint64
	bytes         []byte
}

// drawHistory draws structs of all kinds but GC and Skip, which merging joins and
// renews. Every struct but a client's first hangs on the one before, a first one
// in a root type.
func drawHistory(t *rapid.T) history {
	h := make(history, rapid.IntRange(1, 3).Draw(t, "clients"))
	for c := range h {
		clock := uint64(0)
		for i := range rapid.IntRange(1, 8).Draw(t, "structs") {
			s := writtenStruct{clock: clock, length: 1}
			place := []byte{1, 1, 't'}
			flags := byte(0)
			if i > 0 {
				flags = 0x80
				place = lib0.AppendUint(lib0.AppendUint(nil, uint64(c+1)), clock-1)
			}
			ref := rapid.SampledFrom([]byte{1, 3, 4, 4, 4, 5, 6, 7, 8}).Draw(t, "ref")
			s.bytes = append([]byte{flags | ref}, place...)
			s.bytes = append(s.bytes, drawContent(t, ref, &s.length)...)
			clock += s.length
			h[c] = append(h[c], s)
		}
	}
	return h
}

func drawContent(t *rapid.T, ref byte, length *uint64) []byte {
	switch ref {
	case 1:
		*length = rapid.Uint64Range(1, 5).Draw(t, "length")
		return lib0.AppendUint(nil, *length)
	case 3:
		return lib0.AppendBytes(nil, rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "binary"))
	case 4:
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab\u00e9\u20ac\U0001f600")), 1, 5, -1).Draw(t, "text")
		*length = uint64(lib0.UTF16Len([]byte(text)))
		return lib0.AppendString(nil, text)
	case 5:
		return lib0.AppendString(nil, `{"image":[1,2.5,"x"]}`)
	case 6:
		return lib0.AppendString(lib0.AppendString(nil, "bold"), "null")
	case 7:
		return []byte{rapid.SampledFrom([]byte{0, 1, 2, 4, 6}).Draw(t, "type")}
	}
	*length = rapid.Uint64Range(1, 4).Draw(t, "length")
	return append(lib0.AppendUint(nil, *length), bytes.Repeat([]byte{lib0.TagTrue}, int(*length))...)
}

// drawUpdate draws some of the history: for each client a run of its structs, or
// nothing, and a few deletes.
func drawUpdate(t *rapid.T, h history) []byte {
	var blocks, deletes []byte
	nBlocks, nDeletes := uint64(0), uint64(0)
	for c := len(h) - 1; c >= 0; c-- {
		from := rapid.IntRange(0, len(h[c])).Draw(t, "from")
		to := rapid.IntRange(from, len(h[c])).Draw(t, "to")
		if from < to {
			nBlocks++
			blocks = lib0.AppendUint(blocks, uint64(to-from))
			blocks = lib0.AppendUint(blocks, uint64(c+1))
			blocks = lib0.AppendUint(blocks, h[c][from].clock)
			for _, s := range h[c][from:to] {
				blocks = append(blocks, s.bytes...)
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "deletes") == 0 {
			nDeletes++
			deletes = append(lib0.AppendUint(deletes, uint64(c+1)), 1)
			deletes = lib0.AppendUint(deletes, rapid.Uint64Range(0, 9).Draw(t, "clock"))
			deletes = lib0.AppendUint(deletes, rapid.Uint64Range(1, 5).Draw(t, "length"))
		}
	}
	update := append(lib0.AppendUint(nil, nBlocks), blocks...)
	return append(lib0.AppendUint(update, nDeletes), deletes...)
}

func merge(t *rapid.T, updates ...[]byte) []byte {
	merged, err := yjs.MergeUpdates(updates...)
	if err != nil {
		t.Fatalf("merge %x: %v", updates, err)
	}
	return merged
}

func TestMergeIsASetUnion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		updates := make([][]byte, rapid.IntRange(2, 6).Draw(t, "updates"))
		for i := range updates {
			updates[i] = drawUpdate(t, h)
		}
		all := merge(t, updates...)
		if _, err := yjs.Validate(all, yjs.Limits{}); err != nil {
			t.Fatalf("%x merged to %x: %v", updates, all, err)
		}
		if got := merge(t, rapid.Permutation(updates).Draw(t, "order")...); !bytes.Equal(got, all) {
			t.Fatalf("%x in another order:\n got %x\nwant %x", updates, got, all)
		}
		n := rapid.IntRange(1, len(updates)-1).Draw(t, "split")
		if got := merge(t, merge(t, updates[:n]...), merge(t, updates[n:]...)); !bytes.Equal(got, all) {
			t.Fatalf("%x, %d and the others first:\n got %x\nwant %x", updates, n, got, all)
		}
		again := updates[rapid.IntRange(0, len(updates)-1).Draw(t, "again")]
		if got := merge(t, all, again); !bytes.Equal(got, all) {
			t.Fatalf("%x, and %x again:\n got %x\nwant %x", updates, again, got, all)
		}
	})
}

// The update that a peer lacks and the state that it has make the whole.
func TestDiffIsWhatThePeerLacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		var whole yjs.Log
		for range rapid.IntRange(1, 4).Draw(t, "updates") {
			if err := whole.Append(drawUpdate(t, h)); err != nil {
				t.Fatal(err)
			}
		}
		var peer yjs.Log
		if err := peer.Append(drawUpdate(t, h)); err != nil {
			t.Fatal(err)
		}
		sv, err := peer.StateVector()
		if err != nil {
			t.Fatal(err)
		}
		diff, err := whole.Diff(sv)
		if err != nil {
			t.Fatal(err)
		}
		if err := peer.Append(diff); err != nil {
			t.Fatalf("the difference to %x: %x: %v", sv, diff, err)
		}
		has, err := peer.State()
		if err != nil {
			t.Fatal(err)
		}
		state, err := whole.State()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := clocks(t, has), clocks(t, merge(t, has, state)); got != want {
			t.Fatalf("the peer that had %x got %x: it has %s, with the whole %s", sv, diff, got, want)
		}
	})
}

// clocks returns the clocks of an update, without Skips.
func clocks(t *rapid.T, update []byte) string {
	vector, err := yjs.StateVectorFromUpdate(update)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := yjs.ParseUpdateMeta(update)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x %v", vector, meta)
}

func TestV2SaysTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		update := drawUpdate(t, drawHistory(t))
		v2, err := yjs.ConvertV1ToV2(update)
		if err != nil {
			t.Fatal(err)
		}
		v1, err := yjs.ConvertV2ToV1(v2)
		if err != nil || !bytes.Equal(v1, merge(t, update, nothing)) {
			t.Fatalf("%x: V2 %x, back %x, %v", update, v2, v1, err)
		}
		sv := []byte{1, 1, 2}
		fromV2, err := yjs.DiffUpdateV2(v2, sv)
		if err == nil {
			fromV2, err = yjs.ConvertV2ToV1(fromV2)
		}
		diff, _ := yjs.DiffUpdate(update, sv)
		if err != nil || !bytes.Equal(fromV2, diff) {
			t.Fatalf("%x: diff of V2 %x, %v, of V1 %x", update, fromV2, err, diff)
		}
		vector, err := yjs.StateVectorFromUpdateV2(v2)
		if want, _ := yjs.StateVectorFromUpdate(update); err != nil || !bytes.Equal(vector, want) {
			t.Fatalf("%x: state vector of V2 %x, %v, of V1 %x", update, vector, err, want)
		}
	})
}

var nothing = []byte{0, 0}

func FuzzMerge(f *testing.F) {
	small := smallUpdates(f)
	for i, update := range small {
		f.Add(update, small[(i+1)%len(small)], []byte{1, 7, 1})
	}
	f.Fuzz(func(t *testing.T, a, b, sv []byte) {
		yjs.DiffUpdate(a, sv)
		yjs.DropDeleted(a)
		for range yjs.Pieces(a, 10) {
		}
		_, errA := yjs.Validate(a, yjs.Limits{})
		_, errB := yjs.Validate(b, yjs.Limits{})
		if errA != nil || errB != nil {
			yjs.MergeUpdates(a, b)
			return
		}
		merged, err := yjs.MergeUpdates(a, b)
		if err != nil {
			t.Fatalf("merge %x and %x: %v", a, b, err)
		}
		other, err := yjs.MergeUpdates(b, a)
		if err != nil {
			t.Fatalf("merge %x and %x: %v", b, a, err)
		}
		// Contents that contradict each other may win by order, clocks may not.
		has, err := yjs.Validate(merged, yjs.Limits{})
		if err != nil {
			t.Fatalf("%x and %x merged to %x: %v", a, b, merged, err)
		}
		hasOther, err := yjs.Validate(other, yjs.Limits{})
		if err != nil {
			t.Fatalf("%x and %x merged to %x: %v", b, a, other, err)
		}
		deletes, deletesOther := slices.Collect(has.DeleteRanges()), slices.Collect(hasOther.DeleteRanges())
		if !slices.Equal(has.Structs, hasOther.Structs) || !slices.Equal(deletes, deletesOther) {
			t.Fatalf("%x and %x merged to %x, in the other order to %x", a, b, merged, other)
		}
		pieces := [][]byte{nothing}
		for piece, err := range yjs.Pieces(merged, len(sv)) {
			if err != nil {
				t.Fatalf("pieces of %x: %v", merged, err)
			}
			pieces = append(pieces, piece)
		}
		if again, err := yjs.MergeUpdates(pieces...); err != nil {
			t.Fatalf("%x in pieces %x: %v", merged, pieces, err)
		} else if held, err := yjs.Validate(again, yjs.Limits{}); err != nil || !slices.Equal(held.Structs, has.Structs) || !slices.Equal(slices.Collect(held.DeleteRanges()), deletes) {
			t.Fatalf("%x in pieces %x: together %x, %v", merged, pieces, again, err)
		}
		dropped, err := yjs.DropDeleted(merged)
		if err != nil {
			t.Fatalf("drop from %x: %v", merged, err)
		}
		left, err := yjs.Validate(dropped, yjs.Limits{})
		if err != nil || !slices.Equal(left.Structs, has.Structs) || !slices.Equal(slices.Collect(left.DeleteRanges()), deletes) {
			t.Fatalf("%x dropped to %x, %v", merged, dropped, err)
		}
	})
}
