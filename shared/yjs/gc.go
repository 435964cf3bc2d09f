package yjs

// collectRun collects the deleted items of a run: their contents are dropped.
// An item stays an item, of Deleted content, because others may refer to its
// place; what was inside a collected type has no place any more, and becomes GC.
func (d *Doc) collectRun(run deletedRun) {
	c := &d.clients[run.client]
	for p, ok := c.find(run.clock), true; ok; p, ok = c.next(p) {
		it := &d.items[c.at(p)]
		if it.clock >= run.end {
			return
		}
		if it.ref == refGC || it.ref == refDeleted || !it.isDeleted() {
			continue
		}
		if it.ref == refType {
			d.collectType(it.contentType())
		}
		d.dropContent(it)
		it.ref = refDeleted
	}
}

// collectType turns all that is in a type, and in the types therein, into GCs:
// its list, and of its map the whole chains.
func (d *Doc) collectType(t int32) {
	work := append(d.tx.work[:0], t)
	for len(work) > 0 {
		t := work[len(work)-1]
		work = work[:len(work)-1]
		for i := d.types[t].start; i != none; {
			next := d.items[i].right
			work = d.collectChild(i, work)
			i = next
		}
		for s := d.types[t].firstSlot; s != none; {
			for i := d.slots[s].first; i != none; {
				next := d.items[i].right
				work = d.collectChild(i, work)
				i = next
			}
			next := d.slots[s].next
			d.dropSlot(s)
			s = next
		}
		d.dropType(t)
	}
	d.tx.work = work
}

func (d *Doc) collectChild(i int32, work []int32) []int32 {
	it := &d.items[i]
	if it.ref == refType {
		work = append(work, it.contentType())
	}
	d.dropContent(it)
	*it = item{
		client: it.client, clock: it.clock, length: it.length, originClient: none, rightClient: none,
		left: none, right: none, parent: none, sub: none, flags: deleted,
	}
	return work
}
