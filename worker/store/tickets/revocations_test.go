//go:build !js

package tickets

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

func TestAnInstanceReadsARevocationOnce(t *testing.T) {
	ctx := context.Background()
	s, now := NewSessions(wasmtest.OpenD1(t, store.Migrations())), noon
	at := time.UnixMilli(now.UnixMilli())
	read := func(after int64) ([]Revocation, int64) {
		t.Helper()
		list, last, err := s.Revocations(ctx, after)
		if err != nil {
			t.Fatal(err)
		}
		return list, last
	}
	revoke := func(r Revocation) {
		t.Helper()
		if err := s.Revoke(ctx, now, r); err != nil {
			t.Fatal(err)
		}
	}
	if list, last := read(0); len(list) != 0 || last != 0 {
		t.Fatalf("of none: %v, %d", list, last)
	}
	ann, token := Revocation{Subject: "ann", At: at}, Revocation{TokenID: "t1", At: at, Until: at.Add(time.Hour)}
	revoke(ann)
	revoke(token)
	list, last := read(0)
	if d := cmp.Diff([]Revocation{ann, token}, list); d != "" {
		t.Error(d)
	}
	if list, again := read(last); len(list) != 0 || again != last {
		t.Errorf("nothing new, and got %v, %d", list, again)
	}
	later := ann
	later.At = at.Add(time.Minute)
	revoke(later)
	if list, _ := read(last); cmp.Diff([]Revocation{later}, list) != "" {
		t.Errorf("got %v", list)
	}
	if list, _ := read(last + 1000); len(list) != 2 {
		t.Errorf("after the database was restored, got %v", list)
	}
	now = token.Until
	revoke(later)
	if list, _ := read(0); len(list) != 1 {
		t.Errorf("after one is over, got %v", list)
	}
}

func TestRevocationsAreBoundedAndReadInPieces(t *testing.T) {
	ctx := context.Background()
	s, now := NewSessions(wasmtest.OpenD1(t, store.Migrations())), noon
	_, err := s.db.Batch(ctx, []abi.Statement{{
		SQL: "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1) " +
			"INSERT INTO Revocations (Subject, TokenId, revoked_at) SELECT n, '', 1 FROM i",
		Args: []any{MaxRevocations},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if list, last, err := s.Revocations(ctx, 0); err != nil || len(list) != MaxRevocations || last != MaxRevocations {
		t.Errorf("%d, %d, %v", len(list), last, err)
	}
	if err := s.Revoke(ctx, now, Revocation{Subject: "one more", At: now}); !errors.Is(err, ErrRevocations) {
		t.Errorf("one more: %v", err)
	}
	if err := s.Revoke(ctx, now, Revocation{Subject: "7", At: now}); err != nil {
		t.Errorf("one of them again: %v", err)
	}
}

func TestASubjectThatComesBackWritesNothing(t *testing.T) {
	ctx := context.Background()
	s, now := NewSessions(wasmtest.OpenD1(t, store.Migrations())), noon
	enter := func(id auth.Identity, room string) {
		t.Helper()
		if _, _, err := s.Enter(ctx, now, id, Place{"YJS_ROOM", room}, 0); err != nil {
			t.Fatal(err)
		}
	}
	rows := func() float64 {
		t.Helper()
		results, err := s.db.Batch(ctx, []abi.Statement{{SQL: "SELECT count(*) FROM SocketPlaces"}})
		if err != nil {
			t.Fatal(err)
		}
		return store.Number(results[0], 0)
	}
	day := now.Truncate(24 * time.Hour)
	now = day.Add(time.Hour)
	enter(auth.Identity{Subject: "ann", Expires: day.Add(2 * time.Hour)}, "a")
	enter(auth.Identity{Subject: "ann", Expires: day.Add(3 * time.Hour)}, "a")
	if n := rows(); n != 1 {
		t.Errorf("%v rows of one subject in one room in a day", n)
	}
	enter(auth.Identity{Subject: "ann", ID: "t1", Expires: day.Add(3 * time.Hour)}, "b")
	enter(auth.Identity{Subject: "bob", ID: "t2"}, "c")
	for _, c := range []struct {
		r    Revocation
		want []Place
	}{
		{Revocation{Subject: "ann"}, []Place{{"YJS_ROOM", "a"}, {"YJS_ROOM", "b"}}},
		{Revocation{TokenID: "t1"}, []Place{{"YJS_ROOM", "b"}}},
		{Revocation{TokenID: "t2"}, []Place{{"YJS_ROOM", "c"}}},
		{Revocation{Subject: "eve"}, nil},
	} {
		if got, err := s.Places(ctx, c.r, Place{}, 10); err != nil || cmp.Diff(c.want, got) != "" {
			t.Errorf("%+v: %v, %v", c.r, got, err)
		}
	}
	if got, err := s.Places(ctx, Revocation{Subject: "ann"}, Place{"YJS_ROOM", "a"}, 10); err != nil || len(got) != 1 {
		t.Errorf("after a: %v, %v", got, err)
	}
	now = day.Add(24 * time.Hour)
	enter(auth.Identity{Subject: "bob", ID: "t2"}, "c")
	if n := rows(); n != 1 {
		t.Errorf("the next day there are %v rows", n)
	}
	for room := range 3 {
		enter(auth.Identity{Subject: "bob"}, fmt.Sprint(room))
	}
	if got, err := s.Places(ctx, Revocation{Subject: "bob"}, Place{}, 2); err != nil || len(got) != 2 {
		t.Errorf("at most 2: %v, %v", got, err)
	}
}
