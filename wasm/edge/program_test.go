//go:build !js

package edge_test

import (
	"context"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

func TestTheFailingAlarmOfAProgramNeitherStopsItsRoomNorEnds(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Log: io.Discard, Env: map[string]string{"LIMIT_CALL_MS": "1e12"}})
	path := func(does string) string { return object("r", does) + "&to=PROGRAM" }
	alarms := func(does string) int {
		_, text := do(t, s, "GET", path(does), "")
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			t.Fatalf("%s: %q", does, text)
		}
		return n
	}
	alarms("fail&ms=1000")
	ws, _, err := websocket.Dial(t.Context(), strings.Replace(s.URL, "http", "ws", 1)+path("socket&ms=1500"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	clock.Advance(2 * time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), wasmtest.Patience)
	defer cancel()
	for err == nil {
		_, _, err = ws.Read(ctx)
	}
	if code := websocket.CloseStatus(err); code != 4401 {
		t.Fatalf("the socket outlives its session: %v", err)
	}
	const moreThanAnyHostRetries = 9
	wasmtest.Until(t, "the alarm goes on", func() bool {
		clock.Advance(time.Minute)
		return alarms("alarms") > moreThanAnyHostRetries
	})
	alarms("mend")
	had := alarms("alarms")
	wasmtest.Until(t, "the alarm succeeds", func() bool {
		clock.Advance(time.Minute)
		return alarms("alarms") > had
	})
	had = alarms("alarms")
	for range 10 {
		clock.Advance(time.Minute)
	}
	if n := alarms("alarms"); n != had {
		t.Errorf("%d alarms after the one that succeeded", n-had)
	}
	atRest(t, s, 100)
}
