//go:build !js

package main

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serveHeads serves as the command does, and returns its address.
func serveHeads(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(h, time.Minute, slog.New(slog.DiscardHandler))
	go s.Serve(headListener{newLimitedListener(l, 0, 0)})
	t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// Earlier requests on a connection do not change the error of a malformed one.
func TestALaterRequestThatIsMalformedIsToldSo(t *testing.T) {
	address := serveHeads(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "HTTP/1.1 400 said by the handler")
	})
	const named, unnamed = `malformed HTTP request \"nonsense\"`, "in its first line or its header"
	for _, c := range []struct {
		name, before string
		together     bool
		says         string
	}{
		{"the first", "", false, named},
		{"after a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, named},
		{"after a body that came with its head", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", false, named},
		{"after a long body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), false, named},
		{"after a body in chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false, unnamed},
		{"together with a request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true, named},
		{"together with two", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", true, named},
		{"together with a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", true, named},
		{"together with a long body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), true, named},
		{"together with a body in chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true, unnamed},
		{"after a body and a request", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: x\r\n\r\n", true, named},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Minute)) // only a failure takes so long
			reader := bufio.NewReader(conn)
			answer := func() string {
				res, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				return res.Status + " " + res.Header.Get("Content-Type") + " " + string(body)
			}
			send := func(text string) { io.WriteString(conn, text) }
			if c.together {
				send(c.before + "nonsense\r\n\r\n")
			} else {
				send(c.before)
			}
			for range strings.Count(c.before, "Host") {
				if got := answer(); got != "200 OK text/plain; charset=utf-8 HTTP/1.1 400 said by the handler" {
					t.Errorf("a request that is well: got %s", got)
				}
			}
			if !c.together {
				send("nonsense\r\n\r\n")
			}
			if got := answer(); !strings.HasPrefix(got, "400 Bad Request application/json {") || !strings.Contains(got, c.says) {
				t.Errorf("got %s, want 400 with %s", got, c.says)
			}
		})
	}
}

// A client that still sends can read the response.
func TestARefusedHeaderIsDroppedToItsEnd(t *testing.T) {
	address := serveHeads(t, func(http.ResponseWriter, *http.Request) {})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute)) // only a failure takes so long
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 800<<10)); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %v, %v", res, err)
	}
}
