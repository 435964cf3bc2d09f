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
	"tidemark/wasm/edge"
)

// A headConn is a client's connection. net/http rejects some requests before they
// reach a handler, with plain text that names few details. A headConn replaces
// that response by JSON of the same status, whose message names the error.
type headConn struct {
	net.Conn

	mu      sync.Mutex
	serving bool   // a handler has the request, and responds
	rest    int64  // bytes of its body that have not arrived
	mixed   bool   // bytes that arrive may belong to its body or to the next request
	head    []byte // bytes received of the request that net/http reads, or will read next
	partial bool   // head may lack the request's beginning
}

// A headListener accepts connections as headConns.
type headListener struct{ net.Listener }

func (l headListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &headConn{Conn: conn}, nil
}

type headConnKey struct{}

// After a rejected request, the headConn drops at most so many bytes, for at most
// this time.
const (
	refusedBytes = 1 << 20
	refusedTime  = 5 * time.Second
)

// watchHeads makes the server call its headConns when a handler begins, and when
// it has ended.
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

// serve marks the start of the handler. The next head begins behind a body of that
// length. A headConn cannot find the end of a body of unknown length (-1).
func (c *headConn) serve(length int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, received, whole := bytes.Cut(c.head, []byte("\r\n\r\n"))
	c.serving, c.mixed = true, length < 0 || !whole || c.partial && len(received) > 0
	c.head, c.rest = nil, 0
	if !c.mixed {
		ofBody := min(int64(len(received)), length)
		c.head, c.rest = bytes.Clone(received[ofBody:]), length-ofBody
	}
}

// idle marks the end of the handler.
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
	case !c.serving && len(c.head) > 0 && errors.Is(err, os.ErrDeadlineExceeded): // net/http sends no response then
		c.respond(http.StatusRequestTimeout, fmt.Sprintf("The request's header did not come within %d seconds", headerTimeout/time.Second))
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
	statusLine, known := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if len(statusLine) < 3 || !known {
		return c.Conn.Write(b)
	}
	status, err := strconv.Atoi(string(statusLine[:3]))
	if err != nil || status < http.StatusBadRequest {
		return c.Conn.Write(b)
	}
	if err := c.respond(status, c.fault(status, string(statusLine[3:]))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// CloseWrite closes the sending half. net/http calls it before it closes a
// connection whose client may still send, so that the client can read the response.
func (c *headConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// fault describes the error of a request that net/http rejects with this status
// and this reason phrase.
func (c *headConn) fault(status int, phrase string) string {
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
	if _, reason, ok := strings.Cut(phrase, ": "); ok {
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

// path returns the path of the request, or "" if it is not known.
func (c *headConn) path() string {
	line, _, _ := bytes.Cut(c.head, []byte("\n"))
	if fields := strings.Fields(string(line[:min(len(line), 1<<10)])); len(fields) > 1 && !c.partial {
		path, _, _ := strings.Cut(fields[1], "?")
		return path
	}
	return ""
}

// respond sends an error in place of net/http's response. Then it drops the bytes that
// the client still sends, within bounds: otherwise the client could not read the
// response. Afterwards net/http closes the connection.
func (c *headConn) respond(status int, message string) error {
	id := edge.NewRequestID()
	header, body := abi.Failure{Status: status, Path: c.path(), Message: message, RequestID: id}.Answer()
	text := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	for _, field := range header {
		text = fmt.Appendf(text, "%s: %s\r\n", field[0], field[1])
	}
	text = fmt.Appendf(text, "%s: %s\r\nContent-Length: %d\r\nDate: %s\r\nConnection: close\r\n\r\n%s", abi.RequestIDHeader, id, len(body), time.Now().UTC().Format(http.TimeFormat), body)
	if _, err := c.Conn.Write(text); err != nil {
		return err
	}
	c.CloseWrite()
	c.Conn.SetReadDeadline(time.Now().Add(refusedTime))
	io.Copy(io.Discard, io.LimitReader(c.Conn, refusedBytes))
	return nil
}

// cut shortens an error text, which may quote the client's bytes.
func cut(text string) string {
	if len(text) > 200 {
		return strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}
