//go:build !js

package documents

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/abi"
	"tidemark/worker/store"
)

func TestVersionsAreKeptWhole(t *testing.T) {
	y, ctx := NewCopies(openDB(t)), context.Background()
	large := bytes.Repeat([]byte{0, 1, 2, 255}, versionChunk/2) // two rows
	small := []byte("small")
	for i, state := range [][]byte{large, small} {
		v := Version{ID: string(rune('a' + i)), Name: "n", Subject: "s", CreatedAt: 1_700_000_000_000}
		if err := y.PutVersion(ctx, "r", v, state); err != nil {
			t.Fatal(err)
		}
		if err := y.PutVersion(ctx, "r", v, state); err == nil {
			t.Error("a version was overwritten")
		}
		got, err := y.Version(ctx, "r", v.ID, store.Budget{})
		if err != nil || !bytes.Equal(got, state) {
			t.Errorf("got %d bytes, want %d, %v", len(got), len(state), err)
		}
	}
	list, err := y.Versions(ctx, "r", "", 10)
	want := []Version{
		{ID: "b", Name: "n", Subject: "s", CreatedAt: 1_700_000_000_000, Bytes: len(small)},
		{ID: "a", Name: "n", Subject: "s", CreatedAt: 1_700_000_000_000, Bytes: len(large)},
	}
	if d := cmp.Diff(want, list); d != "" || err != nil {
		t.Error(d, err)
	}
	if page, err := y.Versions(ctx, "r", "b", 1); len(page) != 1 || page[0].ID != "a" || err != nil {
		t.Errorf("before b: %v, %v", page, err)
	}
	if got, err := y.Version(ctx, "other", "a", store.Budget{}); got != nil || err != nil {
		t.Errorf("another room's: %d bytes, %v", len(got), err)
	}
	if err := y.DeleteVersions(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	if list, err := y.Versions(ctx, "r", "", 10); len(list) != 0 || err != nil {
		t.Errorf("after delete: %v, %v", list, err)
	}
}

// A measured database notes the longest text or blob that it answered.
type measured struct {
	store.DB
	longest int
}

func (m *measured) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	results, err := m.DB.Batch(ctx, statements)
	for _, r := range results {
		for _, row := range r.Rows {
			for _, cell := range row {
				m.longest = max(m.longest, len(store.CellText(cell)))
			}
		}
	}
	return results, err
}

// No state is read before its request holds the memory. (A hundred requests for a
// version at once once ended an instance: each had read 1.5 MB before.)
func TestNoStateIsReadBeforeMemoryIsHeld(t *testing.T) {
	db := &measured{DB: openDB(t)}
	y, ctx := NewCopies(db), context.Background()
	state := bytes.Repeat([]byte{1, 2, 3}, versionChunk/2)
	if err := y.PutVersion(ctx, "r", Version{ID: "v"}, state); err != nil {
		t.Fatal(err)
	}
	if err := y.PutPart(ctx, "r", 1, 1, state[versionChunk:]); err != nil {
		t.Fatal(err)
	}
	if err := y.Commit(ctx, "r", 1, state[:versionChunk]); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	held := 0
	b := store.Budget{Hold: func(_ context.Context, bytes int) error { held = bytes; return refused }}
	for what, read := range map[string]func(store.Budget) ([]byte, error){
		"a version": func(b store.Budget) ([]byte, error) { return y.Version(ctx, "r", "v", b) },
		"a document": func(b store.Budget) ([]byte, error) {
			state, _, err := y.LoadWithin(ctx, "r", b)
			return state, err
		},
	} {
		db.longest, held = 0, 0
		if _, err := read(b); !errors.Is(err, refused) || held < 2*len(state) || db.longest > inlineBytes {
			t.Errorf("%s: %v, %d bytes held, %d read", what, err, held, db.longest)
		}
		if got, err := read(store.Budget{}); err != nil || !bytes.Equal(got, state) {
			t.Errorf("%s: %d bytes of %d, %v", what, len(got), len(state), err)
		}
	}
}
