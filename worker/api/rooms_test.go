//go:build !js

package api_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/webtest"
)

// rooms stands in for the Durable Objects: the room's state machine behind
// real sockets.
type rooms struct {
	t *testing.T

	mu    sync.Mutex
	room  *syncroom.Room
	conns map[int32]chan send
	last  int32
}

// A send is a text, or the end with its code.
type send struct {
	text []byte
	code int
}

func newRooms(t *testing.T) *rooms {
	r := &rooms{t: t, conns: map[int32]chan send{}}
	r.room = syncroom.New(r.open, false)
	return r
}

// open lists the conns, which is all that a room wants here to close them.
func (r *rooms) open() (open []abi.Conn) {
	for id := range r.conns {
		open = append(open, abi.Conn{ID: id})
	}
	return open
}

func (r *rooms) Publish(_ context.Context, binding, room string, message []byte) {
	if binding != door.SyncBinding || room != "sync" {
		r.t.Errorf("publish to %s, %s", binding, room)
	}
	r.publish(message)
}

func (r *rooms) publish(message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.room.Call(message, time.Now())
	if err != nil {
		r.t.Error(err)
	}
	r.do(e)
}

// do does the effects, in their order.
func (r *rooms) do(e room.Effects) {
	if e.Timer > 0 {
		time.AfterFunc(e.Timer, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.do(r.room.Timer(time.Now()))
		})
	}
	for _, s := range e.Send {
		for id, c := range r.conns {
			if s.ToAll() || slices.Contains(s.To, id) {
				c <- send{text: s.Data}
			}
		}
	}
	for _, c := range e.Close {
		r.conns[c.Conn] <- send{code: c.Code}
	}
}

// closeAll closes every socket.
func (r *rooms) closeAll(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c <- send{code: code}
	}
}

func (r *rooms) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

// refuse does what the hosts do with a refusal.
func refuse(to web.ResponseWriter, refusal abi.Refusal) {
	w, req := webtest.Native(to)
	conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // it has responded
	}
	if len(refusal.Message) > 0 {
		conn.Write(req.Context(), websocket.MessageBinary, refusal.Message)
	}
	reason := strings.ToValidUTF8(refusal.Reason[:min(len(refusal.Reason), 123)], "") // RFC 6455, 5.5
	conn.Close(websocket.StatusCode(refusal.Code), reason)
}

func (r *rooms) Forward(to web.ResponseWriter, _ *web.Request, f abi.Forward) error {
	if refusal, ok := f.Refusal(); ok {
		refuse(to, refusal)
		return nil
	}
	w, req := webtest.Native(to)
	var protocols []string
	if f.Protocol != "" {
		protocols = []string{f.Protocol}
	}
	conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{Subprotocols: protocols, InsecureSkipVerify: true})
	if err != nil {
		return nil // it has responded
	}
	defer conn.CloseNow()
	queue := make(chan send, 1000)
	r.mu.Lock()
	r.last++
	id := r.last
	r.conns[id] = queue
	r.do(r.room.Connect(id, f.Attachment, time.Now()))
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, id)
		r.mu.Unlock()
	}()
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	go func() {
		for {
			select {
			case s := <-queue:
				if s.code != 0 {
					conn.Close(websocket.StatusCode(s.code), "")
				} else if conn.Write(ctx, websocket.MessageText, s.text) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			return nil
		}
		k := abi.KindText
		if kind == websocket.MessageBinary {
			k = abi.KindBinary
		}
		r.mu.Lock()
		r.do(r.room.Message(id, k, data))
		r.mu.Unlock()
	}
}
