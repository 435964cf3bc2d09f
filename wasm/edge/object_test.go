//go:build !js

package edge_test

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
	"tidemark/wasm/wasmtest"
)

// client is a WebSocket of a Probe.
type client struct {
	t  testing.TB
	ws *websocket.Conn
}

func dial(t testing.TB, s *wasmtest.Server, room, attachment string) *client {
	t.Helper()
	ws, _, err := websocket.Dial(context.Background(),
		strings.Replace(s.URL, "http", "ws", 1)+"/room/"+room+"/socket?attachment="+attachment, nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(64 << 20)
	t.Cleanup(func() { ws.CloseNow() })
	c := &client{t, ws}
	c.want("open " + attachment)
	return c
}

func timeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), wasmtest.Patience)
}

func (c *client) send(kind websocket.MessageType, data string) {
	c.t.Helper()
	ctx, cancel := timeout()
	defer cancel()
	if err := c.ws.Write(ctx, kind, []byte(data)); err != nil {
		c.t.Error(err)
	}
}

func (c *client) read() (string, error) {
	ctx, cancel := timeout()
	defer cancel()
	_, b, err := c.ws.Read(ctx)
	return string(b), err
}

func (c *client) want(message string) {
	c.t.Helper()
	if got, err := c.read(); got != message || err != nil {
		c.t.Errorf("got %q, %v, want %q", got, err, message)
	}
}

func (c *client) ask(command, answer string) {
	c.t.Helper()
	c.send(websocket.MessageText, command)
	c.want(answer)
}

func (c *client) wantClosed(code websocket.StatusCode, reason string) {
	c.t.Helper()
	_, err := c.read()
	if got := websocket.CloseStatus(err); got != code || !strings.Contains(fmt.Sprint(err), reason) {
		c.t.Errorf("closed with %v, want %d %s", err, code, reason)
	}
}

// eventually calls the room until its reply is as expected.
func eventually(t testing.TB, s *wasmtest.Server, room, command, answer string) {
	t.Helper()
	for end := time.Now().Add(wasmtest.Patience); ; time.Sleep(2 * time.Millisecond) {
		_, got := do(t, s, "POST", "/room/"+room+"/call", command)
		if got == answer {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: got %s, want %s", command, got, answer)
		}
	}
}

func TestSocketsSendAndReceive(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a, b := dial(t, s, "r", "a"), dial(t, s, "r", "b")
	dial(t, s, "elsewhere", "c")
	a.ask("echo é", "é")
	a.send(websocket.MessageBinary, "\x01\x02\xff")
	a.want("\xff\x02\x01")
	a.send(websocket.MessageText, "all hello")
	a.want("hello")
	a.want("2")
	b.want("hello")
	want(t, s, "POST", "/room/r/call", "all from a call", 200, "2")
	a.want("from a call")
	b.want("from a call")
	want(t, s, "POST", "/room/r/publish", "all published", 200, "published")
	a.want("published")
	a.ask("conns", `[[1,"a"],[2,"b"]]`)
	big := strings.Repeat("x", 5<<20)
	a.ask("echo "+big, big)
}

func TestAMessageOverTheLimitClosesItsSocketOnly(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a, b := dial(t, s, "r", "a"), dial(t, s, "r", "b")
	go a.ws.Write(context.Background(), websocket.MessageBinary, make([]byte, abi.MaxMessageBytes+1))
	a.wantClosed(websocket.StatusMessageTooBig, "")
	b.ask("echo 1", "1")
	b.send(websocket.MessageText, "\xff")
	b.wantClosed(websocket.StatusInvalidFramePayloadData, "UTF-8")
}

func TestPingIsAnsweredWithoutWakingTheObject(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a := dial(t, s, "r", "a")
	for range 5 {
		a.ask("ping", "pong")
	}
	a.ask("count", "2") // open and this
}

func TestAHibernatedObjectKeepsItsSockets(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a, b := dial(t, s, "r", "a"), dial(t, s, "r", "b")
	a.ask("attach changed", "attached")
	a.ask("add kept", "1")
	a.ask("object", "1 Probe r")
	if !s.Worker().ForTests().Hibernate("PROBE", "r") {
		t.Fatal("did not hibernate")
	}
	a.ask("ping", "pong")
	a.ask("count", "1")
	a.ask("object", "2 Probe r")
	b.ask("conns", `[[1,"changed"],[2,"b"]]`)
	b.ask("log", `["kept"]`)
	s.Worker().ForTests().Evict() // another instance
	b.ask("count", "1")
	b.ask("conns", `[[1,"changed"],[2,"b"]]`)
}

func TestClosing(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a, b, c := dial(t, s, "r", "a"), dial(t, s, "r", "b"), dial(t, s, "r", "c")
	a.send(websocket.MessageText, "close 4001 enough")
	a.wantClosed(4001, "enough")
	eventually(t, s, "r", "log", `["close 4001 enough"]`)
	b.ws.Close(4002, "bye")
	eventually(t, s, "r", "log", `["close 4001 enough","close 4002 bye"]`)
	c.send(websocket.MessageText, "close 1005 ignored")
	c.wantClosed(1000, "")
	eventually(t, s, "r", "log", `["close 4001 enough","close 4002 bye","close 1000 "]`)
	d := dial(t, s, "r", "d")
	d.ws.CloseNow()
	eventually(t, s, "r", "log", `["close 4001 enough","close 4002 bye","close 1000 ","close 1006 "]`)
	eventually(t, s, "r", "conns", "[]")
	eventually(t, s, "r", "last", `[[4,"d"]]`)
}

