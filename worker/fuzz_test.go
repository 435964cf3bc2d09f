//go:build !js

package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/lib0"
	"tidemark/wasm/wasmtest"
)

// A target is the real guest under wazero, which gets any input. It must not
// return 500, panic, end an instance or stop serving others.
type target struct {
	server *wasmtest.Server
	clock  *wasmtest.Clock
	log    *journal
	tokens []string
	inputs int
}

// journal keeps what the host and the guest log.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

// take returns the log since the last take.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.b.String()
	j.b.Reset()
	return s
}

func openTarget(t testing.TB) *target {
	t.Helper()
	x := &target{clock: wasmtest.NewClock(start), log: &journal{}, tokens: strangers(t)}
	x.server = wasmtest.Start(t, wasmtest.Options{
		Guest: "./worker", Config: configured(t), Clock: x.clock, Log: x.log,
		// The tests' clock runs much faster than calls do, which would be given up.
		Env: map[string]string{"AUTH_SECRET": secret, "LIMIT_CALL_MS": "1000000000", "DEV_MODE": "1"},
	})
	return x
}

// strangers are the tokens that inputs choose from: first the one that may do
// everything, then some that may do less, then invalid ones.
func strangers(t testing.TB) (tokens []string) {
	t.Helper()
	for _, claims := range []jwt.MapClaims{
		{"sub": "alice", "scope": "sync:read sync:write sync:admin projects:read projects:write yjs:read yjs:write"},
		{"sub": "alice"},
		{"sub": "reader", "scope": "sync:read projects:read yjs:read"},
		{"sub": "guest", "rooms": []string{"a*"}},
		{"sub": "late", "exp": start.Unix() - 3600},
		{"sub": 7, "exp": "never", "rooms": map[string]int{"a": 1}},
	} {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
	}
	return append(tokens, "", "a.b.c")
}

func (x *target) token(who byte) string { return x.tokens[int(who)%len(x.tokens)] }

