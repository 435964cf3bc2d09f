//go:build !js

package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

// A receiver is a receiver of webhooks. Its lines are the types and data of what it took.
type receiver struct {
	mu    sync.Mutex
	lines []string
	held  chan struct{} // if not nil, it responds after that is closed
	asked int
}

// startReceiver returns a receiver, and the variables by which a server knows it.
func startReceiver(t *testing.T) (*receiver, []string) {
	r := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var event struct {
			Type string
			Data json.RawMessage
		}
		json.Unmarshal(body, &event)
		r.mu.Lock()
		held := r.held
		r.asked++
		r.mu.Unlock()
		if held != nil {
			select {
			case <-held:
			case <-q.Context().Done():
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lines = append(r.lines, event.Type+" "+string(event.Data))
	}))
	t.Cleanup(server.Close)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))
	return r, []string{"WEBHOOK_URL", server.URL, "WEBHOOK_SECRET", secret, "WEBHOOK_ALLOW_PRIVATE", "1"}
}

// took returns what the receiver took of a type.
func (r *receiver) took(kind string) (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		if strings.HasPrefix(line, kind+" ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// W4: of a document that is edited all the time, in the root and in a space, the receiver gets one event
// in 10 seconds, and one after the last edit.
func TestADocumentIsToldOnceInTenSeconds(t *testing.T) {
	r, variables := startReceiver(t)
	s, clock := startLogged(t, &journal{}, variables...)
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, &journal{}}
	const edits, tick = 60, 500 * time.Millisecond // 30 seconds
	for i := range edits {
		for _, path := range []string{"/yjs/note", "/s/acme/yjs/note"} {
			c.wants("POST", path, typed(uint64(i+1), "a"), http.StatusNoContent)
		}
		clock.Advance(tick)
	}
	etag := strconv.Quote(strconv.Quote(strconv.FormatInt(edits, 36)))
	for _, space := range []string{"null", `"acme"`} {
		want := fmt.Sprintf(`document.changed {"space":%s,"room":"note","etag":%s}`, space, etag)
		wasmtest.Until(t, want, func() bool {
			clock.Advance(100 * time.Millisecond)
			return slices.Contains(r.took("document.changed"), want)
		})
		of := slices.DeleteFunc(r.took("document.changed"), func(line string) bool { return !strings.Contains(line, `"space":`+space) })
		if len(of) > 6 || of[len(of)-1] != want {
			t.Errorf("%d events: %v", len(of), of)
		}
	}
}

// W4: while the receiver hangs, pushes and edits are served, and afterwards it hears of them.
func TestAReceiverThatHangsHoldsUpNobody(t *testing.T) {
	r, variables := startReceiver(t)
	s, clock := startLogged(t, &journal{}, variables...)
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, &journal{}}
	operator := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:admin"})}, &journal{}}
	held := make(chan struct{})
	r.held = held
	write := func(i int) {
		c.wants("POST", "/trpc/sync.push", rowsOf(fmt.Sprint("r", i), 0, 1, "null"), http.StatusOK)
		c.wants("POST", "/yjs/note", typed(uint64(i+1), "a"), http.StatusNoContent)
		c.wants("POST", "/s/acme/yjs/note", typed(uint64(i+1), "a"), http.StatusNoContent)
		clock.Advance(100 * time.Millisecond)
	}
	write(0)
	wasmtest.Until(t, "the receiver hangs", func() bool {
		clock.Advance(100 * time.Millisecond)
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.asked >= 3
	})
	for i := range 20 {
		write(i + 1)
	}
	if lines := r.took("records.changed"); len(lines) > 0 {
		t.Errorf("a receiver that hangs took %v", lines)
	}
	r.mu.Lock()
	r.held = nil
	r.mu.Unlock()
	close(held)
	wasmtest.Until(t, "the receiver hears of everything", func() bool {
		clock.Advance(time.Second)
		operator.wants("POST", "/webhooks/retry", nil, http.StatusOK)
		documents := r.took("document.changed")
		return len(r.took("records.changed")) > 0 &&
			slices.Contains(documents, `document.changed {"space":null,"room":"note","etag":"\"l\""}`) &&
			slices.Contains(documents, `document.changed {"space":"acme","room":"note","etag":"\"l\""}`)
	})
	wasmtest.Until(t, "it is counted", func() bool {
		clock.Advance(time.Second)
		return samples(s)["tidemark_webhooks_waiting"] == "0" && samples(s)[`tidemark_webhooks_total{result="done"}`] != "0"
	})
}

// Without a receiver, nothing is stored for one, and the lists are empty.
func TestWithoutAReceiverNothingWaits(t *testing.T) {
	s, _ := startLogged(t, &journal{})
	operator := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:read sync:write sync:admin"})}, &journal{}}
	operator.wants("POST", "/trpc/sync.push", rowsOf("r", 0, 1, "null"), http.StatusOK)
	if got := string(operator.wants("GET", "/webhooks", nil, http.StatusOK)); got != `{"objects":[],"next":null}` {
		t.Error(got)
	}
}

// A host puts off the alarms of an object in which instances have ended. An alarm that succeeds ends
// that, in the object of the root and in a space.
func TestAnAlarmThatSucceedsForgivesEnds(t *testing.T) { // W3
	r, variables := startReceiver(t)
	env := map[string]string{"AUTH_SECRET": secret}
	for i := 0; i < len(variables); i += 2 {
		env[variables[i]] = variables[i+1]
	}
	dir := t.TempDir()
	index := func(statements ...abi.Statement) []abi.Result {
		t.Helper()
		db, err := edge.OpenD1(filepath.Join(dir, "do", "alarms.sqlite"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		results, err := db.Batch(t.Context(), statements)
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	if err := os.Mkdir(filepath.Join(dir, "do"), 0o700); err != nil {
		t.Fatal(err)
	}
	index(abi.Statement{SQL: `CREATE TABLE ends (class TEXT, name TEXT, ends INTEGER NOT NULL, running INTEGER NOT NULL, PRIMARY KEY (class, name)) WITHOUT ROWID`},
		abi.Statement{SQL: `INSERT INTO ends VALUES ('SyncRoom', 'webhooks', 3, 0), ('Space', 'acme', 3, 0), ('Space', 'other', 3, 0)`})
	s := wasmtest.Start(t, wasmtest.Options{Guest: "./worker", Config: configured(t), Data: dir, Env: env, Log: io.Discard})
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, &journal{}}
	c.wants("POST", "/trpc/sync.push", rowsOf("r", 0, 1, "null"), http.StatusOK)
	c.wants("POST", "/s/acme/api/v1/projects/", []byte(`{"name":"p"}`), http.StatusCreated)
	wasmtest.Until(t, "both are told", func() bool { return len(r.took("records.changed")) > 0 && len(r.took("project.changed")) > 0 })
	if err := s.Worker().Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := index(abi.Statement{SQL: `SELECT name FROM ends`})[0].Rows; len(left) != 1 || fmt.Sprint(left[0][0]) != fmt.Sprint(abi.Text("other")) {
		t.Errorf("left %s", left)
	}
}
