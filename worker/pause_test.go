//go:build !js

package main_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
	"tidemark/wasm/wasmtest"
)

// The time that passes here is much shorter than that from an edit to its copy.
func TestAPausedSpaceExportsTheEditsOfItsDocuments(t *testing.T) { // S4 and S13
	log := &journal{}
	s, clock := startLogged(t, log, "YJS_COPY_MILLIS", "86400000")
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, log}
	operator := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:admin spaces:admin"})}, log}
	c.wants("POST", "/s/acme/api/v1/projects/", []byte(`{"name":"born"}`), http.StatusCreated)
	for _, room := range []string{"one", "two"} {
		c.wants("POST", "/s/acme/yjs/"+room, heavy(1, 1000), http.StatusNoContent)
	}
	wasmtest.Until(t, "the pause has all edits", func() bool {
		clock.Advance(10 * time.Millisecond)
		return !strings.Contains(string(operator.wants("POST", "/s/acme/pause", nil, http.StatusOK)), `"more":true`)
	})
	page := string(operator.wants("GET", "/s/acme/export", nil, http.StatusOK))
	for _, room := range []string{"one", "two"} {
		if !strings.Contains(page, `"`+room+`"`) {
			t.Errorf("the export lacks the document %s: %s", room, page)
		}
	}
}

// A room reads the copy of its document. If the space is deleted meanwhile, the copy must not
// come back.
func TestADeletedDocumentDoesNotComeBackByACopyThatWasBeingRead(t *testing.T) { // S8
	log := &journal{}
	s, clock := startLogged(t, log, "YJS_COPY_MILLIS", "0")
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, log}
	operator := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:admin spaces:admin"})}, log}
	c.wants("POST", "/s/old/yjs/note", typed(1, "erased"), http.StatusNoContent)
	var page []byte
	wasmtest.Until(t, "the copy", func() bool {
		clock.Advance(time.Second)
		page = operator.wants("GET", "/s/old/export", nil, http.StatusOK)
		return strings.Contains(string(page), `"note"`)
	})
	operator.wants("POST", "/s/acme/import", page, http.StatusOK)
	member := open(t, s, "/s/acme/yjs/note", jwt.MapClaims{"sub": "ann"})
	member.alive()
	s.Gate.Hold("reply")
	member.send(yproto.AppendSyncStep1(nil, yjs.StateVector{}.AppendTo(nil)))
	wasmtest.Until(t, "the room reads the copy", func() bool {
		clock.Advance(time.Second)
		return s.Gate.Held() > 0
	})
	s.Gate.Hold()
	operator.wants("DELETE", "/s/acme", nil, http.StatusNoContent)
	s.Gate.Open()
	c.wants("POST", "/s/acme/yjs/note", typed(2, "new"), http.StatusNoContent)
	clock.Advance(time.Second)
	if got := c.wants("GET", "/s/acme/yjs/note", nil, http.StatusOK); !bytes.Equal(got, typed(2, "new")) {
		t.Errorf("the document is %q", got)
	}
}

// An edit that is acknowledged is not copied yet. An import must not take its place.
func TestAnImportReplacesNoDocumentThatIsNotCopiedYet(t *testing.T) { // S11
	log := &journal{}
	s, _ := startLogged(t, log)
	c := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "ann"})}, log}
	operator := watched{caller{t, s, signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:admin spaces:admin"})}, log}
	s.Gate.Hold("alarm") // which makes the copy
	c.wants("POST", "/s/acme/yjs/note", typed(1, "acknowledged"), http.StatusNoContent)
	page := strings.Join([]string{
		`{"format":1,"space":"","stamp":7,"export":"x"}`, `{"document":"note","updated_at":5,"parts":0,"state":"AAA="}`, `{"next":null}`,
	}, "\n")
	if got := string(operator.wants("POST", "/s/acme/import", []byte(page), http.StatusConflict)); !strings.Contains(got, "note") {
		t.Errorf("the failure names no document: %s", got)
	}
	if got := c.wants("GET", "/s/acme/yjs/note", nil, http.StatusOK); !bytes.Equal(got, typed(1, "acknowledged")) {
		t.Errorf("the document is %q", got)
	}
}
