//go:build !js

package main

import (
	"net"
	"net/netip"
	"sync"
)

const (
	defaultConnections        = 10_000
	defaultConnectionsAddress = 256
)

// fitFiles returns how many of the files of objects may be open, so that they need at
// most a quarter of the descriptors that the process may have. An open file needs
// two: of the database and of its log.
func fitFiles(objects int) int { return max(min(objects, openFiles()/8), 1) }

// freeFiles is how many connections the process may have open, beside the files of
// so many objects, its databases and what it opens at the start.
func freeFiles(objects int) int {
	files := openFiles()
	return max(files-2*objects-min(files/16, 64), 1)
}

// A limitedListener closes a connection that is over the limit: of all connections,
// or of one address. The second limit does not hold for this machine, where a proxy
// may run.
type limitedListener struct {
	net.Listener
	all, each int // 0: no limit

	mu   sync.Mutex
	open int
	from map[netip.Prefix]int
}

func newLimitedListener(l net.Listener, all, each int) *limitedListener {
	return &limitedListener{Listener: l, all: all, each: each, from: map[netip.Prefix]int{}}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := origin(conn.RemoteAddr())
		if l.enter(from) {
			return &countedConn{Conn: conn, leave: func() { l.leave(from) }}, nil
		}
		conn.Close()
	}
}

func (l *limitedListener) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all > 0 && l.open >= l.all {
		return false
	}
	if l.each > 0 && !from.Addr().IsLoopback() && l.from[from] >= l.each {
		return false
	}
	l.open++
	l.from[from]++
	return true
}

func (l *limitedListener) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.from[from]--; l.from[from] == 0 {
		delete(l.from, from)
	}
}

// origin returns the address of a client, or for IPv6 its network of 64 bits: one
// customer has a whole network.
func origin(addr net.Addr) netip.Prefix {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() && !ip.IsLoopback() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits)
	return prefix
}

// A countedConn calls a function when it is closed, once.
type countedConn struct {
	net.Conn
	once  sync.Once
	leave func()
}

func (c *countedConn) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}

// CloseWrite is for headConn.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
