package yjs

// At the end of a transaction neighbours in the struct store that are also
// neighbours in their list become one item. commit tests only pairs that may have
// changed: around deletions, among new items, and around splits.
// yjs: Transaction.js, tryToMergeWithLefts and its callers.

// joinable reports whether struct j, which follows i in the store, can join it.
func (d *Doc) joinable(i, j int32) bool {
	a, b := &d.items[i], &d.items[j]
	if a.ref != b.ref {
		return false
	}
	if a.ref == refGC {
		return true
	}
	return a.right == j && b.originClient == a.client && b.originClock == b.clock-1 &&
		a.flags == b.flags && canJoin(a.ref) && sameRightOrigin(a, b)
}

// joinLefts joins the struct at p with as many structs to its left as possible. It
// returns their place, and how many structs it has removed.
func (d *Doc) joinLefts(c *client, p pos) (first pos, joined int) {
	first = p
	for {
		left, ok := c.previous(first)
		if !ok || !d.joinable(c.at(left), c.at(first)) {
			break
		}
		first = left
		joined++
	}
	if joined > 0 {
		d.join(c, first, joined)
	}
	return first, joined
}

// join makes the n structs behind p part of the one at p.
func (d *Doc) join(c *client, p pos, n int) {
	i := c.at(p)
	a := &d.items[i]
	q := p
	for range n {
		q, _ = c.next(q)
		j := c.at(q)
		b := &d.items[j]
		if a.ref != refGC {
			if a.ref != refDeleted {
				d.joinContent(a, b)
			}
			a.right = b.right
		}
		a.length += b.length
		d.freeItem(j)
	}
	if a.right != none {
		d.items[a.right].left = i
	} else if a.sub != none {
		d.slots[d.slotOf[slotKey(a.parent, a.sub)]].last = i
	}
	c.removeAfter(p, n)
}

// joinRange tests every struct from p leftwards that starts at or after clock.
func (d *Doc) joinRange(c *client, p pos, clock int32) {
	for ok := true; ok && d.items[c.at(p)].clock >= clock; p, ok = c.previous(p) {
		p, _ = d.joinLefts(c, p)
	}
}

// joinDeleted tests the pairs of each deleted run, and the pairs at its ends.
func (d *Doc) joinDeleted() {
	for n := len(d.tx.deleted) - 1; n >= 0; n-- {
		run := d.tx.deleted[n]
		c := &d.clients[run.client]
		p := c.find(run.end - 1)
		if next, ok := c.next(p); ok {
			p = next
		}
		d.joinRange(c, p, run.clock)
	}
}

// joinNew tests the pairs from the last struct of c down to the one that
// contains the state before the transaction, or the first new one.
func (d *Doc) joinNew(c *client) {
	from := d.items[c.at(c.find(c.before))].clock
	d.joinRange(c, c.end(), from)
}

// joinAround tests both sides of units that are, or were, the start of a struct.
func (d *Doc) joinAround(units []unit) {
	for n := len(units) - 1; n >= 0; n-- {
		c := &d.clients[units[n].client]
		p := c.find(units[n].clock)
		if next, ok := c.next(p); ok {
			if _, joined := d.joinLefts(c, next); joined > 1 {
				continue
			}
		}
		d.joinLefts(c, p)
	}
}
