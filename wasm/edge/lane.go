//go:build !js

package edge

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
	"tidemark/shared/yproto"
)

// A lane is one document of a several: the socket of a conn. If the client leaves it, by "close" or with the socket, the room
// still reads the messages that came before that. The client hears nothing more of it, and may open its address again.
type lane struct {
	m         *several
	key, name string

	// guarded by m.mu
	asked   bool     // it has brought a token
	closes  bool     // the provider knows the message that closes one document
	joining bool     // open runs
	opening bool     // m.opening counts it
	queue   [][]byte // messages that the room has not read
	early   int      // so many of them, the first, came before the room read: m.waiting and m.count have them
	queued  int      // bytes of the others
	opened  bool     // the room reads
	let     bool     // the room has let it in
	gone    *websocket.CloseError
}

// A client's other documents do not wait for a slow room until so much waits for that room.
const (
	maxQueue       = 16       // messages
	maxQueuedBytes = 64 << 10 // that came since the room reads
)

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
		if l.gone != nil && len(l.queue) == 0 {
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
	if token != nil && len(token) == 0 {
		return nil, "a token is needed: set the provider's option `token`"
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
			"Authorization": {"Bearer " + string(token)},
		},
	}
	r.URL = &url.URL{Path: r.RequestURI}
	for _, name := range []string{"Origin", "User-Agent", connectingIP, abi.RequestIDHeader, abi.TraceparentHeader} {
		if values := first.Header[name]; values != nil {
			r.Header[name] = values
		}
	}
	return r, ""
}

// refuse is Close for a document that is not open.
func (l *lane) refuse(code int, reason string) { l.Close(websocket.StatusCode(code), reason) }

// deliver gives a message to the document. It waits if the room is slow. A document that is not open yet keeps its
// messages, within limits. The caller holds m.mu.
func (l *lane) deliver(message []byte) {
	m := l.m
	switch {
	case l.opened:
		l.queued += len(message)
	case m.count >= maxWaitingCount || m.waiting+len(message) > maxWaiting:
		m.shut(4413, "too many messages before their document is open")
		return
	case !m.hold(len(message)):
		m.shut(4413, tooManyStrangers)
		return
	default:
		l.early++
		m.waiting += len(message)
		m.count++
	}
	l.queue = append(l.queue, message)
	m.moved.Broadcast()
	for l.opened && l.gone == nil && (len(l.queue) > maxQueue || l.queued > maxQueuedBytes) {
		m.moved.Wait()
	}
}

// pop returns the first message that waits. The caller holds m.mu.
func (l *lane) pop() []byte {
	message := l.queue[0]
	l.queue = l.queue[1:]
	if l.early > 0 {
		l.early--
		l.m.waiting -= len(message)
		l.m.count--
		l.m.hold(-len(message))
	} else {
		l.queued -= len(message)
	}
	return message
}

// drop drops the messages that wait. The caller holds m.mu.
func (l *lane) drop() {
	for len(l.queue) > 0 {
		l.pop()
	}
	l.settle()
	l.m.moved.Broadcast()
}

// settle counts the document in m.opening, or no more. The caller holds m.mu.
func (l *lane) settle() {
	if opening := l.joining || l.gone != nil && len(l.queue) > 0; opening != l.opening {
		if l.opening = opening; opening {
			l.m.opening++
		} else {
			l.m.opening--
		}
	}
}

// Read returns the next message. After those that waited when the client left, it returns an error.
func (l *lane) Read(context.Context) (websocket.MessageType, []byte, error) {
	m := l.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(l.queue) == 0 && l.gone == nil {
		m.moved.Wait()
	}
	if len(l.queue) == 0 {
		return 0, nil, *l.gone
	}
	message := l.pop()
	l.settle()
	m.moved.Broadcast()
	return websocket.MessageBinary, message, nil
}

// Write sends a message to the client, unless the client has left. The protocol has no texts.
func (l *lane) Write(_ context.Context, kind websocket.MessageType, message []byte) error {
	if kind != websocket.MessageBinary {
		return nil
	}
	if yproto.IsAuthenticated(message) {
		l.m.mu.Lock()
		l.let = true
		l.m.letIn()
		l.m.mu.Unlock()
		l.m.ws.SetReadLimit(abi.MaxMessageBytes)
	}
	return l.m.write(l, message)
}

// Close closes the document for the client, and the socket if the client is to try again.
func (l *lane) Close(code websocket.StatusCode, reason string) error {
	m := l.m
	m.mu.Lock()
	defer m.mu.Unlock()
	l.drop()
	if l.gone != nil {
		return nil
	}
	l.leave(code, reason)
	switch {
	case again(code, l.let):
		m.shut(closeAgain, reason)
	case l.let && l.closes:
		m.dismiss(l.key, yproto.AppendClose(nil, reason))
	default:
		m.deny(l.key, reason)
	}
	m.endIfGoing()
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
	l.drop()
	if l.gone == nil {
		l.leave(abi.CloseBroke, "")
		go l.m.ws.CloseNow()
	}
	return nil
}

// leave takes the document from the socket. The room reads what waits for it, if it opens. The caller holds m.mu.
func (l *lane) leave(code websocket.StatusCode, reason string) {
	if l.gone != nil {
		return
	}
	l.gone = &websocket.CloseError{Code: code, Reason: reason}
	delete(l.m.lanes, l.key)
	if !l.asked {
		l.drop()
	}
	l.settle()
	l.m.moved.Broadcast()
}
