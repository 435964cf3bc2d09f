//go:build !js

package main_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/awareness"
	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/shared/yproto"
	"tidemark/wasm/wasmtest"
)

// A spaceLife is a server whose documents are copied by no clock, and its operator.
type spaceLife struct {
	*testing.T
	s                *wasmtest.Server
	clock            *wasmtest.Clock
	member, operator watched
}

func newSpaceLife(t *testing.T) *spaceLife {
	t.Helper()
	log := &journal{}
	s, clock := startLogged(t, log, "YJS_COPY_MILLIS", "86400000")
	return &spaceLife{
		t, s, clock,
		watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, log},
		watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:admin spaces:admin yjs:read"})}, log},
	}
}

// exists says whether a space was born, by its info and by the directory, which must agree.
func (l *spaceLife) exists(name string) bool {
	l.Helper()
	var info struct {
		CreatedAt *int64 `json:"created_at"`
	}
	if err := json.Unmarshal(l.operator.wants("GET", "/s/"+name+"/info", nil, http.StatusOK), &info); err != nil {
		l.Fatal(err)
	}
	listed := strings.Contains(string(l.operator.wants("GET", "/spaces?prefix="+name, nil, http.StatusOK)), `"`+name+`"`)
	if listed != (info.CreatedAt != nil) {
		l.Errorf("%s: listed %v, created_at %v", name, listed, info.CreatedAt)
	}
	return listed
}

// edited makes the space acme by an edit, and waits for the copy of its document.
func (l *spaceLife) edited() {
	l.Helper()
	l.member.wants("POST", "/s/acme/yjs/note", typed(1, "first"), http.StatusNoContent)
	wasmtest.Until(l, "the copy", func() bool {
		l.clock.Advance(10 * time.Millisecond)
		return strings.Contains(string(l.operator.wants("GET", "/s/acme/export", nil, http.StatusOK)), `{"document":"note"`)
	})
}

// late opens a socket of a document that is held back on its way from the space to the room.
func (l *spaceLife) late(path string) client {
	l.Helper()
	url := strings.Replace(l.s.URL, "http", "ws", 1) + path + "?token=" + l.member.token
	l.s.Gate.Hold("socket")
	ws, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { ws.CloseNow() })
	l.s.Gate.Wait(l, 1)
	l.s.Gate.Hold()
	return client{l.T, ws}
}

// The edit over HTTP makes the space before it is answered; the edit of a socket makes it with
// the document's first copy, which does not wait for YJS_COPY_MILLIS.
func TestAnEditOfADocumentMakesTheSpace(t *testing.T) { // S6
	l := newSpaceLife(t)
	l.member.wants("POST", "/s/nothing/yjs/note", []byte{0, 0}, http.StatusNoContent)
	if l.exists("nothing") {
		t.Error("an edit without a content made a space")
	}
	l.member.wants("POST", "/s/http/yjs/note", typed(1, "hello"), http.StatusNoContent)
	if !l.exists("http") {
		t.Error("an edit over HTTP made no space")
	}
	c := open(t, l.s, "/s/socket/yjs/note", jwt.MapClaims{"sub": "ann"})
	c.state()
	if l.exists("socket") {
		t.Error("a reader made a space")
	}
	c.send(yproto.AppendUpdate(nil, typed(1, "hello")))
	c.next(yproto.Update)
	wasmtest.Until(t, "the edit has made the space", func() bool {
		l.clock.Advance(10 * time.Millisecond)
		return strings.Contains(string(l.operator.wants("GET", "/spaces?prefix=socket", nil, http.StatusOK)), `"socket"`)
	})
	if export := string(l.operator.wants("GET", "/s/socket/export", nil, http.StatusOK)); !strings.Contains(export, `{"document":"note"`) {
		t.Errorf("the space was made without its document: %s", export)
	}
}

// A socket that the space let in before its deletion comes to the room afterwards.
func TestASocketOnItsWayDoesNotOutliveADeletion(t *testing.T) { // S8
	l := newSpaceLife(t)
	l.edited()
	there := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	there.alive()
	late := l.late("/s/acme/yjs/note")
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	l.s.Gate.Open()
	late.wantClosed(room.CloseDeleted, "the space was deleted")
	there.wantClosed(room.CloseDeleted, "the space was deleted")
	if files := l.files(); len(files) > 0 {
		t.Errorf("the space has left %q", files)
	}
	l.clock.Advance(time.Millisecond)
	again := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	again.alive()
	if state := again.state(); len(state) > 2 {
		t.Errorf("the document came back: %q", state)
	}
}

