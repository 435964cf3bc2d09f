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

// projectRooms stand in for the SyncRooms of projects: the state machine behind
// real sockets. Every window is over at once, so that no change waits.
type projectRooms struct {
	t *testing.T

	mu    sync.Mutex
	rooms map[string]*syncroom.Room
	conns map[string]map[int32]*projectConn
	last  int32
}

type projectConn struct {
	*websocket.Conn
	attachment []byte
}

func newProjectRooms(t *testing.T) *projectRooms {
	return &projectRooms{t: t, rooms: map[string]*syncroom.Room{}, conns: map[string]map[int32]*projectConn{}}
}

// enter returns the room; the caller holds the lock.
func (r *projectRooms) enter(name string) *syncroom.Room {
	if r.rooms[name] == nil {
		room := syncroom.New(func() (open []abi.Conn) {
			for id, c := range r.conns[name] {
				open = append(open, abi.Conn{ID: id, Attachment: c.attachment})
			}
			return open
		}, false)
		room.Key = syncroom.ProjectKey
		r.rooms[name], r.conns[name] = room, map[int32]*projectConn{}
	}
	return r.rooms[name]
}

func (r *projectRooms) Publish(_ context.Context, binding, name string, message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if binding != door.SyncBinding || !strings.Contains(name, syncroom.ProjectPrefix) {
		r.t.Errorf("publish to %s, %s", binding, name)
	}
	e, err := r.enter(name).Call(message, time.Now())
	if err != nil {
		r.t.Error(err)
	}
	r.do(name, e)
}

func (r *projectRooms) do(name string, e room.Effects) {
	ctx := context.Background()
	for _, s := range e.Send {
		for id, c := range r.conns[name] {
			if s.ToAll() || slices.Contains(s.To, id) {
				c.Write(ctx, websocket.MessageText, s.Data)
			}
		}
	}
	if e.Timer > 0 {
		r.do(name, r.rooms[name].Timer(time.Now()))
	}
	for _, c := range e.Close {
		r.leave(name, c.Conn, c.Code, c.Reason)
	}
}

func (r *projectRooms) leave(name string, id int32, code int, reason string) {
	c := r.conns[name][id]
	delete(r.conns[name], id)
	go c.Close(websocket.StatusCode(code), reason) // it waits for the other side
}

func (r *projectRooms) Forward(to web.ResponseWriter, _ *web.Request, f abi.Forward) error {
	if refusal, ok := f.Refusal(); ok {
		refuse(to, refusal)
		return nil
	}
	w, req := webtest.Native(to)
	conn, err := websocket.Accept(w, req, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return nil // it has responded
	}
	defer conn.CloseNow()
	r.mu.Lock()
	room := r.enter(f.Name)
	r.last++
	id := r.last
	r.conns[f.Name][id] = &projectConn{conn, f.Attachment}
	r.do(f.Name, room.Connect(id, f.Attachment, time.Now()))
	r.mu.Unlock()
	for {
		if _, _, err := conn.Read(req.Context()); err != nil {
			r.mu.Lock()
			delete(r.conns[f.Name], id)
			r.mu.Unlock()
			return nil
		}
	}
}
