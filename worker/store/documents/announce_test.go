//go:build !js

package documents

import (
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
	"tidemark/worker/store/outbox"
)

// W3: an update, and a deletion, are noted in their transaction. A deletion comes after the changes
// before it, and what changes later comes behind it.
func TestALogNotesWhatItWrites(t *testing.T) {
	l := newLog(t)
	if _, err := l.Open(); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	edit := func() yroom.Write {
		n++
		return yroom.Write{Row: &yroom.Row{N: n, First: n, Pieces: 1, Bytes: []byte{0}}}
	}
	noted := func() (types string) {
		t.Helper()
		results, err := l.Exec(abi.Statement{SQL: "SELECT type FROM Webhooks ORDER BY n"})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range results[0].Rows {
			types += store.CellString(row[0]) + " "
		}
		return types
	}
	write := func(w yroom.Write, want string) {
		t.Helper()
		announces := l.Announces(&w)
		before := noted()
		if err := l.Write(w); err != nil {
			t.Fatal(err)
		}
		if got := noted(); got != want || got != before && !announces {
			t.Errorf("noted %q, want %q; announces: %v", got, want, announces)
		}
	}
	const changed, deleted = "document.changed ", "document.deleted "
	write(edit(), "")
	l.Changed, l.Deleted = true, true
	write(yroom.Write{Sweep: true}, "")
	write(edit(), changed)
	write(edit(), changed)
	write(yroom.Write{Meta: &yroom.Meta{Last: n}, Deleted: true}, deleted)
	write(edit(), deleted+changed)
	write(yroom.Write{Meta: &yroom.Meta{Last: n}, Deleted: true}, deleted)
	write(yroom.Write{Meta: &yroom.Meta{Last: n}}, deleted)
	l.Changed = false
	write(edit(), deleted)
}

// The mark of an event is the number from which the room makes its ETag.
func TestTheMarkOfADocumentIsItsLastUpdate(t *testing.T) {
	l := newLog(t)
	mark := func(want int64) {
		t.Helper()
		stored, err := l.Open()
		if err != nil {
			t.Fatal(err)
		}
		results, err := l.Exec(abi.Statement{SQL: "SELECT " + outbox.OfDocument("")})
		if err != nil {
			t.Fatal(err)
		}
		if got := int64(store.Number(results[0], 0)); got != want || max(stored.Last, stored.Meta.Compacted) != want {
			t.Errorf("got %d, the room opens at %d, want %d", got, max(stored.Last, stored.Meta.Compacted), want)
		}
	}
	mark(0)
	for _, step := range []struct {
		write yroom.Write
		want  int64
	}{
		{yroom.Write{Row: &yroom.Row{N: 1, First: 1, Pieces: 1, Bytes: []byte{0}}}, 1},
		{yroom.Write{Row: &yroom.Row{N: 2, First: 2, Pieces: 1, Updates: 3, Bytes: []byte{0}}}, 4},
		{yroom.Write{Meta: &yroom.Meta{Compacted: 4, Last: 4}, Sweep: true}, 4},
		{yroom.Write{Row: &yroom.Row{N: 5, First: 5, Pieces: 1, Updates: 2, Bytes: []byte{0}}}, 6},
	} {
		if err := l.Write(step.write); err != nil {
			t.Fatal(err)
		}
		mark(step.want)
	}
}
