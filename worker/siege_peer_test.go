//go:build !js

package main_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tidemark/shared/awareness"
	"tidemark/shared/room"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
)

// A peer is a socket of a besieged room that reads what comes, all the time.
type peer struct {
	room *besieged
	ws   *websocket.Conn

	mu      sync.Mutex
	news    chan struct{}     // closed and replaced when something came
	seen    map[uint64]uint64 // the clock that comes next, of each client in updates
	pieces  [][]byte          // since step 1 was sent; nil: not wanted
	synced  bool              // step 2 came since then
	refused bool              // a write was
	err     error             // why it is closed
}

// legalCloses are how a room may end a socket: the document was deleted, the instance
// has grown and the next one goes on, or the socket sent too much.
var legalCloses = map[websocket.StatusCode]bool{
	room.CloseDeleted: true, room.CloseLater: true, room.CloseTooMany: true, room.CloseTooLarge: true,
}

func (a asker) peer(b *besieged) (*peer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, strings.Replace(a.URL, "http", "ws", 1)+"/yjs/"+b.name+"?token="+a.token, nil)
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(-1)
	p := &peer{room: b, ws: ws, news: make(chan struct{}), seen: map[uint64]uint64{}}
	go p.read(a)
	return p, nil
}

func (p *peer) read(a asker) {
	for {
		_, frame, err := p.ws.Read(context.Background())
		p.mu.Lock()
		if err == nil {
			err = p.take(frame)
		}
		p.err = err
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
		if err == nil {
			continue
		}
		p.ws.CloseNow()
		var closed websocket.CloseError
		if errors.As(err, &closed) && !legalCloses[closed.Code] {
			a.Errorf("%s: a socket was closed: %v", p.room.name, err)
		}
		return
	}
}

func (p *peer) take(frame []byte) error {
	for len(frame) > 0 {
		m, rest, err := yproto.Decode(frame)
		if err != nil {
			return err
		}
		frame = rest
		p.refused = p.refused || m.Kind == yproto.PermissionDenied
		if !m.Kind.Writes() {
			continue
		}
		if p.pieces != nil {
			p.pieces = append(p.pieces, m.Payload)
		}
		p.synced = p.synced || m.Kind == yproto.SyncStep2
		ranges, err := yjs.ParseUpdateMeta(m.Payload)
		if err != nil {
			return err
		}
		for _, r := range ranges {
			p.seen[r.Client] = max(p.seen[r.Client], r.To)
		}
	}
	return nil
}

// until waits for a condition, or for the socket's end.
func (p *peer) until(condition func() bool) error {
	patience := time.After(wasmtest.Patience)
	for {
		p.mu.Lock()
		met, err, news := condition(), p.err, p.news
		p.mu.Unlock()
		switch {
		case met:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-news:
		case <-patience:
			return fmt.Errorf("%s: nothing came", p.room.name)
		}
	}
}

func (p *peer) closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil
}

func (p *peer) send(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), wasmtest.Patience)
	defer cancel()
	return p.ws.Write(ctx, websocket.MessageBinary, frame)
}

// sync sends step 1 and returns what came until step 2.
func (p *peer) sync(vector []byte) (state []byte, err error) {
	p.mu.Lock()
	p.pieces, p.synced = [][]byte{}, false
	p.mu.Unlock()
	if err := p.send(yproto.AppendSyncStep1(nil, vector)); err != nil {
		return nil, err
	}
	if err := p.until(func() bool { return p.synced }); err != nil {
		return nil, err
	}
	p.mu.Lock()
	pieces := p.pieces
	p.pieces = nil
	p.mu.Unlock()
	return yjs.MergeUpdates(pieces...)
}

