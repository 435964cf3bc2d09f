//go:build !js

package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
	"tidemark/shared/yproto"
)

// A several is a socket on which Hocuspocus' provider has several documents: docs/protocol.md, H1
// to H8. worker/several.mjs is the same on workerd.
type several struct {
	w       *Worker
	ws      *websocket.Conn
	wire    *wire
	r       *http.Request // the opening handshake
	path    string        // below which the documents are
	writing chan struct{} // has a place for the goroutine that writes

	mu      sync.Mutex
	moved   sync.Cond        // signals that a lane has read a message, was opened, or has ended, or that telling is less
	lanes   map[string]*lane // by address
	closed  map[string]bool  // the addresses that the server has closed, or let in never
	waiting int              // bytes of messages that came before their document was open, and that no room has read
	count   int              // of these messages
	counted int              // bytes that the crowd counts, while no room has let the socket in
	telling [][]byte         // messages of the host's own under way to the client
	denials int              // of documents, and closes of documents
	ponged  time.Time
	opening int  // documents that are being opened, and those that the client has left and whose room still reads
	let     bool // a room has let it in once
	ended   bool
	going   bool // the server stops
	outside bool // the crowd counts the socket no more
}

// Limits of a socket of several documents. docs/protocol.md, H3 and H8.
const (
	maxLanes        = 100
	maxWaiting      = 1 << 20 // bytes of messages that wait for their document, and of one before a room has let the socket in
	maxWaitingCount = 1000
	maxTelling      = 100
	maxDenials      = 1000
	maxToken        = 8 << 10          // bytes: the guest takes no longer one
	letInWithin     = 30 * time.Second // the first document
	pongEvery       = time.Second
)

// closeAgain is the code after which every version of the provider connects again. It does not
// connect again by itself for one document.
const closeAgain = 4205

const tooManyStrangers = "too many messages of all clients wait for their first document; try again later"

func newSeveral(w *Worker, ws *websocket.Conn) *several {
	m := &several{w: w, ws: ws, writing: make(chan struct{}, 1), lanes: map[string]*lane{}, closed: map[string]bool{}}
	m.moved.L = &m.mu
	return m
}

// acceptSeveral upgrades a request, and reads the socket until it ends.
func (w *Worker) acceptSeveral(rw http.ResponseWriter, r *http.Request, f abi.Forward) {
	if code, reason := w.crowd.enterStranger(); code != 0 {
		w.refuse(rw, r, abi.Refusal{Code: code, Reason: reason, Protocol: f.Protocol})
		return
	}
	ws, wire, err := upgrade(rw, r, f.Protocol)
	if err != nil {
		w.crowd.admit()
		w.crowd.leave("")
		return // upgrade has responded
	}
	ws.SetReadLimit(maxWaiting)
	m := newSeveral(w, ws)
	m.wire, m.r, m.path = wire, r.Clone(context.Background()), f.Name
	w.sockets.Add(1)
	w.several.Store(m, true)
	wire.watch(ws, w.clock)
	if w.stopping.Load() { // Close may have looked for sockets before
		m.goAway()
	}
	go m.read()
}

func (m *several) read() {
	defer m.w.sockets.Done()
	defer m.w.several.Delete(m)
	defer m.exit()
	defer m.wire.unwatch()
	defer m.ws.CloseNow()
	defer m.w.clock.AfterFunc(letInWithin, m.late)()
	for {
		kind, data, err := m.next()
		if err != nil {
			m.end(err)
			return
		}
		m.wire.alive.Store(true)
		m.wire.busy.Store(true)
		if kind == websocket.MessageBinary {
			m.receive(data)
		}
		m.rest()
		m.wire.busy.Store(false)
	}
}

// next reads a message. The crowd counts what a stranger has sent of one.
func (m *several) next() (kind websocket.MessageType, data []byte, err error) {
	kind, r, err := m.ws.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	counter := &counter{r: r, m: m}
	data, err = io.ReadAll(counter)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold(-counter.bytes)
	return kind, data, err
}

// A counter reads a message of m, and has the crowd count it. It drops the bytes of a socket that has ended.
type counter struct {
	r     io.Reader
	m     *several
	bytes int // that are counted
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.count(n) {
		return n, err
	}
	for err == nil {
		_, err = c.r.Read(p)
	}
	return 0, err
}

// count reports whether the socket has not ended.
func (c *counter) count(n int) bool {
	m := c.m
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.ended:
		return false
	case m.let:
		return true
	case !m.hold(n):
		m.shut(4413, tooManyStrangers)
		return false
	}
	c.bytes += n
	return true
}

// hold has the crowd count bytes more of a stranger's messages, or fewer. It reports whether there is place for them. The
// caller holds m.mu.
func (m *several) hold(bytes int) bool {
	if m.let {
		return true
	}
	if !m.w.crowd.wait(bytes) {
		return false
	}
	m.counted += bytes
	return true
}

// letIn notes that a room has let the socket in: it is a stranger no more. The caller holds m.mu.
func (m *several) letIn() {
	if m.let {
		return
	}
	m.hold(-m.counted)
	m.let = true
	if !m.outside {
		m.w.crowd.admit()
	}
}

// exit has the crowd stop counting the socket.
func (m *several) exit() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outside = true
	if !m.let {
		m.w.crowd.admit()
	}
	m.w.crowd.leave("")
}

