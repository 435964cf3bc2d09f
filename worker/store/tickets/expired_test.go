//go:build !js

package tickets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// count returns how many rows a table has.
func count(t *testing.T, db store.DB, table string) int {
	t.Helper()
	results, err := db.Batch(t.Context(), []abi.Statement{{SQL: "SELECT count(*) FROM " + table}})
	if err != nil {
		t.Fatal(err)
	}
	return int(store.Number(results[0], 0))
}

// repeat inserts n rows of those values, in which n is the number of the row.
func repeat(t *testing.T, db store.DB, n int, table, values string) {
	t.Helper()
	_, err := db.Batch(t.Context(), []abi.Statement{{
		SQL:  "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1) INSERT INTO " + table + " SELECT " + values + " FROM i",
		Args: []any{n},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARequestDeletesSomeOfWhatIsOver(t *testing.T) {
	const over = expiredAtOnce + 5
	id := auth.Identity{Subject: "ann", Expires: noon.Add(time.Hour)}
	for table, c := range map[string]struct {
		values  string // of a row that is over
		request func(db store.DB, n int) error
	}{
		"Tickets (Hash, Subject, expires_at)": {"n, 's', n", func(db store.DB, n int) error {
			return New(db).PutTicket(t.Context(), noon, fmt.Sprint("new", n), noon.Add(time.Minute), id)
		}},
		"Revocations (Subject, TokenId, revoked_at, until)": {"n, '', 1, n", func(db store.DB, n int) error {
			return NewSessions(db).Revoke(t.Context(), noon, Revocation{Subject: fmt.Sprint("new", n), At: noon})
		}},
		"SocketPlaces (until, Subject, TokenId, Binding, Room)": {"n, 's', '', 'b', 'r'", func(db store.DB, n int) error {
			_, _, err := NewSessions(db).Enter(t.Context(), noon, id, Place{"YJS_ROOM", fmt.Sprint("new", n)}, 0)
			return err
		}},
	} {
		db := wasmtest.OpenD1(t, store.Migrations())
		repeat(t, db, over, table, c.values)
		name, _, _ := strings.Cut(table, " ")
		for n, want := range []int{1 + over - expiredAtOnce, 2, 3} {
			if err := c.request(db, n); err != nil {
				t.Fatal(err)
			}
			if got := count(t, db, name); got != want {
				t.Errorf("%s has %d rows after %d requests, want %d", name, got, n+1, want)
			}
		}
	}
}

func TestARevocationFindsPlaceWhereOthersAreOver(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	repeat(t, db, MaxRevocations, "Revocations (Subject, TokenId, revoked_at, until)", "n, '', 1, iif(n = 7, 1, NULL)")
	s := NewSessions(db)
	if err := s.Revoke(t.Context(), noon, Revocation{Subject: "new", At: noon}); err != nil {
		t.Error(err)
	}
	if err := s.Revoke(t.Context(), noon, Revocation{Subject: "newer", At: noon}); !errors.Is(err, ErrRevocations) {
		t.Error(err)
	}
}

// A steppingDB fails its second batch.
type steppingDB struct {
	store.DB
	batches int
}

var errCrash = errors.New("crash")

func (d *steppingDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if d.batches++; d.batches == 2 {
		return nil, errCrash
	}
	return d.DB.Batch(ctx, statements)
}

func TestARestoreVoidsTicketsInStepsThatResume(t *testing.T) {
	db := &steppingDB{DB: wasmtest.OpenD1(t, store.Migrations())}
	repeat(t, db.DB, voidedAtOnce+5, "Tickets (Hash, Subject, expires_at)", "n, 's', 9e15")
	s := New(db)
	if err := s.Restore(t.Context(), noon); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	if n := count(t, db.DB, "Tickets"); n != 5 {
		t.Errorf("after one step %d tickets are left", n)
	}
	if err := s.Restore(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db.DB, "Tickets"); n != 0 {
		t.Errorf("in the end %d tickets are left", n)
	}
}

// A request that deletes what is over reads none of the other rows.
func TestWhatIsOverIsFoundByAnIndex(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	for sql, wants := range map[string][]string{
		deleteTickets: {"TicketsByEnd (expires_at<?)", "sqlite_autoindex_Tickets_1 (Hash=?)"},
		deletePlaces:  {"PRIMARY KEY (until>? AND until<?)", "PRIMARY KEY (until=? AND Subject=? AND TokenId=? AND Binding=? AND Room=?)"},
	} {
		results, err := db.Batch(t.Context(), []abi.Statement{{SQL: "EXPLAIN QUERY PLAN " + sql, Args: []any{1, 2}}})
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for _, row := range results[0].Rows {
			fmt.Fprintf(&plan, "%s\n", row[3])
		}
		for _, want := range wants {
			if !strings.Contains(plan.String(), want) {
				t.Errorf("%s does not use %s:\n%s", sql, want, plan.String())
			}
		}
	}
}
