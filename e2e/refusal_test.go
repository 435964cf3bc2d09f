//go:build !js

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// refusals are requests to which net/http, or another library, would respond by itself, with
// plain text or nothing. The first ones are all that net/http rejects before a handler:
// net/http/server.go, conn.serve and conn.readRequest.
var refusals = []struct {
	name    string
	request string // %s is a token
	status  int
	says    string
}{
	{"a header that is too large", "GET /trpc/sync.pull HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 200<<10) + "\r\n\r\n", 431, "larger than 65536 bytes"},
	{"a request line that is too long", "GET /api/v1/" + strings.Repeat("x", 200<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 431, "request line"},
	{"an unknown transfer-encoding", "POST /trpc/sync.push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "transfer-encoding"},
	{"two transfer-encodings", "POST /yjs/room HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501, "transfer-encoding"},
	{"a version to come", "GET /api/v1/projects/ HTTP/3.0\r\nHost: x\r\n\r\n", 505, "version of HTTP"},
	{"no host", "GET /api/v1/projects/ HTTP/1.1\r\n\r\n", 400, "missing required Host header"},
	{"a host that is none", "GET /trpc/sync.pull HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "malformed Host header"},
	{"two hosts", "GET /trpc/sync.pull HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "too many Host headers"},
	{"a header's name that is none", "GET /healthz HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", 400, "invalid header name"},
	{"a header's value that is none", "GET /healthz HTTP/1.1\r\nHost: x\r\na: b\x01c\r\n\r\n", 400, "malformed MIME header"},
	{"a line that is no header", "GET /trpc/sync.pull HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400, `missing colon: "nonsense"`},
	{"no request line", "nonsense\r\n\r\n", 400, `malformed HTTP request "nonsense"`},
	{"a version that is none", "GET /trpc/sync.pull HTP/1.1\r\nHost: x\r\n\r\n", 400, `malformed HTTP version "HTP/1.1"`},
	{"a method that is none", "G(T /api/v1/projects/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, `invalid method "G(T"`},
	{"a URL that is none", "GET /yjs/100% HTTP/1.1\r\nHost: x\r\n\r\n", 400, `invalid URL escape`},
	{"a length that is none", "POST /trpc/sync.push HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400, `bad Content-Length "many"`},
	{"two lengths", "POST /trpc/sync.push HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "multiple Content-Length headers"},
	{"a header that ends in the middle", "GET /trpc/sync.pull HTTP/1.1\r\nHost: x", 400, "unexpected EOF"},
	{"an expectation", "POST /trpc/sync.push HTTP/1.1\r\nHost: x\r\nExpect: money\r\nContent-Length: 1\r\n\r\nx", 417, "Expect"},
	{"a second request that is none", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n", 400, `malformed HTTP request "nonsense"`},

	{"a host that is no URL's", "GET /healthz HTTP/1.1\r\nHost: [\r\n\r\n", 400, "missing ']' in host"},
	{"a method that nobody knows", "BREW /trpc/sync.pull HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", 405, "BREW"},
	{"a path that nobody serves", "GET /nowhere HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", 404, "Nothing is served"},
	{"a method that a path does not take", "PUT /api/v1/projects/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", 405, "Use "},
	{"a chunk that is none", "POST /trpc/sync.push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n", 400, "chunks"},
	{"a tunnel", "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\nConnection: close\r\n\r\n", 401, "token"},
	{"HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 401, "token"},
	{"HTTP/1.0 without a host", "GET /nowhere HTTP/1.0\r\n\r\n", 401, "token"},
	{"a WebSocket without a key", "GET /sync/subscribe HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n", 400, "Sec-WebSocket-Key"},
	{"a WebSocket of an old version", "GET /yjs/room HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n", 400, "version"},
	{"a part of a file that is not there", "GET /icon.svg HTTP/1.1\r\nHost: x\r\nRange: bytes=100000000-\r\nConnection: close\r\n\r\n", 416, "range"},
	{"a file that has changed", "GET /icon.svg HTTP/1.1\r\nHost: x\r\nIf-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT\r\nConnection: close\r\n\r\n", 412, "changed"},
}

// testRefusals checks that each gets an error in JSON, in the shape of its path, which a page
// of any origin may read.
func testRefusals(t *testing.T, address, token string) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			request := strings.Replace(c.request, "%s", token, 1)
			res, body := exchange(t, address, request)
			if res.StatusCode != c.status || !strings.Contains(string(body), strings.Trim(jsonText(c.says), `"`)) {
				t.Errorf("got %d %s, want %d with %q", res.StatusCode, body, c.status, c.says)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			wantShape(t, strings.SplitN(request, " ", 3), res, body)
		})
	}
	t.Run("all methods of the server", func(t *testing.T) {
		res, _ := exchange(t, address, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if res.StatusCode != 204 || res.Header.Get("Access-Control-Allow-Methods") == "" {
			t.Errorf("got %d, %v", res.StatusCode, res.Header)
		}
	})
	t.Run("a header that does not come", func(t *testing.T) {
		conn := dial(t, address)
		io.WriteString(conn, "GET /trpc/sync.pull HTTP/1.1\r\nHost: x\r\n")
		res, body := readLast(t, conn)
		if res.StatusCode != 408 || !strings.Contains(string(body), "did not come") {
			t.Errorf("got %d %s", res.StatusCode, body)
		}
		wantShape(t, []string{"GET", "/trpc/sync.pull"}, res, body)
	})
}

// wantShape checks that an error has the shape of its request's path.
func wantShape(t *testing.T, line []string, res *http.Response, body []byte) {
	t.Helper()
	var v struct {
		Error struct {
			Code    any
			Message string
			Data    struct {
				Code       string
				HTTPStatus int
			}
		}
		Title, Detail, Code string
		Status              int
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("no JSON: %v: %.200q", err, body)
	}
	path, contentType, ok := "", "application/json", false
	if len(line) > 1 {
		path = line[1]
	}
	switch {
	case strings.HasPrefix(path, "/trpc/"):
		_, ok = v.Error.Code.(float64)
		ok = ok && v.Error.Message != "" && v.Error.Data.Code != "" && v.Error.Data.HTTPStatus == res.StatusCode
	case strings.HasPrefix(path, "/api/v1/"):
		contentType = "application/problem+json"
		ok = v.Title != "" && v.Detail != "" && v.Code != "" && v.Status == res.StatusCode
	default:
		_, ok = v.Error.Code.(string)
		ok = ok && v.Error.Message != ""
	}
	if !ok || res.Header.Get("Content-Type") != contentType {
		t.Errorf("%s: the shape is wrong: %s %s", path, res.Header.Get("Content-Type"), body)
	}
}

func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(2 * time.Minute)) // only a failure takes so long
	return conn.(*net.TCPConn)
}

// exchange sends bytes, ends its half of the connection, and returns the last response.
func exchange(t *testing.T, address, request string) (*http.Response, []byte) {
	t.Helper()
	conn := dial(t, address)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	conn.CloseWrite()
	return readLast(t, conn)
}

// readLast reads responses until the server ends, and returns the last.
func readLast(t *testing.T, conn net.Conn) (last *http.Response, body []byte) {
	t.Helper()
	reader := bufio.NewReader(conn)
	for {
		res, err := http.ReadResponse(reader, nil)
		if err != nil && last != nil {
			return last, body
		}
		if err != nil {
			t.Fatal(fmt.Errorf("no answer: %w", err))
		}
		last = res
		if body, err = io.ReadAll(res.Body); err != nil {
			t.Fatal(err)
		}
	}
}
