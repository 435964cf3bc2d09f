//go:build !js

package tickets

import (
	"context"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// noon is when the tests begin.
var noon = time.UnixMilli(1_700_000_000_000)

func TestATicketKeepsTheTokenThatItStandsFor(t *testing.T) {
	ctx := context.Background()
	for name, id := range map[string]auth.Identity{
		"every claim": {
			Subject: "alice", Scope: auth.Scope{Words: "sync:read"}, Rooms: auth.Rooms{Limited: true, Globs: "a\x00b*"},
			ID: "t1", Issued: noon.Add(-time.Hour), Expires: noon.Add(time.Hour),
		},
		"no claim": {Scope: auth.Scope{All: true}},
	} {
		s := New(wasmtest.OpenD1(t, store.Migrations()))
		until := noon.Add(30 * time.Second)
		if err := s.PutTicket(ctx, noon, "h", until, id); err != nil {
			t.Fatal(err)
		}
		got, found, err := s.TakeTicket(ctx, until.Add(-time.Millisecond), "h")
		if err != nil || !found || got != id {
			t.Errorf("%s: got %+v, %v, %v, want %+v", name, got, found, err, id)
		}
		if _, found, err = s.TakeTicket(ctx, noon, "h"); found || err != nil {
			t.Errorf("%s: taken twice: %v, %v", name, found, err)
		}
	}
}

func TestATakenTicketHasNoSpaces(t *testing.T) {
	ctx := context.Background()
	token := auth.Identity{Subject: "alice", Spaces: auth.Spaces{Limited: true, Grants: "acme\x00sync:read\x00*\x00yjs:read\x00"}}
	narrowed, named := token.In("acme")
	if !named {
		t.Fatalf("%+v does not name the space", token)
	}
	for name, c := range map[string]struct{ put, want auth.Identity }{
		"narrowed":     {narrowed, auth.Identity{Subject: "alice", Scope: auth.Scope{Words: "sync:read yjs:read"}}},
		"not narrowed": {token, auth.Identity{Subject: "alice"}},
	} {
		s := New(wasmtest.OpenD1(t, store.Migrations()))
		if err := s.PutTicket(ctx, noon, "h", noon.Add(time.Second), c.put); err != nil {
			t.Fatal(err)
		}
		got, found, err := s.TakeTicket(ctx, noon, "h")
		if err != nil || !found || got != c.want {
			t.Errorf("%s: got %+v, %v, %v, want %+v", name, got, found, err, c.want)
		}
		if in, named := got.In("acme"); named {
			t.Errorf("%s: the ticket reaches a space: %+v", name, in)
		}
	}
}

func TestATicketEndsWithItselfAndWithItsToken(t *testing.T) {
	ctx := context.Background()
	s := New(wasmtest.OpenD1(t, store.Migrations()))
	second := noon.Add(time.Second)
	for hash, ends := range map[string][2]time.Time{"itself": {second, noon.Add(time.Hour)}, "token": {noon.Add(time.Minute), second}} {
		if err := s.PutTicket(ctx, noon, hash, ends[0], auth.Identity{Expires: ends[1]}); err != nil {
			t.Fatal(err)
		}
		if _, found, err := s.TakeTicket(ctx, second, hash); found || err != nil {
			t.Errorf("%s: found %v, %v", hash, found, err)
		}
	}
}

// What was used after the backup is in the restored database again.
func TestARestoreVoidsEveryTicket(t *testing.T) {
	ctx := context.Background()
	s := New(wasmtest.OpenD1(t, store.Migrations()))
	if err := s.PutTicket(ctx, noon, "h", noon.Add(30*time.Second), auth.Identity{Subject: "alice"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Restore(ctx, noon); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.TakeTicket(ctx, noon, "h"); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestATicketOfAnOlderServerIsTaken(t *testing.T) {
	ctx := context.Background()
	s := New(wasmtest.OpenD1(t, store.Migrations()))
	_, err := s.db.Batch(ctx, []abi.Statement{{
		SQL:  "INSERT INTO Tickets (Hash, Subject, Scope, expires_at, Rooms) VALUES ('h', 'alice', NULL, ?1, NULL)",
		Args: []any{noon.Add(time.Second).UnixMilli()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Identity{Subject: "alice", Scope: auth.Scope{All: true}}
	if got, found, err := s.TakeTicket(ctx, noon, "h"); err != nil || !found || got != want {
		t.Errorf("got %+v, %v, %v", got, found, err)
	}
}