// write sends an update and waits until it comes back, which says that it is stored.
func (p *peer) write(a asker, frame, update []byte) (refused string) {
	ranges, err := yjs.ParseUpdateMeta(update)
	if err != nil {
		a.Error(err)
		return "malformed"
	}
	p.mu.Lock()
	p.refused = false
	p.mu.Unlock()
	if err := p.send(frame); err != nil {
		return why(err)
	}
	if err := p.until(func() bool { return p.refused || p.seen[ranges[0].Client] >= ranges[0].To }); err != nil {
		return why(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[ranges[0].Client] < ranges[0].To {
		return "full"
	}
	p.room.ack(a.T, update)
	return ""
}

// why says in short why a socket ended.
func why(err error) string {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return fmt.Sprint("closed with ", closed.Code)
	}
	return err.Error()
}

// joined is a socket that has the whole state, and stays if nobody closes it.
func (a asker) joined(b *besieged) (p *peer, state []byte, refused string) {
	acked, begun := b.before()
	p, err := a.peer(b)
	if err == nil {
		if state, err = p.sync([]byte{0}); err == nil {
			b.holds(a.T, "a joiner of "+b.name, state, acked, begun)
			return p, state, ""
		}
		p.ws.CloseNow()
	}
	return nil, nil, why(err)
}

// staying is how many sockets stay in a room.
const staying = 4

// join synchronizes a new socket, which stays with a few others.
func (s *siege) join(b *besieged) deed {
	return deed{"join: " + b.name, func(a asker) string {
		p, _, refused := a.joined(b)
		if refused != "" {
			return refused
		}
		b.mu.Lock()
		b.peers = append(b.peers, p)
		if len(b.peers) > staying {
			p, b.peers = b.peers[0], b.peers[1:]
		} else {
			p = nil
		}
		b.mu.Unlock()
		if p != nil {
			p.ws.CloseNow()
		}
		return ""
	}}
}

// rejoin synchronizes a socket, breaks it, and comes back with what it has.
func (s *siege) rejoin(b *besieged) deed {
	return deed{"rejoin: " + b.name, func(a asker) string {
		p, state, refused := a.joined(b)
		if refused != "" {
			return refused
		}
		p.ws.CloseNow()
		vector, err := yjs.StateVectorFromUpdate(state)
		if err != nil {
			a.Error(err)
		}
		if p, err = a.peer(b); err != nil {
			return why(err)
		}
		defer p.ws.CloseNow()
		if _, err = p.sync(vector); err != nil {
			return why(err)
		}
		return ""
	}}
}

// offline comes back with an edit of several megabytes.
func (s *siege) offline(b *besieged, update []byte) deed {
	return deed{fmt.Sprintf("offline: %d bytes to %s", len(update), b.name), func(a asker) string {
		b.reset.RLock()
		defer b.reset.RUnlock()
		p, err := a.peer(b)
		if err != nil {
			return why(err)
		}
		defer p.ws.CloseNow()
		if err := p.send(yproto.AppendSyncStep1(nil, []byte{0})); err != nil {
			return why(err)
		}
		return p.write(a, yproto.AppendSyncStep2(nil, update), update)
	}}
}

// edit types in a socket that stays.
func (s *siege) edit(b *besieged, update []byte) deed {
	return deed{"type: " + b.name, func(a asker) string {
		p, refused := s.stays(a, b)
		if refused != "" {
			return refused
		}
		b.reset.RLock()
		defer b.reset.RUnlock()
		return p.write(a, yproto.AppendUpdate(nil, update), update)
	}}
}

// stays is a socket of those that stay in a room.
func (s *siege) stays(a asker, b *besieged) (p *peer, refused string) {
	b.mu.Lock()
	for len(b.peers) > 0 && p == nil {
		if p = b.peers[0]; p.closed() {
			p, b.peers = nil, b.peers[1:]
		}
	}
	b.mu.Unlock()
	if p != nil {
		return p, ""
	}
	p, _, refused = a.joined(b)
	if refused == "" {
		b.mu.Lock()
		b.peers = append(b.peers, p)
		b.mu.Unlock()
	}
	return p, refused
}

// present announces as much as a socket may.
func (s *siege) present(b *besieged) deed {
	first := s.client
	s.client += 4
	return deed{"present: " + b.name, func(a asker) string {
		p, refused := s.stays(a, b)
		if refused != "" {
			return refused
		}
		state := []byte(`"` + strings.Repeat("p", yroom.DefaultConfig.PresenceStateBytes-100) + `"`)
		for n := range uint64(4) {
			entry := awareness.Entry{Client: first + n, Clock: 1, State: state}
			if err := p.send(yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, entry))); err != nil {
				return why(err)
			}
		}
		return ""
	}}
}
