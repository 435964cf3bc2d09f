//go:build !js

package api_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/shared/record"
	"tidemark/shared/yroom"
	"tidemark/worker/api/documents"
	"tidemark/worker/webtest"
)

// A life is a server with one space, acme, which has a project and so a call to make when it
// is paused or deleted.
type life struct {
	t       *testing.T
	url     string
	token   string
	handler http.Handler
	objects *spaceObjects
	now     time.Time
}

func newLife(t *testing.T) *life {
	l := &life{t: t, now: time.Now()}
	c, db := configure(t, nil), openD1(t)
	c.Root.Records.Store, c.Root.Tickets = storeIn(db, record.Default())
	c.Door.Rooms, c.Door.Now = newRooms(t), func() time.Time { return l.now }
	c.Root.Documents = &documents.Config{} // so that spaces serve documents
	handler, objects := openSpaces(t, &c, db)
	served := webtest.Handler{Of: handler}
	server := httptest.NewServer(served)
	t.Cleanup(server.Close)
	l.url, l.handler, l.objects = server.URL, served, objects
	l.token = conformance.Signer([]byte(secret))(conformance.Claims{
		Subject: "ann", Space: "acme", TTL: time.Hour,
		Scope: "sync:read sync:write yjs:read yjs:write projects:read projects:write sync:admin spaces:admin",
	})
	l.ask("POST", "/s/acme/api/v1/projects/", `{"name":"p"}`, http.StatusCreated)
	return l
}

// ask sends a request and wants a status.
func (l *life) ask(method, path, body string, want int) string {
	l.t.Helper()
	request, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+l.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		l.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	if response.StatusCode != want {
		l.t.Fatalf("%s %s: %d %s, want %d", method, path, response.StatusCode, text, want)
	}
	return string(text)
}

// restart makes the space's program anew, as a host does that has ended.
func (l *life) restart() *spaceObject { return l.objects.again("acme") }

const aPush = `{"lastPulledAt":1,"changes":{}}`

// TestADeletionThatWasCutOffGoesOnAtOnce checks S8: after a crash the next event of the
// space sets the alarm for now, and the alarm ends the deletion.
func TestADeletionThatWasCutOffGoesOnAtOnce(t *testing.T) {
	l := newLife(t)
	l.objects.left = 0
	l.ask("DELETE", "/s/acme", "", http.StatusInternalServerError)
	l.objects.left = -1
	s := l.restart()
	if wait := s.alarm.Sub(l.now); wait < time.Minute {
		t.Fatalf("the alarm of a deletion that runs is in %v", wait)
	}
	l.ask("POST", "/s/acme/trpc/sync.push", aPush, http.StatusServiceUnavailable)
	if !s.alarm.Equal(l.now) {
		t.Fatalf("the alarm is in %v, want now", s.alarm.Sub(l.now))
	}
	if err := s.ring(); err != nil {
		t.Fatal(err)
	}
	if info := l.ask("GET", "/s/acme/info", "", http.StatusOK); !strings.Contains(info, `"created_at":null`) {
		t.Errorf("after the deletion: %s", info)
	}
	if listed, err := l.objects.config.Directory.List(context.Background(), "", "", 10); err != nil || len(listed) > 0 {
		t.Errorf("the directory has %v, %v", listed, err)
	}
}

// TestAPausedSpaceTakesNothing checks S13, also after a restart.
func TestAPausedSpaceTakesNothing(t *testing.T) {
	l := newLife(t)
	l.ask("POST", "/s/acme/pause", "", http.StatusOK)
	if calls := l.objects.calls; len(calls) == 0 || !strings.HasPrefix(calls[len(calls)-1], "SYNC_ROOM space/acme/project/") {
		t.Errorf("the sockets of the project were not closed: %v", calls)
	}
	for range 2 {
		for _, refused := range [][2]string{
			{"POST", "/trpc/sync.push"}, {"GET", "/trpc/sync.pull?input=%7B%7D"}, {"POST", "/sync/restore"}, {"POST", "/auth/ticket"},
			{"POST", "/api/v1/projects/"}, {"POST", "/yjs/note"},
		} {
			if text := l.ask(refused[0], "/s/acme"+refused[1], aPush, http.StatusServiceUnavailable); !strings.Contains(text, "paused") {
				t.Errorf("%v: %s", refused, text)
			}
		}
		if info := l.ask("GET", "/s/acme/info", "", http.StatusOK); !strings.Contains(info, `"paused":true`) {
			t.Error(info)
		}
		l.restart()
	}
	l.ask("POST", "/s/acme/resume", "", http.StatusNoContent)
	if info := l.ask("GET", "/s/acme/info", "", http.StatusOK); strings.Contains(info, "paused") {
		t.Error(info)
	}
	l.ask("POST", "/s/acme/resume", "", http.StatusNoContent)
	l.ask("POST", "/s/acme/api/v1/projects/", `{"name":"q"}`, http.StatusCreated)
	l.ask("POST", "/s/acme/pause", "", http.StatusOK)
	l.ask("DELETE", "/s/acme", "", http.StatusNoContent)
	l.ask("POST", "/s/acme/pause", "", http.StatusNotFound)
	l.ask("POST", "/s/acme/resume", "", http.StatusNotFound)
	l.ask("POST", "/s/acme/api/v1/projects/", `{"name":"r"}`, http.StatusCreated)
}

// A slowBody is a body whose first Read calls f.
type slowBody struct {
	io.Reader
	f func()
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.f != nil {
		b.f()
		b.f = nil
	}
	return b.Reader.Read(p)
}

// TestAnEditWhoseBodyTakesLongDoesNotPassAPause checks S13 for a request that was admitted
// before the pause.
func TestAnEditWhoseBodyTakesLongDoesNotPassAPause(t *testing.T) {
	l := newLife(t)
	l.objects.onDocument = func(op yroom.Op) {
		if op == yroom.OpMerge {
			t.Error("the edit came to the room")
		}
	}
	r := httptest.NewRequest("POST", "/s/acme/yjs/note", &slowBody{strings.NewReader("an update"), func() {
		if _, err := l.objects.object("acme").program.Pause(context.Background()); err != nil {
			t.Error(err)
		}
	}})
	r.Header.Set("Authorization", "Bearer "+l.token)
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "paused") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestAPauseIsNotOverWhileAnEditIsOnItsWay checks S13 for a request whose call of the room
// began before the pause.
func TestAPauseIsNotOverWhileAnEditIsOnItsWay(t *testing.T) {
	l := newLife(t)
	program := l.objects.object("acme").program
	l.objects.onDocument = func(op yroom.Op) {
		if op != yroom.OpMerge {
			return
		}
		if more, err := program.Pause(context.Background()); !more || err != nil {
			t.Errorf("during the edit: %v, %v", more, err)
		}
	}
	l.ask("POST", "/s/acme/yjs/note", "an update", http.StatusNoContent)
	if more, err := program.Pause(context.Background()); more || err != nil {
		t.Errorf("after the edit: %v, %v", more, err)
	}
}
