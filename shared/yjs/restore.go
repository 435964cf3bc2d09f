package yjs

import (
	"slices"

	"tidemark/shared/lib0"
)

// Restore returns the update that makes d show the same as version: toJSON and
// toDelta of every root are then those of version. Content that both show stays,
// so the update is as long as the difference, and nil if there is no difference. New items
// belong to client, which d must not know. Pending structs of either do not count.
// Neither document changes.
//
// A type stays if its ID or its content shows that it is the same type of version. Its
// contents are then compared.
func (d *Doc) Restore(version *Doc, client uint64) []byte {
	r := &restorer{
		sides: [2]side{{Doc: d}, {Doc: version}}, client: client,
		w: newUpdateWriter(1, 256, 1), places: make([]int32, len(version.items)),
	}
	for name, t := range d.rootOf {
		of, ok := version.rootOf[name]
		if !ok {
			of = none
		}
		r.pairs = append(r.pairs, [2]int32{t, of})
	}
	for name, t := range version.rootOf {
		if _, ok := d.rootOf[name]; !ok {
			r.copies = append(r.copies, typeCopy{t, holder{root: name, isRoot: true}})
		}
	}
	// Maps have no order: sort, so that the same documents give the same update.
	slices.SortFunc(r.pairs, func(a, b [2]int32) int { return int(a[0] - b[0]) })
	slices.SortFunc(r.copies, func(a, b typeCopy) int { return int(a.t - b.t) })
	for len(r.pairs) > 0 || len(r.copies) > 0 {
		if n := len(r.pairs) - 1; n >= 0 {
			pair := r.pairs[n]
			r.pairs = r.pairs[:n]
			r.members(pair[0], pair[1])
			r.list(pair[0], pair[1])
			continue
		}
		n := len(r.copies) - 1
		c := r.copies[n]
		r.copies = r.copies[:n]
		r.copyType(c)
	}
	if r.clock == 0 && len(r.deletes) == 0 {
		return nil
	}
	return r.w.finish(r.deletes)
}

// A restorer compares a document with an earlier state of it.
type restorer struct {
	sides  [2]side
	client uint64
	clock  uint64 // of the next new item
	w      *updateWriter
	tail   []byte // of the struct being written

	deletes []deleteRange
	pairs   [][2]int32 // types to compare: of the document, and of the version or none
	copies  []typeCopy // types of the version to fill
	places  []int32    // by item of the version: 1 + its run in the list being compared

	// The list in comparison: the place in it, and the runs between the last run that
	// stays and the next.
	t           int32
	after       edge
	gone, added []run
}

// A side is one of the two documents.
type side struct {
	*Doc
	prints []uint64 // fingerprints of types; 0: not known yet
}

const (
	present = 0
	earlier = 1
)

// A holder is the place of a type: the name of a root, or the ID of an item.
type holder struct {
	root   string
	isRoot bool
	id     ID
}

// A typeCopy is a type of the version whose contents go into a new one.
type typeCopy struct {
	t  int32
	to holder
}

// An edge is the place behind some units of an item, or the start of the list.
type edge struct {
	item, units int32 // item none: the start
}

func (d *Doc) holderOf(t int32) holder {
	if i := d.types[t].item; i != none {
		return holder{id: d.idOf(i, 0)}
	}
	return holder{root: d.keys[d.types[t].name], isRoot: true}
}

// idOf returns the ID of unit n of item i.
func (d *Doc) idOf(i, n int32) ID {
	it := &d.items[i]
	return ID{d.clients[it.client].id, uint64(it.clock + n)}
}

// value returns the item that a slot shows, or none.
func (d *Doc) value(s int32) int32 {
	if i := d.slots[s].last; i != none && !d.items[i].isDeleted() {
		return i
	}
	return none
}

// members compares the map of a type with that of the version's.
func (r *restorer) members(t, of int32) {
	d, v := r.sides[present], r.sides[earlier]
	if of != none {
		for s := v.types[of].firstSlot; s != none; s = v.slots[s].next {
			value := v.value(s)
			if value == none {
				continue
			}
			key := v.keys[v.slots[s].key]
			last := none
			if k, ok := d.keyOf[key]; ok {
				if s, ok := d.slotOf[slotKey(t, k)]; ok {
					last = d.slots[s].last
				}
			}
			if last != none && !d.items[last].isDeleted() && r.sameItem(last, value) {
				continue
			}
			// Behind the last item of the key, the new item wins, with any client, and
			// deletes the one before.
			var origin *ID
			if last != none {
				id := d.idOf(last, d.items[last].length-1)
				origin = &id
			}
			r.write(origin, nil, d.holderOf(t), &key, v.wholeRun(value))
		}
	}
	for s := d.types[t].firstSlot; s != none; s = d.slots[s].next {
		if value := d.value(s); value != none && !r.kept(d.keys[d.slots[s].key], of) {
			r.delete(d.wholeRun(value))
		}
	}
}

