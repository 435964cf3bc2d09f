//go:build !js

package main_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/awareness"
	"tidemark/shared/session"
	"tidemark/shared/yproto"
	"tidemark/wasm/wasmtest"
)

func signed(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// open opens a WebSocket by a token of these claims.
func open(t *testing.T, s *wasmtest.Server, path string, claims jwt.MapClaims) client {
	t.Helper()
	url := strings.Replace(s.URL, "http", "ws", 1) + path + "?token=" + signed(t, claims)
	ws, _, err := websocket.Dial(context.Background(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	return client{t, ws}
}

// wantClosed reads until the socket is closed with that code and reason.
func (c client) wantClosed(code int, reason string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	for {
		_, _, err := c.ws.Read(ctx)
		var closed websocket.CloseError
		if errors.As(err, &closed) {
			if int(closed.Code) != code || closed.Reason != reason {
				c.Errorf("closed with %d %q, want %d %q", closed.Code, closed.Reason, code, reason)
			}
			return
		}
		if err != nil {
			c.Fatalf("not closed: %v", err)
		}
	}
}

func TestAYjsSocketEndsWithItsToken(t *testing.T) {
	s, clock := startGuest(t)
	for _, hibernates := range []bool{false, true} {
		until := clock.Now().Add(time.Minute)
		ends := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "ann", "exp": until.Unix()})
		later := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "bob", "exp": until.Add(time.Hour).Unix()})
		never := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "eve"})
		for _, c := range []client{ends, later, never} {
			c.state()
		}
		if hibernates {
			wasmtest.Until(t, "hibernate", func() bool { return s.Worker().Hibernate("YJS_ROOM", "r") })
		}
		clock.Advance(time.Minute - time.Second)
		ends.state()
		if hibernates {
			wasmtest.Until(t, "hibernate", func() bool { return s.Worker().Hibernate("YJS_ROOM", "r") })
		}
		clock.Advance(time.Second)
		ends.wantClosed(session.CloseEnded, session.EndedReason)
		later.state()
		never.state()
	}
}

// A client that comes back with a new token within the grace was never gone.
func TestPresenceOutlivesAToken(t *testing.T) {
	s, clock := startGuest(t)
	const life = 20 * time.Second // not so long that a client counts as silent
	ann := jwt.MapClaims{"sub": "ann", "exp": start.Add(life).Unix()}
	state := []byte(`{"name":"ann"}`)
	watcher := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "eve"})
	watcher.state()
	a := open(t, s, "/yjs/r", ann)
	a.aware(1, 1, string(state))
	watcher.wantAware(awareness.Entry{Client: 1, Clock: 1, State: state})
	clock.Advance(life)
	a.wantClosed(session.CloseEnded, session.EndedReason)
	renewed := maps.Clone(ann)
	renewed["exp"] = start.Add(time.Hour).Unix()
	b := open(t, s, "/yjs/r", renewed)
	b.aware(1, 1, string(state))
	b.state() // it is taken
	clock.Advance(10 * time.Second)
	b.aware(1, 2, string(state))
	watcher.wantAware(awareness.Entry{Client: 1, Clock: 2, State: state})
}

func TestAReaderTakesOverNobodysPresence(t *testing.T) {
	s, _ := startGuest(t)
	state := []byte(`{"name":"ann"}`)
	ann := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "ann"})
	ann.aware(1, 1, string(state))
	ann.wantAware(awareness.Entry{Client: 1, Clock: 1, State: state})
	reader := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "rex", "scope": "yjs:read"})
	reader.wantAware(awareness.Entry{Client: 1, Clock: 1, State: state})
	reader.aware(1, 1<<53-1, `{"name":"rex"}`)
	reader.aware(1, 1<<53-1, "null")
	reader.state() // both are read
	wasmtest.Until(t, "hibernate", func() bool { return s.Worker().Hibernate("YJS_ROOM", "r") })
	reader.aware(1, 1<<53-1, `{"name":"rex"}`)
	reader.send(yproto.AppendQueryAwareness(nil))
	reader.wantAware(awareness.Entry{Client: 1, Clock: 1, State: state})
	ann.aware(1, 2, string(state))
	ann.wantAware(awareness.Entry{Client: 1, Clock: 2, State: state})
}
