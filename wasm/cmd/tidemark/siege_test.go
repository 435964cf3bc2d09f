//go:build !js

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

func (s *server) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestAServerWhoseInstanceLoopsIsHealthyAndEnds(t *testing.T) {
	s := startServer(t, t.TempDir(), "--grace", "1s")
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/room/r/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if _, _, err := ws.Read(t.Context()); err != nil { // the room knows the socket
		t.Fatal(err)
	}
	looped := make(chan string)
	go func() {
		got, _ := s.get("/loop")
		looped <- got
	}()
	// The test guest has no route for health: the host sends the 200.
	wasmtest.Until(t, "the host answers for its health", func() bool {
		got, _ := s.get("/healthz")
		return got == `200 {"status":"ok"}`
	})
	s.Process.Signal(syscall.SIGTERM)
	for err == nil {
		_, _, err = ws.Read(t.Context())
	}
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the socket: %v", err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	if log := s.log.String(); !strings.Contains(log, "shut down") {
		t.Errorf("log: %s", log)
	}
	<-looped
}

func TestConnectionsAreLimitedInAllAndByAddress(t *testing.T) {
	l := newLimitedListener(nil, 5, 2)
	at := func(ip string) netip.Prefix {
		return origin(&net.TCPAddr{IP: net.ParseIP(ip), Port: 1})
	}
	for i, step := range []struct {
		ip   string
		want bool
	}{
		{"192.0.2.1", true}, {"192.0.2.1", true}, {"192.0.2.1", false}, {"::ffff:192.0.2.1", false},
		{"2001:db8::1", true}, {"2001:db8::2", true}, {"2001:db8::3", false}, {"2001:db8:0:1::1", true},
		{"192.0.2.2", false}, // five are open
	} {
		if got := l.enter(at(step.ip)); got != step.want {
			t.Errorf("%d: %s: got %v", i, step.ip, got)
		}
	}
	l.leave(at("192.0.2.1"))
	l.leave(at("192.0.2.1"))
	for range 2 {
		if !l.enter(at("127.0.0.1")) {
			t.Error("this machine is refused")
		}
	}
	l.leave(at("127.0.0.1"))
	if l.enter(at("127.0.0.1")); l.open != 5 || len(l.from) != 3 {
		t.Errorf("%d open, of %d origins", l.open, len(l.from))
	}
}

func TestAConnectionTooManyIsClosed(t *testing.T) {
	s := startServer(t, t.TempDir(), "--max-connections", "3")
	http.DefaultClient.CloseIdleConnections()
	held := []net.Conn{s.dial(t), s.dial(t), s.dial(t)}
	for _, conn := range held { // each counts after its response
		fmt.Fprint(conn, "GET /trivial HTTP/1.1\r\nHost: host\r\n\r\n")
		if _, err := io.ReadFull(conn, make([]byte, 15)); err != nil {
			t.Fatal(err)
		}
	}
	more := s.dial(t)
	more.SetReadDeadline(time.Now().Add(wasmtest.Patience))
	if n, err := more.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("a fourth is served")
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		t.Error("a fourth stays")
	}
	held[0].Close()
	wasmtest.Until(t, "another is let in", func() bool {
		got, _ := s.get("/trivial")
		return got == "200 ok"
	})
}

func TestIdleConnectionsLeaveTheServerServing(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1_000
	}
	if fit := freeFiles(edge.DefaultOpenFiles) / 2; n > fit { // the server may open as many files as this process
		t.Logf("%d files may be open: %d connections, not %d", openFiles(), fit, n)
		n = fit
	}
	s := startServer(t, t.TempDir(), "--max-connections", fmt.Sprint(n+100))
	for range n {
		s.dial(t)
	}
	for range 10 {
		if got, err := s.get("/trivial"); got != "200 ok" {
			t.Fatalf("got %s, %v", got, err)
		}
	}
}

func TestSlowClientsLeaveTheServerServing(t *testing.T) {
	s := startServer(t, t.TempDir())
	large := strings.Repeat("x", 1<<20)
	for range 100 {
		fmt.Fprint(s.dial(t), "GET /trivial HTTP/1.1\r\nHost: ho") // a header without end
		fmt.Fprintf(s.dial(t), "POST /slow-echo HTTP/1.1\r\nHost: host\r\nContent-Length: %d\r\n\r\nx", 1<<20)
		go fmt.Fprintf(s.dial(t), "POST /slow-echo HTTP/1.1\r\nHost: host\r\nContent-Length: %d\r\n\r\n%s", len(large), large)
	}
	for range 10 { // the last of them never read the response
		if got, err := s.get("/trivial"); got != "200 ok" {
			t.Fatalf("got %s, %v", got, err)
		}
	}
}

func TestSlowhttptestLeavesTheServerServing(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	tool, err := exec.LookPath("slowhttptest")
	if err != nil {
		t.Skip("slowhttptest is not installed: apt-get install slowhttptest")
	}
	s := startServer(t, t.TempDir())
	for _, attack := range []string{"-H", "-B", "-X"} {
		command := exec.Command(tool, attack, "-c", "500", "-r", "200", "-i", "2", "-l", "6", "-u", s.url+"/trivial")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- command.Wait() }()
		for running := true; running; {
			select {
			case <-ended:
				running = false
			default:
			}
			if got, err := s.get("/trivial"); got != "200 ok" {
				t.Fatalf("%s: got %s, %v", attack, got, err)
			}
		}
	}
}
