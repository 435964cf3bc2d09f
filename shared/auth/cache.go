package auth

import (
	"container/list"
	"time"
)

// A Cache keeps the most recently used valid tokens and their identities. It has two
// bounds: the entries, and their bytes. Two goroutines must not use it at once.
type Cache struct {
	maxEntries, maxBytes int
	bytes                int
	byToken              map[string]*list.Element // of cached
	used                 *list.List               // most recently used first
}

type cached struct {
	token string
	id    Identity
}

// overhead is about how many bytes an entry takes besides its strings.
const overhead = 256

func (c cached) size() int {
	id := c.id
	return len(c.token) + len(id.Subject) + len(id.Scope.Words) + len(id.Rooms.Globs) +
		len(id.Spaces.Scope.Words) + len(id.Spaces.Grants) + len(id.ID) + len(id.Claims) + overhead
}

// NewCache makes an empty cache.
func NewCache(maxEntries, maxBytes int) *Cache {
	return &Cache{maxEntries, maxBytes, 0, map[string]*list.Element{}, list.New()}
}

// Get returns the identity of a token. It forgets a token that is not valid at that
// time.
func (c *Cache) Get(token string, now time.Time) (Identity, bool) {
	e := c.byToken[token]
	if e == nil {
		return Identity{}, false
	}
	id := e.Value.(cached).id
	if id.ValidAt(now) != nil {
		c.remove(e)
		return Identity{}, false
	}
	c.used.MoveToFront(e)
	return id, true
}

// Put adds a token that was verified.
func (c *Cache) Put(token string, id Identity) {
	if e := c.byToken[token]; e != nil {
		c.remove(e)
	}
	entry := cached{token, id}
	if entry.size() > c.maxBytes {
		return
	}
	c.byToken[token] = c.used.PushFront(entry)
	c.bytes += entry.size()
	for c.used.Len() > c.maxEntries || c.bytes > c.maxBytes {
		c.remove(c.used.Back())
	}
}

func (c *Cache) remove(e *list.Element) {
	entry := c.used.Remove(e).(cached)
	delete(c.byToken, entry.token)
	c.bytes -= entry.size()
}