func (x *target) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(x.server.URL, "http://"))
	if err != nil {
		t.Fatalf("the server takes no connection: %v", err)
	}
	if err := c.SetDeadline(time.Now().Add(wasmtest.Patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// check fails the test if the last input harmed the server.
func (x *target) check(t testing.TB, input string) {
	t.Helper()
	x.inputs++
	if x.inputs%16 == 0 {
		x.clock.Advance(10 * time.Minute) // alarms compact and copy what was said
	}
	res, err := http.Get(x.server.URL + "/healthz")
	if err != nil {
		t.Fatalf("%s\nthe server is gone: %v\n%s", input, err, x.log.take())
	}
	res.Body.Close()
	log := x.log.take()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s\nhealth: %s\n%s", input, res.Status, log)
	}
	for _, fault := range []string{"level=ERROR", "panic", "fatal error", "superfluous"} {
		if strings.Contains(log, fault) {
			t.Fatalf("%s\nthe server logged:\n%s", input, log)
		}
	}
}

// A request is one whole HTTP request that a server can parse. Header is lines.
type request struct {
	Method, Path, Header string
	Body                 []byte
	Who                  byte // chooses the token
}

// framing are the headers that say where a request ends. FuzzTalk tests them.
var framing = []string{"content-length", "transfer-encoding", "connection", "host", "expect", "upgrade"}

// bytes returns the request on the wire, without bytes that would turn it into
// another request.
func (r request) bytes(token string) []byte {
	keep := func(s string, from byte) string {
		b := slices.DeleteFunc([]byte(s), func(c byte) bool { return c < from || c == 0x7f })
		return string(b)
	}
	method := strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, r.Method)
	if method == "" {
		method = "GET"
	}
	path := "/" + strings.TrimLeft(keep(r.Path, '!'), "/")
	if _, err := url.ParseRequestURI(path); err != nil {
		path = strings.ReplaceAll(path, "%", "%25")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", method, path, len(r.Body))
	upgrade := false
	for line := range strings.Lines(r.Header) {
		name, value, ok := strings.Cut(keep(line, ' '), ":")
		switch lower := strings.ToLower(name); {
		case lower == "upgrade":
			upgrade = true
		case ok && name != "" && !strings.ContainsAny(name, ` ()<>@,;\"/[]?={}`) && !slices.Contains(framing, lower) &&
			strings.Trim(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "":
			fmt.Fprintf(&b, "%s:%s\r\n", name, value)
		}
	}
	if upgrade {
		b.WriteString("Connection: Upgrade\r\nUpgrade: websocket\r\n")
	} else {
		b.WriteString("Connection: close\r\n")
	}
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// ask sends a request and checks its response.
func (x *target) ask(t testing.TB, r request) {
	t.Helper()
	c := x.dial(t)
	defer c.Close()
	wire := r.bytes(x.token(r.Who))
	method, _, _ := strings.Cut(string(wire), " ")
	input := fmt.Sprintf("%.2000q", wire)
	go func() {
		c.Write(wire) // a server that refuses it early reads less
		c.CloseWrite()
	}()
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s\nno response: %v\n%s", input, err, x.log.take())
	}
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		t.Fatalf("%s\n%s, its body: %v", input, res.Status, err)
	case res.StatusCode == http.StatusInternalServerError:
		t.Fatalf("%s\n%s %s\n%s", input, res.Status, body, x.log.take())
	case strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") && method != http.MethodHead && !json.Valid(body):
		t.Fatalf("%s\n%s, invalid JSON: %q", input, res.Status, body)
	}
	x.check(t, input)
}

// talk sends any bytes, ends its half of the connection, and waits until the
// server ends the other.
func (x *target) talk(t testing.TB, wire []byte) {
	t.Helper()
	c := x.dial(t)
	defer c.Close()
	wire = bytes.ReplaceAll(wire, []byte("TOKEN"), []byte(x.token(0)))
	input := fmt.Sprintf("%.2000q", wire)
	go func() {
		c.Write(wire)
		c.CloseWrite()
	}()
	said, err := io.ReadAll(c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatalf("%s\nthe server keeps the connection, and said %q", input, said)
	}
	if bytes.Contains(said, []byte("HTTP/1.1 500 ")) {
		t.Fatalf("%s\n%q\n%s", input, said, x.log.take())
	}
	x.check(t, input)
}

// A conversation is everything that a client sends on a WebSocket. script.next reads
// its script.
type conversation struct {
	Path   string
	Who    byte
	Script []byte
}

// The actions of a script. Each is its number, then its bytes behind their length.
const (
	sayBinary    = iota
	sayText      // as it is, UTF-8 or not
	saySync      // a sync message; the first byte is its number
	sayAwareness // an awareness message
	sayPing
	sayClose   // the first two bytes are the code
	sayRaw     // on the connection, in no frame
	sayPieces  // a message in three frames with a ping among them
	sayAgain   // the last message, as often as the first byte says
	sayHalf    // the first frame of a message that does not end
	sayActions // how many there are
)

// frames returns the bytes that the script sends on the connection.
func (c conversation) frames() []byte {
	var wire, last []byte
	say := func(first byte, data []byte) {
		last = appendFrame(nil, first, data)
		wire = append(wire, last...)
	}
	for script := c.Script; len(script) > 0; {
		action := script[0] % sayActions
		r := lib0.NewReader(script[1:])
		data, err := r.Bytes()
		if err != nil { // the last one takes what there is
			data, script = script[1:], nil
		} else {
			script = r.Rest()
		}
		var first byte
		if len(data) > 0 {
			first = data[0]
		}
		switch action {
		case sayBinary:
			say(0x82, data)
		case sayText:
			say(0x81, data)
		case saySync:
			say(0x82, lib0.AppendBytes([]byte{0, first % 4}, data[min(1, len(data)):]))
		case sayAwareness:
			say(0x82, lib0.AppendBytes([]byte{1}, data))
		case sayPing:
			say(0x89, data)
		case sayClose:
			say(0x88, data)
		case sayRaw:
			wire = append(wire, data...)
		case sayPieces:
			third := len(data) / 3
			wire = appendFrame(wire, 2, data[:third])
			wire = appendFrame(wire, 0, data[third:2*third])
			wire = appendFrame(wire, 0x89, []byte("now"))
			wire = appendFrame(wire, 0x80, data[2*third:])
		case sayAgain:
			for range first % 32 {
				wire = append(wire, last...)
			}
		case sayHalf:
			wire = appendFrame(wire, 2, data)
		}
	}
	return appendFrame(wire, 0x88, []byte{3, 232})
}

// appendFrame appends a masked frame whose first byte is given. RFC 6455, 5.2.
func appendFrame(b []byte, first byte, data []byte) []byte {
	b = append(b, first)
	switch n := len(data); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = append(b, 0xfe, byte(n>>8), byte(n))
	default:
		b = append(b, 0xff, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	mask := [4]byte{1, 2, 3, 4}
	b = append(b, mask[:]...)
	for i, c := range data {
		b = append(b, c^mask[i%4])
	}
	return b
}

// converse opens a socket, sends everything, and waits until the server ends the
// connection. The server must send valid frames and must not fail.
func (x *target) converse(t testing.TB, c conversation) {
	t.Helper()
	tcp := x.dial(t)
	defer tcp.Close()
	open := request{Method: "GET", Path: c.Path, Header: "Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	head := open.bytes(x.token(c.Who))
	frames := c.frames()
	input := fmt.Sprintf("%q\n%.2000x", head, frames)
	if _, err := tcp.Write(head); err != nil {
		t.Fatalf("%s\n%v", input, err)
	}
	r := bufio.NewReader(tcp)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("%s\nno response: %v\n%s", input, err, x.log.take())
	}
	if res.StatusCode == http.StatusInternalServerError {
		t.Fatalf("%s\n%s\n%s", input, res.Status, x.log.take())
	}
	go func() {
		if res.StatusCode == http.StatusSwitchingProtocols {
			tcp.Write(frames) // the server may close before it has read all
		}
		tcp.CloseWrite()
	}()
	if res.StatusCode == http.StatusSwitchingProtocols {
		if err := listen(r); err != nil {
			t.Fatalf("%s\n%v\n%s", input, err, x.log.take())
		}
	}
	x.check(t, input)
}

// ended is the close frame that hosts send if an instance ended. The server echoes a
// client's own 1011.
var ended = append([]byte{1011 >> 8, 1011 & 0xff}, "internal error"...)

// listen reads a server's frames until the server ends the connection. RFC 6455, 5.2.
func listen(r *bufio.Reader) error {
	for {
		var head [2]byte
		_, err := io.ReadFull(r, head[:])
		if e, ok := err.(net.Error); ok && e.Timeout() {
			return fmt.Errorf("the server keeps the connection")
		} else if err != nil {
			return nil // a connection may break
		}
		length := uint64(head[1])
		if n := map[byte]int{126: 2, 127: 8}[head[1]]; n > 0 {
			more := make([]byte, n)
			if _, err := io.ReadFull(r, more); err != nil {
				return nil
			}
			length = 0
			for _, c := range more {
				length = length<<8 | uint64(c)
			}
		} else if length > 127 {
			return fmt.Errorf("the server masks a frame")
		}
		if length > 64<<20 {
			return fmt.Errorf("the server says a frame of %d bytes", length)
		}
		data := make([]byte, length)
		if _, err := io.ReadFull(r, data); err != nil {
			return nil
		}
		switch head[0] {
		case 0x81, 0x82, 0x89, 0x8a, 0x01, 0x02, 0x00, 0x80:
		case 0x88:
			if bytes.Equal(data, ended) {
				return fmt.Errorf("the socket was closed because the instance ended")
			}
		default:
			return fmt.Errorf("the server says a frame that begins with %#x", head[0])
		}
	}
}

// FuzzRequest sends whole requests to the guest under wazero.
func FuzzRequest(f *testing.F) {
	for _, r := range loadCorpus(f).requests {
		f.Add(r.Method, r.Path, r.Header, r.Body, r.Who)
	}
	x := openTarget(f)
	f.Fuzz(func(t *testing.T, method, path, header string, body []byte, who byte) {
		x.ask(t, request{method, path, header, body, who})
	})
}

// FuzzTalk sends bytes that need not be HTTP.
func FuzzTalk(f *testing.F) {
	for _, wire := range loadCorpus(f).raw {
		f.Add(wire)
	}
	x := openTarget(f)
	f.Fuzz(func(t *testing.T, wire []byte) { x.talk(t, wire) })
}

// FuzzConversation holds whole conversations on WebSockets of every room.
func FuzzConversation(f *testing.F) {
	for i, c := range loadCorpus(f).conversations {
		f.Add(c.Path, byte(i%2), c.Script)
	}
	x := openTarget(f)
	f.Fuzz(func(t *testing.T, path string, who byte, script []byte) {
		x.converse(t, conversation{path, who, script})
	})
}

// quiet closes the server in good order and checks its last log lines.
func (x *target) quiet(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	x.check(t, "at the end")
	if err := x.server.Worker().Close(ctx); err != nil {
		t.Fatalf("close: %v\n%s", err, x.log.take())
	}
	if log := x.log.take(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
		t.Fatalf("the server logged at its end:\n%s", log)
	}
}
