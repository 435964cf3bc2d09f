//go:build !js

package edge

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
)

// A conn is an open WebSocket of an object.
type conn struct {
	id         int32
	o          *object
	owner      string
	ws         socket
	wire       *wire
	attachment []byte // guarded by the isolate's lock
	closing    bool   // likewise: the object has closed it

	mu      sync.Mutex
	queue   []outgoing
	queued  int                   // bytes
	writing bool                  // a goroutine sends the queue
	shutOff bool                  // the queue takes no more messages
	closed  *websocket.CloseError // the close frame that the host sent
}

const (
	maxQueued    = 16 << 20 // bytes that wait for a slow client, beside one message
	writeTimeout = 30 * time.Second
	maxReason    = 123
	goingAway    = "the server is going away"
)

// A socket is a WebSocket, or the part of one that has one document among several.
type socket interface {
	Read(context.Context) (websocket.MessageType, []byte, error)
	Write(context.Context, websocket.MessageType, []byte) error
	Close(websocket.StatusCode, string) error
	CloseNow() error
}

// accept upgrades a request and opens the socket in the object that f names.
func (w *Worker) accept(rw http.ResponseWriter, r *http.Request, f abi.Forward) {
	if refusal, ok := f.Refusal(); ok {
		w.refuse(rw, r, refusal)
		return
	}
	if f.Several {
		w.acceptSeveral(rw, r, f)
		return
	}
	refuse := func(code int, reason string) {
		w.refuse(rw, r, abi.Refusal{Code: code, Reason: reason, Protocol: f.Protocol})
	}
	w.join(f, refuse, func() (socket, *wire, error) {
		ws, wire, err := upgrade(rw, r, f.Protocol)
		if err != nil {
			return nil, nil, err // upgrade has responded
		}
		ws.SetReadLimit(abi.MaxMessageBytes)
		wire.watch(ws, w.clock)
		return ws, wire, nil
	})
}

// join opens the socket that open returns in the object that f names, unless it is over a limit.
func (w *Worker) join(f abi.Forward, refuse func(code int, reason string), open func() (socket, *wire, error)) {
	class, ok := w.bindings[f.Binding]
	if !ok {
		w.log.Error("a request was forwarded to an unknown binding", "binding", f.Binding)
		refuse(int(websocket.StatusInternalError), "no such binding")
		return
	}
	if code, reason := w.crowd.enter(f.Owner); code != 0 {
		refuse(code, reason)
		return
	}
	opened := false
	defer func() {
		if !opened {
			w.crowd.leave(f.Owner)
		}
	}()
	ws, wire, err := open()
	if err != nil {
		return
	}
	key := objectKey{class, f.Name}
	w.hold("socket", key.String())
	s := w.home(key)
	s.lock()
	defer s.unlock()
	if s.stopped || w.stopping.Load() {
		wire.unwatch()
		go ws.Close(websocket.StatusGoingAway, goingAway)
		return
	}
	o := s.object(key)
	if o.lastConn++; o.lastConn < 0 {
		o.lastConn = 1
	}
	c := &conn{id: o.lastConn, o: o, owner: f.Owner, ws: ws, wire: wire}
	opened = true
	o.conns[c.id] = c
	w.sockets.Add(1)
	w.metrics.socket(class, 1)
	o.event(abi.EventOpen, c.id, f.Attachment)
	go c.read()
}

// refuse upgrades a request and closes the socket with the reason of the refusal.
// A client that does not respond to the close keeps its connection two seconds
// longer.
func (w *Worker) refuse(rw http.ResponseWriter, r *http.Request, f abi.Refusal) {
	ws, wire, err := upgrade(rw, r, f.Protocol)
	if err != nil {
		return // upgrade has responded
	}
	defer w.clock.AfterFunc(linger, func() { wire.Conn.Close() })()
	defer ws.CloseNow()
	if len(f.Message) > 0 {
		err = ws.Write(r.Context(), websocket.MessageBinary, f.Message)
	}
	if err == nil {
		ws.Close(websocket.StatusCode(f.Code), cutReason(f.Reason))
	}
}

