//go:build !js

package edge_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

// A raw client is a WebSocket without a library: the test sends each frame.
type raw struct {
	net.Conn
	t      testing.TB
	in     *bufio.Reader
	header http.Header
}

func dialRaw(t testing.TB, s *wasmtest.Server, path string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: host\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", path)
	c := &raw{Conn: conn, t: t, in: bufio.NewReader(conn)}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", res, err)
	}
	c.header = res.Header
	return c
}

// begin sends the header of a frame, whose mask is 0.
func (c *raw) begin(first byte, length uint64) {
	c.t.Helper()
	header := binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, length)
	if _, err := c.Write(append(header, 0, 0, 0, 0)); err != nil {
		c.t.Error(err)
	}
}

// rest returns the bytes that the server sends until it closes the connection.
func (c *raw) rest() []byte {
	c.t.Helper()
	c.SetReadDeadline(time.Now().Add(wasmtest.Patience))
	b, err := io.ReadAll(c.in)
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.t.Error("the connection stays")
	}
	return b
}

// wantClose fails unless the last frame that the server sends is a close.
func (c *raw) wantClose(code uint16) {
	c.t.Helper()
	frame := []byte{0x88}
	b := c.rest()
	at := strings.LastIndex(string(b), string(frame))
	if at < 0 || len(b) < at+4 || binary.BigEndian.Uint16(b[at+2:]) != code {
		c.t.Errorf("got % x, want a close with %d", b, code)
	}
}

func TestAClientThatSaysNothingIsDropped(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	living := dial(t, s, "r", "living")
	go living.read() // it sends pongs, as clients do
	silent, dripping := dialRaw(t, s, "/room/r/socket?attachment=s"), dialRaw(t, s, "/room/r/socket?attachment=d")
	dripping.begin(0x82, 1<<20)
	for range 4 {
		dripping.Write([]byte{0})
		clock.Advance(30 * time.Second)
		wasmtest.Until(t, "the living one answers its ping", func() bool { return s.Worker().Answered() == 1 })
	}
	silent.rest()
	dripping.rest()
	eventually(t, s, "r", "conns", `[[1,"living"]]`)
}

func TestACompressedMessageIsRefused(t *testing.T) {
	s := start(t, wasmtest.Options{})
	c := dialRaw(t, s, "/room/r/socket")
	if got := c.header.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Errorf("extensions %q", got)
	}
	c.begin(0xc2, 1<<20) // the bit of a compressed message
	c.wantClose(uint16(websocket.StatusProtocolError))
}

func TestAnAnnouncedMessageTakesNoMemory(t *testing.T) {
	s := start(t, wasmtest.Options{})
	var before, after runtime.MemStats
	want(t, s, "POST", "/room/r/call", "echo 1", 200, "1") // boots the instance, which allocates memory
	runtime.GC()
	runtime.ReadMemStats(&before)
	clients := make([]*raw, 20)
	for i := range clients {
		clients[i] = dialRaw(t, s, "/room/r/socket")
		clients[i].begin(0x82, 1<<30)
		clients[i].Write(make([]byte, 1000))
	}
	want(t, s, "POST", "/room/r/call", "echo 1", 200, "1")
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d MiB", grown>>20)
	}
}

func TestARefusedClientThatAnswersNothingIsLetGo(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	c := dialRaw(t, s, "/refuse?message=why")
	sent := make([]byte, len("\x82\x03why\x88\x0a\x11\x31no token"))
	if _, err := io.ReadFull(c.in, sent); err != nil || string(sent) != "\x82\x03why\x88\x0a\x11\x31no token" {
		t.Errorf("got %q, %v", sent, err)
	}
	wasmtest.Until(t, "an end is planned", func() bool {
		at, ok := clock.Next()
		return ok && at.Sub(clock.Now()) == 2*time.Second
	})
	clock.Advance(2 * time.Second)
	c.rest()
}