func TestARefusedUpgradeIsTold(t *testing.T) {
	s := start(t, wasmtest.Options{})
	for _, message := range []string{"", "why"} {
		ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/refuse?message="+message, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &client{t, ws}
		if message != "" {
			c.want(message)
		}
		c.wantClosed(4401, "no token")
	}
	for reason, want := range map[string]string{
		strings.Repeat("x", 124):       strings.Repeat("x", 123),
		strings.Repeat("x", 122) + "é": strings.Repeat("x", 122),
		strings.Repeat("😀", 40):        strings.Repeat("😀", 30),
	} {
		ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/refuse?reason="+url.QueryEscape(reason), nil)
		if err != nil {
			t.Fatal(err)
		}
		(&client{t, ws}).wantClosed(4401, want)
	}
}

func TestAClosingSocketIsAmongTheConnsOfItsLastEvent(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a := dial(t, s, "r", "a")
	dial(t, s, "r", "b")
	a.ask("attach who", "attached")
	if !s.Worker().ForTests().Hibernate("PROBE", "r") {
		t.Fatal("did not hibernate")
	}
	a.ws.Close(4000, "done")
	eventually(t, s, "r", "last", `[[1,"who"],[2,"b"]]`)
	eventually(t, s, "r", "conns", `[[2,"b"]]`)
}

func TestAnInstanceThatEndsInASocketsEventClosesThatSocket(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	a, b, other := dial(t, s, "r", "a"), dial(t, s, "r", "b"), dial(t, s, "other", "c")
	b.ask("add kept", "1")
	a.send(websocket.MessageText, "goroutine-panic")
	a.wantClosed(websocket.StatusInternalError, "internal error")
	b.ask("echo alive", "alive")
	other.ask("count", "1")
	eventually(t, s, "r", "log", `["kept","close 1011 internal error"]`)
	b.send(websocket.MessageText, "panic")
	b.wantClosed(websocket.StatusInternalError, "internal error")
	other.ask("count", "2")
	// A call that ends the instance is tried once more.
	if status, _ := do(t, s, "POST", "/room/r/call", "goroutine-panic"); status != 500 {
		t.Errorf("got %d", status)
	}
	want(t, s, "GET", "/trivial", "", 200, "ok")
}

func TestASlowClientIsClosedAndBlocksNobody(t *testing.T) {
	s := start(t, wasmtest.Options{})
	slow, quick := dial(t, s, "r", "slow"), dial(t, s, "r", "quick")
	text := strings.Repeat("x", 1<<20)
	began := time.Now()
	for range 40 { // more than the queue of the host and the system's buffers hold
		quick.send(websocket.MessageText, "all "+text)
		quick.want(text)
		if got, err := quick.read(); err != nil || (got != "2" && got != "1") {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	late := time.Since(began) > 20*time.Second // after 30 seconds of a write, the host closes without a frame
	var err error
	for err == nil {
		_, err = slow.read()
	}
	if websocket.CloseStatus(err) != websocket.StatusTryAgainLater && !late {
		t.Errorf("the slow client: %v", err)
	}
}

func TestAnAlarmComesAtItsTime(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	want(t, s, "POST", "/room/r/call", "alarm 5000", 200, "planned")
	clock.Advance(4999 * time.Millisecond)
	want(t, s, "POST", "/room/r/call", "log", 200, `[]`)
	clock.Advance(time.Millisecond)
	eventually(t, s, "r", "log", `["alarm"]`)
	clock.Advance(time.Hour)
	want(t, s, "POST", "/room/r/call", "log", 200, `["alarm"]`)
	// A later alarm replaces an earlier one.
	want(t, s, "POST", "/room/r/call", "alarm 1000", 200, "planned")
	want(t, s, "POST", "/room/r/call", "alarm 2000", 200, "planned")
	clock.Advance(1999 * time.Millisecond)
	want(t, s, "POST", "/room/r/call", "log", 200, `["alarm"]`)
	clock.Advance(time.Millisecond)
	eventually(t, s, "r", "log", `["alarm","alarm"]`)
}

func TestATimerComesOnce(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Log: io.Discard})
	want(t, s, "POST", "/room/r/call", "timer 20", 200, "set")
	want(t, s, "POST", "/room/r/call", "timer 5", 200, "pending")
	if s.Worker().ForTests().Hibernate("PROBE", "r") {
		t.Error("hibernated before its timer")
	}
	clock.Advance(19 * time.Millisecond)
	want(t, s, "POST", "/room/r/call", "log", 200, `[]`)
	clock.Advance(time.Millisecond)
	eventually(t, s, "r", "log", `["timer 4"]`)
	clock.Advance(time.Hour)
	want(t, s, "POST", "/room/r/call", "timer 20", 200, "set")
	// It outlives the instance, and runs in an object that is constructed anew.
	want(t, s, "GET", "/exit", "", 500, lostAnswer)
	clock.Advance(20 * time.Millisecond)
	eventually(t, s, "r", "log", `["timer 4","timer 1"]`)
}

