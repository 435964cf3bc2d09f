//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/e2e/conformance"
	"tidemark/wasm/wasmtest"
)

// samples returns the metrics of the server, by name and labels.
func samples(s *wasmtest.Server) map[string]string {
	rw := httptest.NewRecorder()
	s.Worker().Metrics().Handler().ServeHTTP(rw, httptest.NewRequest("GET", "/metrics", nil))
	found := map[string]string{}
	for line := range strings.SplitSeq(rw.Body.String(), "\n") {
		if at := strings.LastIndexByte(line, ' '); at > 0 {
			found[line[:at]] = line[at+1:]
		}
	}
	return found
}

func wantSamples(t *testing.T, s *wasmtest.Server, want map[string]string) {
	t.Helper()
	got := samples(s)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

// Checks and rules reject rows of the suite's tables.
func TestRejectedRowsAreCounted(t *testing.T) { // M2
	root, err := wasmtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := os.ReadFile(filepath.Join(root, conformance.TablesJSONFile))
	if err != nil {
		t.Fatal(err)
	}
	log := &journal{}
	s, _ := startLogged(t, log, "TABLES", string(tables))
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann", "spaces": []string{"team"}})}, log}
	row := `{"id":%q,"owner_id":%q,"rating":%d,"status":"lead","created_at":1,"updated_at":1}`
	body := fmt.Sprintf(`{"changes":{"visits":{"created":[`+row+`,`+row+`,`+row+`],"updated":[],"deleted":[]}},"lastPulledAt":1}`,
		"good", "ann", 5, "check", "ann", 9, "rule", "bob", 5)
	c.wants("POST", "/s/team/trpc/sync.push", []byte(body), http.StatusOK)
	wantSamples(t, s, map[string]string{
		`tidemark_push_rows_total{outcome="created",table="visits"}`:     "1",
		`tidemark_push_rows_total{outcome="rejected",table="visits"}`:    "2",
		`tidemark_push_rows_total{outcome="rejected",table="customers"}`: "0",
	})
}

// The age is that of the oldest edit, over all documents, and 0 when all are copied.
func TestTheAgeOfTheOldestEditWithoutACopyIsCounted(t *testing.T) { // M2
	log := &journal{}
	s, clock := startLogged(t, log, "YJS_COPY_MILLIS", "100000")
	c := watched{caller{t, s, bearer(t)}, log}
	c.wants("POST", "/yjs/one", typed(1, "first"), http.StatusNoContent)
	clock.Advance(40 * time.Second)
	c.wants("POST", "/yjs/two", typed(2, "second"), http.StatusNoContent)
	clock.Advance(5 * time.Second)
	wantSamples(t, s, map[string]string{"tidemark_copies_behind_seconds": "45", "tidemark_yjs_updates_total": "2"})
	wasmtest.Until(t, "the first is copied", func() bool {
		clock.Advance(time.Second)
		return samples(s)[`tidemark_yjs_compactions_total{result="done"}`] == "1" && samples(s)["tidemark_copies_behind_seconds"] < "8"
	})
	wasmtest.Until(t, "both are copied", func() bool {
		clock.Advance(time.Second)
		return samples(s)["tidemark_copies_behind_seconds"] == "0"
	})
	wantSamples(t, s, map[string]string{`tidemark_yjs_compactions_total{result="done"}`: "2"})
}

// A first pull sends rows as columns, and a later one as objects. Each row and tombstone counts once.
func TestThePulledRowsAreCountedHoweverTheyTravel(t *testing.T) { // M2
	log := &journal{}
	s, _ := startLogged(t, log)
	c := watched{caller{t, s, bearer(t)}, log}
	rows := make([]string, 50)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"c%d","contact_name":"{\"id\":\"x\"}, and [{\"id\":1}","updated_at":5}`, i)
	}
	push := func(changes string) {
		c.wants("POST", "/trpc/sync.push", []byte(`{"changes":{"customers":`+changes+`},"lastPulledAt":1}`), http.StatusOK)
	}
	push(`{"created":[` + strings.Join(rows, ",") + `],"updated":[],"deleted":["x1","x2","x3"]}`)
	name := `tidemark_pull_rows_total{table="customers"}`
	for i, pull := range []struct {
		query string
		total string
	}{
		{"/sync/pull", "50"}, {"/sync/pull?lastPulledAt=1", "103"}, {"/sync/pull?limit=20", "123"}, {"/sync/pull?lastPulledAt=1&limit=20", "143"},
	} {
		c.wants("GET", pull.query, nil, http.StatusOK)
		if got := samples(s)[name]; got != pull.total {
			t.Errorf("after pull %d, %s: %s, want %s", i, pull.query, got, pull.total)
		}
	}
}
