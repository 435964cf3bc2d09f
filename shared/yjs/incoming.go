package yjs

import (
	"fmt"
	"math"
	"slices"

	"tidemark/shared/lib0"
)

// incoming is the update in progress. Its structs are decoded into free items,
// which integration then links in place: there is no second copy. Until then a
// decoded item uses some fields in another way:
//
//	off, size   its content in the update
//	parent      where the root name or the parent's ID stands in the update, none if inherited
//	sub         where parentSub stands in the update, or none
//	left        where its struct begins in the update
//	right       the number of structs before it in its block
//	seen        its place in order
type incoming struct {
	update  []byte
	kept    uint32 // if update is kept, and its contents stay where they are: its offset
	blocks  []wireBlock
	order   []int32 // the decoded items, block by block
	deletes []deleteRange
	stack   []int32 // items that wait for one another
	missing []unit  // missing dependencies of items
	clients int     // clients before the update
	content int     // bytes of content in all
}

// A wireBlock is the structs of one client in an update. Skips are not among
// the items: the gap shows in the clocks.
type wireBlock struct {
	client     int32
	next, stop int32 // what is left to integrate in order
	start, end int32 // where the structs stand in the update
	structs    int32 // how many, Skips included
	rest       int32 // the first item that must wait, none if all were applied
}

// decode reads and checks a whole update, and does not change the document's content.
// After an error it has removed all of the update.
func (d *Doc) decode(update []byte) error {
	if len(update) > math.MaxInt32 {
		return errTooLong
	}
	in := &d.in
	in.update, in.kept = update, 0
	in.blocks, in.order, in.deletes = in.blocks[:0], in.order[:0], in.deletes[:0]
	in.missing = in.missing[:0]
	in.clients, in.content = len(d.clients), 0
	r := lib0.NewReader(update)
	err := d.decodeBlocks(&r)
	if err == nil {
		in.deletes, err = decodeDeleteSet(&r, in.deletes)
	}
	if err == nil && r.Len() > 0 {
		err = r.Fail("bytes after the update")
	}
	if err != nil {
		for _, i := range in.order {
			d.freeItem(i)
		}
		d.endBlocks()
		d.forgetClients(in.clients)
		return fmt.Errorf("yjs: decode update: %w", err)
	}
	return nil
}

// endBlocks removes the blocks of the update.
func (d *Doc) endBlocks() {
	for _, b := range d.in.blocks {
		d.clients[b.client].block = none
	}
}

func (d *Doc) decodeBlocks(r *lib0.Reader) error {
	blocks, err := r.Count(3)
	if err != nil {
		return err
	}
	if blocks > 64 {
		// Make room at once for all blocks of the update, if they have the usual
		// size: 16 bytes and more.
		n := min(int(blocks), r.Len()/16)
		d.in.blocks = slices.Grow(d.in.blocks, n)
		d.in.order = slices.Grow(d.in.order, n)
		d.growItems(n)
		d.clients = slices.Grow(d.clients, n)
	}
	for range blocks {
		if err := d.decodeBlock(r); err != nil {
			return err
		}
		if err := d.checkMemory(); err != nil {
			return err
		}
	}
	return nil
}

//layout:long the loop of every load: it decodes structs in place, without calls that Go does not inline
func (d *Doc) decodeBlock(r *lib0.Reader) error {
	in := &d.in
	structs, err := r.Count(2)
	if err != nil {
		return err
	}
	c, err := d.decodeClient(r)
	if err != nil {
		return err
	}
	clock, err := decodeClock(r)
	if err != nil || structs == 0 {
		return err
	}
	if d.clients[c].block != none {
		return r.Fail("client has two blocks")
	}
	first := int32(len(in.order))
	d.clients[c].block = int32(len(in.blocks))
	in.blocks = append(in.blocks, wireBlock{
		client: c, next: first, start: int32(r.Pos()), structs: int32(structs), rest: none,
	})
	if structs > 64 {
		// Make room at once for all structs of the block, if they have the usual
		// size: 10 bytes and more.
		d.in.order = slices.Grow(in.order, min(int(structs), r.Len()/10))
		d.growItems(min(int(structs), r.Len()/10))
	}
	previous := none // the last struct, if it was a GC
	for n := range structs {
		start := r.Pos()
		info, err := r.Byte()
		if err != nil {
			return err
		}
		switch info {
		case refGC, refSkip:
			length, err := decodeLength(r, clock)
			if err != nil {
				return err
			}
			if info == refSkip {
				previous = none
			} else if previous != none {
				d.items[previous].length += length // adjacent GCs are one
			} else {
				previous = d.newItem()
				d.items[previous] = item{
					client: c, clock: clock, length: length, originClient: none, rightClient: none,
					left: int32(start), right: int32(n), parent: none, sub: none, seen: uint32(len(in.order)), flags: onWire,
				}
				in.order = append(in.order, previous)
			}
			clock += length
			continue
		}
		previous = none
		i := d.newItem()
		in.order = append(in.order, i)
		it := &d.items[i]
		*it = item{client: c, clock: clock, left: int32(start), right: int32(n), seen: uint32(len(in.order) - 1), flags: onWire}
		if err := d.decodeItem(r, it, info); err != nil {
			return err
		}
		if err := d.checkMemory(); err != nil {
			return err
		}
		clock += it.length
	}
	b := &in.blocks[len(in.blocks)-1]
	b.stop, b.end = int32(len(in.order)), int32(r.Pos())
	return nil
}

