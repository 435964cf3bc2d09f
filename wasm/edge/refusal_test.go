//go:build !js

package edge_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

func connect(t testing.TB, s *wasmtest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// sendAll is a client that sends its whole body, of n bytes, before it reads, as
// many clients do.
func sendAll(conn net.Conn, path string, n int, chunked bool) (status int, err error) {
	head := fmt.Sprintf("Content-Length: %d", n)
	if chunked {
		head = "Transfer-Encoding: chunked"
	}
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: test\r\n%s\r\n\r\n", path, head); err != nil {
		return 0, err
	}
	piece := make([]byte, 1<<20)
	for left := n; left > 0; left -= len(piece) {
		piece = piece[:min(len(piece), left)]
		if chunked {
			fmt.Fprintf(conn, "%x\r\n", len(piece))
		}
		if _, err := conn.Write(piece); err != nil {
			return 0, err
		}
		if chunked {
			io.WriteString(conn, "\r\n")
		}
	}
	if chunked {
		io.WriteString(conn, "0\r\n\r\n")
	}
	return readStatus(conn)
}

func readStatus(conn net.Conn) (status int, err error) {
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func TestARefusalIsReadByAClientThatSendsEverythingFirst(t *testing.T) {
	s := start(t, wasmtest.Options{Config: config(t, "LIMIT_MEMORY_MB = 64\n"), Env: map[string]string{"LIMIT_BODY_BYTES": "16777216"}})
	for _, c := range []struct {
		path    string
		n       int
		chunked bool
		want    int
	}{
		{"/refused", 17 << 20, false, 401},
		{"/refused", 17 << 20, true, 401},
		{"/refused", 1, false, 401},
		{"/length?limit=100000", 100_000, false, 200},
		{"/length?limit=100000", 100_000, true, 200},
		{"/length?limit=100000", 100_001, false, 413},
		{"/length?limit=100000", 100_001, true, 413},
		{"/length?limit=16777216", 17 << 20, false, 413},
		{"/length?limit=16777216", 17 << 20, true, 413},
	} {
		if got, err := sendAll(connect(t, s), c.path, c.n, c.chunked); got != c.want || err != nil {
			t.Errorf("%s, %d bytes, chunked %v: got %d, %v; want %d", c.path, c.n, c.chunked, got, err, c.want)
		}
	}
	atRest(t, s, 100)
}

func TestAConnectionIsUsedAgainAfterASmallBodyThatNobodyTook(t *testing.T) {
	s := start(t, wasmtest.Options{})
	conn := connect(t, s)
	for range 3 {
		if got, err := sendAll(conn, "/refused", 1000, false); got != 401 || err != nil {
			t.Fatalf("got %d, %v", got, err)
		}
	}
}

// stalled sends the head of a request, and n bytes of the body that it announces.
func stalled(t testing.TB, s *wasmtest.Server, path string, announced, n int) net.Conn {
	conn := connect(t, s)
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", path, announced, strings.Repeat("x", n))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// pipes serves connections in memory: a Write returns when the server has read
// what was written.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

func TestABodyThatStallsIsRefusedAndOneThatGoesOnIsNot(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: map[string]string{"LIMIT_CALL_MS": "3600000"}})
	listener := make(pipes)
	go http.Serve(listener, s.Worker())
	t.Cleanup(func() { close(listener) })
	begin := func() (net.Conn, <-chan string) {
		conn, server := net.Pipe()
		t.Cleanup(func() { conn.Close() })
		listener <- server
		io.WriteString(conn, "POST /length HTTP/1.1\r\nHost: test\r\nContent-Length: 200000\r\n\r\n")
		for range 2 { // the server has counted all bytes before the last one
			io.WriteString(conn, "x")
		}
		answered := make(chan string, 1)
		go func() {
			status, err := readStatus(conn)
			answered <- fmt.Sprint(status, " ", err)
		}()
		return conn, answered
	}
	_, dead := begin()
	alive, answered := begin()
	for range 12 {
		clock.Advance(9 * time.Second)
		for _, n := range []int{9999, 1} {
			if _, err := io.WriteString(alive, strings.Repeat("x", n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := <-dead; got != "408 <nil>" {
		t.Errorf("a body that stalls: got %s", got)
	}
	io.WriteString(alive, strings.Repeat("x", 200_000-2-12*10_000))
	if got := <-answered; got != "200 <nil>" {
		t.Errorf("a body that goes on: got %s", got)
	}
}

func TestABodyThatIsCutShortNeverReachesTheHandler(t *testing.T) {
	s := start(t, wasmtest.Options{})
	conn := stalled(t, s, "/length", 1000, 500)
	conn.(*net.TCPConn).CloseWrite()
	if got, err := readStatus(conn); got != 400 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	atRest(t, s, 100)
}

func TestARequestThatIsGivenUpWhileItsBodyComesIsAnswered(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Env: map[string]string{"LIMIT_CALL_MS": "1000"}})
	conn := stalled(t, s, "/length", 1000, 500)
	wasmtest.Until(t, "the call is under way", func() bool { return readStats(t, s).Calls == 2 })
	clock.Advance(time.Second)
	if got, err := readStatus(conn); got != 500 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	atRest(t, s, 100)
}

func TestAReadWhoseBodyWasTakenIsNotReplayed(t *testing.T) {
	s := start(t, wasmtest.Options{})
	boot := readStats(t, s).Boot
	ask := func(body string) int {
		conn := connect(t, s)
		fmt.Fprintf(conn, "GET /taken-wait HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		status, err := readStatus(conn)
		if err != nil {
			t.Error(err)
		}
		return status
	}
	taken, untaken := make(chan int, 1), make(chan int, 1)
	go func() { taken <- ask("x") }()
	go func() { untaken <- ask("") }()
	wasmtest.Until(t, "both are under way", func() bool { return readStats(t, s).Calls == 3 })
	do(t, s, "GET", "/exit", "")
	if got := <-taken; got != 500 {
		t.Errorf("with a body: got %d", got)
	}
	wasmtest.Until(t, "the other one is replayed", func() bool {
		got := readStats(t, s)
		return got.Boot != boot && got.Calls == 2
	})
	do(t, s, "GET", "/wake?key=taken", "")
	if got := <-untaken; got != 200 {
		t.Errorf("without a body: got %d", got)
	}
}

// A call that has done nothing begins anew, with its body, as often as package abi says.
func TestACallThatDidNothingIsBegunAnew(t *testing.T) {
	s := start(t, wasmtest.Options{})
	want(t, s, "GET", "/again?key=a", "", 200, "4 0")
	want(t, s, "POST", "/again?key=b", "12345", 200, "4 5")
	want(t, s, "POST", "/again?key=c", "", 200, "1 0")
	want(t, s, "POST", "/again?key=d&take=1", "12345", 200, "1 5")
	atRest(t, s, 100)
}

// A guest may ask again for a body of unknown length that is longer than a small
// limit. So it need not reserve memory for the longest body.
func TestABodyOfUnknownLengthMayBeTakenTwice(t *testing.T) {
	s := start(t, wasmtest.Options{})
	for _, c := range []struct {
		path    string
		n       int
		chunked bool
		want    int
	}{
		{"/length?first=65536&limit=100000", 0, true, 200},
		{"/length?first=65536&limit=100000", 65_536, true, 200},
		{"/length?first=65536&limit=100000", 65_537, true, 200},
		{"/length?first=65536&limit=100000", 100_000, true, 200},
		{"/length?first=65536&limit=100000", 100_001, true, 413},
		{"/length?first=65537&limit=100000", 100_000, true, 413},
		{"/length?first=65536&limit=100000", 100_000, false, 413},
	} {
		if got, err := sendAll(connect(t, s), c.path, c.n, c.chunked); got != c.want || err != nil {
			t.Errorf("%s, %d bytes, chunked %v: got %d, %v; want %d", c.path, c.n, c.chunked, got, err, c.want)
		}
	}
	atRest(t, s, 100)
}
