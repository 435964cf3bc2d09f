package yjs

// collectRun collects the deleted items of a run: it drops their contents. An item
// stays an item, of Deleted content, because other items may refer to its place. Items
// inside a collected type have no place any more, and become GCs.
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

// collectType turns all items in a type, and in the types inside it, into GCs: the list
// and the whole chains of the map.
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
