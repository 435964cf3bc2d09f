// Package account divides the memory of an instance among its requests. A request that
// needs much memory asks for it first, and waits for its turn.
package account

import "slices"

// An Account has a number of bytes to give. It grants claims in the order in which
// they ask. A small claim behind a large claim waits, as otherwise the large claim would
// never have its turn. So small claims have bytes of their own, for which no large claim
// waits. Of these the smallest claim is first: claims that need almost nothing must not
// wait for many others.
type Account struct {
	large, small lane
	smallBytes   int
}

// A Claim is the bytes that one request holds and asks for. The zero Claim holds nothing.
type Claim struct {
	lane         *lane
	held, wanted int
	waits        bool
}

// A Verdict is the result of asking.
type Verdict int

const (
	Granted Verdict = iota
	Wait            // call Ready
	Never           // the account never has so much
)

// New returns an account of capacity bytes, and of reserve more bytes for claims of at
// most small bytes.
func New(capacity, reserve, small int) *Account {
	return &Account{large: lane{capacity: capacity}, small: lane{capacity: reserve}, smallBytes: small}
}

// Hold asks that c hold that many bytes in place of what it holds. If c holds more, the
// rest is given back at once. While c waits, it still holds what it held before, if that
// is in the same lane, and it is first in the queue, as other claims may wait for it.
func (a *Account) Hold(c *Claim, bytes int) Verdict {
	l := &a.large
	if bytes <= a.smallBytes && bytes <= a.small.capacity {
		l = &a.small
	}
	a.Cancel(c)
	if bytes <= c.held {
		if c.lane != nil {
			c.lane.held -= c.held - bytes
			c.held = bytes
			c.lane.serve()
		}
		return Granted
	}
	if c.lane != l {
		a.Leave(c)
	}
	if bytes > l.capacity {
		return Never
	}
	c.lane, c.wanted, c.waits = l, bytes, true
	at := len(l.queue)
	if c.held > 0 {
		at = 0
	} else if l == &a.small {
		at, _ = slices.BinarySearchFunc(l.queue, bytes, func(q *Claim, bytes int) int {
			if q.held > 0 || q.wanted <= bytes {
				return -1
			}
			return 1
		})
	}
	l.queue = slices.Insert(l.queue, at, c)
	l.serve()
	if c.waits {
		return Wait
	}
	return Granted
}

// Ready says whether c, which waits, holds what it asked for, and otherwise how many
// claims are before it.
func (a *Account) Ready(c *Claim) (ready bool, before int) {
	if !c.waits {
		return true, 0
	}
	return false, slices.Index(c.lane.queue, c)
}

// Cancel ends the waiting of c. The claim keeps what it holds.
func (a *Account) Cancel(c *Claim) {
	if !c.waits {
		return
	}
	l := c.lane
	if i := slices.Index(l.queue, c); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	}
	c.waits = false
	l.serve()
}

// Leave ends the waiting of c, and gives back what it holds.
func (a *Account) Leave(c *Claim) {
	if c.lane == nil {
		return
	}
	a.Cancel(c)
	l := c.lane
	l.held -= c.held
	*c = Claim{}
	l.serve()
}

// Held returns how many bytes c holds.
func (c *Claim) Held() int { return c.held }

// Capacity returns the most that one claim can hold.
func (a *Account) Capacity() int { return a.large.capacity }

// Held returns how many bytes all claims hold together.
func (a *Account) Held() int { return a.large.held + a.small.held }

// Waiting returns how many claims wait.
func (a *Account) Waiting() int { return len(a.large.queue) + len(a.small.queue) }

// A lane is bytes and the queue for them.
type lane struct {
	capacity, held int
	queue          []*Claim
}

// serve grants the first claims of the queue while they fit.
func (l *lane) serve() {
	for len(l.queue) > 0 {
		c := l.queue[0]
		if l.held-c.held+c.wanted > l.capacity {
			return
		}
		l.held += c.wanted - c.held
		c.held, c.waits = c.wanted, false
		l.queue = l.queue[1:]
	}
}
