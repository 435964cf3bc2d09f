package yjs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"testing"

	"tidemark/shared/yjs"
)

// A conformanceCase is a random document of several clients, as yjs 13.6.33
// integrated it. Delivery is shuffled, duplicated, merged or incomplete.
type conformanceCase struct {
	Seed    int
	GC      bool
	Updates [][]byte
	Events  [][][]byte // the update events after each update
	State   []byte
	SV      []byte
	DiffSV  []byte
	Diff    []byte
	StateV2 []byte
	Pending bool
	Texts   []string // of the roots text and ré
}

func TestConformance(t *testing.T) {
	for _, c := range readCases[conformanceCase](t, "yjs13-conformance-small.jsonl.gz") {
		d := yjs.New(yjs.Options{KeepDeleted: !c.GC})
		for n, update := range c.Updates {
			event, err := d.Apply(update)
			if err != nil {
				t.Fatalf("seed %d, update %d: %v", c.Seed, n, err)
			}
			var want []byte
			if len(c.Events[n]) > 0 {
				want = c.Events[n][0]
			}
			if !bytes.Equal(event, want) && len(c.Events[n]) < 2 {
				t.Fatalf("seed %d, update %d %x: event\ngot  %x\nwant %x", c.Seed, n, update, event, want)
			}
		}
		sv, err := yjs.DecodeStateVector(c.DiffSV)
		if err != nil {
			t.Fatal(err)
		}
		v1, err1 := d.AppendState(nil, nil)
		diff, err2 := d.AppendState(nil, sv)
		stateV2, err3 := d.EncodeStateAsUpdateV2(nil)
		if err1 != nil || err2 != nil || err3 != nil || d.HasPending() != c.Pending {
			t.Fatalf("seed %d: %v, %v, %v, pending %v, want %v", c.Seed, err1, err2, err3, d.HasPending(), c.Pending)
		}
		for _, x := range []struct {
			what      string
			got, want []byte
		}{
			{"state vector", d.EncodeStateVector(), c.SV},
			{"state", v1, c.State},
			{"state V2", stateV2, c.StateV2},
			{"difference", diff, c.Diff},
		} {
			if !bytes.Equal(x.got, x.want) {
				t.Errorf("seed %d: %s\ngot  %x\nwant %x", c.Seed, x.what, x.got, x.want)
			}
		}
		if t.Failed() {
			return
		}
		testV2(t, v1, c)
		loadAgain(t, v1, c)
	}
}

// testV2 applies the state in format V2, which must have the same effect as V1.
func testV2(t *testing.T, v1 []byte, c conformanceCase) {
	t.Helper()
	d, want := yjs.New(yjs.Options{KeepDeleted: !c.GC}), yjs.New(yjs.Options{KeepDeleted: !c.GC})
	if _, err := d.ApplyV2(c.StateV2); err != nil {
		t.Fatalf("seed %d: apply V2: %v", c.Seed, err)
	}
	mustApply(t, want, v1)
	if got, want := state(t, d), state(t, want); !bytes.Equal(got, want) {
		t.Errorf("seed %d: state of V2\ngot  %x\nwant %x", c.Seed, got, want)
	}
}

// loadAgain loads a state into a new document, whose state must then be the same.
// Its bytes may be fewer: the load also joins neighbours that became joinable
// unnoticed, such as the old values of a map key whose type was deleted.
func loadAgain(t *testing.T, state []byte, c conformanceCase) {
	t.Helper()
	load := func(state []byte) (*yjs.Doc, []byte) {
		d := yjs.New(yjs.Options{KeepDeleted: !c.GC})
		if err := d.Load(state); err != nil {
			t.Fatalf("seed %d: load: %v", c.Seed, err)
		}
		again, err := d.AppendState(nil, nil)
		if err != nil || len(again) > len(state) {
			t.Fatalf("seed %d: %d bytes became %d, %v", c.Seed, len(state), len(again), err)
		}
		return d, again
	}
	d, again := load(state)
	if got := d.EncodeStateVector(); !bytes.Equal(got, c.SV) {
		t.Errorf("seed %d: loaded again, state vector\ngot  %x\nwant %x", c.Seed, got, c.SV)
	}
	if _, third := load(again); !bytes.Equal(third, again) {
		t.Errorf("seed %d: loaded twice\ngot  %x\nwant %x", c.Seed, third, again)
	}
}

