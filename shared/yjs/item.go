package yjs

// An item is a struct of the store: a piece of content in a list or in a map
// slot, or a GC, of which only the clocks are left. It covers the clocks [clock,
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

// contentType is the type that an item of kind Type carries. It stands where
// other contents have their spare space.
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
	off = d.contentEnd()
	d.content = append(d.content, b...)
	return off
}

// dropContent gives the content of it back.
func (d *Doc) dropContent(it *item) {
	if it.ref == refType {
		d.waste += int(it.size)
	} else if start := d.contentStart(); it.off >= start && it.off+it.space == d.contentEnd() {
		d.content = d.content[:it.off-start]
	} else {
		d.waste += int(it.space)
	}
	it.off, it.size, it.space = 0, 0, 0
}

// bytes is the content of it as encoded.
func (d *Doc) bytes(it *item) []byte { return d.span(it.off, it.size) }

// span is size bytes of base or of content.
func (d *Doc) span(off, size uint32) []byte {
	if start := d.contentStart(); off >= start {
		return d.content[off-start : off-start+size]
	}
	return d.base[off : off+size]
}

// contentStart and contentEnd are the offsets of content. What ends where base ends
// does not touch what begins where content begins.
func (d *Doc) contentStart() uint32 {
	if len(d.base) == 0 {
		return 0
	}
	return uint32(len(d.base)) + 1
}

func (d *Doc) contentEnd() uint32 { return d.contentStart() + uint32(len(d.content)) }

// compactContent rewrites the contents without waste, once more than half of their
// space is waste.
func (d *Doc) compactContent() {
	if d.waste < 64<<10 || d.waste < (len(d.base)+len(d.content))/2 {
		return
	}
	d.rewriteContent()
}

// largeBase is how many bytes of content stay where they are when there is more: to
// copy them takes as much memory again.
const largeBase = 1 << 20

func (d *Doc) rewriteContent() {
	live := make([]byte, 0, len(d.base)+len(d.content)-d.waste)
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
	d.base, d.content, d.waste = nil, live, 0
	if len(live) >= largeBase {
		d.base, d.content = live, nil
	}
}
