//go:build !js

package edge_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

// object is the path of a request that the object of the name serves.
func object(name, does string) string { return "/object/" + name + "?do=" + does }

func TestAnObjectServesARequestAsItIs(t *testing.T) {
	s := start(t, wasmtest.Options{Instances: 3})
	attachment := "\x00\xff\n: ü" + strings.Repeat("x", 5000)
	for _, method := range []string{"GET", "POST", "DELETE", "PATCH"} {
		for _, body := range []string{"", "body ü\x00", strings.Repeat("x", 300_000)} {
			path := object("r", "echo&q=1%202&attachment="+url.QueryEscape(attachment))
			_, text := do(t, s, method, path, body)
			var got struct {
				Object, Method, URL, Body, Attachment string
				Header                                http.Header
			}
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatalf("%s: %v: %.200q", method, err, text)
			}
			want := base64.StdEncoding.EncodeToString([]byte(attachment))
			if got.Object != "Probe r" || got.Method != method || got.Body != body || got.Attachment != want {
				t.Errorf("%s, %d bytes: got %s %s, %d bytes, attachment %.30s", method, len(body), got.Object, got.Method, len(got.Body), got.Attachment)
			}
			if got.URL != s.URL+path || got.Header.Get("Cf-Connecting-Ip") != "127.0.0.1" {
				t.Errorf("%s: got %.100s, %v", method, got.URL, got.Header)
			}
		}
	}
	res, err := http.Head(s.URL + object("r", "echo"))
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD: %v, %v", res, err)
	}
	atRestAll(t, s)
}

// atRestAll asks each instance in turn; a request goes to a free one.
func atRestAll(t testing.TB, s *wasmtest.Server) {
	t.Helper()
	for range 6 {
		atRest(t, s, 100)
	}
}

func TestABigAnswerOfAnObjectArrivesWhole(t *testing.T) {
	s := start(t, wasmtest.Options{})
	status, got := do(t, s, "GET", object("r", "big&kb=20000"), "")
	var want strings.Builder
	for n := range 20_000 {
		want.WriteString(strings.Repeat(string(rune('a'+n%26)), 1000-n%2) + strings.Repeat("\n", n%2))
	}
	if status != 200 || got != want.String() {
		t.Errorf("got %d, %d bytes, want %d", status, len(got), want.Len())
	}
	atRest(t, s, 100)
}

func TestTheLimitsOfABodyHoldInAnObject(t *testing.T) {
	s := start(t, wasmtest.Options{Env: map[string]string{"LIMIT_BODY_BYTES": "16777216"}, Log: io.Discard})
	for _, c := range []struct {
		does    string
		n       int
		chunked bool
		want    int
	}{
		{"length&limit=100000", 100_000, false, 200},
		{"length&limit=100000", 100_000, true, 200},
		{"length&limit=100000", 100_001, false, 413},
		{"length&limit=100000", 100_001, true, 413},
		{"length&first=65536&limit=100000", 100_000, true, 200},
		{"refused", 17 << 20, false, 401},
		{"refused", 17 << 20, true, 401},
		{"exit", 100_000, false, 500},
	} {
		if got, err := sendAll(connect(t, s), object("r", c.does), c.n, c.chunked); got != c.want || err != nil {
			t.Errorf("%s, %d bytes, chunked %v: got %d, %v; want %d", c.does, c.n, c.chunked, got, err, c.want)
		}
	}
	atRest(t, s, 100)
}

func TestABrokenOrSlowBodyOfAnObjectIsRefused(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: map[string]string{"LIMIT_CALL_MS": "3600000"}})
	conn := stalled(t, s, object("r", "length"), 1000, 500)
	conn.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := readStatus(conn); got != 400 || err != nil {
		t.Errorf("cut short: got %d, %v", got, err)
	}
	conn = stalled(t, s, object("r", "length"), 1000, 500)
	answered := make(chan string, 1)
	go func() {
		status, err := readStatus(conn)
		answered <- fmt.Sprint(status, " ", err)
	}()
	wasmtest.Until(t, "the transfer is watched", func() bool {
		at, ok := clock.Next()
		return ok && at.Sub(clock.Now()) <= 10*time.Second
	})
	clock.Advance(20 * time.Second)
	if got := <-answered; got != "408 <nil>" {
		t.Errorf("stalled: got %s", got)
	}
	atRest(t, s, 100)
}

