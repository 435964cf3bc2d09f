package yjs_test

import (
	"bytes"
	"errors"
	"testing"

	"tidemark/shared/yjs"
	"tidemark/shared/yjs/yjstest"
)

// The memory of splits, keys and clients shows only during integration.
func TestADocumentKeepsToItsMemoryBudget(t *testing.T) {
	const budget = 16 << 20
	for name, update := range map[string][]byte{
		"blocks without structs":       yjstest.EmptyBlocks(2_000_000),
		"a string split by deletions":  yjstest.SplitByRanges(450_000),
		"a string split by origins":    yjstest.SplitByOrigins(190_000),
		"clients only referred to":     yjstest.Foreign(230_000),
		"roots and keys":               yjstest.Keys(220_000),
		"items that do not merge":      yjstest.Unmerged(7, 400_000),
		"a scan of everything, 3.4 MB": yjstest.Scanning(0, 500_000, 50_000),
	} {
		for way, take := range map[string]func(*yjs.Doc) error{
			"Load":  func(d *yjs.Doc) error { return d.Load(update) },
			"Apply": func(d *yjs.Doc) error { _, err := d.Apply(update); return err },
		} {
			d := yjs.New(yjs.Options{MemoryBudget: budget})
			held := allocated()
			err := take(d)
			grew := allocated() - held
			if !errors.Is(err, yjs.ErrMemory) && !errors.Is(err, yjs.ErrPending) && !errors.Is(err, yjs.ErrSteps) {
				t.Errorf("%s: %s: got %v", name, way, err)
			}
			// decode makes space for as many structs as the update's bytes can hold.
			if most := 2*budget + 20*len(update); d.Size() > most || grew > 5*uint64(most) {
				t.Errorf("%s: %s: %d bytes of an update made %d in memory and %d allocated, want at most %d", name, way, len(update), d.Size(), grew, most)
			}
			d = yjs.New(yjs.Options{MemoryBudget: budget})
			if _, err := d.Apply(yjstest.Typed(0)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestMergingTakesFewTimesItsInput(t *testing.T) {
	for name, update := range map[string][]byte{
		"a string split by deletions": yjstest.SplitByRanges(450_000),
		"a string split by origins":   yjstest.SplitByOrigins(190_000),
		"clients only referred to":    yjstest.Foreign(230_000),
		"items that do not merge":     yjstest.Unmerged(7, 400_000),
		"deletions":                   yjstest.Deletes(0, 500_000),
		"blocks without structs":      yjstest.EmptyBlocks(250_000),
	} {
		held := allocated()
		_, err := yjs.MergeUpdates(update, yjstest.Typed(3))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if grew := allocated() - held; grew > 20*uint64(len(update)) {
			t.Errorf("%s: merging %d bytes allocated %d", name, len(update), grew)
		}
	}
}

// Each update reads the pending deletions again: that must count.
func TestWorkOnPendingDeletionsTakesSteps(t *testing.T) {
	for name, from := range map[string]int{"that stay away": 10_000, "that come": 0} {
		d := yjs.New(yjs.Options{StepBudget: 10_000_000})
		if err := d.Load(yjstest.Deletes(from, 400_000)); err != nil {
			t.Fatal(err)
		}
		var err error
		n := 0
		for ; n < 10_000 && err == nil; n++ {
			err = d.Load(yjstest.Typed(n))
		}
		if passes := 400_000 * n; from == 0 && (!errors.Is(err, yjs.ErrSteps) || passes > 20_000_000) {
			t.Errorf("%s: %d updates, %v", name, n, err)
		}
		if from > 0 && err != nil {
			t.Errorf("%s: update %d: %v", name, n, err)
		}
	}
}

func TestNoDeletionIsLostWhereTheBudgetEnds(t *testing.T) {
	const n = 1000
	d := yjs.New(yjs.Options{StepBudget: 1500})
	mustApply(t, d, yjstest.Typed(n)) // waits
	mustApply(t, d, yjstest.Deletes(0, n/2))
	for clock := range n {
		mustApply(t, d, yjstest.Typed(clock))
	}
	other := yjs.New(yjs.Options{})
	mustApply(t, other, state(t, d))
	if got := len(other.AppendText(nil, "t")); got != n/2+1 {
		t.Errorf("%d units of text are left, want %d", got, n/2+1)
	}
}

// Functions that read untrusted bytes allocate a small multiple of their length, and a
// constant. Records grow by doubling: the multiple is a record's size over its bytes on
// the wire, times five.
func FuzzMemory(f *testing.F) {
	addSeeds(f)
	for _, update := range [][]byte{
		yjstest.EmptyBlocks(500), yjstest.SplitByRanges(300), yjstest.SplitByOrigins(300), yjstest.Foreign(300), yjstest.Keys(300),
		yjstest.Unmerged(7, 500), yjstest.Ascending(3, 300, 2), yjstest.Deletes(5, 500), yjstest.Scanning(0, 300, 50), yjstest.Vector(500),
	} {
		f.Add(update)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		bound := func(name string, factor, start int, read func()) {
			t.Helper()
			held := allocated()
			read()
			if grew := allocated() - held; grew > uint64(factor*len(b)+start) {
				t.Fatalf("%s allocated %d bytes for %d: %x", name, grew, len(b), b)
			}
		}
		const start = 256 << 10
		bound("DecodeStateVector", 8, start, func() { yjs.DecodeStateVector(b) })
		bound("Validate", 80, start, func() { yjs.Validate(b, yjs.Limits{}) })
		bound("MergeUpdates", 100, start, func() { yjs.MergeUpdates(b, b) })
		bound("DiffUpdate", 60, start, func() { yjs.DiffUpdate(b, []byte{0}) })
		bound("DiffUpdate by it", 20, start, func() { yjs.DiffUpdate(nothing, b) })
		bound("StateVectorFromUpdate", 40, start, func() { yjs.StateVectorFromUpdate(b) })
		bound("Reauthor", 100, start, func() { yjs.Reauthor(b, 1<<40) })
		bound("Load", 200, 2*start, func() { yjs.New(yjs.Options{}).Load(b) })
		bound("LoadKept", 200, 2*start, func() { yjs.New(yjs.Options{}).LoadKept(bytes.Clone(b)) })
		bound("Load and more", 400, 4*start, func() {
			d := yjs.New(yjs.Options{})
			d.Apply(b)
			d.Apply(b)
			d.EncodeStateAsUpdate(nil)
		})
		// In V2 runs are free: their contents have a limit.
		bound("ConvertV2ToV1", 64*100, 100*100_000, func() { yjs.ConvertV2ToV1(b) })
	})
}
