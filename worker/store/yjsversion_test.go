//go:build !js

package store

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersionsAreKeptWhole(t *testing.T) {
	y, ctx := NewYjs(openDB(t)), context.Background()
	large := bytes.Repeat([]byte{0, 1, 2, 255}, versionChunk/2) // two rows
	small := []byte("small")
	for i, state := range [][]byte{large, small} {
		v := YjsVersion{ID: string(rune('a' + i)), Name: "n", Subject: "s", CreatedAt: 1_700_000_000_000}
		if err := y.PutVersion(ctx, "r", v, state); err != nil {
			t.Fatal(err)
		}
		if err := y.PutVersion(ctx, "r", v, state); err == nil {
			t.Error("a version was overwritten")
		}
		got, err := y.Version(ctx, "r", v.ID, Budget{})
		if err != nil || !bytes.Equal(got, state) {
			t.Errorf("got %d bytes, want %d, %v", len(got), len(state), err)
		}
	}
	list, err := y.Versions(ctx, "r", "", 10)
	want := []YjsVersion{
		{ID: "b", Name: "n", Subject: "s", CreatedAt: 1_700_000_000_000, Bytes: len(small)},
		{ID: "a", Name: "n", Subject: "s", CreatedAt: 1_700_000_000_000, Bytes: len(large)},
	}
	if d := cmp.Diff(want, list); d != "" || err != nil {
		t.Error(d, err)
	}
	if page, err := y.Versions(ctx, "r", "b", 1); len(page) != 1 || page[0].ID != "a" || err != nil {
		t.Errorf("before b: %v, %v", page, err)
	}
	if got, err := y.Version(ctx, "other", "a", Budget{}); got != nil || err != nil {
		t.Errorf("another room's: %d bytes, %v", len(got), err)
	}
	if err := y.DeleteVersions(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	if list, err := y.Versions(ctx, "r", "", 10); len(list) != 0 || err != nil {
		t.Errorf("after delete: %v, %v", list, err)
	}
}