func TestARequestThatCannotBeDeliveredAnswers500(t *testing.T) {
	var log syncBuffer
	s := start(t, wasmtest.Options{Log: &log})
	for _, c := range []struct{ path, body, why string }{
		{object("r", "echo&taken=1"), "x", "the guest forwarded a request whose body it had taken"},
		{object("r", "echo&to=NONE"), "", "no such binding"},
		{object("r", "pass"), "", "an object forwarded a request to another object"},
	} {
		want(t, s, "POST", c.path, c.body, 500, `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"`+c.why+`"}}`)
		if !strings.Contains(log.String(), c.why) {
			t.Errorf("the log does not say that %s", c.why)
		}
	}
	want(t, s, "POST", object("r", "length&taken=1"), "", 200, "0")
	atRest(t, s, 100)
}

type syncBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.String()
}

func TestAnObjectForwardsASocketAndRefusesOne(t *testing.T) {
	s := start(t, wasmtest.Options{Instances: 2})
	dialAt := func(does string) *client {
		ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+object("r", does), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.CloseNow() })
		return &client{t, ws}
	}
	for _, name := range []string{"r", "a", "b", "c"} {
		c := dialAt("socket&attachment=a&name=" + name)
		c.want("open a")
		c.send(websocket.MessageText, "object")
		if got, _ := c.read(); !strings.HasSuffix(got, " Probe "+name) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	dialAt("refuse").wantClosed(4401, "no token")
}

// Each reply to add is the length of the log: no two are the same.
func TestManyRequestsOfOneObjectRunOneAfterTheOther(t *testing.T) {
	s := start(t, wasmtest.Options{Instances: 2})
	var lengths sync.Map
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			path, body := object("r", fmt.Sprintf("enter&command=add+%d", n)), "body"
			if n%3 == 0 {
				path, body = "/room/r/call", fmt.Sprint("add ", n)
			}
			_, got := do(t, s, "POST", path, body)
			if other, twice := lengths.LoadOrStore(got, n); twice {
				t.Errorf("%v and %d: %s", other, n, got)
			}
		})
	}
	wg.Wait()
	want(t, s, "POST", "/room/r/call", "add last", 200, "101")
}

func TestEventsOfAnObjectComeInBetweenItsRequests(t *testing.T) {
	s := start(t, wasmtest.Options{})
	a := dial(t, s, "r", "a")
	done := waiting(t, s, "r", "k")
	a.ask("add between", "1")
	want(t, s, "POST", object("r", "enter&command=add+request"), "", 200, "2")
	if s.Worker().ForTests().Hibernate("PROBE", "r") {
		t.Error("hibernated while its request ran")
	}
	want(t, s, "POST", "/room/r/call", "wake k", 200, "true")
	<-done
	want(t, s, "POST", "/room/r/call", "log", 200, `["between","request","k"]`)
	atRest(t, s, 100)
}

// waiting begins a request of the object that waits for the key. It returns when the
// request waits. done brings its answer.
func waiting(t *testing.T, s *wasmtest.Server, name, key string) (done <-chan string) {
	t.Helper()
	ch := make(chan string, 1)
	before := waiters(t, s, name)
	go func() {
		status, got := do(t, s, "POST", object(name, "wait&key="+key), "")
		ch <- fmt.Sprint(status, " ", got)
	}()
	wasmtest.Until(t, "the request waits", func() bool { return waiters(t, s, name) > before })
	return ch
}

// waiters is how many requests wait in the object's instance.
func waiters(t *testing.T, s *wasmtest.Server, name string) int {
	_, got := do(t, s, "POST", "/room/"+name+"/call", "waiters")
	n := 0
	fmt.Sscan(got, &n)
	return n
}

