//go:build !js

package edge

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
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

// upgrading is a request for a WebSocket.
func upgrading() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// severalOnPipe returns a socket of several documents and its client's end.
func severalOnPipe(t *testing.T) (*several, net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	r := upgrading()
	ws, err := websocket.Accept(hijacked{httptest.NewRecorder(), server}, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.CloseNow() })
	m := newSeveral(&Worker{clock: wallClock{}}, ws)
	m.wire = &wire{Conn: server}
	return m, client
}

// A socket that is accepted when the server has closed all others is closed, too.
func TestAServerThatStopsClosesASocketThatItAccepts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		w := &Worker{clock: wallClock{}, crowd: crowd{limit: 2}}
		w.stopping.Store(true)
		w.acceptSeveral(hijacked{httptest.NewRecorder(), server}, upgrading(), abi.Forward{})
		frame := make([]byte, 4)
		if _, err := io.ReadFull(client, frame); err != nil || frame[0] != 0x88 || frame[2] != 1001>>8 || frame[3] != 1001&0xff {
			t.Errorf("got %x, %v, want a close frame of 1001", frame, err)
		}
		client.Close()
		if w.sockets.Wait(); w.crowd.all != 0 || w.crowd.strangers != 0 {
			t.Errorf("%d sockets and %d strangers are left", w.crowd.all, w.crowd.strangers)
		}
	})
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
				m.rest()
			}
		}()
		synctest.Wait()
		if heard != maxTelling {
			t.Errorf("the server heard %d messages while the client read nothing, want %d", heard, maxTelling)
		}
		go io.Copy(io.Discard, client)
		synctest.Wait()
		if len(m.telling) != 0 || heard != maxTelling+50 {
			t.Errorf("the client has read all: %d are under way, and %d were heard", len(m.telling), heard)
		}
	})
}

// masked is a binary frame of a client, of a length that takes two bytes.
func masked(payload string) []byte {
	return append([]byte{0x82, 0xfe, byte(len(payload) >> 8), byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// The server reads no message that would wait for that client: the crowd of strangers would not count it.
func TestNoMessageOfAClientThatDoesNotReadIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		for i := range maxLanes {
			m.lanes[fmt.Sprint(i)] = &lane{m: m, key: fmt.Sprint(i)}
		}
		m.w.sockets.Add(1)
		go m.read()
		sent := false
		go func() {
			for range maxTelling {
				client.Write(masked("\x01a\x02\x00\x00")) // is denied
			}
			client.Write(masked("\x01a" + strings.Repeat("x", 20_000)))
			sent = true
		}()
		if synctest.Wait(); len(m.telling) != maxTelling || sent {
			t.Errorf("%d denials are under way, and the message is read: %v", len(m.telling), sent)
		}
		go io.Copy(io.Discard, client)
		if synctest.Wait(); !sent {
			t.Error("the client has read all, and the message is not read")
		}
		client.Close()
	})
}

// The crowd of strangers is bounded in all. A socket that a room has let in is no stranger.
func TestMessagesOfAllStrangersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		go io.Copy(io.Discard, client)
		early := []byte("\x01aearly")
		m.w.crowd.waiting = maxStrangersWaiting - len("early")
		m.receive(early)
		if m.ended || m.w.crowd.waiting != maxStrangersWaiting {
			t.Fatalf("%d bytes wait, ended: %v", m.w.crowd.waiting, m.ended)
		}
		m.mu.Lock()
		m.letIn()
		m.mu.Unlock()
		if m.receive(early); m.ended || m.w.crowd.waiting != maxStrangersWaiting-len("early") {
			t.Errorf("of a socket that is let in: %d bytes wait, ended: %v", m.w.crowd.waiting, m.ended)
		}
		other, client := severalOnPipe(t)
		go io.Copy(io.Discard, client)
		other.w = m.w
		other.receive(early)
		if other.receive(early); !other.ended || m.w.crowd.waiting != maxStrangersWaiting-len("early") {
			t.Errorf("of one stranger too many: %d bytes wait, ended: %v", m.w.crowd.waiting, other.ended)
		}
		synctest.Wait()
	})
}

// The crowd counts also what a stranger has sent of a message that has no end yet.
func TestAPartOfAStrangersMessageCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		read := make(chan error)
		go func() {
			_, _, err := m.next()
			read <- err
		}()
		part := append([]byte{0x82, 0xfe, 0x10, 0x00, 0, 0, 0, 0}, make([]byte, 3000)...) // of 4,096 bytes, masked
		client.Write(part)
		synctest.Wait()
		if got := m.w.crowd.waiting; got < 2000 || got > 3000 { // a piece is read as a whole
			t.Errorf("%d bytes count, want about 3000", got)
		}
		client.Close()
		if err := <-read; err == nil || m.w.crowd.waiting != 0 {
			t.Errorf("after the end %d bytes count, %v", m.w.crowd.waiting, err)
		}
	})
}

func TestASocketGetsSoManyDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		go io.Copy(io.Discard, client)
		for i := range maxDenials + 1 {
			if m.ended {
				t.Errorf("ended after %d denials", i)
			}
			m.mu.Lock()
			m.deny("\x01a", "no")
			m.mu.Unlock()
			synctest.Wait()
		}
		if !m.ended {
			t.Error("the socket has not ended")
		}
	})
}

func TestPingsAreAnsweredOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		got := 0
		go func() {
			for frame := make([]byte, 3); ; got++ {
				if _, err := io.ReadFull(client, frame); err != nil || string(frame) != "\x82\x01\x0a" {
					return
				}
			}
		}()
		for range 3 {
			for range 5 {
				m.receive([]byte{9})
			}
			time.Sleep(pongEvery)
		}
		if synctest.Wait(); got != 3 {
			t.Errorf("got %d pongs, want 3", got)
		}
	})
}
