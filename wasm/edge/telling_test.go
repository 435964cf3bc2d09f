//go:build !js

package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
)

// A hijacked is the writer of a response whose connection has one end in the test.
type hijacked struct {
	*httptest.ResponseRecorder
	net.Conn
}

func (h hijacked) Write(b []byte) (int, error) { return h.ResponseRecorder.Write(b) }

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.Conn, bufio.NewReadWriter(bufio.NewReader(h.Conn), bufio.NewWriter(h.Conn)), nil
}

// severalOnPipe returns a socket of several documents and its client's end.
func severalOnPipe(t *testing.T) (*several, net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	r := httptest.NewRequest("GET", "/", nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	} {
		r.Header.Set(name, value)
	}
	ws, err := websocket.Accept(hijacked{httptest.NewRecorder(), server}, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	m := &several{ws: ws, lanes: map[string]*lane{}, closed: map[string]bool{}}
	m.moved.L = &m.mu
	return m, client
}

// A client that opens and leaves documents has few of them under way.
func TestFewDocumentsAreOpenedAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		go io.Copy(io.Discard, client)
		m.opening = maxLanes
		m.receive([]byte("\x01a\x02\x00\x00"))
		synctest.Wait()
		if m.opening != maxLanes || len(m.lanes) > 0 || !m.closed["\x01a"] {
			t.Errorf("%d are being opened, %d stay, closed are %v", m.opening, len(m.lanes), m.closed)
		}
	})
}

// A client that does not read is not heard either, when many denials are on their way to it.
func TestAClientThatDoesNotReadIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		for i := range maxLanes {
			m.lanes[fmt.Sprint(i)] = nil
		}
		heard := 0
		go func() {
			for range maxTelling + 50 {
				m.receive([]byte("\x01a\x02\x00\x00")) // is denied
				heard++
			}
		}()
		synctest.Wait()
		if heard != maxTelling {
			t.Errorf("the server heard %d messages while the client read nothing, want %d", heard, maxTelling)
		}
		go io.Copy(io.Discard, client)
		synctest.Wait()
		if m.telling != 0 || heard != maxTelling+50 {
			t.Errorf("the client has read all: %d are under way, and %d were heard", m.telling, heard)
		}
	})
}
