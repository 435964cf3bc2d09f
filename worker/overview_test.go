//go:build !js

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/abi"
	"tidemark/shared/yproto"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

// An overview is what the tests read of GET /overview.
type overview struct {
	Now      int64
	Minutes  []struct{ At, Requests, Errors int64 }
	Webhooks struct {
		On               bool
		Waiting, Failing int
	}
	Backup   struct{ Last *int64 }
	Warnings []struct{ Code, Text, Space, Room string }
}

// A lookout is a server that an operator looks at.
type lookout struct {
	*testing.T
	s        *wasmtest.Server
	clock    *wasmtest.Clock
	member   caller
	operator caller
}

func newLookout(t *testing.T, env ...string) *lookout {
	t.Helper()
	s, clock := startLogged(t, &journal{}, env...)
	return &lookout{
		t, s, clock, caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})},
		caller{t, s, signed(t, jwt.MapClaims{"sub": "ops", "scope": "sync:admin"})},
	}
}

func (l *lookout) wants(c caller, status int, method, path string, body []byte) []byte {
	l.Helper()
	got, answer := c.ask(method, path, body)
	if got != status {
		l.Fatalf("%s %s: %d %.300s, want %d", method, path, got, answer, status)
	}
	return answer
}

func (l *lookout) overview() (o overview) {
	l.Helper()
	if err := json.Unmarshal(l.wants(l.operator, http.StatusOK, "GET", "/overview", nil), &o); err != nil {
		l.Fatal(err)
	}
	return o
}

// warnings returns the warnings of a code, each as "space room: text".
func (l *lookout) warnings(code string) (list []string) {
	l.Helper()
	for _, w := range l.overview().Warnings {
		if w.Code == code {
			list = append(list, fmt.Sprintf("%s %s: %s", w.Space, w.Room, w.Text))
		}
	}
	return list
}

// until lets time pass, tick by tick, until the warnings of a code are these.
func (l *lookout) until(tick time.Duration, code string, want ...string) {
	l.Helper()
	wasmtest.Until(l.T, fmt.Sprintf("%s: %q", code, want), func() bool {
		l.clock.Advance(tick)
		return slices.Equal(l.warnings(code), want)
	})
}

// change changes the root's database.
func (l *lookout) change(sql string) {
	l.Helper()
	if _, err := l.s.Worker().D1("DB").Batch(context.Background(), []abi.Statement{{SQL: sql}}); err != nil {
		l.Fatal(err)
	}
}

// The database takes no copies for a while.
func TestTheOverviewNamesADocumentWhoseCopyFails(t *testing.T) {
	l := newLookout(t)
	l.wants(l.member, http.StatusNoContent, "POST", "/yjs/a/note", typed(1, "first"))
	wasmtest.Until(t, "the copy", func() bool {
		l.clock.Advance(time.Second)
		return samples(l.s)[`tidemark_yjs_compactions_total{result="done"}`] == "1" && samples(l.s)["tidemark_copies_behind_seconds"] == "0"
	})
	l.change(`ALTER TABLE YjsRooms RENAME TO Away`)
	l.wants(l.member, http.StatusNoContent, "POST", "/yjs/a/note", typed(2, "second"))
	l.until(time.Second, "copy_fails", ` a/note: The copy of the document "a/note" failed 5 times in a row. The log has the reason. Its edits are safe in its room.`)
	wantSamples(t, l.s, map[string]string{"tidemark_copy_failures": "5"})
	l.change(`ALTER TABLE Away RENAME TO YjsRooms`)
	l.until(time.Second, "copy_fails")
	wantSamples(t, l.s, map[string]string{"tidemark_copy_failures": "0", "tidemark_copies_late_seconds": "0"})
}