// A snapshot and its log compact to the state of a document that applied all updates.
func TestCompact(t *testing.T) {
	for _, c := range stateCases(t) {
		half := len(c.Updates) / 2
		snapshot, err := yjs.Compact(c.Updates[:half]...)
		if err != nil {
			t.Fatalf("seed %d: %v", c.Seed, err)
		}
		got, err := yjs.Compact(append([][]byte{snapshot}, c.Updates[half:]...)...)
		if err != nil {
			t.Fatalf("seed %d: %v", c.Seed, err)
		}
		d := yjs.New(yjs.Options{})
		if err := d.Load(got); err != nil {
			t.Fatalf("seed %d: %v", c.Seed, err)
		}
		if got := d.EncodeStateVector(); !bytes.Equal(got, c.SV) {
			t.Errorf("seed %d: state vector\ngot  %x\nwant %x", c.Seed, got, c.SV)
		}
	}
	if _, err := yjs.Compact([]byte{0, 0}, []byte{1}); err == nil {
		t.Error("compacted half an update")
	}
}

func TestTracesEqualYjs(t *testing.T) {
	for _, name := range []string{"friendsforever", "rustcode", "sveltecomponent"} {
		t.Run(name, func(t *testing.T) {
			var want struct{ StateV1Sha256, TextSha256 string }
			if err := readJSON(t, "trace-"+name+".json", &want); err != nil {
				t.Fatal(err)
			}
			d := yjs.New(yjs.Options{})
			for n, update := range readLog(t, "trace-"+name+".bin.gz", 0) {
				if event, err := d.Apply(update); err != nil || event == nil {
					t.Fatalf("update %d: event %x, %v", n, event, err)
				}
			}
			state, err := d.EncodeStateAsUpdate(nil)
			if got := hash(state); err != nil || got != want.StateV1Sha256 {
				t.Errorf("state of %d bytes: got %s, %v; want %s", len(state), got, err, want.StateV1Sha256)
			}
			if got := hash(d.AppendText(nil, "text")); got != want.TextSha256 {
				t.Errorf("text: got %s, want %s", got, want.TextSha256)
			}
		})
	}
}

func readJSON(t *testing.T, name string, v any) error {
	b, err := os.ReadFile(dataFolder + name)
	if err != nil {
		t.Skip("needs ", err)
	}
	return json.Unmarshal(b, v)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestB4EqualsYjs(t *testing.T) {
	want, err := io.ReadAll(openData(t, "b4-final.v1.bin.gz"))
	if err != nil {
		t.Fatal(err)
	}
	d := yjs.New(yjs.Options{})
	for n, update := range readLog(t, "b4-updates.bin.gz", 0) {
		if event, err := d.Apply(update); err != nil || !bytes.Equal(event, update) {
			t.Fatalf("update %d %x: event %x, %v", n, update, event, err)
		}
	}
	if got, err := d.EncodeStateAsUpdate(nil); err != nil || !bytes.Equal(got, want) {
		t.Errorf("state of %d bytes, %v; want %d bytes", len(got), err, len(want))
	}
	loaded := yjs.New(yjs.Options{})
	if err := loaded.Load(want); err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.EncodeStateAsUpdate(nil); err != nil || !bytes.Equal(got, want) {
		t.Errorf("loaded: state of %d bytes, %v; want %d bytes", len(got), err, len(want))
	}
	t.Logf("bytes held: %d loaded, %d edited", loaded.Size(), d.Size())
}
