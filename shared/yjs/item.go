package yjs

import "math"

// An item is a struct of the store: a piece of content in a list or in a map
// slot, or a GC, which has only clocks. It covers the clocks [clock,
// clock+length) of its client. Origins are IDs and never change; left and right
// are the neighbours now.
//
// Between decoding and integration an item is still on the wire: see incoming.
type item struct {
	client, clock, length     int32
	originClient, originClock int32 // originClient none: there is no origin
	rightClient, rightClock   int32
	left, right               int32
	parent                    int32 // type
	sub                       int32 // key, none in a list
	// The content, as encoded: of strings the UTF-8, of JSON and Any the
	// elements, of a Type its ref and name, of the others all. space-size bytes
	// behind it are free for more. A Type has no space: see contentType.
	off, size, space uint32
	seen             uint32 // stamp of the last conflict scan that came by
	ref              uint8  // kind of content, refGC ... refDoc
	flags            uint8
}

// Flags of an item.
const (
	deleted      = 1 << iota // also of every GC
	onWire                   // decoded and not integrated
	wireParentID             // on the wire: parent is where an ID stands
	wireRoot                 // on the wire: parent is where a root name stands
)

func (it *item) end() int32      { return it.clock + it.length }
func (it *item) isDeleted() bool { return it.flags&deleted != 0 }

// contentType returns the type that an item of kind Type carries. Its field is the spare
// space of other contents.
func (it *item) contentType() int32 { return int32(it.space) }

// newItem returns a free item. It may move the arena: pointers to items do not
// outlive it.
func (d *Doc) newItem() int32 {
	if i := d.free; i != none {
		d.free = d.items[i].right
		return i
	}
	d.items = append(d.items, item{})
	return int32(len(d.items) - 1)
}

func (d *Doc) freeItem(i int32) {
	d.items[i].flags = 0
	d.items[i].right = d.free
	d.free = i
}

// store appends b to the content arena.
func (d *Doc) store(b []byte) (off uint32) {
	off = uint32(len(d.content))
	d.content = append(d.content, b...)
	return off
}

// dropContent frees the content of it.
func (d *Doc) dropContent(it *item) {
	if it.ref == refType {
		d.waste += int(it.size)
	} else if it.off+it.space == uint32(len(d.content)) {
		d.content = d.content[:it.off]
	} else {
		d.waste += int(it.space)
	}
	it.off, it.size, it.space = 0, 0, 0
}

// bytes returns the encoded content of it.
func (d *Doc) bytes(it *item) []byte { return d.span(it.off, it.size) }

// A keptUpdate is an update whose contents are not copied. Offsets from its own on are in it.
type keptUpdate struct {
	from  uint32
	bytes []byte
}

// keptFrom is the least offset of a kept update; smaller ones are in Doc.content.
const keptFrom = 1 << 31

// keep adds update to the kept updates, and returns its offset. A byte lies between two
// of them, so that their contents never touch.
func (d *Doc) keep(update []byte) (from uint32, ok bool) {
	from = keptFrom
	if n := len(d.kept); n > 0 {
		from = d.kept[n-1].from + uint32(len(d.kept[n-1].bytes)) + 1
	}
	if len(d.kept) == mostKept || uint64(from)+uint64(len(update)) > math.MaxUint32 {
		return 0, false
	}
	d.kept = append(d.kept, keptUpdate{from, update})
	d.keptBytes += len(update)
	return from, true
}

// leastKept is the least length of a kept update, and mostKept their greatest number.
const (
	leastKept = 64 << 10
	mostKept  = 64
)

// span returns size bytes from off on, of content or of a kept update.
func (d *Doc) span(off, size uint32) []byte {
	if off < keptFrom {
		return d.content[off : off+size]
	}
	n := len(d.kept) - 1
	for d.kept[n].from > off {
		n--
	}
	off -= d.kept[n].from
	return d.kept[n].bytes[off : off+size]
}

// live returns how many bytes the contents take, without waste.
func (d *Doc) live() int { return len(d.content) + d.keptBytes - d.waste }

// compactContent rewrites the contents without waste, once more than half of their
// space is waste.
func (d *Doc) compactContent() {
	if d.waste < 64<<10 || d.waste < (len(d.content)+d.keptBytes)/2 {
		return
	}
	d.rewriteContent()
}

// largeContent is the size from which content becomes a kept update. Otherwise it would
// be copied when it grows.
const largeContent = 1 << 20

func (d *Doc) rewriteContent() {
	live := make([]byte, 0, d.live())
	for c := range d.clients {
		for _, leaf := range d.clients[c].leaves {
			for _, e := range leaf {
				it := &d.items[e.item]
				off := uint32(len(live))
				live = append(live, d.bytes(it)...)
				it.off = off
				if it.ref != refType {
					it.space = it.size
				}
			}
		}
	}
	d.content, d.kept, d.keptBytes, d.waste = live, nil, 0, 0
	if len(live) >= largeContent {
		base, _ := d.keep(live)
		d.content = nil
		for i := range d.items {
			d.items[i].off += base
		}
	}
}