// growItems makes room for exactly n more items, if n is large for this document.
func (d *Doc) growItems(n int) {
	if cap(d.items)-len(d.items) >= n || n < len(d.items)/4 {
		return
	}
	items := make([]item, len(d.items), len(d.items)+n)
	copy(items, d.items)
	d.items = items
}

// decodeClock reads a clock: at most 2^31-1.
func decodeClock(r *lib0.Reader) (int32, error) {
	v, err := r.Uint()
	if err == nil && v > maxClock {
		err = r.Fail("clock above 2^31-1")
	}
	return int32(v), err
}

// decodeLength reads a length: at least 1, and such that clock+length is a clock.
func decodeLength(r *lib0.Reader, clock int32) (int32, error) {
	v, err := r.Uint()
	if err != nil {
		return 0, err
	}
	return checkLength(r, clock, v)
}

func checkLength(r *lib0.Reader, clock int32, v uint64) (int32, error) {
	if v == 0 {
		return 0, r.Fail("length 0")
	}
	if v > uint64(maxClock-clock) {
		return 0, r.Fail("clock above 2^31-1")
	}
	return int32(v), nil
}

// decodeID reads the ID of a unit to which it refers. A unit of the same client must be
// older than it: otherwise yjs throws in the middle of the transaction.
func (d *Doc) decodeID(r *lib0.Reader, it *item) (c, clock int32, err error) {
	if c, err = d.decodeClient(r); err != nil {
		return none, 0, err
	}
	if clock, err = decodeClock(r); err != nil {
		return none, 0, err
	}
	if c == it.client && clock >= it.clock {
		return none, 0, r.Fail("item refers to itself or to a later one of its client")
	}
	return c, clock, nil
}

func (d *Doc) decodeItem(r *lib0.Reader, it *item, info byte) (err error) {
	it.originClient, it.rightClient, it.parent, it.sub = none, none, none, none
	it.ref = info & refMask
	if it.ref == refGC || it.ref >= refSkip {
		return r.Fail("unknown content ref, or flags on a GC or a Skip")
	}
	if info&flagOrigin != 0 {
		if it.originClient, it.originClock, err = d.decodeID(r, it); err != nil {
			return err
		}
	}
	if info&flagRightOrigin != 0 {
		if it.rightClient, it.rightClock, err = d.decodeID(r, it); err != nil {
			return err
		}
	}
	if info&(flagOrigin|flagRightOrigin) == 0 {
		if err := d.decodeParent(r, it, info); err != nil {
			return err
		}
	}
	return d.decodeContent(r, it)
}

func (d *Doc) decodeParent(r *lib0.Reader, it *item, info byte) error {
	isRoot, err := r.Uint()
	if err != nil {
		return err
	}
	it.parent = int32(r.Pos())
	if isRoot == 1 {
		it.flags |= wireRoot
		_, err = r.String()
	} else {
		it.flags |= wireParentID
		_, _, err = d.decodeID(r, it)
	}
	if err != nil || info&flagParentSub == 0 {
		return err
	}
	it.sub = int32(r.Pos())
	_, err = r.String()
	return err
}

// decodeContent reads the content of an item; see the table in the package's
// documentation. It rejects contents on which a JavaScript peer would throw.
func (d *Doc) decodeContent(r *lib0.Reader, it *item) (err error) {
	start := r.Pos()
	length := uint64(1)
	switch it.ref {
	case refString:
		var text []byte
		text, err = r.String()
		start = r.Pos() - len(text)
		length = uint64(lib0.UTF16Len(text))
	case refDeleted:
		length, err = r.Uint()
		start = r.Pos()
	case refJSON, refAny:
		if length, err = r.Count(1); err != nil {
			return err
		}
		start = r.Pos()
		for n := length; n > 0 && err == nil; n-- {
			if it.ref == refAny {
				err = r.SkipAny()
			} else {
				err = decodeJSON(r, true)
			}
		}
	case refBinary:
		_, err = r.Bytes()
	case refEmbed:
		err = decodeJSON(r, false)
	case refFormat:
		if _, err = r.String(); err == nil {
			err = decodeJSON(r, false)
		}
	case refType:
		var kind uint64
		if kind, err = r.Uint(); err == nil && kind > maxTypeRef {
			err = r.Fail("unknown type ref")
		}
		if err == nil && (kind == typeXMLElement || kind == typeXMLHook) {
			_, err = r.String()
		}
	case refDoc:
		if _, err = r.String(); err == nil {
			err = decodeOptions(r, d.bounded)
		}
	}
	if err != nil {
		return err
	}
	it.off, it.size = uint32(start), uint32(r.Pos()-start)
	d.in.content += int(it.size)
	it.length, err = checkLength(r, it.clock, length)
	return err
}

// decodeOptions reads the options of a subdocument. It rejects null and undefined, on
// which yjs throws, but accepts them in stored updates.
func decodeOptions(r *lib0.Reader, fresh bool) error {
	start := r.Pos()
	if err := r.SkipAny(); err != nil {
		return err
	}
	if fresh && r.Since(start)[0] >= lib0.TagNull {
		return r.Fail("subdocument without options")
	}
	return nil
}

// decodeJSON reads a string of JSON, or the word undefined if that is allowed.
func decodeJSON(r *lib0.Reader, undefined bool) error {
	text, err := r.String()
	if err != nil || undefined && string(text) == "undefined" {
		return err
	}
	if err := lib0.SkipJSON(text); err != nil {
		return fmt.Errorf("in the string that ends at byte %d: %w", r.Pos(), err)
	}
	return nil
}
