//go:build !js

package documents

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/abi"
	"tidemark/worker/store"
)

func TestADocumentOfManyPartsComesBackWhole(t *testing.T) {
	db := openDB(t)
	y, ctx := NewCopies(db), context.Background()
	state := bytes.Repeat([]byte("abcdefg"), 1000)
	const chunk = 600 // 12 parts
	for version := int64(10); version < 12; version++ {
		for n := len(state) / chunk; n >= 1; n-- {
			if err := y.PutPart(ctx, "r", version, n, state[n*chunk:min(len(state), (n+1)*chunk)]); err != nil {
				t.Fatal(err)
			}
		}
		if version == 11 { // before it counts, the former one does
			got, v, err := y.Load(ctx, "r")
			if err != nil || v != 10 || !bytes.Equal(got, state) {
				t.Errorf("while another is written: version %d, %d bytes, %v", v, len(got), err)
			}
		}
		if err := y.Commit(ctx, "r", version, state[:chunk]); err != nil {
			t.Fatal(err)
		}
	}
	got, v, err := y.Load(ctx, "r")
	if err != nil || v != 11 || !bytes.Equal(got, state) {
		t.Errorf("got version %d, %d bytes, %v", v, len(got), err)
	}
	count := func() float64 {
		results, err := db.Batch(ctx, []abi.Statement{{SQL: "SELECT count(*) FROM YjsRoomParts"}})
		if err != nil {
			t.Fatal(err)
		}
		return store.Number(results[0], 0)
	}
	if n := count(); n != 11 {
		t.Errorf("%v parts are kept, want 11", n)
	}
	if err := y.Commit(ctx, "r", 9, nil); err == nil {
		t.Error("an earlier version replaced a later one")
	}
	if err := y.Delete(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	if got, _, err := y.Load(ctx, "r"); got != nil || err != nil || count() != 0 {
		t.Errorf("after delete: %d bytes, %v, %v parts", len(got), err, count())
	}
}

func TestARoomOfAnotherBackendIsRead(t *testing.T) {
	db := openDB(t)
	state := []byte{0xfb, 0xff, 0xfe, 1}
	for room, text := range map[string]string{
		"std":  base64.StdEncoding.EncodeToString(state),
		"raw":  base64.RawStdEncoding.EncodeToString(state),
		"url":  base64.URLEncoding.EncodeToString(state),
		"line": base64.StdEncoding.EncodeToString(state) + "\n",
	} {
		_, err := db.Batch(context.Background(), []abi.Statement{
			{SQL: "INSERT INTO YjsRooms VALUES (?1, ?2, 5)", Args: []any{room, text}}})
		if err != nil {
			t.Fatal(err)
		}
		got, version, err := NewCopies(db).Load(context.Background(), room)
		if err != nil || version != 5 || !bytes.Equal(got, state) {
			t.Errorf("%s: got %x, version %d, %v", room, got, version, err)
		}
	}
	large := bytes.Repeat(state, inlineBytes/2) // read in two steps, whatever time the backend wrote
	for room, updatedAt := range map[string]any{"number": 5, "fraction": 5.5, "far": 1e17, "text": "2026-11-01 12:00:00"} {
		_, err := db.Batch(context.Background(), []abi.Statement{
			{SQL: "INSERT INTO YjsRooms VALUES (?1, ?2, ?3)", Args: []any{room, base64.StdEncoding.EncodeToString(large), updatedAt}}})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := NewCopies(db).Load(context.Background(), room); err != nil || !bytes.Equal(got, large) {
			t.Errorf("%s: got %d bytes of %d, %v", room, len(got), len(large), err)
		}
	}
	db.Batch(context.Background(), []abi.Statement{{SQL: "INSERT INTO YjsRooms VALUES ('bad', 'ab*d', 5), ('null', NULL, 5)"}})
	if _, _, err := NewCopies(db).Load(context.Background(), "bad"); err == nil {
		t.Error("what is not Base64 was read")
	}
	if got, _, err := NewCopies(db).Load(context.Background(), "null"); len(got) != 0 || err != nil {
		t.Errorf("a row without a state: %x, %v", got, err)
	}
}

func TestRoomsAreListedByPrefixInPages(t *testing.T) {
	db := openDB(t)
	y, ctx := NewCopies(db), context.Background()
	for _, room := range []string{"a", "a-1", "a-2", "a-😀", "b%_", "b"} {
		if err := y.Commit(ctx, room, 7, []byte{0, 0}); err != nil {
			t.Fatal(err)
		}
	}
	names := func(prefix, after string, limit int) string {
		rooms, err := y.List(ctx, prefix, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range rooms {
			names = append(names, r.Room)
		}
		return strings.Join(names, " ")
	}
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          string
	}{
		{"", "", 10, "a a-1 a-2 a-😀 b b%_"},
		{"a-", "", 2, "a-1 a-2"},
		{"a-", "a-2", 2, "a-😀"},
		{"b%", "", 9, "b%_"},
		{"c", "", 9, ""},
	} {
		if got := names(c.prefix, c.after, c.limit); got != c.want {
			t.Errorf("prefix %q after %q: got %q, want %q", c.prefix, c.after, got, c.want)
		}
	}
}

// The list has the length of each state, whose Base64 may end with a padding.
func TestTheListHasTheLengthOfEachCopy(t *testing.T) {
	db := openDB(t)
	y, ctx := NewCopies(db), context.Background()
	for n := range 5 {
		if err := y.Commit(ctx, string(rune('a'+n)), 7, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	for version := int64(8); version < 10; version++ { // the parts of the later one wait for their first
		for part := 2; part >= 1; part-- {
			if err := y.PutPart(ctx, "parts", version, part, make([]byte, 300)); err != nil {
				t.Fatal(err)
			}
		}
		if version == 8 {
			if err := y.Commit(ctx, "parts", version, make([]byte, 300)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := db.Batch(ctx, []abi.Statement{{SQL: "INSERT INTO YjsRooms VALUES ('null', NULL, 5)"}}); err != nil {
		t.Fatal(err)
	}
	rooms, err := y.List(ctx, "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, r := range rooms {
		got[r.Room] = r.Bytes
	}
	want := map[string]int64{"a": 0, "b": 3, "c": 3, "d": 3, "e": 6, "parts": 900, "null": 0}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
