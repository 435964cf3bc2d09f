//go:build !js

package edge

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// pingInterval is the time between two pings of a client. It may be silent for
	// silences intervals.
	pingInterval = 30 * time.Second
	silences     = 2
	// minProgress is how many bytes a client must send in an interval while it sends
	// one message, because it cannot send a pong then.
	minProgress = 32 << 10
	// linger is the time that a refused client has to respond to the close.
	linger = 2 * time.Second
)

// A wire is the connection below a WebSocket.
type wire struct {
	net.Conn
	received atomic.Int64 // bytes
	alive    atomic.Bool  // it has sent a whole message, or a pong
	busy     atomic.Bool  // a message waits for its object; the host reads no more

	mu     sync.Mutex
	stop   func() bool // stops the timer of the next ping
	quiet  int         // intervals of silence
	before int64       // bytes received at the last ping
	closed bool
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.received.Add(int64(n))
	return n, err
}

// upgrade accepts a WebSocket. It does not compress: a client could otherwise
// send a message of any length in a few bytes.
func upgrade(rw http.ResponseWriter, r *http.Request, protocol string) (*websocket.Conn, *wire, error) {
	wire := &wire{}
	options := &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the guest decides which origins may connect
		CompressionMode:    websocket.CompressionDisabled,
		OnPongReceived:     func(context.Context, []byte) { wire.alive.Store(true) },
	}
	if protocol != "" {
		options.Subprotocols = []string{protocol}
	}
	ws, err := websocket.Accept(&hijacker{failureWriter{ResponseWriter: rw, r: r}, wire}, r, options)
	return ws, wire, err
}

// A hijacker stores the connection that the WebSocket takes over.
type hijacker struct {
	failureWriter
	wire *wire
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.wire.Conn = conn
	return h.wire, buffer, err
}

// watch pings the client at each interval, and closes the connection of a silent
// one. TCP alone does not show that a client's machine has gone.
func (w *wire) watch(ws *websocket.Conn, clock Clock) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.stop = clock.AfterFunc(pingInterval, func() {
		received := w.received.Load()
		w.quiet++
		if w.alive.Swap(false) || w.busy.Load() || received-w.before >= minProgress {
			w.quiet = 0
		}
		w.before = received
		if w.quiet > silences {
			w.Conn.Close() // the reader notices
			return
		}
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
			defer cancel()
			ws.Ping(ctx)
		}()
		w.watch(ws, clock)
	})
}

// unwatch ends the pings.
func (w *wire) unwatch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.stop != nil {
		w.stop()
	}
}
