//go:build !js

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/record"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/records"
	"tidemark/worker/store/transfer"
)

// The guest exports much, page by page, and a database of another host imports it.
func TestTheGuestExportsWhatAnotherHostImports(t *testing.T) { // S11
	log := &journal{}
	s, clock := startLogged(t, log)
	c := watched{caller{t, s, bearer(t)}, log}
	const pushes = 5
	for n := range pushes {
		c.wants("POST", "/trpc/sync.push", rowsOf(fmt.Sprint("r", n, "-"), 0, 40, `"`+strings.Repeat("n", 100_000)+`"`), http.StatusOK)
	}
	c.wants("POST", "/yjs/large", heavy(1, 5<<20), http.StatusNoContent)
	c.wants("POST", "/yjs/large/versions", []byte("first"), http.StatusCreated)
	clock.Advance(time.Hour)
	wasmtest.Until(t, "the document is copied", func() bool {
		return query(t, s, "SELECT count(*) FROM YjsRooms").Rows[0][0] == 1.0
	})
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "operator", "scope": "sync:admin"}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	operator := watched{caller{t, s, token}, log}

	db := wasmtest.OpenD1(t, store.Migrations())
	to := transfer.New(db, transfer.NewStatements(record.Default()))
	pages := 0
	for cursor := ""; ; {
		page := operator.wants("GET", "/export?cursor="+cursor, nil, http.StatusOK)
		if len(page) > transfer.MaxPageBytes {
			t.Errorf("a page of %d bytes", len(page))
		}
		done, err := to.Import(context.Background(), clock.Now(), page)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		if cursor = done.Next; cursor == "" {
			break
		}
	}
	if pages < 8 {
		t.Errorf("%d pages", pages)
	}
	var want struct {
		Tables map[string]struct {
			Count    int
			Checksum string
		}
	}
	if err := json.Unmarshal(c.wants("GET", "/sync/checksum", nil, http.StatusOK), &want); err != nil {
		t.Fatal(err)
	}
	sums, err := records.New(db, records.NewStatements(record.Default(), 64<<20)).Checksum(context.Background(), store.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range sums.Tables {
		if w := want.Tables[sum.Name]; w.Count != sum.Count || w.Checksum != sum.Sum {
			t.Errorf("%s: %+v, want %+v", sum.Name, sum, want.Tables[sum.Name])
		}
	}
	if want.Tables["customers"].Count != 40*pushes {
		t.Errorf("the guest has %d customers", want.Tables["customers"].Count)
	}
	copies := documents.NewCopies(db)
	state, _, err := copies.Load(context.Background(), "large")
	if err != nil || !bytes.Equal(state, c.wants("GET", "/yjs/large", nil, http.StatusOK)) {
		t.Errorf("the document has %d bytes, %v", len(state), err)
	}
	if versions, err := copies.Versions(context.Background(), "large", "", 9); err != nil || len(versions) != 1 || versions[0].Name != "first" {
		t.Errorf("versions %v, %v", versions, err)
	}
}
