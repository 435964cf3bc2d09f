package yjs

import (
	"slices"

	"tidemark/shared/lib0"
)

// EncodeStateAsUpdate returns the update that brings a peer in state sv up to
// date, byte for byte as yjs' function of that name: an empty sv gives the whole
// document. It includes pending structs and deletions. sv is an encoded state
// vector. It returns an error only if sv is invalid.
func (d *Doc) EncodeStateAsUpdate(sv []byte) ([]byte, error) {
	if len(sv) == 0 {
		return d.AppendState(nil, nil)
	}
	vector, err := DecodeStateVector(sv)
	if err != nil {
		return nil, err
	}
	return d.AppendState(nil, vector)
}

// EncodeStateAsUpdateV2 is EncodeStateAsUpdate in format V2.
func (d *Doc) EncodeStateAsUpdateV2(sv []byte) ([]byte, error) {
	update, err := d.EncodeStateAsUpdate(sv)
	if err != nil {
		return nil, err
	}
	return ConvertV1ToV2(update)
}

// AppendState is EncodeStateAsUpdate for a decoded state vector. It appends to dst.
func (d *Doc) AppendState(dst []byte, sv StateVector) ([]byte, error) {
	if !d.HasPending() {
		return d.appendState(dst, sv), nil
	}
	state, err := d.mergePending(d.appendState(nil, sv), sv)
	return append(dst, state...), err
}

// appendState appends blocks of all structs that sv lacks, and the whole delete set.
func (d *Doc) appendState(dst []byte, sv StateVector) []byte {
	clients := d.clientsByID()
	n := 0
	var wanted, all uint64 // clocks
	rest := sv
	for _, c := range clients {
		var from int32
		state := d.clients[c].state
		if from, rest = d.known(c, rest); from < state {
			n++
		}
		wanted += uint64(state - from)
		all += uint64(state)
	}
	// Room for the same part of the document's bytes as of its clocks.
	whole := uint64(d.live() + 20*len(d.items))
	dst = slices.Grow(dst, int(whole*wanted/max(all, 1))+len(d.deleteSet))
	dst = lib0.AppendUint(dst, uint64(n))
	rest = sv
	for _, c := range clients {
		var from int32
		if from, rest = d.known(c, rest); from < d.clients[c].state {
			dst = d.appendBlock(dst, c, from)
		}
	}
	return d.AppendDeleteSet(dst)
}

// known returns the clock that sv has for c, at most its state, and the rest of sv
// for lower clients.
func (d *Doc) known(c int32, sv StateVector) (int32, StateVector) {
	cl := &d.clients[c]
	for len(sv) > 0 && sv[0].Client > cl.id {
		sv = sv[1:]
	}
	if len(sv) == 0 || sv[0].Client != cl.id {
		return 0, sv
	}
	return int32(min(sv[0].Clock, uint64(cl.state))), sv
}

// appendBlock appends the structs of c from clock on.
func (d *Doc) appendBlock(dst []byte, c, clock int32) []byte {
	cl := &d.clients[c]
	p := cl.find(clock)
	structs := -p.at
	for _, leaf := range cl.leaves[p.leaf:] {
		structs += len(leaf)
	}
	dst = lib0.AppendUint(dst, uint64(structs))
	dst = d.appendID(dst, c, clock)
	first := &d.items[cl.at(p)]
	dst = d.appendStruct(dst, first, clock-first.clock)
	items := d.items
	at := p.at + 1
	for _, leaf := range cl.leaves[p.leaf:] {
		for _, e := range leaf[at:] {
			dst = d.appendStruct(dst, &items[e.item], 0)
		}
		at = 0
	}
	return dst
}

// appendStruct appends a struct without its first n units. The rest of an item has the
// unit before it as its origin.
func (d *Doc) appendStruct(dst []byte, it *item, n int32) []byte {
	if it.ref == refGC {
		return lib0.AppendUint(append(dst, refGC), uint64(it.length-n))
	}
	dst = d.appendHead(dst, it, n)
	content := d.bytes(it)
	switch it.ref {
	case refDeleted:
		return lib0.AppendUint(dst, uint64(it.length-n))
	case refString:
		if n > 0 {
			off, half := utf16Offset(content, uint32(it.length), uint32(n))
			if half {
				dst = lib0.AppendUint(dst, uint64(len(content[off:])-4+len(replacement)))
				return append(append(dst, replacement...), content[off+4:]...)
			}
			content = content[off:]
		}
		return lib0.AppendBytes(dst, content)
	case refJSON, refAny:
		if n > 0 {
			r := lib0.NewReader(content)
			for range n {
				skipElement(&r, it.ref)
			}
			content = r.Rest()
		}
		dst = lib0.AppendUint(dst, uint64(it.length-n))
	}
	return append(dst, content...)
}

// appendHead appends the fields before the content of an item without its first n
// units.
func (d *Doc) appendHead(dst []byte, it *item, n int32) []byte {
	origin, originClock := it.originClient, it.originClock
	if n > 0 {
		origin, originClock = it.client, it.clock+n-1
	}
	info := it.ref
	if it.sub != none {
		info |= flagParentSub
	}
	// There is room for the head at least, so the writes need no check for each byte.
	if cap(dst)-len(dst) < maxHead {
		dst = slices.Grow(dst, maxHead)
	}
	at := len(dst)
	b := dst[:cap(dst)]
	end := at + 1
	if origin != none {
		info |= flagOrigin
		end = d.putID(b, end, origin, originClock)
	}
	if it.rightClient != none {
		info |= flagRightOrigin
		end = d.putID(b, end, it.rightClient, it.rightClock)
	}
	b[at] = info
	dst = b[:end]
	if info&(flagOrigin|flagRightOrigin) == 0 {
		t := &d.types[it.parent]
		if t.item == none {
			dst = lib0.AppendString(append(dst, 1), d.keys[t.name])
		} else {
			holder := &d.items[t.item]
			dst = d.appendID(append(dst, 0), holder.client, holder.clock)
		}
		if it.sub != none {
			dst = lib0.AppendString(dst, d.keys[it.sub])
		}
	}
	return dst
}

// maxHead is the longest head of a struct: info and two IDs.
const maxHead = 1 + 2*(8+5)

// putID writes an ID at b[at:], which must have room for 13 bytes, and returns its
// end.
func (d *Doc) putID(b []byte, at int, c, clock int32) int {
	cl := &d.clients[c]
	*(*[8]byte)(b[at:]) = cl.wire
	at += int(cl.wireLen)
	v := uint32(clock)
	for ; v >= 0x80; v >>= 7 {
		b[at] = byte(v) | 0x80
		at++
	}
	b[at] = byte(v)
	return at + 1
}
