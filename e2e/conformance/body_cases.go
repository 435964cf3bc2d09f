package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// sendAll sends a request as a client does that reads nothing before it has sent
// its whole body: n bytes, of which sent are sent.
func (c *client) sendAll(t *testing.T, method, path string, n, sent int, chunked bool) answer {
	t.Helper()
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "http" {
		t.Skip("needs a connection without TLS")
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	length := fmt.Sprintf("Content-Length: %d", n)
	if chunked {
		length = "Transfer-Encoding: chunked"
	}
	authorization := ""
	if c.token != "" {
		authorization = "Authorization: Bearer " + c.token + "\r\n"
	}
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%s%s\r\n\r\n", method, c.path(path), u.Host, authorization, length)
	for left := sent; left > 0 && err == nil; {
		piece := strings.Repeat(" ", min(left, 256<<10))
		left -= len(piece)
		if chunked {
			piece = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
		}
		_, err = io.WriteString(conn, piece)
	}
	if chunked && err == nil {
		_, err = io.WriteString(conn, "0\r\n\r\n")
	}
	if err != nil {
		t.Errorf("%s %s: send %d bytes: %v", method, path, sent, err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s %s: read the response after %d bytes: %v", method, path, sent, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return answer{res.StatusCode, res.Header, body}
}

// bodyRoutes are the routes that read a body, and their limits. LIMIT_BODY_BYTES may be
// lower.
var bodyRoutes = []struct {
	method, path string
	limit        int
}{
	{"POST", "/trpc/sync.push", 1 << 30},
	{"POST", "/trpc/sync.pull", 64 << 10},
	{"POST", "/yjs/room", 1 << 30},
	{"POST", "/yjs/room/versions", 200},
	{"POST", "/sync/purge", 64 << 10},
	{"POST", "/api/v1/projects/", 256 << 10},
	{"PATCH", "/api/v1/projects/p/", 256 << 10},
	{"POST", "/api/v1/projects/p/sync/", 1_900_000},
}

func (c *client) bodyLimit() int {
	if c.BodyBytes > 0 {
		return c.BodyBytes
	}
	return 16 << 20
}

var bodyCases = []testCase{
	{"no token, and a client that reads after it has sent everything", func(t *testing.T, c *client) {
		c.token = "" // sendAll sends none
		n := c.bodyLimit() + 1<<20
		for _, chunked := range []bool{false, true} {
			for _, path := range []string{"/trpc/sync.push", "/yjs/room", "/auth/ticket", "/nowhere", "/api/v1/projects/"} {
				if a := c.sendAll(t, "POST", path, n, n, chunked); a.status != 401 {
					t.Errorf("%s, chunked %v: %v", path, chunked, a)
				}
			}
		}
	}},
	{"a client without a token that announces more than it sends gets 401", func(t *testing.T, c *client) {
		c.token = ""
		if a := c.sendAll(t, "POST", "/trpc/sync.push", 16<<20, 66<<10, false); a.status != 401 {
			t.Error(a)
		}
	}},
	{"a scope that does not allow it", func(t *testing.T, c *client) {
		n := c.bodyLimit()
		for _, path := range []string{"/trpc/sync.push", "/yjs/room", "/sync/purge", "/api/v1/projects/"} {
			if a := c.as("none").sendAll(t, "POST", path, n, n, false); a.status != 403 {
				t.Errorf("%s: %v", path, a)
			}
		}
	}},
	{"a body over its route's limit, which the response names", func(t *testing.T, c *client) {
		writer := c.as("sync:read sync:write sync:admin yjs:read yjs:write projects:read projects:write")
		for _, route := range bodyRoutes {
			limit := min(route.limit, c.bodyLimit())
			says := fmt.Sprintf("larger than %d bytes", limit)
			for _, chunked := range []bool{false, true} {
				a := writer.sendAll(t, route.method, route.path, limit+1, limit+1, chunked)
				if a.status != 413 || !strings.Contains(string(a.body), says) {
					t.Errorf("%s %s, chunked %v: want 413 with %q: %v", route.method, route.path, chunked, says, a)
				}
			}
		}
		if a := writer.sendAll(t, "POST", "/sync/restore", 1, 1, false); a.status != 400 {
			t.Errorf("a restore with a body: %v", a)
		}
	}},
	{"a body of the greatest length is accepted", func(t *testing.T, c *client) {
		n := c.bodyLimit()
		body := `{"changes":{},"lastPulledAt":1,"x":"` + strings.Repeat("x", n-38) + `"}`
		readPushed(t, c.mutate(t, "sync.push", body))
	}},
}
