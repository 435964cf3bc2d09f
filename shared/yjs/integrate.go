package yjs

import (
	"cmp"
	"slices"

	"tidemark/shared/lib0"
)

// integrateBlocks integrates the decoded items, the highest client first, so that the
// conflict scan of a lower one stops early. An item whose dependencies come later in
// the update waits on a stack. An item with missing dependencies goes to the rest of
// its block, with all items behind it.
func (d *Doc) integrateBlocks() error {
	in := &d.in
	if len(in.blocks) > 1 && !slices.IsSortedFunc(in.blocks, d.compareBlocks) {
		slices.SortFunc(in.blocks, d.compareBlocks)
		for i, b := range in.blocks {
			d.clients[b.client].block = int32(i)
		}
	}
	in.stack = in.stack[:0]
	if in.kept == 0 {
		d.growContent(in.content)
	}
	for i := range in.blocks {
		for b := &in.blocks[i]; b.next < b.stop; {
			head := in.order[b.next]
			b.next++
			for head != none {
				next, err := d.integrateHead(head)
				if err != nil {
					return err
				}
				head = next
			}
		}
	}
	return nil
}

func (d *Doc) compareBlocks(a, b wireBlock) int {
	return cmp.Compare(d.clients[b.client].id, d.clients[a.client].id)
}

// integrateHead integrates an item and returns the next one: an item that waited for
// it, an item for which it waits, or none.
func (d *Doc) integrateHead(head int32) (next int32, err error) {
	in := &d.in
	it := &d.items[head]
	known := d.clients[it.client].state - it.clock
	awaited := d.awaits(it)
	switch {
	case known < 0:
		in.stack = append(in.stack, head)
		d.rest(unit{it.client, it.clock - 1})
		return none, nil
	case awaited != none:
		in.stack = append(in.stack, head)
		if b := d.clients[awaited].block; b != none && in.blocks[b].next < in.blocks[b].stop {
			next = in.order[in.blocks[b].next]
			in.blocks[b].next++
			return next, nil
		}
		d.rest(unit{awaited, d.clients[awaited].state})
		return none, nil
	case known >= it.length:
		d.freeItem(head) // known already
	default:
		if err := d.integrate(head, known); err != nil {
			return none, err
		}
	}
	if n := len(in.stack); n > 0 {
		next = in.stack[n-1]
		in.stack = in.stack[:n-1]
		return next, nil
	}
	return none, nil
}

// awaits returns the other client with a unit that it needs and d lacks, or none.
func (d *Doc) awaits(it *item) int32 {
	if c := it.originClient; c != none && c != it.client && it.originClock >= d.clients[c].state {
		return c
	}
	if c := it.rightClient; c != none && c != it.client && it.rightClock >= d.clients[c].state {
		return c
	}
	if it.flags&wireParentID != 0 {
		if c, clock := d.wireParent(it); c != it.client && clock >= d.clients[c].state {
			return c
		}
	}
	return none
}

// wireParent reads the ID of the parent from the update. decode has checked it.
func (d *Doc) wireParent(it *item) (c, clock int32) {
	r := lib0.NewReader(d.in.update)
	r.Seek(int(it.parent))
	id, _ := r.Uint()
	at, _ := r.Uint()
	return d.intern(id), int32(at)
}

func (d *Doc) wireString(at int32) []byte {
	r := lib0.NewReader(d.in.update)
	r.Seek(int(at))
	s, _ := r.Bytes()
	return s
}

// rest empties the stack: its items, and the structs after each in its block, wait for
// missing.
func (d *Doc) rest(missing unit) {
	in := &d.in
	in.missing = append(in.missing, missing)
	for _, i := range in.stack {
		b := &in.blocks[d.clients[d.items[i].client].block]
		if at := int32(d.items[i].seen); b.rest == none || at < b.rest {
			b.rest = at
		}
		b.next = b.stop
	}
	in.stack = in.stack[:0]
}

// integrate gives item i its place in the document, without its first known
// units, which the document already has. The steps are those of yjs' Item.getMissing and
// Item.integrate.
//
//layout:long the steps of yjs in their order, to be read beside them
func (d *Doc) integrate(i, known int32) error {
	left, right := none, none
	if it := &d.items[i]; it.originClient != none {
		left = d.endingAt(it.originClient, it.originClock)
	}
	if it := &d.items[i]; it.rightClient != none {
		right = d.startingAt(it.rightClient, it.rightClock)
	}
	parent, sub := d.findParent(&d.items[i], left, right)
	if parent != none && d.items[i].ref == refType && d.types[parent].depth >= maxNesting {
		return ErrNesting
	}
	var content []byte
	var half bool
	if it := &d.items[i]; known > 0 {
		content, half = d.cutWire(it, known)
		it.clock += known
		it.length -= known
		it.originClient, it.originClock = it.client, it.clock-1
		left = d.endingAt(it.client, it.clock-1)
		if d.items[left].ref == refGC {
			parent = none
		}
	} else {
		content = d.in.update[it.off : it.off+it.size]
	}

	it := &d.items[i]
	from := it.off + it.size - uint32(len(content)) // in the update
	it.left, it.right, it.parent, it.sub = none, none, parent, sub
	it.flags, it.seen = 0, 0
	it.off, it.size, it.space = 0, 0, 0
	if parent == none {
		it.ref = refGC
	}
	if it.ref == refGC {
		it.flags = deleted
		d.deleteSet = nil
		it.originClient, it.rightClient, it.sub = none, none, none
		d.push(i)
		return d.checkSteps()
	}

	s := none
	if sub != none {
		s = d.slot(parent, sub)
	}
	if left == none && (right == none || d.items[right].left != none) ||
		left != none && d.items[left].right != right {
		left = d.resolve(it, left, right, s)
	}
	it.left = left
	switch {
	case left != none:
		it.right = d.items[left].right
		d.items[left].right = i
	case s != none:
		it.right = d.slots[s].first
		d.slots[s].first = i
	default:
		it.right = d.types[parent].start
		d.types[parent].start = i
	}
	if it.right != none {
		d.items[it.right].left = i
	} else if s != none {
		d.slots[s].last = i
		if left != none {
			d.delete(left)
		}
	}
	d.push(i)

	if d.in.kept > 0 && !half {
		it.off, it.size = d.in.kept+from, uint32(len(content))
		d.waste -= len(content)
	} else {
		it.off = uint32(len(d.content))
		if half {
			d.store([]byte(replacement))
		}
		d.store(content)
		it.size = uint32(len(d.content)) - it.off
	}
	it.space = it.size
	switch it.ref {
	case refDeleted:
		d.markDeleted(it)
	case refType:
		it.space = uint32(d.newType(ytype{item: i, name: none, depth: d.types[parent].depth + 1}))
	}
	if holder := d.types[parent].item; holder != none && d.items[holder].isDeleted() || s != none && it.right != none {
		d.delete(i)
	}
	return d.checkSteps()
}