func TestASocketOnItsWayDoesNotPassAPause(t *testing.T) { // S13
	l := newSpaceLife(t)
	l.edited()
	late := l.late("/s/acme/yjs/note")
	if got := string(l.operator.wants("POST", "/s/acme/pause", nil, http.StatusOK)); !strings.Contains(got, `"more":false`) {
		t.Errorf("the pause has not all edits: %s", got)
	}
	l.s.Gate.Open()
	late.wantClosed(room.CloseLater, "the space is paused: connect again")
	l.operator.wants("POST", "/s/acme/resume", nil, http.StatusNoContent)
	again := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	if state := string(again.state()); !strings.Contains(state, "first") {
		t.Errorf("after the pause the document is %q", state)
	}
}

// An edit over HTTP is held back on its way from the space to the room, until the space is
// deleted.
func TestAnEditOnItsWayDoesNotOutliveADeletion(t *testing.T) { // S8
	l := newSpaceLife(t)
	l.edited()
	l.s.Gate.Hold("call")
	answered := make(chan int)
	go func() {
		status, _ := l.member.ask("POST", "/s/acme/yjs/note", typed(2, "late"))
		answered <- status
	}()
	l.s.Gate.Wait(t, 1)
	l.s.Gate.Hold()
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	l.s.Gate.Open()
	if status := <-answered; status != http.StatusConflict {
		t.Errorf("the edit: %d", status)
	}
	if l.exists("acme") {
		t.Error("the edit made the space again")
	}
	l.member.wants("GET", "/s/acme/yjs/note", nil, http.StatusNotFound)
}

// A document's first copy is held back on its way from the room to the space, until the space
// is deleted.
func TestACopyOnItsWayDoesNotMakeADeletedSpaceAgain(t *testing.T) { // S8
	l := newSpaceLife(t)
	l.member.wants("POST", "/s/acme/api/v1/projects/", []byte(`{"name":"born"}`), http.StatusCreated)
	c := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	c.state()
	l.s.Gate.Hold("call")
	c.send(yproto.AppendUpdate(nil, typed(1, "deleted")))
	c.next(yproto.Update)
	wasmtest.Until(t, "the copy is on its way", func() bool {
		l.clock.Advance(10 * time.Millisecond)
		return l.s.Gate.Held() > 0
	})
	l.s.Gate.Hold()
	l.clock.Advance(time.Millisecond)
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	arrived := l.s.Gate.Count("reply") + 1
	l.s.Gate.Open()
	wasmtest.Until(t, "the copy has arrived", func() bool { return l.s.Gate.Count("reply") >= arrived })
	if l.exists("acme") {
		t.Error("the copy made the space again")
	}
}

// pass lets time pass, while the sockets answer pings: otherwise the host may close them.
func (l *spaceLife) pass(d time.Duration, sockets ...client) {
	for end := l.clock.Now().Add(d); l.clock.Now().Before(end); l.clock.Advance(20 * time.Second) {
		for _, c := range sockets {
			c.alive()
		}
	}
}

// files returns what spaces and their documents have stored.
func (l *spaceLife) files() []string {
	l.Helper()
	files, err := filepath.Glob(filepath.Join(l.s.Data(), "do", "Space*", "*"))
	if err != nil {
		l.Fatal(err)
	}
	return files
}

func TestAReaderOfASpaceThatWasNeverWrittenIsNotForgotten(t *testing.T) { // S6, S8
	l := newSpaceLife(t)
	reader := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	reader.state()
	l.pass(150*time.Minute, reader)
	l.member.wants("POST", "/s/acme/api/v1/projects/", []byte(`{"name":"born"}`), http.StatusCreated)
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	reader.wantClosed(room.CloseDeleted, "the space was deleted")
}

func TestReadersLeaveNothing(t *testing.T) { // S5, S6
	l := newSpaceLife(t)
	reader := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	reader.state()
	if len(l.files()) == 0 {
		t.Fatal("the test reads the wrong folder")
	}
	reader.ws.CloseNow()
	wasmtest.Until(t, "all is forgotten", func() bool {
		l.pass(10 * time.Minute)
		return len(l.files()) == 0
	})
}

