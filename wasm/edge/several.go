//go:build !js

package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
	"tidemark/shared/yproto"
)

// A several is a socket on which Hocuspocus' provider has several documents: docs/protocol.md, H1
// to H8. worker/several.mjs is the same on workerd.
type several struct {
	w    *Worker
	ws   *websocket.Conn
	wire *wire
	r    *http.Request // the opening handshake
	path string        // below which the documents are

	mu      sync.Mutex
	moved   sync.Cond        // signals that a lane has read a message, was opened, or has ended, or that telling is less
	lanes   map[string]*lane // by address
	closed  map[string]bool  // the addresses that the server has closed, or let in never
	waiting int              // bytes of messages that no room has read
	count   int              // of these messages
	telling int              // messages of the host's own under way to the client
	opening int              // documents that are being opened, those that the client has left meanwhile, too
	let     bool             // a room has let it in once
	ended   bool
}

// Limits of a socket of several documents.
const (
	maxLanes        = 100
	maxWaiting      = 1 << 20 // bytes of messages that wait for their document, and of one before a room has let the socket in
	maxWaitingCount = 1000
	maxTelling      = 100
	maxToken        = 8 << 10          // bytes: the guest takes no longer one
	letInWithin     = 30 * time.Second // the first document
)

// closeAgain is the code after which every version of the provider connects again. It does not
// connect again by itself for one document.
const closeAgain = 4205

// acceptSeveral upgrades a request, and reads the socket until it ends.
func (w *Worker) acceptSeveral(rw http.ResponseWriter, r *http.Request, f abi.Forward) {
	if code, reason := w.crowd.enter(""); code != 0 {
		w.refuse(rw, r, abi.Refusal{Code: code, Reason: reason, Protocol: f.Protocol})
		return
	}
	ws, wire, err := upgrade(rw, r, f.Protocol)
	if err != nil {
		w.crowd.leave("")
		return // upgrade has responded
	}
	ws.SetReadLimit(maxWaiting)
	m := &several{w: w, ws: ws, wire: wire, r: r.Clone(context.Background()), path: f.Name, lanes: map[string]*lane{}, closed: map[string]bool{}}
	m.moved.L = &m.mu
	w.several.Store(m, true)
	w.sockets.Add(1)
	wire.watch(ws, w.clock)
	go m.read()
}

func (m *several) read() {
	defer m.w.sockets.Done()
	defer m.w.several.Delete(m)
	defer m.w.crowd.leave("")
	defer m.wire.unwatch()
	defer m.ws.CloseNow()
	defer m.w.clock.AfterFunc(letInWithin, m.late)()
	for {
		kind, data, err := m.ws.Read(context.Background())
		if err != nil {
			m.end(err)
			return
		}
		m.wire.alive.Store(true)
		m.wire.busy.Store(true)
		if kind == websocket.MessageBinary {
			m.receive(data)
		}
		m.wire.busy.Store(false)
	}
}

// late closes a socket that no room has let in.
func (m *several) late() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.let {
		m.shut(4408, "no document was opened in time")
	}
}

// goAway closes the socket when the server stops, after what its documents still have to send.
func (m *several) goAway() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lanes {
		if l.opened { // its end is the socket's
			return
		}
	}
	m.shut(websocket.StatusGoingAway, "the server is going away")
}

