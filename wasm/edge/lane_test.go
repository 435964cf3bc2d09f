//go:build !js

package edge

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
)

// laneOf adds a document to m that is open, and whose room has not read yet.
func laneOf(m *several, key string) *lane {
	l := &lane{m: m, key: key, asked: true, opened: true, let: true, closes: true}
	m.lanes[key] = l
	return l
}

// A room that is slow holds up its own document, and no other one of the socket.
func TestASlowRoomHoldsUpItsDocumentAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := severalOnPipe(t)
		slow, other := laneOf(m, "\x01a"), laneOf(m, "\x01b")
		heard := 0
		go func() {
			for range maxQueue {
				m.receive([]byte("\x01amessage"))
				heard++
			}
			m.receive([]byte("\x01bmessage"))
			heard++
			m.receive([]byte("\x01a" + strings.Repeat("x", maxQueuedBytes+1)))
			heard++
		}()
		synctest.Wait()
		if len(other.queue) != 1 || heard != maxQueue+1 {
			t.Errorf("%d messages wait for the other document, and %d were heard", len(other.queue), heard)
		}
		for range maxQueue + 1 {
			slow.Read(context.Background())
		}
		if synctest.Wait(); heard != maxQueue+2 || slow.queued != 0 {
			t.Errorf("the room has read all: %d were heard, %d bytes wait", heard, slow.queued)
		}
	})
}

// After a client has left a document, its room reads what waits. The client may open the address again meanwhile, and
// gets nothing of the former document.
func TestALeftDocumentIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		var got []byte
		go func() {
			for {
				b := make([]byte, 100)
				n, err := client.Read(b)
				if got = append(got, b[:n]...); err != nil {
					return
				}
			}
		}()
		left := laneOf(m, "\x01a")
		left.opened = false
		m.receive([]byte("\x01afirst"))
		m.receive([]byte("\x01asecond"))
		m.receive([]byte("\x01a\x07"))
		if m.opening != 1 || m.lanes["\x01a"] != nil || m.count != 2 {
			t.Errorf("%d documents count as opening, %d messages wait", m.opening, m.count)
		}
		laneOf(m, "\x01a")
		left.opened = true
		var read []string
		for {
			_, message, err := left.Read(context.Background())
			if err != nil {
				if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
					t.Error(err)
				}
				break
			}
			read = append(read, string(message))
		}
		if !slices.Equal(read, []string{"first", "second"}) {
			t.Errorf("the room reads %q", read)
		}
		if m.opening != 0 || m.count != 0 || m.waiting != 0 || m.w.crowd.waiting != 0 {
			t.Errorf("%d documents count as opening, %d messages of %d bytes wait, and the crowd has %d", m.opening, m.count, m.waiting, m.w.crowd.waiting)
		}
		if err := left.Write(context.Background(), websocket.MessageBinary, []byte("\x02\x02\x00")); err != nil {
			t.Error(err)
		}
		left.Close(4404, "deleted")
		if synctest.Wait(); len(got) > 0 || m.ended || m.lanes["\x01a"] == nil || m.closed["\x01a"] {
			t.Errorf("the client got %q, ended: %v", got, m.ended)
		}
		if !m.let {
			t.Error("the socket is a stranger's still, although a room has let it in")
		}
	})
}

// A message that waits behind others on their way to a client is not sent if the client leaves its document meanwhile. The
// answer to the next token comes after the denial of the one before.
func TestALateMessageIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, client := severalOnPipe(t)
		other, left := laneOf(m, "\x01b"), laneOf(m, "\x01a")
		go other.Write(context.Background(), websocket.MessageBinary, []byte("first"))
		synctest.Wait() // it waits for the client
		go left.Write(context.Background(), websocket.MessageBinary, []byte("late"))
		synctest.Wait()
		m.receive([]byte("\x01a\x07"))
		m.mu.Lock()
		m.deny("\x01a", "no")
		m.mu.Unlock()
		next := laneOf(m, "\x01a")
		go next.Write(context.Background(), websocket.MessageBinary, []byte("next"))
		synctest.Wait()
		var got []byte
		go func() { got, _ = io.ReadAll(client) }()
		synctest.Wait()
		m.ws.CloseNow()
		if synctest.Wait(); string(got) != "\x82\x07\x01bfirst\x82\x07\x01a\x02\x01\x02no\x82\x06\x01anext" {
			t.Errorf("got %q", got)
		}
	})
}

// A server that stops waits for no more than the open documents of a socket.
func TestASocketEndsWithItsLastDocumentWhenTheServerStops(t *testing.T) {
	for how, leave := range map[string]func(*several, *lane){
		"the client leaves it":    func(m *several, l *lane) { m.receive([]byte(l.key + "\x07")) },
		"the room has deleted it": func(_ *several, l *lane) { l.Close(4404, "deleted") },
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, client := severalOnPipe(t)
				go io.Copy(io.Discard, client)
				first, last := laneOf(m, "\x01a"), laneOf(m, "\x01b")
				leave(m, first)
				m.goAway()
				if m.ended {
					t.Error("the socket has ended before its last document")
				}
				if leave(m, last); !m.ended {
					t.Error("the socket has no document, and stays open")
				}
			})
		})
	}
}

// A socket whose client has gone keeps no messages for it.
func TestMessagesToAClientThatHasGoneAreDropped(t *testing.T) {
	w := &Worker{hold: func(string, string) {}, clock: wallClock{}}
	s := newIsolate(w)
	s.stopped = true
	c := &conn{o: &object{s: s, conns: map[int32]*conn{}}, writing: true, queue: []outgoing{{kind: 1, data: make([]byte, 100)}}, queued: 100}
	c.gone(io.EOF)
	c.enqueue(outgoing{conn: c, kind: 1, data: make([]byte, 100)})
	if len(c.queue) != 0 || c.queued != 0 {
		t.Errorf("%d messages of %d bytes wait", len(c.queue), c.queued)
	}
}
