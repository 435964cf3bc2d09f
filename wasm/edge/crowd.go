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
}

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
		return abi.CloseFull, "the server has no place for one more WebSocket; try again later"
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