func TestAnInstanceThatEndsInARequestOfAnObjectAnswers500AndReplaysReads(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	want(t, s, "POST", "/room/r/call", "add kept", 200, "1")
	write := waiting(t, s, "r", "w")
	read := make(chan string, 1)
	go func() {
		status, got := do(t, s, "GET", object("r", "wait&key=read"), "")
		read <- fmt.Sprint(status, " ", got)
	}()
	wasmtest.Until(t, "the read waits", func() bool { return waiters(t, s, "r") == 2 })
	want(t, s, "GET", object("r", "exit"), "", 500, lostAnswer)
	if got := <-write; strings.TrimSpace(got) != "500 "+lostAnswer {
		t.Errorf("the write: %s", got)
	}
	wasmtest.Until(t, "the read is replayed", func() bool { return waiters(t, s, "r") == 1 })
	want(t, s, "POST", "/room/r/call", "wake read", 200, "true")
	if got := <-read; !strings.HasPrefix(got, "200 ") {
		t.Errorf("the read: %s", got)
	}
	want(t, s, "POST", "/room/r/call", "log", 200, `["kept","read"]`)
	want(t, s, "POST", "/room/r/call", "ends", 200, "1")
	want(t, s, "GET", object("r", "panic"), "", 500, `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"internal error"}}`)
	want(t, s, "POST", "/room/r/call", "ends", 200, "1")
	atRest(t, s, 100)
}

func TestARequestOfAnObjectThatDidNothingBeginsAnew(t *testing.T) {
	s := start(t, wasmtest.Options{})
	want(t, s, "GET", object("r", "again&key=a"), "", 200, "4 0")
	want(t, s, "POST", object("r", "again&key=b"), "12345", 200, "4 5")
	want(t, s, "POST", object("r", "again&key=c"), "", 200, "1 0")
	want(t, s, "POST", object("r", "again&key=d&take=1"), "12345", 200, "1 5")
	done := waiting(t, s, "r", "k")
	want(t, s, "GET", object("r", "again&key=e"), "", 200, "1 0") // not while the object has another call
	want(t, s, "POST", "/room/r/call", "wake k", 200, "true")
	<-done
	atRest(t, s, 100)
}

func TestAFullInstanceDrainsAndTheObjectMovesToTheNext(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	socket := dial(t, s, "r", "a")
	first := waiting(t, s, "r", "first")
	full := make(chan string, 1)
	go func() {
		status, got := do(t, s, "POST", object("r", "memory&mb=84&key=full"), "")
		full <- fmt.Sprint(status, " ", got)
	}()
	wasmtest.Until(t, "the instance is full", func() bool { return waiters(t, s, "r") == 2 })
	var queued []<-chan string
	for n := range 20 {
		ch := make(chan string, 1)
		queued = append(queued, ch)
		go func() {
			status, got := do(t, s, "POST", object("r", fmt.Sprintf("wait&key=&n=%d", n)), "")
			ch <- fmt.Sprint(status, " ", got)
		}()
	}
	wasmtest.Until(t, "the others wait", func() bool { return s.Worker().Queued("PROBE", "r") == 20 })
	socket.ask("object", "1 Probe r") // events go on
	want(t, s, "POST", "/room/r/call", "object", 200, "1 Probe r")
	want(t, s, "GET", "/trivial", "", 200, "ok")
	want(t, s, "GET", object("other", "sleep"), "", 200, "slept")
	socket.ask("wake first", "true")
	old := <-first
	if n := s.Worker().Queued("PROBE", "r"); n != 20 {
		t.Errorf("%d of 20 wait while one is under way", n)
	}
	socket.ask("wake full", "true")
	if got := <-full; got != old {
		t.Errorf("two calls in one instance: %s and %s", old, got)
	}
	next := <-queued[0]
	if next == old || !strings.HasPrefix(next, "200 ") {
		t.Errorf("after %s: got %s", old, next)
	}
	for _, ch := range queued[1:] {
		if got := <-ch; got != next {
			t.Errorf("got %s and %s", next, got)
		}
	}
	socket.ask("object", strings.Fields(next)[2]+" Probe r")
}

// A webhook's receiver that hangs must delay no push: W4.
func TestARequestWaitsForNoServerThatAnAlarmAsks(t *testing.T) {
	asked := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the server does not see the end of the connection
		close(asked)
		<-r.Context().Done()
	}))
	defer hangs.Close()
	s := start(t, wasmtest.Options{Instances: 1})
	want(t, s, "POST", "/room/r/call", "alarm-fetch 0 "+hangs.URL, 200, "planned")
	<-asked
	full := make(chan string, 1)
	go func() {
		status, _ := do(t, s, "POST", object("other", "memory&mb=84&key=full"), "")
		full <- fmt.Sprint(status)
	}()
	wasmtest.Until(t, "the instance is full", func() bool { return waiters(t, s, "other") == 1 })
	want(t, s, "POST", object("r", "sleep"), "", 200, "slept")
	want(t, s, "POST", "/room/r/call", "log", 200, `["alarm","fetched false, too late false"]`)
	want(t, s, "POST", "/room/other/call", "wake full", 200, "true")
	if got := <-full; got != "200" {
		t.Errorf("the request that filled the instance: %s", got)
	}
}

