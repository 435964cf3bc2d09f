//go:build !js

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidemark/shared/abi"
)

// A headConn is a client's connection. net/http refuses some requests before any
// handler sees them, with plain text that names little. A headConn notices that and
// tells the client the same as JSON, with what is wrong.
type headConn struct {
	net.Conn

	mu      sync.Mutex
	serving bool   // a handler has the request, and answers
	rest    int64  // bytes of its body that have not come
	mixed   bool   // what has come meanwhile may be of its body or of the next request
	head    []byte // what has come of the request that net/http reads, or will read next
	partial bool   // head may lack the request's beginning
}

// A headListener makes headConns.
type headListener struct{ net.Listener }

func (l headListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &headConn{Conn: conn}, nil
}

type headConnKey struct{}

// How much is dropped of what a client sends whose request net/http refuses, and for
// how long.
const (
	refusedBytes = 1 << 20
	refusedTime  = 5 * time.Second
)

// watchHeads has the server tell its headConns when a handler begins, and when the
// next request does.
func watchHeads(s *http.Server) {
	next := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(headConnKey{}).(*headConn); ok {
			c.serve(r.ContentLength)
		}
		next.ServeHTTP(w, r)
	})
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, headConnKey{}, c)
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		switch c, _ := c.(*headConn); {
		case c == nil:
		case state == http.StateIdle:
			c.idle()
		case state == http.StateHijacked: // no request follows
			c.forget()
		}
	}
}

// serve begins the handler's time. Behind a body of that length the next head begins; of a
// body of unknown length (-1) nobody here knows the end.
func (c *headConn) serve(length int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, came, whole := bytes.Cut(c.head, []byte("\r\n\r\n"))
	c.serving, c.mixed = true, length < 0 || !whole || c.partial && len(came) > 0
	c.head, c.rest = nil, 0
	if !c.mixed {
		ofBody := min(int64(len(came)), length)
		c.head, c.rest = bytes.Clone(came[ofBody:]), length-ofBody
	}
}

// idle ends it.
func (c *headConn) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving, c.partial = false, c.mixed
}

func (c *headConn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mixed, c.head = true, nil
}

func (c *headConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case n > 0 && (!c.serving || !c.mixed):
		ofBody := min(int64(n), c.rest)
		c.head, c.rest = append(c.head, b[ofBody:n]...), c.rest-ofBody
	case !c.serving && len(c.head) > 0 && errors.Is(err, os.ErrDeadlineExceeded): // net/http says nothing then
		c.tell(http.StatusRequestTimeout, fmt.Sprintf("The request's header did not come within %d seconds", headerTimeout/time.Second))
	}
	return n, err
}

func (c *headConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.serving {
		c.mu.Unlock()
		return c.Conn.Write(b)
	}
	defer c.mu.Unlock()
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	told, known := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if len(told) < 3 || !known {
		return c.Conn.Write(b)
	}
	status, err := strconv.Atoi(string(told[:3]))
	if err != nil || status < http.StatusBadRequest {
		return c.Conn.Write(b)
	}
	if err := c.tell(status, c.fault(status, string(told[3:]))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// CloseWrite is what net/http does before it closes a connection whose client may
// still send, so that the client can read the answer.
func (c *headConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// fault names what is wrong with the request that net/http refuses with this status
// and these words.
func (c *headConn) fault(status int, told string) string {
	switch status {
	case http.StatusRequestHeaderFieldsTooLarge:
		return fmt.Sprintf("The request line and the header are larger than %d bytes together", maxHeaderBytes)
	case http.StatusNotImplemented:
		return "The transfer-encoding is not supported: send chunked, and nothing else"
	case http.StatusExpectationFailed:
		return "The header Expect is not supported unless it is 100-continue"
	case http.StatusHTTPVersionNotSupported:
		return "The version of HTTP is not supported: use HTTP/1.1"
	}
	if _, reason, ok := strings.Cut(told, ": "); ok {
		return "The request is malformed: " + reason
	}
	if c.partial {
		return "The request is malformed, in its first line or its header"
	}
	_, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(c.head)))
	if err == nil {
		return "The request is malformed"
	}
	return "The request is malformed: " + cut(err.Error())
}

// path is that of the request, or "" if it is not known.
func (c *headConn) path() string {
	line, _, _ := bytes.Cut(c.head, []byte("\n"))
	if fields := strings.Fields(string(line[:min(len(line), 1<<10)])); len(fields) > 1 && !c.partial {
		path, _, _ := strings.Cut(fields[1], "?")
		return path
	}
	return ""
}

// tell answers instead of net/http, which then closes the connection. What the client
// still sends is dropped before, within bounds, or the client could not read the answer.
func (c *headConn) tell(status int, message string) error {
	header, body := abi.Failure{Status: status, Path: c.path(), Message: message}.Answer()
	text := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for _, field := range header {
		text = fmt.Appendf(text, "%s: %s\r\n", field[0], field[1])
	}
	text = fmt.Appendf(text, "Content-Length: %d\r\nDate: %s\r\nConnection: close\r\n\r\n%s", len(body), time.Now().UTC().Format(http.TimeFormat), body)
	if _, err := c.Conn.Write(text); err != nil {
		return err
	}
	c.CloseWrite()
	c.Conn.SetReadDeadline(time.Now().Add(refusedTime))
	io.Copy(io.Discard, io.LimitReader(c.Conn, refusedBytes))
	return nil
}

// cut shortens what repeats a client's own words.
func cut(text string) string {
	if len(text) > 200 {
		return strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}