func TestAnAlarmMayWaitAndOtherEventsComeInBetween(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	want(t, s, "POST", "/room/r/call", "alarm-d1 1000", 200, "planned")
	s.Gate.Hold("d1")
	clock.Advance(time.Second)
	s.Gate.Wait(t, 1)
	want(t, s, "POST", "/room/r/call", "add between", 200, "2")
	if s.Worker().ForTests().Hibernate("PROBE", "r") {
		t.Error("hibernated while its alarm ran")
	}
	s.Worker().ForTests().Evict()
	want(t, s, "POST", "/room/r/call", "object", 200, "1 Probe r") // the object stays in the instance of its alarm
	s.Gate.Open()
	wasmtest.Until(t, "the alarm sleeps", func() bool {
		at, ok := clock.Next()
		return ok && at.Sub(clock.Now()) == 20*time.Millisecond
	})
	clock.Advance(20 * time.Millisecond)
	eventually(t, s, "r", "log", `["alarm","between","alarm after d1"]`)
	want(t, s, "POST", "/room/r/call", "object", 200, "2 Probe r")
}

func TestAnAlarmWhoseInstanceEndsIsTriedAgain(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Log: io.Discard})
	want(t, s, "POST", "/room/r/call", "alarm-fail 1000 1", 200, "planned")
	want(t, s, "POST", "/room/r/call", "alarm-d1 1000", 200, "planned")
	s.Gate.Hold("d1")
	clock.Advance(time.Second)
	s.Gate.Wait(t, 1)
	want(t, s, "GET", "/exit", "", 500, lostAnswer)
	s.Gate.Open()
	want(t, s, "POST", "/room/r/call", "log", 200, `["alarm"]`)
	clock.Advance(2 * time.Second)
	eventually(t, s, "r", "log", `["alarm","alarm"]`)
}

func TestAFailedAlarmIsTriedAgainLaterEachTime(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	want(t, s, "POST", "/room/r/call", "alarm-fail 1000 100", 200, "planned")
	clock.Advance(time.Second)
	log := `["alarm"]`
	eventually(t, s, "r", "log", log)
	for n := range 6 {
		clock.Advance(2*time.Second<<n - time.Millisecond)
		want(t, s, "POST", "/room/r/call", "log", 200, log)
		clock.Advance(time.Millisecond)
		log = strings.TrimSuffix(log, "]") + `,"alarm"]`
		eventually(t, s, "r", "log", log)
	}
	clock.Advance(24 * time.Hour)
	want(t, s, "POST", "/room/r/call", "log", 200, log)
}

func TestAlarmsOutliveRestartsAndCrashes(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	want(t, s, "POST", "/room/a/call", "alarm 1000", 200, "planned")
	want(t, s, "POST", "/room/b/call", "alarm-fail 1000 1", 200, "planned")
	s.Restart()
	clock.Advance(time.Second)
	eventually(t, s, "a", "log", `["alarm"]`)
	eventually(t, s, "b", "log", `["alarm"]`)
	want(t, s, "POST", "/room/a/call", "alarm 1000", 200, "planned")
	s.Crash()
	clock.Advance(2 * time.Second)
	eventually(t, s, "a", "log", `["alarm","alarm"]`)
	eventually(t, s, "b", "log", `["alarm","alarm"]`)
}

func TestARestartClosesSocketsInGoodOrder(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a := dial(t, s, "r", "a")
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		a.wantClosed(websocket.StatusGoingAway, "going away")
	}()
	s.Restart()
	<-closed
	want(t, s, "POST", "/room/r/call", "log", 200, `["close 1001 the server is going away"]`)
}

func TestManyObjectsShareAFewOpenFiles(t *testing.T) {
	s := start(t, wasmtest.Options{})
	for round := range 2 {
		for n := range 150 {
			want(t, s, "POST", fmt.Sprintf("/room/%d/call", n), "add x", 200, fmt.Sprint(round+1))
		}
	}
}

func TestObjectStorageRefusesWhatProductionRefuses(t *testing.T) {
	s := start(t, wasmtest.Options{})
	for sql, answer := range map[string]string{
		"SELECT * FROM nope":  "error: no such table: nope: SQLITE_ERROR",
		"PRAGMA user_version": "error: not authorized: SQLITE_AUTH",
		"SELECT 'a'":          "a",
	} {
		want(t, s, "POST", "/room/r/call", "sql "+sql, 200, answer)
	}
	if _, got := do(t, s, "POST", "/room/r/call", "sql BEGIN"); !strings.Contains(got, "transaction") {
		t.Errorf("BEGIN: %s", got)
	}
	want(t, s, "POST", "/room/r/call", "add still there", 200, "1")
}
