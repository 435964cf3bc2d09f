//go:build !js

package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/record"
	"tidemark/shared/yjs"
	"tidemark/shared/yroom"
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
		done, err := to.Import(context.Background(), clock.Now(), page, store.Budget{})
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
	sums, err := records.New(db, records.NewStatements(record.Default(), 64<<20)).Checksum(context.Background(), record.Caller{}, store.Budget{})
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

// A document at its limit is imported, and checked, in an instance of the default memory.
func TestAnImportTakesOnlyADocumentThatItsRoomOpens(t *testing.T) { // S11
	log := &journal{}
	s, _ := startLogged(t, log)
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, log}
	operator := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:admin spaces:admin"})}, log}
	const part, partsAPage = 1_098_000, 4
	var updates [][]byte
	for n := range uint64(4) {
		updates = append(updates, heavy(n+1, yroom.DefaultConfig.DocumentBytes/4-100))
	}
	good, err := yjs.MergeUpdates(updates...)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(good)
	bad[9*part] = 0xff // no UTF-8
	importInto := func(space string, state []byte, last int) (answer []byte) {
		pieces := slices.Collect(slices.Chunk(state, part))
		var lines []string
		for n := 1; n <= len(pieces); n++ {
			which := fmt.Sprintf(`"part":%d`, n)
			if n == len(pieces) {
				which = fmt.Sprintf(`"parts":%d`, n-1)
			}
			lines = append(lines, fmt.Sprintf(`{"document":"note","updated_at":5,%s,"state":"%s"}`, which, base64.StdEncoding.EncodeToString(pieces[n%len(pieces)])))
		}
		pages := slices.Collect(slices.Chunk(lines, partsAPage))
		for n, lines := range pages {
			head, next, status := fmt.Sprintf(`{"page":%d,"export":"x"}`, n+1), `"c"`, http.StatusOK
			if n == 0 {
				head = `{"format":1,"space":"","stamp":7,"export":"x"}`
			}
			if n == len(pages)-1 {
				next, status = "null", last
			}
			page := head + "\n" + strings.Join(lines, "\n") + "\n" + `{"next":` + next + "}\n"
			answer = operator.wants("POST", "/s/"+space+"/import", []byte(page), status)
		}
		return answer
	}
	importInto("good", good, http.StatusOK)
	if got := c.wants("GET", "/s/good/yjs/note", nil, http.StatusOK); !bytes.Equal(got, good) {
		t.Errorf("the document has %d bytes, want %d", len(got), len(good))
	}
	if answer := string(importInto("bad", bad, http.StatusBadRequest)); !strings.Contains(answer, `"line":5`) || !strings.Contains(answer, "no update that a room can read") {
		t.Errorf("the last page: %s", answer)
	}
	operator.wants("DELETE", "/s/bad", nil, http.StatusNoContent)
	importInto("bad", good, http.StatusOK)
	if got := c.wants("GET", "/s/bad/yjs/note", nil, http.StatusOK); !bytes.Equal(got, good) {
		t.Errorf("the document of the second try has %d bytes, want %d", len(got), len(good))
	}
}
