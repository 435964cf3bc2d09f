//go:build !js

package edge_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

// RFC 9112, 9.6: a client may close its half of the connection and read on.
func TestAClientThatHalfClosesGetsItsAnswer(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /sleep?ms=1000 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
	wasmtest.Until(t, "the call is under way", func() bool { return readStats(t, s).Calls == 2 })
	conn.(*net.TCPConn).CloseWrite()
	answered := make(chan string, 1)
	go func() {
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answered <- res.Status + " " + string(body)
	}()
	select { // a server that considers the client gone ends the call by itself
	case got := <-answered:
		t.Fatalf("at once: %q", got)
	case <-time.After(100 * time.Millisecond):
	}
	clock.Advance(time.Second)
	if got := <-answered; got != "200 OK slept" {
		t.Errorf("got %q", got)
	}
}

// RFC 9110, 8.6: the length in the response to HEAD is that of GET. The host does
// not know it if the guest writes no body.
func TestTheAnswerToHEADClaimsNoLengthThatGETHasNot(t *testing.T) {
	s := start(t, wasmtest.Options{})
	for _, c := range []struct {
		path string
		want int64
	}{{"/trivial", 2}, {"/env?name=NONE", -1}} {
		res, err := http.Head(s.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK || res.ContentLength != c.want {
			t.Errorf("%s: got %d, %d; want 200, %d", c.path, res.StatusCode, res.ContentLength, c.want)
		}
	}
}