// read delivers the client's messages to the object, until the socket closes.
func (c *conn) read() {
	s := c.o.s
	defer s.w.sockets.Done()
	defer s.w.crowd.leave(c.owner)
	defer s.w.metrics.socket(c.o.key.class, -1)
	defer c.wire.unwatch()
	defer c.ws.CloseNow()
	for {
		kind, data, err := c.ws.Read(context.Background())
		if err == nil && kind == websocket.MessageText && !utf8.Valid(data) {
			c.ws.Close(websocket.StatusInvalidFramePayloadData, "a text is not UTF-8")
			err = errors.New("a text is not UTF-8")
		}
		if err != nil {
			c.gone(err)
			return
		}
		c.wire.alive.Store(true)
		event := abi.EventBinary
		if kind == websocket.MessageText {
			event = abi.EventText
			if auto := c.o.autoreply.Load(); auto != nil && auto.ping == string(data) {
				c.enqueue(outgoing{conn: c, kind: abi.KindText, data: auto.pong})
				continue
			}
		}
		c.wire.busy.Store(true)
		s.w.hold("message", c.o.key.String())
		s.lock()
		if !c.closing && !s.stopped {
			c.o.event(event, c.id, data)
		}
		s.unlock()
		c.wire.busy.Store(false)
	}
}

// gone delivers EventClose to the object.
func (c *conn) gone(err error) {
	code, reason := websocket.StatusAbnormalClosure, ""
	var closed websocket.CloseError
	c.mu.Lock()
	if errors.As(err, &closed) {
		code, reason = closed.Code, closed.Reason
	} else if c.closed != nil { // the same, whichever goroutine read the client's close frame
		code, reason = c.closed.Code, c.closed.Reason
	}
	c.queue, c.queued, c.shutOff = nil, 0, true // nobody takes it
	c.mu.Unlock()
	s := c.o.s
	s.lock()
	defer s.unlock()
	defer delete(c.o.conns, c.id)
	if s.stopped {
		return
	}
	c.closing = true
	c.o.event(abi.EventClose, c.id, append(binary.LittleEndian.AppendUint16(nil, uint16(code)), reason...))
}

// enqueue sends a message, or closes the socket, after the messages before it. It
// never waits. It closes the socket of a client that is too slow with 1013.
func (c *conn) enqueue(m outgoing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shutOff {
		return
	}
	if len(c.queue) > 0 && c.queued-c.queue[0].size()+m.size() > maxQueued {
		c.queue, c.queued = nil, 0
		m = outgoing{conn: c, code: int(websocket.StatusTryAgainLater), reason: "too slow"}
	}
	c.shutOff = m.kind == 0
	c.queue = append(c.queue, m)
	c.queued += m.size()
	if !c.writing {
		c.writing = true
		go c.write()
	}
}

// shut closes the socket for the host. The caller holds the isolate's lock.
func (c *conn) shut(code int, reason string) {
	c.closing = true
	c.enqueue(outgoing{conn: c, code: code, reason: reason})
}

// write sends the queue until it is empty.
func (c *conn) write() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.queue, c.writing = nil, false
			c.mu.Unlock()
			return
		}
		m := c.queue[0]
		c.queue = c.queue[1:]
		c.queued -= m.size()
		c.mu.Unlock()
		if m.kind == 0 {
			c.close(m.code, m.reason)
			return
		}
		kind := websocket.MessageBinary
		if m.kind == abi.KindText {
			kind = websocket.MessageText
		}
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		err := c.ws.Write(ctx, kind, m.data)
		cancel()
		if err != nil {
			c.ws.CloseNow() // read notices
			return
		}
	}
}

// close closes the socket. It sends 1000 instead of 1005 and 1006, which no frame
// may have. RFC 6455, 7.4.1.
func (c *conn) close(code int, reason string) {
	if code == int(websocket.StatusNoStatusRcvd) || code == int(websocket.StatusAbnormalClosure) {
		code, reason = int(websocket.StatusNormalClosure), ""
	}
	closed := websocket.CloseError{Code: websocket.StatusCode(code), Reason: cutReason(reason)}
	c.mu.Lock()
	c.closed = &closed
	c.mu.Unlock()
	c.ws.Close(closed.Code, closed.Reason)
}

// cutReason cuts a reason to the length that a close frame can hold.
func cutReason(reason string) string {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	return reason
}
