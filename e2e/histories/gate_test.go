//go:build !js

package histories

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// A gate is a proxy before a host. It forwards connections, each of which is one request
// or one WebSocket. It loses some: before they reach the host, in the middle, or after the
// host has responded. While the gate is closed, new connections wait.
type gate struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	wait   sync.Cond // for open or ended
	open   bool
	ended  bool
	lossy  bool
	closed int // how often it was closed
	dice   *rand.Rand
	conns  map[net.Conn]bool
	lost   [fates]int
}

// A fate is how the gate treats a connection.
type fate int

const (
	delivered fate = iota
	dropped        // it does not reach the host
	cut            // it ends at some time
	muted          // the host gets the request, and the client no response
	late           // the response is late
	fates
)

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener, target: target, conns: map[net.Conn]bool{}, dice: rand.New(rand.NewPCG(1, 1))}
	g.wait.L = &g.mu
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go g.serve(client)
		}
	}()
	return g
}

// draw waits until the gate is open, and chooses the fate of a connection and a delay.
func (g *gate) draw(client net.Conn) (f fate, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.open && !g.ended {
		g.wait.Wait()
	}
	if g.ended {
		return dropped, 0
	}
	g.conns[client] = true
	if g.lossy {
		switch n := g.dice.IntN(100); {
		case n < 2:
			f = dropped
		case n < 7:
			f = cut
		case n < 14:
			f = muted
		case n < 24:
			f = late
		}
		d = time.Duration(g.dice.IntN(40)) * time.Millisecond
	}
	g.lost[f]++
	return f, d
}

func (g *gate) serve(client net.Conn) {
	defer client.Close()
	f, d := g.draw(client)
	defer func() {
		g.mu.Lock()
		delete(g.conns, client)
		g.mu.Unlock()
	}()
	if f == dropped {
		return
	}
	server, err := net.Dial("tcp", g.target)
	if err != nil {
		return // the host was killed
	}
	defer server.Close()
	go func() {
		io.Copy(server, client)
		server.Close() // the client is gone
	}()
	switch f {
	case cut:
		time.AfterFunc(d, func() { client.Close() })
	case muted:
		var first [1]byte
		server.Read(first[:])
		return
	case late:
		client = &slow{client, d}
	}
	io.Copy(client, server)
}

// slow waits before each write.
type slow struct {
	net.Conn
	wait time.Duration
}

func (s *slow) Write(b []byte) (int, error) {
	time.Sleep(s.wait)
	return s.Conn.Write(b)
}

// unlock lets connections through.
func (g *gate) unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	g.wait.Broadcast()
}

// lock makes new connections wait. Open ones go on until sever.
func (g *gate) lock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = false
	g.closed++
}

// sever ends every connection.
func (g *gate) sever() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.conns {
		conn.Close()
	}
}

// loses sets whether the gate loses connections.
func (g *gate) loses(yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lossy = yes
}

// epoch returns a number that changes when the gate is closed.
func (g *gate) epoch() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// shut ends the gate.
func (g *gate) shut() {
	g.listener.Close()
	g.mu.Lock()
	g.ended = true
	g.wait.Broadcast()
	g.mu.Unlock()
	g.sever()
}
