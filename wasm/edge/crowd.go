//go:build !js

package edge

import (
	"fmt"
	"sync"

	"tidemark/shared/abi"
)

// A crowd counts the open sockets of a Worker, over all objects.
type crowd struct {
	limit, ownerLimit int

	mu    sync.Mutex
	all   int
	owned map[string]int // by owner; the owner "" has no limit

	strangers int // of all: sockets of several documents that no room has let in yet
	waiting   int // bytes of messages of strangers, which wait for their document
}

// maxStrangersWaiting is how many bytes the messages of all strangers may have. docs/protocol.md, H8.
const maxStrangersWaiting = 16 << 20

const fullReason = "the server has no place for one more WebSocket; try again later"

// Defaults of the limits. Variables of the same names replace them.
const (
	defaultSockets           = 10_000
	defaultSocketsPerSubject = 64
)

// enter counts a socket. If it is over a limit, enter returns the close code and
// the reason.
func (c *crowd) enter(owner string) (code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.all >= c.limit:
		return abi.CloseFull, fullReason
	case owner != "" && c.owned[owner] >= c.ownerLimit:
		return abi.CloseOwnerFull, fmt.Sprintf("one subject may have %d WebSockets at a time", c.ownerLimit)
	}
	c.all++
	if owner != "" {
		if c.owned == nil {
			c.owned = map[string]int{}
		}
		c.owned[owner]++
	}
	return 0, ""
}

// leave stops counting a socket.
func (c *crowd) leave(owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if owner == "" {
		return
	}
	if c.owned[owner]--; c.owned[owner] == 0 {
		delete(c.owned, owner)
	}
}

// enterStranger counts a socket of several documents. Half of the places stay free for sockets that a room has let in.
func (c *crowd) enterStranger() (code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.all >= c.limit:
		return abi.CloseFull, fullReason
	case c.strangers >= c.limit/2:
		return abi.CloseFull, "too many WebSockets have no open document yet; try again later"
	}
	c.all++
	c.strangers++
	return 0, ""
}

// admit stops counting a socket as a stranger. It still counts as a socket.
func (c *crowd) admit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strangers--
}

// wait counts bytes of a stranger's messages. It returns false, and counts nothing, if they are too many. A negative number stops
// counting them.
func (c *crowd) wait(bytes int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes > 0 && c.waiting+bytes > maxStrangersWaiting {
		return false
	}
	c.waiting += bytes
	return true
}