// receive handles a binary message.
func (m *several) receive(frame []byte) {
	if yproto.IsPing(frame) {
		m.write(yproto.Pong)
		return
	}
	address, name, message, err := yproto.CutAddress(frame)
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.telling >= maxTelling { // the client does not read
		m.moved.Wait()
	}
	if m.ended { // a document that opened now would never end
		return
	}
	if err != nil || len(message) == 0 {
		m.shut(4400, "malformed message: no address or no type")
		return
	}
	key := string(address)
	token, closes, asks := yproto.CutToken(message)
	l := m.lanes[key]
	switch {
	case l == nil && m.closed[key] && !asks:
		return // of a document that the server has closed
	case l == nil && len(m.lanes) >= maxLanes:
		m.deny(address, fmt.Sprintf("one socket may have %d documents", maxLanes))
		return
	case l == nil:
		delete(m.closed, key)
		l = &lane{m: m, key: key, name: string(name)}
		m.lanes[key] = l
	}
	switch {
	case asks && !l.asked && m.opening >= maxLanes:
		l.leave(websocket.StatusNormalClosure, "")
		m.deny(address, fmt.Sprintf("one socket may open %d documents at a time", maxLanes))
	case asks && !l.asked:
		l.asked, l.closes = true, closes
		m.opening++
		go func() {
			l.open(token)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.opening--
		}()
	case yproto.IsClose(message):
		l.leave(websocket.StatusNormalClosure, "")
	case !asks:
		m.deliver(l, message)
	}
}

// deliver gives a message to its document. It waits until the room has read the one before. A
// document that is not open yet keeps its messages, within limits.
func (m *several) deliver(l *lane, message []byte) {
	if !l.opened && (m.count >= maxWaitingCount || m.waiting+len(message) > maxWaiting) {
		m.shut(4413, "too many messages before their document is open")
		return
	}
	l.queue = append(l.queue, message)
	m.waiting += len(message)
	m.count++
	m.moved.Broadcast()
	for l.opened && len(l.queue) > 0 && l.gone == nil {
		m.moved.Wait()
	}
}

