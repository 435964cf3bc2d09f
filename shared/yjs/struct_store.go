package yjs

import (
	"slices"
	"sort"
)

// The structs of a client stand in clock order in leaves of at most leafMax
// entries: to insert one, as a split does, moves few bytes however many there
// are. No leaf is empty.

const leafMax = 512

type entry struct {
	clock, item int32
}

// A pos is the place of a struct in the leaves of its client. It holds until
// structs are inserted or removed.
type pos struct {
	leaf, at int
}

// find returns the place of the struct that contains clock. clock must be below the
// client's state.
func (c *client) find(clock int32) pos {
	l := len(c.leaves) - 1
	leaf := c.leaves[l]
	if leaf[0].clock > clock {
		l = int(c.finger)
		if l >= len(c.leaves)-1 || c.leaves[l][0].clock > clock || c.leaves[l+1][0].clock <= clock {
			l = sort.Search(len(c.leaves), func(i int) bool { return c.leaves[i][0].clock > clock }) - 1
			c.finger = int32(l)
		}
		leaf = c.leaves[l]
	}
	at := len(leaf) - 1
	if leaf[at].clock <= clock {
		return pos{l, at}
	}
	low := 0 // leaf[low] starts at or before clock, leaf[at] after it
	for low+1 < at {
		if middle := int(uint(low+at) >> 1); leaf[middle].clock <= clock {
			low = middle
		} else {
			at = middle
		}
	}
	return pos{l, low}
}

func (c *client) at(p pos) int32 { return c.leaves[p.leaf][p.at].item }

func (c *client) next(p pos) (pos, bool) {
	if p.at++; p.at < len(c.leaves[p.leaf]) {
		return p, true
	}
	return pos{p.leaf + 1, 0}, p.leaf+1 < len(c.leaves)
}

func (c *client) previous(p pos) (pos, bool) {
	if p.at > 0 {
		return pos{p.leaf, p.at - 1}, true
	}
	if p.leaf == 0 {
		return p, false
	}
	return pos{p.leaf - 1, len(c.leaves[p.leaf-1]) - 1}, true
}

// end is the place of the last struct.
func (c *client) end() pos {
	l := len(c.leaves) - 1
	return pos{l, len(c.leaves[l]) - 1}
}

// push adds a struct behind the last. more is how many will follow at once: push makes
// the leaf large enough for them.
func (c *client) push(e entry, more int) {
	l := len(c.leaves) - 1
	if l < 0 || len(c.leaves[l]) == leafMax {
		c.leaves = append(c.leaves, make([]entry, 0, min(more+1, leafMax)))
		l++
	}
	c.leaves[l] = append(c.leaves[l], e)
}

// insert puts e behind p and returns its place.
func (c *client) insert(p pos, e entry) pos {
	leaf := c.leaves[p.leaf]
	if len(leaf) == leafMax {
		half := make([]entry, leafMax/2, leafMax)
		copy(half, leaf[leafMax/2:])
		leaf = leaf[:leafMax/2]
		c.leaves[p.leaf] = leaf
		c.leaves = slices.Insert(c.leaves, p.leaf+1, half)
		if p.at >= leafMax/2 {
			p = pos{p.leaf + 1, p.at - leafMax/2}
			leaf = half
		}
	}
	p.at++
	c.leaves[p.leaf] = slices.Insert(leaf, p.at, e)
	return p
}

// removeAfter takes out the n structs behind p. p still holds.
func (c *client) removeAfter(p pos, n int) {
	leaf := c.leaves[p.leaf]
	k := min(n, len(leaf)-p.at-1)
	copy(leaf[p.at+1:], leaf[p.at+1+k:])
	c.leaves[p.leaf] = leaf[:len(leaf)-k]
	n -= k
	whole := p.leaf + 1
	for n > 0 && len(c.leaves[whole]) <= n {
		n -= len(c.leaves[whole])
		whole++
	}
	if whole > p.leaf+1 {
		c.leaves = slices.Delete(c.leaves, p.leaf+1, whole)
	}
	if n > 0 {
		c.leaves[p.leaf+1] = slices.Delete(c.leaves[p.leaf+1], 0, n)
	}
	// Take the next leaf in if both have become small.
	if l := p.leaf + 1; l < len(c.leaves) && len(c.leaves[l-1])+len(c.leaves[l]) <= leafMax/4 {
		c.leaves[l-1] = append(c.leaves[l-1], c.leaves[l]...)
		c.leaves = slices.Delete(c.leaves, l, l+1)
	}
}

// truncate removes all structs from clock on.
func (c *client) truncate(clock int32) {
	for l := len(c.leaves) - 1; l >= 0; l-- {
		leaf := c.leaves[l]
		for len(leaf) > 0 && leaf[len(leaf)-1].clock >= clock {
			leaf = leaf[:len(leaf)-1]
		}
		if len(leaf) > 0 {
			c.leaves[l] = leaf
			return
		}
		c.leaves = slices.Delete(c.leaves, l, l+1)
	}
}

// structAt returns the struct that contains clock, which must be known.
func (d *Doc) structAt(c, clock int32) int32 {
	cl := &d.clients[c]
	return cl.at(cl.find(clock))
}

// startingAt returns the struct that starts at clock, splitting the item there
// if need be. A GC is never split: the one that contains clock is returned.
func (d *Doc) startingAt(c, clock int32) int32 {
	cl := &d.clients[c]
	p := cl.find(clock)
	i := cl.at(p)
	if it := &d.items[i]; it.clock == clock || it.ref == refGC {
		return i
	}
	return d.split(cl, p, clock)
}

// endingAt returns the struct whose last unit is clock, splitting the item
// behind it if need be. A GC is never split.
func (d *Doc) endingAt(c, clock int32) int32 {
	cl := &d.clients[c]
	p := cl.find(clock)
	i := cl.at(p)
	if it := &d.items[i]; it.end() != clock+1 && it.ref != refGC {
		d.split(cl, p, clock+1)
	}
	return i
}

// split cuts the item at p in two at clock and returns the right half. If no item comes
// between the halves, they join at the end of the transaction.
func (d *Doc) split(c *client, p pos, clock int32) int32 {
	i, j := c.at(p), d.newItem()
	a, b := &d.items[i], &d.items[j]
	*b = *a
	b.clock = clock
	b.length = a.end() - clock
	b.originClient, b.originClock = a.client, clock-1
	b.left, b.seen = i, 0
	d.splitContent(a, b, clock-a.clock)
	a.length = clock - a.clock
	a.right = j
	if b.right != none {
		d.items[b.right].left = j
	} else if b.sub != none {
		d.slots[d.slotOf[slotKey(b.parent, b.sub)]].last = j
	}
	c.insert(p, entry{clock, j})
	d.tx.splits = append(d.tx.splits, unit{b.client, clock})
	return j
}