// A client that is slow to close its socket is still there when the document is opened again.
func TestASocketOfADeletedDocumentIsNotInTheNextOne(t *testing.T) { // S5, S8
	l := newSpaceLife(t)
	l.edited()
	slow := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "bert"})
	slow.state()
	slow.aware(77, 1, `"bert"`)
	slow.alive()
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	l.clock.Advance(time.Millisecond)
	next := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	next.state()
	next.send(yproto.AppendQueryAwareness(nil))
	if got, err := awareness.Decode(next.next(yproto.Awareness), awareness.DefaultLimits); err != nil || len(got) > 0 {
		t.Errorf("present are %v, %v", got, err)
	}
	slow.wantClosed(room.CloseDeleted, "the space was deleted")
	next.ws.CloseNow()
	wasmtest.Until(t, "all is forgotten", func() bool {
		l.pass(10 * time.Minute)
		return len(l.files()) == 0
	})
}

// A room of many sockets gathers edits until its timer ends.
func TestTheTimerOfADeletedDocumentStoresNothing(t *testing.T) { // S8
	l := newSpaceLife(t)
	l.edited()
	var sockets []client
	for range 20 {
		c := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
		c.alive()
		sockets = append(sockets, c)
	}
	sockets[0].send(yproto.AppendUpdate(nil, typed(2, "second")))
	sockets[0].next(yproto.Update)
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	for _, c := range sockets {
		c.wantClosed(room.CloseDeleted, "the space was deleted")
	}
	before := l.s.Gate.Count("timer")
	l.clock.Advance(time.Second)
	if l.s.Gate.Count("timer") == before {
		t.Fatal("the room has set no timer")
	}
	if files := l.files(); len(files) > 0 {
		t.Errorf("the timer has made %q", files)
	}
}

// A revocation asks the rooms in which the person has been lately.
func TestARevocationMakesNoDeletedDocumentAgain(t *testing.T) { // S8
	l := newSpaceLife(t)
	l.edited()
	there := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	there.alive()
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	there.wantClosed(room.CloseDeleted, "the space was deleted")
	late := l.late("/s/other/yjs/note")
	l.operator.wants("POST", "/auth/revoke", []byte(`{"sub":"ann"}`), http.StatusOK)
	if files := l.files(); len(files) != 2 { // of the space other, and its log
		t.Errorf("the revocation has made %q", files)
	}
	l.s.Gate.Open()
	late.wantClosed(room.CloseEnded, session.RevokedReason)
}

// The document acme/note of the root and the document note of the space acme are objects of one
// name and of two classes, and number their sockets alike.
func TestADeletionClosesNoSocketOfTheRoot(t *testing.T) { // S8
	l := newSpaceLife(t)
	l.edited()
	ofRoot := open(t, l.s, "/yjs/acme/note", jwt.MapClaims{"sub": "ann"})
	ofRoot.state()
	ofSpace := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"}) // it does not answer the close
	ofSpace.alive()
	l.operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	ofRoot.send(yproto.AppendUpdate(nil, typed(1, "of the root")))
	ofRoot.alive()
	if got := string(l.member.wants("GET", "/yjs/acme/note", nil, http.StatusOK)); !strings.Contains(got, "of the root") {
		t.Errorf("the document of the root is %q", got)
	}
}

// A socket that was open before the import could write between two of its pages.
func TestAnImportReplacesNoEditOfASocket(t *testing.T) { // S11
	l := newSpaceLife(t)
	before := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	before.state()
	late := l.late("/s/acme/yjs/note")
	imports := func(lines ...string) {
		l.operator.wants("POST", "/s/acme/import", []byte(strings.Join(lines, "\n")+"\n"), http.StatusOK)
	}
	imports(`{"format":1,"space":"","stamp":7,"export":"x"}`, `{"document":"other","updated_at":5,"parts":0,"state":"AAA="}`, `{"next":"c"}`)
	l.s.Gate.Open()
	for _, c := range []client{before, late} {
		c.wantClosed(room.CloseLater, "the space is being imported: connect again")
	}
	imports(`{"page":2,"export":"x"}`, `{"document":"note","updated_at":5,"parts":0,"state":"`+base64.StdEncoding.EncodeToString(typed(1, "imported"))+`"}`, `{"next":null}`)
	l.clock.Advance(time.Second)
	after := open(t, l.s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	if state := string(after.state()); !strings.Contains(state, "imported") {
		t.Errorf("the document is %q", state)
	}
}
