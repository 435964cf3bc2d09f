package yjs_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"tidemark/shared/yjs"
)

// A peer that gets a log's state has the same content as a document that applied the
// updates one by one. The clients of these sessions collected at different times, so
// the states may differ in which deleted items are GCs.
func TestLogHoldsWhatADocumentHolds(t *testing.T) {
	for _, c := range stateCases(t) {
		if c.Pending {
			continue
		}
		var log yjs.Log
		integrated := yjs.New(yjs.Options{KeepDeleted: true})
		order := rand.New(rand.NewPCG(uint64(c.Seed), 0)).Perm(len(c.Updates))
		for i := range order {
			if err := log.Append(c.Updates[order[i]]); err != nil {
				t.Fatalf("seed %d, update %d: %v", c.Seed, order[i], err)
			}
			if _, err := integrated.Apply(c.Updates[i]); err != nil {
				t.Fatalf("seed %d, update %d: %v", c.Seed, i, err)
			}
		}
		state, err := log.State()
		if err != nil {
			t.Fatalf("seed %d: %v", c.Seed, err)
		}
		joined := yjs.New(yjs.Options{KeepDeleted: true})
		if _, err := joined.Apply(state); err != nil || joined.HasPending() {
			t.Fatalf("seed %d: apply the log's state: %v, pending: %v", c.Seed, err, joined.HasPending())
		}
		sv, err := log.StateVector()
		differs(t, "state vector", sv, c.SV, err)
		differs(t, "delete set", joined.AppendDeleteSet(nil), integrated.AppendDeleteSet(nil), nil)
		// A peer of an older state and the difference have the whole.
		older := yjs.New(yjs.Options{KeepDeleted: true})
		for _, update := range c.Updates[:len(c.Updates)/2] {
			if _, err := older.Apply(update); err != nil {
				t.Fatal(err)
			}
		}
		diff, err := log.Diff(older.EncodeStateVector())
		if err != nil {
			t.Fatalf("seed %d: %v", c.Seed, err)
		}
		if _, err := older.Apply(diff); err != nil {
			t.Fatalf("seed %d: apply the difference: %v", c.Seed, err)
		}
		differs(t, "state vector after the difference", older.EncodeStateVector(), c.SV, nil)
		if t.Failed() {
			t.Fatalf("seed %d", c.Seed)
		}
	}
}

// If no client collects, the documents are equal byte for byte.
func TestLogOfATraceIsTheDocument(t *testing.T) {
	for _, name := range traces {
		t.Run(name, func(t *testing.T) {
			var log yjs.Log
			integrated := yjs.New(yjs.Options{KeepDeleted: true})
			updates := readLog(t, name, 20_000)
			for i, update := range updates {
				if err := log.Append(update); err != nil {
					t.Fatalf("update %d: %v", i, err)
				}
				if _, err := integrated.Apply(update); err != nil {
					t.Fatalf("update %d: %v", i, err)
				}
			}
			state, err := log.State()
			if err != nil {
				t.Fatal(err)
			}
			joined := yjs.New(yjs.Options{KeepDeleted: true})
			if _, err := joined.Apply(state); err != nil {
				t.Fatal(err)
			}
			want, _ := integrated.EncodeStateAsUpdate(nil)
			got, err := joined.EncodeStateAsUpdate(nil)
			differs(t, "state", got, want, err)
			t.Logf("%d updates of %d bytes: merged %d, integrated %d", len(updates), totalLen(updates), len(state), len(want))
		})
	}
}

func TestEmptyLog(t *testing.T) {
	var log yjs.Log
	for _, empty := range []string{"00 00", "01 00 07 00 00"} {
		if err := log.Append(unhex(t, empty)); err != nil {
			t.Fatal(err)
		}
	}
	state, err := log.State()
	differs(t, "state", state, []byte{0, 0}, err)
	sv, err := log.StateVector()
	differs(t, "state vector", sv, []byte{0}, err)
	diff, err := log.Diff([]byte{0})
	differs(t, "difference", diff, []byte{0, 0}, err)
	if log.Len() != 0 {
		t.Errorf("length %d, want 0", log.Len())
	}
}

func TestLogRefusesWhatIsNotAnUpdate(t *testing.T) {
	var log yjs.Log
	good := unhex(t, "01 01 07 00 00 01 00")
	if err := log.Append(good); err != nil {
		t.Fatal(err)
	}
	if err := log.Append(good[:5]); err == nil {
		t.Error("half an update was accepted")
	}
	state, err := log.State()
	differs(t, "state after a refused update", state, good, err)
}

// A log without reads merges now and then, and keeps no repeats.
func TestLogDoesNotGrowByRepeats(t *testing.T) {
	var log yjs.Log
	update := append(unhex(t, "01 01 07 00 04 01 01 74 a08d06"), bytes.Repeat([]byte{'a'}, 100_000)...)
	update = append(update, 0)
	for range 100 {
		if err := log.Append(bytes.Clone(update)); err != nil {
			t.Fatal(err)
		}
	}
	if limit := 3*len(update) + 1<<16; log.Len() > limit {
		t.Errorf("log of one update of %d bytes, 100 times: %d bytes, want at most %d", len(update), log.Len(), limit)
	}
}
