//go:build !js

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
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

// signed returns a token that reaches the root and all spaces unless it has the claim spaces.
func signed(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	if _, ok := claims["spaces"]; !ok {
		claims = maps.Clone(claims)
		claims["spaces"] = []string{"", "*"}
	}
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

// wantClosed reads until the socket is closed with that code and, unless it is "",
// that reason.
func (c client) wantClosed(code int, reason string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	for {
		_, _, err := c.ws.Read(ctx)
		var closed websocket.CloseError
		if errors.As(err, &closed) {
			if int(closed.Code) != code || reason != "" && closed.Reason != reason {
				c.Errorf("closed with %d %q, want %d %q", closed.Code, closed.Reason, code, reason)
			}
			return
		}
		if err != nil {
			c.Fatalf("not closed: %v", err)
		}
	}
}

// alive waits for the answer to a ping. Rooms of both classes answer pings.
func (c client) alive() {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte("ping")); err != nil {
		c.Fatal(err)
	}
	for {
		_, data, err := c.ws.Read(ctx)
		if err != nil {
			c.Fatal(err)
		}
		if string(data) == "pong" {
			return
		}
	}
}

// post sends JSON and returns the status and the body.
func post(t *testing.T, s *wasmtest.Server, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("POST", s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// eachRoom runs f for a room of each kind: its path, and the binding and name of
// its object. The members of the project are ann, bob and eve.
func eachRoom(t *testing.T, f func(t *testing.T, s *wasmtest.Server, clock *wasmtest.Clock, path, binding, name string)) {
	for _, kind := range []string{"yjs", "sync", "project", "yjs of a space", "sync of a space", "project of a space"} {
		t.Run(kind, func(t *testing.T) {
			s, clock := startGuest(t)
			kind, inSpace := strings.CutSuffix(kind, " of a space")
			at, inside := "", ""
			if inSpace {
				at, inside = "/s/acme", "space/acme/"
				if status, body := post(t, s, at+"/api/v1/projects/", signed(t, jwt.MapClaims{"sub": "ann"}), `{"name":"born"}`); status != 201 {
					t.Fatalf("%d %s", status, body)
				}
			}
			switch {
			case kind == "yjs" && inSpace:
				f(t, s, clock, at+"/yjs/r", "SPACE_YJS_ROOM", "acme/r")
			case kind == "yjs":
				f(t, s, clock, "/yjs/r", "YJS_ROOM", "r")
			case kind == "sync" && inSpace:
				f(t, s, clock, at+"/sync/subscribe", "SPACE", "acme")
			case kind == "sync":
				f(t, s, clock, "/sync/subscribe", "SYNC_ROOM", "sync")
			case kind == "project":
				ann := signed(t, jwt.MapClaims{"sub": "ann"})
				status, body := post(t, s, at+"/api/v1/projects/", ann, `{"name":"p"}`)
				var p struct{ ID string }
				if err := json.Unmarshal([]byte(body), &p); err != nil || status != 201 {
					t.Fatalf("%d %s", status, body)
				}
				for _, user := range []string{"bob", "eve"} {
					if status, body := post(t, s, at+"/api/v1/projects/"+p.ID+"/memberships/", ann, `{"user_id":"`+user+`","role":"Viewer"}`); status != 201 {
						t.Fatalf("%d %s", status, body)
					}
				}
				f(t, s, clock, at+"/api/v1/projects/"+p.ID+"/subscribe", "SYNC_ROOM", inside+"project/"+p.ID)
			}
		})
	}
}

// hibernate lets the room's window end and then the room hibernate.
func hibernate(t *testing.T, s *wasmtest.Server, clock *wasmtest.Clock, binding, name string) {
	t.Helper()
	wasmtest.Until(t, "hibernate", func() bool {
		clock.Advance(time.Millisecond)
		return s.Worker().ForTests().Hibernate(binding, name)
	})
}

// docs/protocol.md, close code 4401.
func TestASocketEndsWithItsToken(t *testing.T) {
	eachRoom(t, func(t *testing.T, s *wasmtest.Server, clock *wasmtest.Clock, path, binding, name string) {
		for _, hibernates := range []bool{false, true} {
			until := clock.Now().Add(time.Minute)
			ends := open(t, s, path, jwt.MapClaims{"sub": "ann", "exp": until.Unix()})
			later := open(t, s, path, jwt.MapClaims{"sub": "bob", "exp": until.Add(time.Hour).Unix()})
			never := open(t, s, path, jwt.MapClaims{"sub": "eve"})
			for _, c := range []client{ends, later, never} {
				c.alive()
			}
			if hibernates {
				hibernate(t, s, clock, binding, name)
			}
			clock.Advance(until.Add(-time.Second).Sub(clock.Now()))
			ends.alive()
			if hibernates {
				hibernate(t, s, clock, binding, name)
			}
			clock.Advance(until.Sub(clock.Now()))
			ends.wantClosed(room.CloseEnded, session.EndedReason)
			later.alive()
			never.alive()
		}
	})
}

// A room in which no token ends sets no alarm, except for the one with which a Yjs room
// breaks the silence (docs/protocol.md, Y15).
func TestARoomOfTokensWithoutEndSetsNoAlarm(t *testing.T) {
	eachRoom(t, func(t *testing.T, s *wasmtest.Server, clock *wasmtest.Clock, path, binding, name string) {
		s.Gate.Hold("alarm")
		// rings tells whether an alarm comes within an hour.
		rings := func() bool {
			t.Helper()
			over := make(chan struct{})
			go func() {
				defer close(over)
				clock.Advance(time.Hour)
			}()
			ring := false
			wasmtest.Until(t, "an hour, or an alarm", func() bool {
				select {
				case <-over:
					return true
				default:
					_, _, ok := s.Gate.Release()
					ring = ring || ok
					return false
				}
			})
			return ring
		}
		for range 3 {
			open(t, s, path, jwt.MapClaims{"sub": "eve"}).alive()
		}
		if got, want := rings(), strings.HasSuffix(binding, "YJS_ROOM"); got != want {
			t.Errorf("an alarm comes: %v, want %v", got, want)
		}
		open(t, s, path, jwt.MapClaims{"sub": "eve", "exp": clock.Now().Add(time.Minute).Unix()}).alive()
		if !rings() {
			t.Error("no alarm comes for a token that ends")
		}
	})
}

// y-websocket disconnects after 30 seconds without a message. docs/protocol.md, Y15.
func TestASilentYjsRoomSendsSomethingWithin25Seconds(t *testing.T) {
	s, clock := startGuest(t)
	viewers := []client{
		open(t, s, "/yjs/r", jwt.MapClaims{"sub": "ann"}),
		open(t, s, "/yjs/r", jwt.MapClaims{"sub": "rex", "scope": "yjs:read", "exp": start.Add(time.Hour).Unix()}),
	}
	for _, v := range viewers {
		v.state()
	}
	for _, hibernates := range []bool{false, false, true, true, false} {
		if hibernates {
			hibernate(t, s, clock, "YJS_ROOM", "r")
		}
		for _, v := range viewers {
			v.alive() // or the host may close it: the pong to a ping takes real time
		}
		clock.Advance(25 * time.Second)
		for _, v := range viewers {
			v.wantAware()
		}
	}
}

// A client that returns with a new token within the grace period was never gone for others.
// docs/protocol.md, Y14.
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
	a.wantClosed(room.CloseEnded, session.EndedReason)
	renewed := maps.Clone(ann)
	renewed["exp"] = start.Add(time.Hour).Unix()
	b := open(t, s, "/yjs/r", renewed)
	b.aware(1, 1, string(state))
	b.state()                      // it is taken
	clock.Advance(4 * time.Second) // more than the grace of 3 s, and the client's state is not 30 s old yet
	b.aware(1, 2, string(state))
	watcher.wantAware(awareness.Entry{Client: 1, Clock: 2, State: state})
}

// docs/protocol.md, Y13.
func TestAReaderTakesOverNobodysPresence(t *testing.T) {
	s, clock := startGuest(t)
	state := []byte(`{"name":"ann"}`)
	ann := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "ann"})
	ann.aware(1, 1, string(state))
	ann.wantAware(awareness.Entry{Client: 1, Clock: 1, State: state})
	reader := open(t, s, "/yjs/r", jwt.MapClaims{"sub": "rex", "scope": "yjs:read"})
	reader.wantAware(awareness.Entry{Client: 1, Clock: 1, State: state})
	reader.aware(1, 1<<53-1, `{"name":"rex"}`)
	reader.aware(1, 1<<53-1, "null")
	reader.state() // both are read
	wasmtest.Until(t, "hibernate", func() bool { return s.Worker().ForTests().Hibernate("YJS_ROOM", "r") })
	reader.aware(1, 1<<53-1, `{"name":"rex"}`)
	reader.send(yproto.AppendQueryAwareness(nil))
	reader.wantAware(awareness.Entry{Client: 1, Clock: 1, State: state})
	ann.aware(1, 2, string(state))
	ann.wantAware(awareness.Entry{Client: 1, Clock: 2, State: state})

	// She is silent for so long that nobody sees her any more, and comes back.
	clock.Advance(awareness.Timeout)
	reader.aware(2, 1, `{"name":"rex"}`)
	reader.hears(awareness.Entry{Client: 1, Clock: 2})
	reader.aware(1, 1<<53-1, `{"name":"rex"}`)
	reader.state()
	wasmtest.Until(t, "hibernate", func() bool { return s.Worker().ForTests().Hibernate("YJS_ROOM", "r") })
	reader.aware(1, 1<<53-1, `{"name":"rex"}`)
	reader.state()
	ann.aware(1, 3, string(state))
	ann.hears(awareness.Entry{Client: 1, Clock: 3, State: state})
	reader.hears(awareness.Entry{Client: 1, Clock: 3, State: state})
}