// write sends a message to the client.
func (m *several) write(parts ...[]byte) error {
	frame := parts[0]
	if len(parts) > 1 {
		frame = append(append(make([]byte, 0, len(parts[0])+len(parts[1])), parts[0]...), parts[1]...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return m.ws.Write(ctx, websocket.MessageBinary, frame)
}

// tell sends a message of the host's own, without waiting. The caller holds m.mu.
func (m *several) tell(parts ...[]byte) {
	m.telling++
	go func() {
		m.write(parts...)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.telling--
		m.moved.Broadcast()
	}()
}

// deny says that a document is not open to the client. The caller holds m.mu.
func (m *several) deny(address []byte, reason string) {
	m.note(string(address))
	m.tell(address, yproto.Hocuspocus.Append(nil, yproto.Message{Kind: yproto.PermissionDenied, Payload: []byte(reason)}))
}

// note remembers that the server has closed a document. The caller holds m.mu.
func (m *several) note(key string) {
	if len(m.closed) >= maxLanes {
		clear(m.closed)
	}
	m.closed[key] = true
}

// shut closes the socket, once. The caller holds m.mu.
func (m *several) shut(code websocket.StatusCode, reason string) {
	if m.ended {
		return
	}
	m.ended = true
	for _, l := range m.lanes {
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

// A lane is one document of a several: the socket of a conn.
type lane struct {
	m         *several
	key, name string
	asked     bool // it has brought a token
	closes    bool // the provider knows the message that closes one document

	// guarded by m.mu
	queue  [][]byte // messages that the room has not read
	opened bool     // the room reads
	let    bool     // the room has let it in
	gone   *websocket.CloseError
}

// open joins the room.
func (l *lane) open(token []byte) {
	r, reason := l.request(token)
	if r == nil {
		l.refuse(4401, reason)
		return
	}
	c := &call{head: appendHead(nil, r), replayable: true}
	l.m.w.do(c)
	a := l.m.w.pass(c, r)
	f, err := abi.DecodeForward(a.forward)
	if err != nil {
		l.Close(websocket.StatusTryAgainLater, "the server did not open the document; try again")
		return
	}
	if refusal, ok := f.Refusal(); ok {
		l.refuse(refusal.Code, refusal.Reason)
		return
	}
	l.m.w.join(f, l.refuse, func() (socket, *wire, error) {
		l.m.mu.Lock()
		defer l.m.mu.Unlock()
		if l.gone != nil {
			return nil, nil, *l.gone
		}
		l.opened = true
		l.m.moved.Broadcast()
		return l, &wire{}, nil
	})
}

// request returns the request for the document's own socket, or why there is none.
func (l *lane) request(token []byte) (r *http.Request, reason string) {
	if len(token) > maxToken {
		return nil, fmt.Sprintf("a token has at most %d bytes", maxToken)
	}
	if token == nil || bytes.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return nil, "the token has characters that no token has"
	}
	if l.name == "." || l.name == ".." {
		return nil, "a room's name is not . or .."
	}
	first := l.m.r
	r = &http.Request{
		Method: http.MethodGet, Host: first.Host, RemoteAddr: first.RemoteAddr, TLS: first.TLS,
		RequestURI: l.m.path + url.PathEscape(l.name),
		Header: http.Header{
			"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Protocol": {"hocuspocus"},
		},
	}
	r.URL = &url.URL{Path: r.RequestURI}
	if len(token) > 0 {
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	for _, name := range []string{"Origin", "User-Agent", connectingIP, abi.RequestIDHeader, abi.TraceparentHeader} {
		if values := first.Header[name]; values != nil {
			r.Header[name] = values
		}
	}
	return r, ""
}

// refuse is Close for a document that is not open.
func (l *lane) refuse(code int, reason string) { l.Close(websocket.StatusCode(code), reason) }

// Read returns the next message.
func (l *lane) Read(context.Context) (websocket.MessageType, []byte, error) {
	m := l.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(l.queue) == 0 && l.gone == nil {
		m.moved.Wait()
	}
	if l.gone != nil {
		return 0, nil, *l.gone
	}
	message := l.queue[0]
	l.queue = l.queue[1:]
	m.waiting -= len(message)
	m.count--
	m.moved.Broadcast()
	return websocket.MessageBinary, message, nil
}

// Write sends a message to the client. The protocol has no texts.
func (l *lane) Write(_ context.Context, kind websocket.MessageType, message []byte) error {
	if kind != websocket.MessageBinary {
		return nil
	}
	if yproto.IsAuthenticated(message) {
		l.m.mu.Lock()
		l.let, l.m.let = true, true
		l.m.mu.Unlock()
		l.m.ws.SetReadLimit(abi.MaxMessageBytes)
	}
	return l.m.write([]byte(l.key), message)
}

// Close closes the document for the client, and the socket if the client is to try again.
func (l *lane) Close(code websocket.StatusCode, reason string) error {
	m := l.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.gone != nil {
		return nil
	}
	l.leave(code, reason)
	switch {
	case again(code, l.let):
		m.shut(closeAgain, reason)
	case l.let && l.closes:
		m.note(l.key)
		m.tell([]byte(l.key), yproto.AppendClose(nil, reason))
	default:
		m.deny([]byte(l.key), reason)
	}
	return nil
}

// again says whether the client is to connect again: after what passes, and when the token of an open document
// has ended. A subject with too many sockets would get no other answer then.
func again(code websocket.StatusCode, let bool) bool {
	switch code {
	case websocket.StatusGoingAway, websocket.StatusInternalError, websocket.StatusTryAgainLater:
		return true
	case 4401, abi.CloseOwnerFull:
		return let
	}
	return code >= 4500
}

// CloseNow ends the socket: the client takes no messages any more.
func (l *lane) CloseNow() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if l.gone == nil {
		l.leave(abi.CloseBroke, "")
		go l.m.ws.CloseNow()
	}
	return nil
}

// leave takes the document from the socket. The caller holds m.mu.
func (l *lane) leave(code websocket.StatusCode, reason string) {
	if l.gone != nil {
		return
	}
	l.gone = &websocket.CloseError{Code: code, Reason: reason}
	delete(l.m.lanes, l.key)
	for _, message := range l.queue {
		l.m.waiting -= len(message)
		l.m.count--
	}
	l.queue = nil
	l.m.moved.Broadcast()
}