// checkSteps returns ErrSteps or ErrMemory if the update exceeds a budget.
func (d *Doc) checkSteps() error {
	if d.steps > d.options.StepBudget {
		return ErrSteps
	}
	return d.checkMemory()
}

// findParent returns the type that an item belongs to and its key, from the wire
// or from a neighbour. There is none if a neighbour or the parent was collected:
// then the item becomes a GC.
func (d *Doc) findParent(it *item, left, right int32) (parent, sub int32) {
	if left != none && d.items[left].ref == refGC || right != none && d.items[right].ref == refGC {
		return none, none
	}
	if it.flags&(wireRoot|wireParentID) == 0 {
		neighbour := left
		if neighbour == none {
			neighbour = right
		}
		if neighbour == none {
			return none, none // a GC on the wire
		}
		return d.items[neighbour].parent, d.items[neighbour].sub
	}
	if it.flags&wireRoot != 0 {
		parent = d.root(d.wireString(it.parent))
	} else {
		holder := &d.items[d.structAt(d.wireParent(it))]
		if holder.ref != refType {
			return none, none
		}
		parent = holder.contentType()
	}
	sub = none
	if it.sub != none {
		sub = d.key(d.wireString(it.sub))
	}
	return parent, sub
}

// cutWire returns the content of a decoded item without its first n units. half
// tells that the cut goes through a surrogate pair, of which U+FFFD stays.
func (d *Doc) cutWire(it *item, n int32) (content []byte, half bool) {
	content = d.in.update[it.off : it.off+it.size]
	switch it.ref {
	case refString:
		off, half := utf16Offset(content, uint32(it.length), uint32(n))
		if half {
			off += 4
		}
		return content[off:], half
	case refJSON, refAny:
		r := lib0.NewReader(content)
		for range n {
			skipElement(&r, it.ref)
		}
		return r.Rest(), false
	}
	return content, false
}

// resolve is the conflict scan of YATA as yjs does it: among the items that
// were put in the same place at the same time, it finds the one to stand behind.
// Items seen by this scan have stamps from before on; conflicting are those from
// conflict on.
func (d *Doc) resolve(it *item, left, right, s int32) int32 {
	var o int32
	switch {
	case left != none:
		o = d.items[left].right
	case s != none:
		o = d.slots[s].first
	default:
		o = d.types[it.parent].start
	}
	if d.stamp > 1<<31 {
		d.stamp = 0
		for i := range d.items {
			if d.items[i].flags&onWire == 0 {
				d.items[i].seen = 0
			}
		}
	}
	id := d.clients[it.client].id
	before := d.stamp + 1
	conflict := before
	for o != none && o != right {
		d.steps++
		other := &d.items[o]
		d.stamp++
		other.seen = d.stamp
		switch {
		case other.originClient == it.originClient && (it.originClient == none || other.originClock == it.originClock):
			if d.clients[other.client].id < id {
				left = o
				conflict = d.stamp + 1
			} else if sameRightOrigin(it, other) {
				return left
			}
		case other.originClient == none:
			return left
		default:
			seen := d.items[d.structAt(other.originClient, other.originClock)].seen
			if seen < before {
				return left
			}
			if seen < conflict {
				left = o
				conflict = d.stamp + 1
			}
		}
		o = other.right
	}
	return left
}

func sameRightOrigin(a, b *item) bool {
	return a.rightClient == b.rightClient && (a.rightClient == none || a.rightClock == b.rightClock)
}

// push adds item i behind the structs of its client.
func (d *Doc) push(i int32) {
	it := &d.items[i]
	c := &d.clients[it.client]
	if c.touched != d.tx.epoch {
		c.touched, c.before = d.tx.epoch, c.state
		d.tx.touched = append(d.tx.touched, it.client)
	}
	more := 0
	if c.block != none {
		more = int(d.in.blocks[c.block].stop - d.in.blocks[c.block].next)
	}
	c.push(entry{it.clock, i}, more)
	c.state = it.end()
}
