package yjs

import (
	"cmp"
	"slices"

	"tidemark/shared/lib0"
)

// A unit is an ID with the client as index.
type unit struct {
	client, clock int32
}

// A cut is a surrogate pair that a split destroyed: where the right half
// starts, and the pair's UTF-8.
type cut struct {
	unit
	pair [4]byte
}

// transaction holds the changes of one update to the document. The next one reuses its
// slices.
type transaction struct {
	epoch      uint32
	touched    []int32       // clients that have new structs
	deleted    []deletedRun  // clocks that the transaction deleted
	splits     []unit        // right halves of splits: they may join the left ones again
	candidates []unit        // other structs that may join a neighbour
	cuts       []cut         // surrogate pairs split
	roots      []int32       // types added
	slots      []int32       // slots added
	keys       int           // keys before
	work       []int32       // types to delete or to collect
	ranges     []deleteRange // deleted, as written
	event      []byte
}

// A deletedRun is the clocks [clock, end) of a client.
type deletedRun struct {
	client, clock, end int32
}

func (d *Doc) begin() {
	tx := &d.tx
	tx.epoch++
	tx.touched, tx.deleted = tx.touched[:0], tx.deleted[:0]
	tx.splits, tx.candidates, tx.cuts = tx.splits[:0], tx.candidates[:0], tx.cuts[:0]
	tx.roots, tx.slots = tx.roots[:0], tx.slots[:0]
	tx.keys = len(d.keys)
}

// before returns the state of a client before the transaction.
func (d *Doc) before(c int32) int32 {
	if cl := &d.clients[c]; cl.touched != d.tx.epoch {
		return cl.state
	}
	return d.clients[c].before
}

// markDeleted flags it and adds it to the transaction's deleted runs.
func (d *Doc) markDeleted(it *item) {
	it.flags |= deleted
	d.deleteSet = nil
	if n := len(d.tx.deleted); n > 0 {
		if last := &d.tx.deleted[n-1]; last.client == it.client {
			if last.end == it.clock {
				last.end = it.end()
				return
			}
			if last.clock == it.end() {
				last.clock = it.clock
				return
			}
		}
	}
	d.tx.deleted = append(d.tx.deleted, deletedRun{it.client, it.clock, it.end()})
}

// delete deletes item i and, if it carries a type, everything in the type. Items in the
// type that were deleted before may join others when the transaction collects them.
func (d *Doc) delete(i int32) {
	it := &d.items[i]
	if it.isDeleted() {
		return
	}
	d.markDeleted(it)
	if it.ref != refType {
		return
	}
	work := append(d.tx.work[:0], it.contentType())
	visit := func(i int32) {
		it := &d.items[i]
		if !it.isDeleted() {
			d.markDeleted(it)
			if it.ref == refType {
				work = append(work, it.contentType())
			}
		} else if it.clock < d.before(it.client) {
			d.tx.candidates = append(d.tx.candidates, unit{it.client, it.clock})
		}
	}
	for len(work) > 0 {
		t := d.types[work[len(work)-1]]
		work = work[:len(work)-1]
		for i := t.start; i != none; i = d.items[i].right {
			visit(i)
		}
		for s := t.firstSlot; s != none; s = d.slots[s].next {
			visit(d.slots[s].last)
		}
	}
	d.tx.work = work
}

// applyDeletes deletes the ranges ds, and appends the unknown clocks to rest. After a
// budget is exceeded, it appends all remaining ranges: the caller checks the budgets.
func (d *Doc) applyDeletes(ds, rest []deleteRange) []deleteRange {
	for n, r := range ds {
		if d.steps++; d.checkSteps() != nil {
			return append(rest, ds[n:]...)
		}
		state, c := int32(0), none
		if known, ok := d.lookup(r.client); ok {
			state, c = d.clients[known].state, known
		}
		end := r.clock + r.length
		if end > state {
			from := max(state, r.clock)
			rest = append(rest, deleteRange{r.client, from, end - from})
		}
		if r.clock < state {
			d.deleteRange(c, r.clock, end)
		}
	}
	return rest
}

func (d *Doc) lookup(id uint64) (int32, bool) {
	if id == d.lastID && d.last != none {
		return d.last, true
	}
	c, ok := d.clientOf[id]
	return c, ok
}

// deleteRange deletes the clocks [clock, end) of c as far as they are known.
// Deleted structs at its ends are not split.
func (d *Doc) deleteRange(c, clock, end int32) {
	cl := &d.clients[c]
	p := cl.find(clock)
	if it := &d.items[cl.at(p)]; it.clock < clock && !it.isDeleted() {
		d.split(cl, p, clock)
		p = cl.find(clock)
	}
	for known := true; known; p, known = cl.next(p) {
		d.steps++
		i := cl.at(p)
		it := &d.items[i]
		if it.clock >= end {
			return
		}
		if it.isDeleted() {
			continue
		}
		if it.end() > end {
			d.split(cl, p, end)
			d.delete(i)
			return
		}
		d.delete(i)
	}
}

