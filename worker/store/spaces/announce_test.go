//go:build !js

package spaces

import (
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// W3: the directory's entry of a space and its row in the outbox are one transaction. A birth or
// deletion that was cut off and is repeated adds no second row.
func TestTheDirectoryNotesSpaces(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	d := NewDirectory(db)
	noted := func(what, want string) {
		t.Helper()
		results, err := db.Batch(background, []abi.Statement{{SQL: "SELECT type || ' ' || key FROM Webhooks ORDER BY n"}, {SQL: "DELETE FROM Webhooks"}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, row := range results[0].Rows {
			got += store.CellString(row[0]) + "; "
		}
		if got != want {
			t.Errorf("%s: noted %q, want %q", what, got, want)
		}
	}
	add := func(createdAt int64) {
		t.Helper()
		if err := d.Add(background, Entry{Name: "acme", CreatedAt: createdAt}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(createdAt int64) {
		t.Helper()
		if err := d.Remove(background, "acme", createdAt); err != nil {
			t.Fatal(err)
		}
	}
	add(5)
	remove(5)
	noted("without a receiver", "")
	d.Announce(true, true)
	add(5)
	add(5)
	noted("added twice", "space.created acme@5; ")
	add(5)
	noted("added again", "")
	remove(5)
	noted("removed", "space.deleted acme@5; ")
	remove(0)
	noted("removed although it was not there", "")
	remove(7)
	noted("removed before it was added", "space.deleted acme@7; ")
	add(8)
	remove(0)
	add(9)
	noted("made, deleted and made again", "space.created acme@8; space.deleted acme@8; space.created acme@9; ")
}