// The copy of a document is held back on its way to its space.
func TestTheOverviewNamesADocumentWhoseCopyIsLate(t *testing.T) {
	l := newLookout(t)
	c := open(t, l.s, "/s/acme/yjs/plan", jwt.MapClaims{"sub": "ann"})
	c.state()
	l.s.Gate.Hold("call")
	c.send(yproto.AppendUpdate(nil, typed(1, "text")))
	c.next(yproto.Update)
	wasmtest.Until(t, "the copy is on its way", func() bool {
		l.clock.Advance(10 * time.Millisecond)
		return l.s.Gate.Held() > 0
	})
	l.s.Gate.Hold()
	l.clock.Advance(10*time.Minute - time.Second)
	if got := l.warnings("copy_late"); len(got) > 0 {
		t.Errorf("after 10 minutes: %q", got)
	}
	l.clock.Advance(time.Minute)
	if got, want := l.warnings("copy_late"), `acme plan: The copy of the document "plan" in the space "acme" is late by 10 minutes. Its edits are safe in its room.`; len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
	l.s.Gate.Open()
	l.until(time.Second, "copy_late")
}

// A space tells the directory when it passes 90 %, and each per cent more, and when it has room again: a
// deleted row keeps its place until its tombstone is purged.
func TestTheOverviewNamesASpaceThatIsNearlyFull(t *testing.T) {
	const limit = 1 << 20
	l := newLookout(t, "LIMIT_SPACE_BYTES", fmt.Sprint(limit))
	notes, err := json.Marshal(strings.Repeat("x", 1500))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	push := func(space string, n int) (status int) {
		status, _ = l.member.ask("POST", "/s/"+space+"/trpc/sync.push", rowsOf("c", len(ids), n, string(notes)))
		for range n {
			ids = append(ids, fmt.Sprintf(`"c%d"`, len(ids)))
		}
		return status
	}
	bytes := func() int64 {
		var info struct{ Bytes int64 }
		if err := json.Unmarshal(l.wants(l.operator, http.StatusOK, "GET", "/s/acme/info", nil), &info); err != nil {
			t.Fatal(err)
		}
		return info.Bytes
	}
	text := func(percent int64) string {
		return fmt.Sprintf(`acme : The space "acme" is at %d %% of LIMIT_SPACE_BYTES. At 100 %% it takes deletions only.`, percent)
	}
	for _, space := range []string{"half", "acme"} {
		if status := push(space, 200); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	// What a space stores when it tells may itself be the next per cent, of which the next write tells.
	nearly := func() {
		wasmtest.Until(t, "the warning of a space that is nearly full", func() bool {
			l.clock.Advance(10 * time.Millisecond)
			got := l.warnings("space_full")
			percent := bytes() * 100 / limit
			return slices.Equal(got, []string{text(percent)}) || slices.Equal(got, []string{text(percent - 1)})
		})
	}
	told := map[int64]bool{}
	for status := http.StatusOK; status == http.StatusOK; status = push("acme", 5) {
		percent := bytes() * 100 / limit
		if told[percent] = true; percent >= 90 {
			nearly()
		} else if got := l.warnings("space_full"); len(got) > 0 {
			t.Fatalf("at %d %%: %q", percent, got)
		}
	}
	if percent := bytes() * 100 / limit; percent < 100 || len(told) < 10 {
		t.Errorf("it took rows up to %d %%: %v", percent, told)
	}
	l.s.Restart()
	nearly()
	deletion := `{"changes":{"customers":{"created":[],"updated":[],"deleted":[` + strings.Join(ids, ",") + `]}},"lastPulledAt":9007199254740000}`
	l.wants(l.member, http.StatusOK, "POST", "/s/acme/trpc/sync.push", []byte(deletion))
	l.clock.Advance(48 * time.Hour)
	l.wants(l.operator, http.StatusOK, "POST", "/s/acme/sync/purge", []byte(`{"keep_days":1}`))
	l.until(10*time.Millisecond, "space_full")
}

func TestTheOverviewSaysThatAReceiverOfWebhooksFails(t *testing.T) {
	var fails atomic.Bool
	fails.Store(true)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if fails.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(receiver.Close)
	_, variables := startReceiver(t)
	variables[1] = receiver.URL
	l := newLookout(t, variables...)
	if o := l.overview(); !o.Webhooks.On || o.Webhooks.Waiting+o.Webhooks.Failing > 0 {
		t.Errorf("%+v", o.Webhooks)
	}
	for _, at := range []string{"", "/s/acme"} {
		l.wants(l.member, http.StatusOK, "POST", at+"/trpc/sync.push", rowsOf("c", 0, 1, `""`))
	}
	l.until(time.Second, "webhooks_failing", ` : The receiver of webhooks did not take the last event of 2 outboxes. GET /webhooks has the reasons.`)
	wasmtest.Until(t, "three events wait", func() bool { // the root's second one is space.created
		l.clock.Advance(time.Second)
		return l.overview().Webhooks.Waiting == 3
	})
	fails.Store(false)
	l.until(time.Minute, "webhooks_failing")
	wasmtest.Until(t, "nothing waits", func() bool {
		l.clock.Advance(time.Second)
		return l.overview().Webhooks.Waiting == 0
	})
}

func TestTheOverviewSaysThatRequestsFail(t *testing.T) {
	l := newLookout(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.s.Worker().Observe(l.s.Worker()).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	l.s.URL = server.URL
	l.change(`ALTER TABLE Projects RENAME TO Away`)
	if got := l.warnings("errors"); len(got) > 0 {
		t.Error(got)
	}
	l.wants(l.member, http.StatusInternalServerError, "GET", "/api/v1/projects/", nil)
	text := func(requests int) string {
		return fmt.Sprintf(" : 1 of %d requests within the last hour failed with a status of 500 or more. The log has their reasons.", requests)
	}
	if got := l.warnings("errors"); !slices.Equal(got, []string{text(2)}) {
		t.Error(got)
	}
	l.clock.Advance(58 * time.Minute)
	if got := l.warnings("errors"); !slices.Equal(got, []string{text(3)}) {
		t.Error(got)
	}
	if o := l.overview(); len(o.Minutes) != 59 || o.Minutes[0].Errors != 1 || o.Minutes[1].Requests != 0 || o.Minutes[58].Requests != 1 {
		t.Errorf("%+v", o.Minutes)
	}
	l.clock.Advance(2 * time.Minute)
	if o := l.overview(); len(o.Minutes) != 60 || slices.Contains(l.warnings("errors"), text(5)) {
		t.Errorf("%+v", o)
	}
	for range 100 {
		l.wants(l.member, http.StatusOK, "GET", "/sync/pull", nil)
	}
	l.wants(l.member, http.StatusInternalServerError, "GET", "/api/v1/projects/", nil)
	if got := l.warnings("errors"); len(got) > 0 { // no more than 1 of 100
		t.Error(got)
	}
}

func TestTheOverviewSaysThatBackupsAreMissing(t *testing.T) {
	l := newLookout(t)
	want := func(texts ...string) {
		t.Helper()
		if got := l.warnings("no_backup"); !slices.Equal(got, texts) {
			t.Errorf("%q, want %q", got, texts)
		}
	}
	want(" : The server makes no backups, and none was made since it started. serve --backup-to makes them.")
	m, err := l.s.Worker().Backup(t.Context(), edge.BackupOptions{To: filepath.Join(t.TempDir(), "one")})
	if err != nil {
		t.Fatal(err)
	}
	if last := l.overview().Backup.Last; last == nil || *last != m.At.UnixMilli() {
		t.Errorf("the last backup was at %v, want %v", last, m.At)
	}
	want()
	l.clock.Advance(m.At.Add(24*time.Hour - time.Second).Sub(l.clock.Now()))
	want()
	l.clock.Advance(2*24*time.Hour + time.Second)
	want(" : There has been no backup for 3 days.")
}
