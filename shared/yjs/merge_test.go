package yjs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yjs/yjstest"
)

func TestMergeDiffAndStateVectorEqualYjs(t *testing.T) {
	for i, c := range mergeCases(t) {
		merged, err := yjs.MergeUpdates(c.In...)
		differs(t, fmt.Sprintf("case %d: merge", i), merged, c.Merged, err)
		sv, err := yjs.StateVectorFromUpdate(c.Merged)
		differs(t, fmt.Sprintf("case %d: state vector", i), sv, c.SV, err)
		diff, err := yjs.DiffUpdate(c.Merged, c.DiffSV)
		differs(t, fmt.Sprintf("case %d: diff", i), diff, c.Diff, err)
		v2, err := yjs.ConvertV1ToV2(c.Merged)
		differs(t, fmt.Sprintf("case %d: V2", i), v2, c.V2, err)
		v1, err := yjs.ConvertV2ToV1(c.V2)
		differs(t, fmt.Sprintf("case %d: V1", i), v1, c.Merged, err)
		if t.Failed() {
			return
		}
	}
}

func TestV2OfStatesEqualsYjs(t *testing.T) {
	for _, c := range stateCases(t) {
		v2, err := yjs.ConvertV1ToV2(c.State)
		differs(t, fmt.Sprintf("seed %d: V2", c.Seed), v2, c.StateV2, err)
		v1, err := yjs.ConvertV2ToV1(c.StateV2)
		differs(t, fmt.Sprintf("seed %d: V1", c.Seed), v1, c.State, err)
		if t.Failed() {
			return
		}
	}
}

func TestMerge(t *testing.T) {
	const ab, bcd = "01 01 07 00 04 01 01 74 02 6162 00", "01 01 07 01 84 07 00 03 626364 00"
	for _, c := range []struct {
		name string
		in   []string
		want string
	}{
		{"nothing", nil, "00 00"},
		{"one update is not even read", []string{"ff"}, "ff"},
		{"empty updates", []string{"00 00", "00 00"}, "00 00"},
		{"the same twice", []string{ab, ab}, ab},
		{"an overlap is cut", []string{ab, bcd}, "01 02 07 00 04 01 01 74 02 6162 84 07 01 02 6364 00"},
		{"in the other order too", []string{bcd, ab}, "01 02 07 00 04 01 01 74 02 6162 84 07 01 02 6364 00"},
		{"a gap becomes a Skip", []string{ab, "01 01 07 05 00 01 00"}, "01 03 07 00 04 01 01 74 02 6162 0a 03 00 01 00"},
		{"a Skip is filled", []string{"01 03 07 00 00 01 0a 02 81 07 02 01 00", "01 01 07 01 81 07 00 02 00"}, "01 03 07 00 00 01 81 07 00 02 81 07 02 01 00"},
		{"a gap at the start is none", []string{"01 01 07 05 00 01 00", "00 00"}, "01 01 07 05 00 01 00"},
		{"GCs of two updates join", []string{"01 01 07 00 00 02 00", "01 01 07 02 00 03 00"}, "01 01 07 00 00 05 00"},
		{"GCs of one update do not", []string{"01 02 07 00 00 02 00 03 00", "00 00"}, "01 02 07 00 00 02 00 03 00"},
		{"clients descend", []string{"01 01 07 00 00 01 00", "01 01 09 00 00 01 00", "01 01 08 00 00 01 00"}, "03 01 09 00 00 01 01 08 00 00 01 01 07 00 00 01 00"},
		{"clients that ascend lose nothing", []string{"02 01 07 00 00 01 01 09 00 00 02 00", "01 01 09 01 00 02 00"}, "02 01 09 00 00 03 01 07 00 00 01 00"},
		{"a client with two blocks loses nothing", []string{"02 01 07 05 00 01 01 07 00 00 05 00", "00 00"}, "01 02 07 00 00 05 00 01 00"},
		{"delete sets are joined", []string{"00 01 07 02 05 01 00 02", "00 02 08 01 00 01 07 01 02 03"}, "00 02 08 01 00 01 07 01 00 06"},
		{"an inherited map key loses its flag", []string{"01 01 07 01 a8 07 00 01 7e 00", "00 00"}, "01 01 07 01 88 07 00 01 7e 00"},
		{"a GC before the item it replaces", []string{ab, "01 01 07 00 00 02 00"}, "01 01 07 00 00 02 00"},
		{"the item before the GC", []string{"01 01 07 00 00 02 00", ab}, ab},
	} {
		var in [][]byte
		for _, update := range c.in {
			in = append(in, unhex(t, update))
		}
		got, err := yjs.MergeUpdates(in...)
		differs(t, c.name, got, unhex(t, c.want), err)
		if len(in) == 1 {
			continue
		}
		for i, update := range in {
			if in[i], err = yjs.ConvertV1ToV2(update); err != nil {
				t.Fatal(err)
			}
		}
		v2, err := yjs.MergeUpdatesV2(in...)
		if err != nil {
			t.Errorf("%s, in V2: %v", c.name, err)
			continue
		}
		got, err = yjs.ConvertV2ToV1(v2)
		differs(t, c.name+", in V2", got, unhex(t, c.want), err)
	}
}