// late closes a socket that no room has let in.
func (m *several) late() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.let {
		m.shut(4408, "no document was opened in time")
	}
}

// goAway closes the socket when the server stops, after its open documents: each of them ends then, or its client leaves it.
func (m *several) goAway() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.going = true
	m.endIfGoing()
}

// endIfGoing closes the socket if the server stops and no document is open. The caller holds m.mu.
func (m *several) endIfGoing() {
	if !m.going {
		return
	}
	for _, l := range m.lanes {
		if l.opened {
			return
		}
	}
	m.shut(websocket.StatusGoingAway, goingAway)
}

// receive handles a binary message.
func (m *several) receive(frame []byte) {
	address, name, message, err := yproto.CutAddress(frame)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.ended: // a document that opened now would never end
	case yproto.IsPing(frame):
		m.pong()
	case err != nil || len(message) == 0:
		m.shut(4400, "malformed message: no address or no type")
	default:
		m.handle(string(address), string(name), message)
	}
}

// rest waits while many of the host's own messages are under way: the client does not read. The reader has no message meanwhile, as the
// crowd would not count it.
func (m *several) rest() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.telling) >= maxTelling {
		m.moved.Wait()
	}
}

// pong replies to a ping, unless the last reply was a moment ago. The caller holds m.mu.
func (m *several) pong() {
	now := m.w.clock.Now()
	if now.Sub(m.ponged) < pongEvery {
		return
	}
	m.ponged = now
	m.tell(yproto.Pong)
}

// handle handles a message to an address. The caller holds m.mu.
func (m *several) handle(key, name string, message []byte) {
	token, closes, asks := yproto.CutToken(message)
	l := m.lanes[key]
	switch {
	case l == nil && m.closed[key] && !asks:
		return // of a document that the server has closed
	case l == nil && len(m.lanes) >= maxLanes:
		m.deny(key, fmt.Sprintf("one socket may have %d documents", maxLanes))
		return
	case l == nil:
		delete(m.closed, key)
		l = &lane{m: m, key: key, name: name}
		m.lanes[key] = l
	}
	switch {
	case asks && !l.asked && m.opening >= maxLanes:
		l.leave(websocket.StatusNormalClosure, "")
		m.deny(key, fmt.Sprintf("one socket may open %d documents at a time", maxLanes))
	case asks && !l.asked:
		l.asked, l.closes, l.joining = true, closes, true
		l.settle()
		m.w.sockets.Add(1) // the socket may end before
		go func() {
			defer m.w.sockets.Done()
			l.open(token)
			m.mu.Lock()
			defer m.mu.Unlock()
			if l.joining = false; !l.opened {
				l.drop()
			}
			l.settle()
		}()
	case yproto.IsClose(message):
		l.leave(websocket.StatusNormalClosure, "")
		m.endIfGoing()
	case !asks:
		l.deliver(message)
	}
}

// write sends the host's own messages that wait, and then the message of a document, unless the client has left that.
func (m *several) write(l *lane, message []byte) error {
	m.writing <- struct{}{}
	defer func() { <-m.writing }()
	m.flush()
	m.mu.Lock()
	gone := l.gone != nil
	m.mu.Unlock()
	if gone {
		return nil
	}
	return m.send([]byte(l.key), message)
}

// flush sends the host's own messages. The caller is the goroutine that writes.
func (m *several) flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.telling) > 0 {
		frame := m.telling[0]
		m.mu.Unlock()
		m.send(frame) // what fails has ended the socket
		m.mu.Lock()
		m.telling = m.telling[1:]
		m.moved.Broadcast()
	}
}

func (m *several) send(parts ...[]byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return m.ws.Write(ctx, websocket.MessageBinary, slices.Concat(parts...))
}

// tell sends a message of the host's own, without waiting. The caller holds m.mu.
func (m *several) tell(frame []byte) {
	m.telling = append(m.telling, frame)
	if len(m.telling) > 1 { // a goroutine sends them
		return
	}
	go func() {
		m.writing <- struct{}{}
		defer func() { <-m.writing }()
		m.flush()
	}()
}

// deny says that a document is not open to the client. The caller holds m.mu.
func (m *several) deny(key, reason string) {
	m.dismiss(key, yproto.Hocuspocus.Append(nil, yproto.Message{Kind: yproto.PermissionDenied, Payload: []byte(reason)}))
}

// dismiss sends a message that ends a document for the client. The caller holds m.mu.
func (m *several) dismiss(key string, message []byte) {
	if m.denials++; m.denials > maxDenials {
		m.shut(4413, "the server has denied or closed too many documents on this socket")
		return
	}
	if len(m.closed) >= maxLanes {
		clear(m.closed)
	}
	m.closed[key] = true
	m.tell(append([]byte(key), message...))
}

// shut closes the socket, once. What its documents have not read is lost. The caller holds m.mu.
func (m *several) shut(code websocket.StatusCode, reason string) {
	if m.ended {
		return
	}
	m.ended = true
	for _, l := range m.lanes {
		l.drop()
		l.leave(code, reason)
	}
	go m.ws.Close(code, cutReason(reason))
}

// end ends the documents of a socket that is gone.
func (m *several) end(err error) {
	code, reason := websocket.StatusCode(abi.CloseBroke), ""
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		code, reason = closed.Code, closed.Reason
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	for _, l := range m.lanes {
		l.leave(code, reason)
	}
}
