//go:build !js

package edge_test

import (
	"context"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

// enter opens a socket of an owner and returns it, once it is open or refused.
func enter(t *testing.T, s *wasmtest.Server, room, owner string) (c *client, err error) {
	t.Helper()
	ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/room/"+room+"/socket?owner="+owner, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	ctx, cancel := timeout()
	defer cancel()
	_, _, err = ws.Read(ctx)
	return &client{t, ws}, err
}

func TestSocketsAreBoundedOfOneOwnerAndInAll(t *testing.T) {
	s := start(t, wasmtest.Options{Instances: 3, Env: map[string]string{"LIMIT_SOCKETS": "8", "LIMIT_SOCKETS_PER_SUBJECT": "3"}})
	refused := func(room, owner string, code websocket.StatusCode) {
		t.Helper()
		if _, err := enter(t, s, room, owner); websocket.CloseStatus(err) != code {
			t.Errorf("%s of %q: %v, want a close with %d", room, owner, err, code)
		}
	}
	opened := func(room, owner string) *client {
		t.Helper()
		c, err := enter(t, s, room, owner)
		if err != nil {
			t.Fatalf("%s of %q: %v", room, owner, err)
		}
		return c
	}
	ann := opened("a", "ann")
	opened("b", "ann")
	opened("c", "ann")
	refused("d", "ann", 4529)
	// A place is free again when the socket is gone, in whichever way.
	ann.ws.CloseNow()
	wasmtest.Until(t, "a place", func() bool {
		_, err := enter(t, s, "a", "ann")
		return err == nil
	})
	refused("a", "ann", 4529)
	if !s.Worker().ForTests().Hibernate("PROBE", "a") {
		t.Error("it does not hibernate")
	}
	refused("a", "ann", 4529)
	for range 5 {
		opened("a", "")
	}
	refused("a", "", 4503)
	refused("e", "bob", 4503)
}