// Blocks out of order must not cost more than others, as they would if each were a
// stream of its own.
func TestMergeOfManyBlocksOutOfOrder(t *testing.T) {
	const clients = 100_000
	update := lib0.AppendUint(nil, clients)
	for client := uint64(1); client <= clients; client++ {
		update = append(lib0.AppendUint(append(update, 1), client), 0, 0, 1)
	}
	update = append(update, 0)
	before := allocated()
	merged, err := yjs.MergeUpdates(update, nothing)
	if n := allocated() - before; n > 40*uint64(len(update)) {
		t.Errorf("%d bytes took %d bytes of memory", len(update), n)
	}
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := yjs.ParseUpdateMeta(merged)
	if err != nil || len(ranges) != clients || ranges[0].Client != clients || ranges[clients-1].Client != 1 {
		t.Errorf("%d clients, %v, want %d, descending", len(ranges), err, clients)
	}
	overlap := unhex(t, "02 01 07 00 00 05 01 07 04 00 01 00")
	if got, err := yjs.MergeUpdates(overlap, nothing); err == nil {
		t.Errorf("blocks of one client that overlap: got %x, want an error", got)
	}
}

func TestMergeNamesTheUpdateThatIsWrong(t *testing.T) {
	good := unhex(t, "01 01 07 00 00 01 00")
	for _, bad := range []string{"", "01 01 07 00 00 01", "01 01 07 00 00 00 00", "00 00 00"} {
		_, err := yjs.MergeUpdates(good, good, unhex(t, bad))
		var at *lib0.Error
		if !errors.As(err, &at) || !strings.Contains(err.Error(), "update 2") {
			t.Errorf("%q: got %v, want an offset in update 2", bad, err)
		}
	}
}

func TestV2OfB4EqualsYjs(t *testing.T) {
	state := readData(t, "b4-final.v1.bin.gz")
	stateV2 := readData(t, "b4-final.v2.bin.gz")
	v2, err := yjs.ConvertV1ToV2(state)
	differs(t, "V2", v2, stateV2, err)
	v1, err := yjs.ConvertV2ToV1(stateV2)
	differs(t, "V1", v1, state, err)
}

// yrs writes delete ranges that touch; merging joins them, as yjs does.
func TestMergeOfYrsStateEqualsYjs(t *testing.T) {
	merged, err := yjs.MergeUpdates(readData(t, "third-party/yrs-b4-update.v1.bin.gz"), nothing)
	if err != nil || len(merged) != 385_866 {
		t.Errorf("got %d bytes, %v, want 385866", len(merged), err)
	}
}

// Updates whose clients are in another order than yjs writes are copied once, and merged in
// the memory of the first attempt. docs/protocol.md, Y10.
func TestMergeOfUpdatesInAnotherOrderAllocatesLittle(t *testing.T) {
	a, b := yjstest.Ascending(10, 20_000, 150), yjstest.Ascending(200_000, 20_000, 150)
	before := allocated()
	if _, err := yjs.MergeUpdates(a, b); err != nil {
		t.Fatal(err)
	}
	if bytes, least := allocated()-before, uint64(len(a)+len(b)); bytes > 3*least {
		t.Errorf("allocated %d bytes for %d", bytes, least)
	}
}