// kept reports whether the version shows a value of key in its type of.
func (r *restorer) kept(key string, of int32) bool {
	v := r.sides[earlier]
	if of == none {
		return false
	}
	k, ok := v.keyOf[key]
	if !ok {
		return false
	}
	s, ok := v.slotOf[slotKey(of, k)]
	return ok && v.value(s) != none
}

// sameItem reports whether two items are equal. It does not compare the content of their
// types.
func (r *restorer) sameItem(i, of int32) bool {
	d, v := r.sides[present], r.sides[earlier]
	a, b := &d.items[i], &v.items[of]
	if a.ref != b.ref || string(d.bytes(a)) != string(v.bytes(b)) {
		return false
	}
	if a.ref == refType {
		r.pairs = append(r.pairs, [2]int32{a.contentType(), b.contentType()})
	}
	return true
}

func (r *restorer) delete(q run) {
	id := r.sides[present].idOf(q.item, q.from)
	r.deletes = append(r.deletes, deleteRange{id.Client, int32(id.Clock), q.n})
}

// flush inserts the added runs behind the last run that stays, and deletes the removed runs.
func (r *restorer) flush() {
	for _, q := range r.gone {
		r.delete(q)
	}
	r.gone = r.gone[:0]
	if len(r.added) == 0 {
		return
	}
	d := r.sides[present]
	var left, right *ID
	next, units := none, int32(0) // the neighbours are those in the list, deleted or not
	if e := r.after; e.item == none {
		next = d.types[r.t].start
	} else {
		id := d.idOf(e.item, e.units-1)
		left = &id
		if it := &d.items[e.item]; e.units < it.length {
			next, units = e.item, e.units
		} else {
			next = it.right
		}
	}
	if next != none {
		id := d.idOf(next, units)
		right = &id
	}
	r.insert(left, right, d.holderOf(r.t), r.added)
	r.added = r.added[:0]
}

// insert writes runs of the version as new items between two neighbours.
func (r *restorer) insert(left, right *ID, in holder, runs []run) {
	for len(runs) > 0 {
		n := 1
		ref := r.sides[earlier].items[runs[0].item].ref
		for canJoin(ref) && n < len(runs) && r.sides[earlier].items[runs[n].item].ref == ref {
			n++
		}
		r.write(left, right, in, nil, runs[:n]...)
		left = &ID{r.client, r.clock - 1}
		runs = runs[n:]
	}
}

// copyType writes the visible content of a type of the version into a new one.
func (r *restorer) copyType(c typeCopy) {
	v := r.sides[earlier]
	for s := v.types[c.t].firstSlot; s != none; s = v.slots[s].next {
		if value := v.value(s); value != none {
			r.write(nil, nil, c.to, &v.keys[v.slots[s].key], v.wholeRun(value))
		}
	}
	r.insert(nil, nil, c.to, v.runs(c.t))
}

// write writes one item with the content of runs, which are of one kind and can be
// joined if there are several. The type that it carries is filled later.
func (r *restorer) write(left, right *ID, in holder, key *string, runs ...run) {
	v := r.sides[earlier]
	it := &v.items[runs[0].item]
	s := wireStruct{client: r.client, clock: r.clock, info: it.ref}
	if key != nil {
		s.info |= flagParentSub
	}
	b := r.tail[:0]
	if left != nil {
		s.info |= flagOrigin
		b = appendID(b, *left)
	}
	if right != nil {
		s.info |= flagRightOrigin
		b = appendID(b, *right)
	}
	if left == nil && right == nil {
		if in.isRoot {
			b = lib0.AppendString(append(b, 1), in.root)
		} else {
			b = appendID(append(b, 0), in.id)
		}
		if key != nil {
			b = lib0.AppendString(b, *key)
		}
	}
	size := 0
	for _, q := range runs {
		s.length += uint64(q.n)
		size += len(v.text(q))
	}
	switch it.ref {
	case refString:
		b = lib0.AppendUint(b, uint64(size))
	case refAny, refJSON:
		b = lib0.AppendUint(b, s.length)
	case refType:
		r.copies = append(r.copies, typeCopy{it.contentType(), holder{id: ID{r.client, r.clock}}})
	}
	b = slices.Grow(b, size)
	for _, q := range runs {
		b = append(b, v.text(q)...)
	}
	s.tail = b
	r.w.write(&s)
	r.tail = b
	r.clock += s.length
}