// commit ends the transaction. It collects the deleted items, joins structs, and returns
// the update event, if the caller needs one and anything changed. The next transaction
// reuses the event's buffer.
func (d *Doc) commit(wantEvent bool) []byte {
	tx := &d.tx
	d.sortDeleted()
	if !d.options.KeepDeleted {
		for _, run := range tx.deleted {
			d.collectRun(run)
		}
	}
	d.joinDeleted()
	for _, c := range tx.touched {
		d.joinNew(&d.clients[c])
	}
	d.joinAround(tx.splits)
	d.joinAround(tx.candidates)
	for _, c := range tx.touched {
		if d.clients[c].before == 0 {
			d.byID = append(d.byID, c)
		}
	}
	var event []byte
	if wantEvent && (len(tx.touched) > 0 || len(tx.deleted) > 0) {
		event = d.appendEvent(tx.event[:0])
		tx.event = event
	}
	d.compactContent()
	return event
}

// sortDeleted brings the deleted runs into the order of the wire and joins those
// that touch.
func (d *Doc) sortDeleted() {
	runs := d.tx.deleted
	if len(runs) < 2 {
		return
	}
	slices.SortFunc(runs, func(a, b deletedRun) int {
		if a.client != b.client {
			return cmp.Compare(d.clients[b.client].id, d.clients[a.client].id)
		}
		return cmp.Compare(a.clock, b.clock)
	})
	n := 0
	for _, run := range runs {
		if n > 0 && runs[n-1].client == run.client && runs[n-1].end == run.clock {
			runs[n-1].end = run.end
			continue
		}
		runs[n] = run
		n++
	}
	d.tx.deleted = runs[:n]
}

// appendEvent appends the update that brings peers from the state before the transaction
// to the one after: the new structs and the deletions.
func (d *Doc) appendEvent(dst []byte) []byte {
	tx := &d.tx
	if len(tx.touched) > 1 {
		slices.SortFunc(tx.touched, func(a, b int32) int {
			return cmp.Compare(d.clients[b].id, d.clients[a].id)
		})
	}
	dst = lib0.AppendUint(dst, uint64(len(tx.touched)))
	for _, c := range tx.touched {
		dst = d.appendBlock(dst, c, d.clients[c].before)
	}
	tx.ranges = tx.ranges[:0]
	for _, run := range tx.deleted {
		tx.ranges = append(tx.ranges, deleteRange{d.clients[run.client].id, run.clock, run.end - run.clock})
	}
	return appendDeleteSet(dst, tx.ranges)
}

// rollback undoes the transaction before its commit: a rejected update changes nothing.
func (d *Doc) rollback() {
	tx := &d.tx
	tx.work = tx.work[:0]
	for _, c := range tx.touched {
		d.unlinkNew(&d.clients[c])
	}
	for _, run := range tx.deleted {
		d.undelete(run)
	}
	d.unsplit()
	for n := len(tx.slots) - 1; n >= 0; n-- {
		d.dropSlot(tx.slots[n])
	}
	for _, t := range tx.work {
		d.dropType(t)
	}
	for _, t := range tx.roots {
		delete(d.rootOf, d.keys[d.types[t].name])
		d.dropType(t)
	}
	for _, key := range d.keys[tx.keys:] {
		delete(d.keyOf, key)
	}
	d.keys = d.keys[:tx.keys]
	d.forgetClients(d.in.clients)
	d.compactContent()
}

// unsplit joins the items that the transaction split, from left to right. So the left
// part takes in each right part once.
func (d *Doc) unsplit() {
	tx := &d.tx
	slices.SortFunc(tx.splits, compareUnits)
	slices.SortFunc(tx.cuts, func(a, b cut) int { return compareUnits(a.unit, b.unit) })
	cuts := tx.cuts
	for _, at := range tx.splits {
		var pair []byte
		if len(cuts) > 0 && cuts[0].unit == at {
			pair = cuts[0].pair[:]
			cuts = cuts[1:]
		}
		c := &d.clients[at.client]
		if at.clock >= c.state {
			continue // the new item is gone
		}
		p := c.find(at.clock)
		left, _ := c.previous(p)
		if pair != nil {
			d.healPair(&d.items[c.at(left)], &d.items[c.at(p)], pair)
		}
		d.join(c, left, 1)
	}
}

func compareUnits(a, b unit) int {
	if a.client != b.client {
		return cmp.Compare(a.client, b.client)
	}
	return cmp.Compare(a.clock, b.clock)
}

// unlinkNew removes the structs of c that the transaction added.
func (d *Doc) unlinkNew(c *client) {
	for p, ok := c.find(c.before), true; ok; p, ok = c.next(p) {
		i := c.at(p)
		it := &d.items[i]
		if it.clock < c.before {
			continue
		}
		if it.ref != refGC {
			if it.left != none {
				d.items[it.left].right = it.right
			} else if it.sub != none {
				d.slots[d.slotOf[slotKey(it.parent, it.sub)]].first = it.right
			} else {
				d.types[it.parent].start = it.right
			}
			if it.right != none {
				d.items[it.right].left = it.left
			} else if it.sub != none {
				d.slots[d.slotOf[slotKey(it.parent, it.sub)]].last = it.left
			}
			if it.ref == refType {
				d.tx.work = append(d.tx.work, it.contentType())
			}
			d.dropContent(it)
		}
		d.freeItem(i)
	}
	c.truncate(c.before)
	c.state = c.before
}

// undelete clears the flags of the structs in a deleted run. A run ends at struct
// boundaries.
func (d *Doc) undelete(run deletedRun) {
	c := &d.clients[run.client]
	if run.clock >= c.state {
		return
	}
	for p, ok := c.find(run.clock), true; ok; p, ok = c.next(p) {
		it := &d.items[c.at(p)]
		if it.clock >= run.end {
			return
		}
		it.flags &^= deleted
	}
}