func TestARequestThatWaitsTooLongForItsObjectGets503(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	post := func(does string) <-chan string {
		ch := make(chan string, 1)
		go func() {
			status, got := do(t, s, "POST", object("r", does), "")
			ch <- fmt.Sprint(status, " ", strings.TrimSpace(got))
		}()
		return ch
	}
	waiters(t, s, "r")
	first := post("memory&mb=84&key=a")
	wasmtest.Until(t, "the instance is full", func() bool { return waiters(t, s, "r") == 1 })
	second := post("memory&mb=84&key=b") // fills the next instance, too
	wasmtest.Until(t, "the second waits", func() bool { return s.Worker().Queued("PROBE", "r") == 1 })
	third := post("echo")
	wasmtest.Until(t, "the third waits", func() bool { return s.Worker().Queued("PROBE", "r") == 2 })
	clock.Advance(60 * time.Second)
	if got := <-first; !strings.HasPrefix(got, "50") {
		t.Errorf("the first: %s", got)
	}
	if got := <-third; got != `503 {"error":{"code":"SERVICE_UNAVAILABLE","message":"the object is busy; try again later"}}` {
		t.Errorf("the third: %s", got)
	}
	want(t, s, "POST", "/room/r/call", "wake b", 200, "true")
	if got := <-second; !strings.HasPrefix(got, "200 ") {
		t.Errorf("the second: %s", got)
	}
	want(t, s, "GET", object("r", "sleep"), "", 200, "slept")
	atRest(t, s, 100)
}

func TestARequestOfAnObjectIsCancelledAtItsLimit(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	waiters(t, s, "r")
	done := waiting(t, s, "r", "never")
	clock.Advance(61 * time.Second)
	if got := <-done; !strings.HasPrefix(got, "504 ") && !strings.Contains(got, "took too long") {
		t.Errorf("got %s", got)
	}
	want(t, s, "POST", "/room/r/call", "log", 200, "[]")
	atRest(t, s, 100)
}

func TestAClientThatLeavesFreesItsCallOfAnObject(t *testing.T) {
	s := start(t, wasmtest.Options{})
	waiters(t, s, "r")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, "POST", s.URL+object("r", "wait&key=k"), nil)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(r)
		left <- err
	}()
	wasmtest.Until(t, "the request waits", func() bool { return waiters(t, s, "r") == 1 })
	leave()
	if <-left == nil {
		t.Error("an answer")
	}
	want(t, s, "POST", "/room/r/call", "wake k", 200, "true")
	eventually(t, s, "r", "log", `["k"]`)
	atRest(t, s, 100)
}

// Both objects spin until the clock has moved far. Each is recorded as a suspect when it has
// run for some seconds, and until it returns. The second request comes when the first one spins: the Worker's
// part of a request runs in any isolate, and must not be in that of the other object.
func TestTwoObjectsRunAtTheSameTime(t *testing.T) { // C2
	clock := wasmtest.NewClock(time.Time{})
	limits := map[string]string{"LIMIT_CALL_MS": "1e12", "LIMIT_STRETCH_MS": "1e12"}
	s := start(t, wasmtest.Options{Instances: 2, Clock: clock, Env: limits})
	names := map[int]string{}
	for n := 0; len(names) < 2; n++ {
		name := fmt.Sprint("room", n)
		names[s.Worker().Home("PROBE", name)] = name
	}
	var wg sync.WaitGroup
	running := 0
	for _, name := range names {
		wg.Go(func() { want(t, s, "GET", object(name, "spin&ms=1000000000"), "", 200, "spun") })
		running++
		wasmtest.Until(t, fmt.Sprint(running, " run"), func() bool {
			clock.Advance(time.Second)
			return s.Worker().Suspects() == running
		})
	}
	clock.Advance(1e6 * time.Second)
	wg.Wait()
}
