//go:build !js

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/yproto"
	"tidemark/wasm/wasmtest"
)

// fill makes the databases full, or gives them space again.
func fill(t *testing.T, s *wasmtest.Server, full bool) {
	t.Helper()
	if err := s.Worker().ForTests().Fill(full); err != nil {
		t.Fatal(err)
	}
}

// A safeBuffer is a log.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) count(part string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.b.String(), part)
}

var long = strings.Repeat("x", 200_000)

// writes are a request of each dialect that needs space, in the root and in a space, and what a
// full disk answers.
var writes = []struct {
	path, body, full string
	done             int
}{
	{"/trpc/sync.push", `{"changes":{"customers":{"created":[{"id":"a","notes":"LONG"}],"updated":[],"deleted":[]}},"lastPulledAt":null}`,
		`"code":-32603,"data":{"code":"SERVICE_UNAVAILABLE","httpStatus":507`, 200},
	{"/api/v1/projects/P/tasks/", `{"name":"t","notes":"NOTES"}`, `"code":"insufficient_storage"`, 201},
}

func TestAFullDiskIsSaidInEachDialectAndAfterwardsAllGoesOn(t *testing.T) {
	log := &safeBuffer{}
	s, _ := startLogged(t, log)
	token := owner(t)
	for _, at := range []string{"", "/s/acme"} {
		var project struct{ ID string }
		status, body := post(t, s, at+"/api/v1/projects/", token, `{"name":"p"}`)
		if err := json.Unmarshal([]byte(body), &project); err != nil || status != 201 {
			t.Fatal(status, body, err)
		}
		before := pulled(t, s, at)
		fill(t, s, true)
		for range 20 {
			for _, w := range writes {
				path, body := at+strings.Replace(w.path, "P/", project.ID+"/", 1), strings.NewReplacer("LONG", long, "NOTES", long[:10_000]).Replace(w.body)
				if status, got := post(t, s, path, token, body); status != http.StatusInsufficientStorage || !strings.Contains(got, w.full) {
					t.Fatalf("POST %s: %d %s", path, status, got)
				}
			}
		}
		if got := pulled(t, s, at); got != before {
			t.Errorf("a full disk was written: %s, want %s", got, before)
		}
		fill(t, s, false)
		for _, w := range writes {
			path, body := at+strings.Replace(w.path, "P/", project.ID+"/", 1), strings.NewReplacer("LONG", long, "NOTES", long[:10_000]).Replace(w.body)
			if status, got := post(t, s, path, token, body); status != w.done {
				t.Errorf("with space again, POST %s: %d %s", path, status, got)
			}
		}
	}
	if n := log.count("disk is full"); n < 1 || n > 4 {
		t.Errorf("%d lines of the log say so in the same minute", n)
	}
}

// pulled is what a new client pulls, without the time.
func pulled(t *testing.T, s *wasmtest.Server, at string) string {
	t.Helper()
	res, body := fetch(t, s, at+"/sync/pull")
	var pull struct{ Changes json.RawMessage }
	if err := json.Unmarshal([]byte(body), &pull); err != nil || res != 200 {
		t.Fatal(res, body, err)
	}
	return string(pull.Changes)
}

func fetch(t *testing.T, s *wasmtest.Server, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+owner(t))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	b.ReadFrom(res.Body)
	return res.StatusCode, b.String()
}

// An edit that is not stored reaches nobody: the sender's socket is closed with a code after
// which y-websocket connects again, and sends it again.
func TestAnEditThatAFullDiskDoesNotTakeCountsAsNotSent(t *testing.T) {
	for _, at := range []string{"", "/s/acme"} {
		t.Run(at, func(t *testing.T) {
			s, clock := startGuest(t)
			if at != "" {
				post(t, s, at+"/api/v1/projects/", owner(t), `{"name":"p"}`)
			}
			room := at + "/yjs/r"
			a, b := open(t, s, room, jwt.MapClaims{"sub": "ann"}), open(t, s, room, jwt.MapClaims{"sub": "ann"})
			b.ws.SetReadLimit(1 << 20)
			b.longState(clock) // so the room has it
			a.send(yproto.AppendUpdate(nil, typed(1, "short")))
			ticking(clock, func() { b.next(yproto.Update) })
			before := b.longState(clock)
			fill(t, s, true)
			for range 3 {
				c := open(t, s, room, jwt.MapClaims{"sub": "ann"})
				c.send(yproto.AppendUpdate(nil, typed(2, long)))
				c.wantClosed(4500, "the server's disk is full; try again later")
			}
			if status, got := post(t, s, at+"/yjs/r", owner(t), string(typed(2, long))); status != 507 || !strings.Contains(got, "INSUFFICIENT_STORAGE") {
				t.Errorf("an edit by HTTP: %d %s", status, got)
			}
			if got := b.longState(clock); !bytes.Equal(got, before) {
				t.Error("the room has an edit that was not stored")
			}
			fill(t, s, false)
			c := open(t, s, room, jwt.MapClaims{"sub": "ann"})
			c.send(yproto.AppendUpdate(nil, typed(2, long)))
			wasmtest.Until(t, "the edit is there", func() bool {
				clock.Advance(time.Second)
				return bytes.Contains(b.longState(clock), []byte(long))
			})
		})
	}
}

// F3
func TestReadinessSaysWhatFails(t *testing.T) {
	log := &safeBuffer{}
	s, clock := startLogged(t, log)
	ready := func(status int, failures ...string) {
		t.Helper()
		clock.Advance(2 * time.Second)
		for _, method := range []string{"GET", "HEAD"} {
			if got := send(t, s, method, "/readyz", ""); got != status {
				t.Errorf("%s: %d, want %d", method, got, status)
			}
		}
		_, body := fetch(t, s, "/readyz")
		var said struct {
			Status   string
			Failures []map[string]string
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil {
			t.Fatal(err, body)
		}
		var got []string
		for _, f := range said.Failures {
			got = append(got, fmt.Sprint(f))
		}
		if !reflect.DeepEqual(got, failures) || (said.Status == "ready") != (status == 200) {
			t.Errorf("got %s, want %v", body, failures)
		}
	}
	ready(200)
	query(t, s, "ALTER TABLE Clock RENAME TO Away")
	if got := send(t, s, "GET", "/readyz", ""); got != 200 {
		t.Errorf("within a second of a write: %d", got)
	}
	database := "map[database:DB error:not writable; the log says why]"
	ready(503, database)
	folder := filepath.Join(s.Data(), "do")
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	ready(503, database, "map[error:not writable folder:do]")
	if err := os.Rename(folder+"-away", folder); err != nil {
		t.Fatal(err)
	}
	query(t, s, "ALTER TABLE Away RENAME TO Clock")
	ready(200)
	if files, _ := filepath.Glob(filepath.Join(folder, ".ready*")); len(files) > 0 {
		t.Errorf("left: %v", files)
	}
	if n := log.count("takes no writes"); n != 1 {
		t.Errorf("%d lines of the log", n)
	}
}
