//go:build !js

package edge_test

import (
	"context"
	"testing"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

func TestSocketsAreToldOfAnEndThatDoesNotWaitForRequests(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a := dial(t, s, "r", "a")
	s.Gate.Hold("d1")
	responded := make(chan struct{})
	go func() {
		defer close(responded)
		if status, body := do(t, s, "GET", "/d1?n=1&id=x", ""); status != 500 {
			t.Errorf("the call that was given up: %d %s", status, body)
		}
	}()
	s.Gate.Wait(t, 1)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		a.wantClosed(websocket.StatusGoingAway, "going away")
	}()
	now, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Worker().Close(now); err != nil {
		t.Error(err)
	}
	<-closed
	s.Gate.Open()
	<-responded
}
