package yjs

// A ytype is a shared type: a list of items and a map of slots. A root type has a name.
// Another type has an item that carries it.
type ytype struct {
	item                int32 // none for a root
	start               int32 // leftmost item of the list
	firstSlot, lastSlot int32 // in the order of the keys' first use
	name                int32 // key, of a root
	depth               int32 // types above it
}

// A slot is one key of a type's map: the chain of all items that set it. The
// last is the value, unless it is deleted; all others are deleted.
type slot struct {
	parent, key    int32
	first, last    int32
	previous, next int32 // slots of the type
}

func slotKey(parent, key int32) uint64 { return uint64(uint32(parent))<<32 | uint64(uint32(key)) }

func (d *Doc) newType(t ytype) int32 {
	t.start, t.firstSlot, t.lastSlot = none, none, none
	if i := d.freeType; i != none {
		d.freeType = d.types[i].start
		d.types[i] = t
		return i
	}
	d.types = append(d.types, t)
	return int32(len(d.types) - 1)
}

func (d *Doc) dropType(t int32) {
	d.types[t].start = d.freeType
	d.freeType = t
}

// root returns the root type of that name, a new one if there is none.
func (d *Doc) root(name []byte) int32 {
	if t, ok := d.rootOf[string(name)]; ok {
		return t
	}
	t := d.newType(ytype{item: none, name: d.key(name)})
	d.rootOf[d.keys[d.types[t].name]] = t
	d.tx.roots = append(d.tx.roots, t)
	return t
}

// key interns a map key or a root name.
func (d *Doc) key(name []byte) int32 {
	if k, ok := d.keyOf[string(name)]; ok {
		return k
	}
	k := int32(len(d.keys))
	d.keys = append(d.keys, string(name))
	d.keyOf[d.keys[k]] = k
	return k
}

// slot returns the slot of a key, a new one if the type has none.
func (d *Doc) slot(parent, key int32) int32 {
	if s, ok := d.slotOf[slotKey(parent, key)]; ok {
		return s
	}
	t := &d.types[parent]
	added := slot{parent: parent, key: key, first: none, last: none, previous: t.lastSlot, next: none}
	s := d.freeSlot
	if s != none {
		d.freeSlot = d.slots[s].next
		d.slots[s] = added
	} else {
		s = int32(len(d.slots))
		d.slots = append(d.slots, added)
	}
	if t.lastSlot == none {
		t.firstSlot = s
	} else {
		d.slots[t.lastSlot].next = s
	}
	t.lastSlot = s
	d.slotOf[slotKey(parent, key)] = s
	d.tx.slots = append(d.tx.slots, s)
	return s
}

// dropSlot removes an empty slot from its type.
func (d *Doc) dropSlot(s int32) {
	sl := &d.slots[s]
	t := &d.types[sl.parent]
	if sl.previous == none {
		t.firstSlot = sl.next
	} else {
		d.slots[sl.previous].next = sl.next
	}
	if sl.next == none {
		t.lastSlot = sl.previous
	} else {
		d.slots[sl.next].previous = sl.previous
	}
	delete(d.slotOf, slotKey(sl.parent, sl.key))
	sl.next = d.freeSlot
	d.freeSlot = s
}
