package yjs

import (
	"cmp"
	"slices"

	"tidemark/shared/lib0"
)

// A docSource has the structs that a peer in some state lacks.
type docSource struct {
	d       *Doc
	order   []int32
	place   []int32 // of each client in order, or none
	cursors []docCursor
}

// A docCursor is the start of the next struct of a client: in the item at pos, after
// the units before clock, which take so many bytes of its content.
type docCursor struct {
	pos   pos
	clock int32
	bytes uint32
	half  bool // the units before end inside of a surrogate pair
}

func (d *Doc) source(sv StateVector) *docSource {
	s := &docSource{d: d, order: d.clientsByID(), place: make([]int32, len(d.clients))}
	s.cursors = make([]docCursor, len(s.order))
	for c := range s.place {
		s.place[c] = none
	}
	for n, c := range s.order {
		cur := &s.cursors[n]
		s.place[c] = int32(n)
		if cur.clock, sv = d.known(c, sv); cur.clock == d.clients[c].state {
			continue
		}
		cur.pos = d.clients[c].find(cur.clock)
		switch it := s.item(n); it.ref {
		case refString:
			cur.bytes, cur.half = utf16Offset(d.bytes(it), uint32(it.length), uint32(cur.clock-it.clock))
			if cur.half {
				cur.bytes += 4
			}
		case refJSON, refAny:
			cur.bytes = d.elementsOffset(it, cur.clock-it.clock)
		}
	}
	return s
}

func (s *docSource) item(n int) *item {
	return &s.d.items[s.d.clients[s.order[n]].at(s.cursors[n].pos)]
}

func (s *docSource) clients() int    { return len(s.order) }
func (s *docSource) id(n int) uint64 { return s.d.clients[s.order[n]].id }

func (s *docSource) clock(n int) (uint64, bool) {
	clock := s.cursors[n].clock
	return uint64(clock), clock < s.d.clients[s.order[n]].state
}

// taken returns the state vector of a peer that has every struct taken so far.
func (s *docSource) taken() StateVector {
	sv := make(StateVector, 0, len(s.cursors))
	for n := range s.cursors {
		if clock, _ := s.clock(n); clock > 0 {
			sv = append(sv, ID{s.id(n), clock})
		}
	}
	return sv
}

func (s *docSource) awaits(n int) int {
	it := s.item(n)
	if s.cursors[n].clock > it.clock || it.ref == refGC {
		return -1
	}
	lacks := func(c, clock int32) int {
		if m := s.place[c]; c != it.client && s.cursors[m].clock <= clock {
			return int(m)
		}
		return -1
	}
	if it.originClient != none {
		if m := lacks(it.originClient, it.originClock); m >= 0 {
			return m
		}
	}
	if it.rightClient != none {
		return lacks(it.rightClient, it.rightClock)
	}
	if holder := s.d.types[it.parent].item; it.originClient == none && holder != none {
		return lacks(s.d.items[holder].client, s.d.items[holder].clock)
	}
	return -1
}

func (s *docSource) size(n int) (bytes int, divisible bool) {
	it := s.item(n)
	divisible = it.length > 1 && (it.ref == refString || it.ref == refJSON || it.ref == refAny)
	return int(it.size-s.cursors[n].bytes) + maxHead, divisible
}

func (s *docSource) take(dst []byte, n, most int) (b []byte, done bool) {
	d, it, cur := s.d, s.item(n), &s.cursors[n]
	size, divisible := s.size(n)
	if !divisible {
		dst = d.appendStruct(dst, it, cur.clock-it.clock)
		s.advance(n, it.end()-cur.clock, 0)
		return dst, true
	}
	dst = d.appendHead(dst, it, cur.clock-it.clock)
	content := d.bytes(it)[cur.bytes:]
	at, units := len(content), it.end()-cur.clock
	switch {
	case it.ref == refString:
		if size > most {
			if at = cutText(content, most-maxHead); at < len(content) {
				units = int32(lib0.UTF16Len(content[:at]))
				if cur.half {
					units++
				}
			}
		}
		if cur.half {
			dst = append(lib0.AppendUint(dst, uint64(len(replacement)+at)), replacement...)
			dst = append(dst, content[:at]...)
		} else {
			dst = lib0.AppendBytes(dst, content[:at])
		}
	default:
		if size > most {
			var elements int
			at, elements = cutElements(it.ref, content, most-maxHead)
			units = int32(elements)
		}
		dst = append(lib0.AppendUint(dst, uint64(units)), content[:at]...)
	}
	return dst, s.advance(n, units, at)
}

// advance moves the cursor of client n on, and reports whether an item ends there.
func (s *docSource) advance(n int, units int32, bytes int) (done bool) {
	cur, end := &s.cursors[n], s.item(n).end()
	cur.clock += units
	cur.half = false
	if cur.clock < end {
		cur.bytes += uint32(bytes)
		return false
	}
	cur.bytes = 0
	cur.pos, _ = s.d.clients[s.order[n]].next(cur.pos)
	return true
}

func (s *docSource) appendDeletes(dst []byte) []byte { return s.d.AppendDeleteSet(dst) }

// An updateSource has the structs of an update.
type updateSource struct {
	reader  updateReader
	blocks  []sourceBlock // in descending order of clients
	deletes []byte

	// The struct in hand, of the client with that number; -1: there is none.
	head   wireStruct
	holder int
}

// A sourceBlock is the position of the next struct of a client.
type sourceBlock struct {
	client         uint64
	pos            int
	structs, clock uint32 // structs: those that are left
}

func newUpdateSource(update []byte) (*updateSource, error) {
	u, err := newUpdateReader(update, 1)
	if err != nil {
		return nil, err
	}
	s := &updateSource{blocks: make([]sourceBlock, 0, u.blocksAtMost()), holder: -1}
	for u.blocks > 0 {
		if err := u.block(); err != nil {
			return nil, err
		}
		if u.structs > 0 {
			s.blocks = append(s.blocks, sourceBlock{u.client, u.rest.Pos(), uint32(u.structs), uint32(u.clock)})
		}
		for u.structs > 0 {
			if _, err := u.next(&s.head); err != nil {
				return nil, err
			}
		}
	}
	s.deletes = u.rest.Rest()
	if _, err := u.readDeletes(nil); err != nil {
		return nil, err
	}
	s.reader = u
	slices.SortFunc(s.blocks, func(a, b sourceBlock) int { return cmp.Compare(b.client, a.client) })
	for i := range s.blocks {
		if i > 0 && s.blocks[i].client == s.blocks[i-1].client {
			return nil, u.rest.Fail("client with more than one block")
		}
	}
	return s, nil
}

func (s *updateSource) clients() int    { return len(s.blocks) }
func (s *updateSource) id(n int) uint64 { return s.blocks[n].client }

func (s *updateSource) clock(n int) (uint64, bool) {
	b := &s.blocks[n]
	if s.holder == n {
		return s.head.clock, true
	}
	return uint64(b.clock), b.structs > 0
}

// seek puts the reader before the next struct of client n. Reading it again returns no
// error.
func (s *updateSource) seek(n int) *updateReader {
	b, u := &s.blocks[n], &s.reader
	u.rest.Seek(b.pos)
	u.client, u.clock, u.structs = b.client, uint64(b.clock), uint64(b.structs)
	return u
}

// awaits reads no content, which may be long: take reads it.
func (s *updateSource) awaits(n int) int {
	if s.holder == n {
		return -1
	}
	var head wireStruct
	u := s.seek(n)
	head.client, head.clock = u.client, u.clock
	head.info, _ = u.readInfo()
	if ref := head.ref(); ref == refGC || ref == refSkip {
		return -1
	}
	_ = u.readPlace(&head)
	if head.info&flagOrigin != 0 {
		if m := s.lacks(n, head.origin); m >= 0 {
			return m
		}
	}
	if head.info&flagRightOrigin != 0 {
		return s.lacks(n, head.rightOrigin)
	}
	if head.info&flagOrigin == 0 && !head.parentIsRoot {
		return s.lacks(n, head.parent)
	}
	return -1
}

// lacks returns the client of id if it is another one, and its structs that are left
// reach to id.
func (s *updateSource) lacks(n int, id ID) int {
	if id.Client == s.blocks[n].client {
		return -1
	}
	m, found := slices.BinarySearchFunc(s.blocks, id.Client, func(b sourceBlock, client uint64) int { return cmp.Compare(client, b.client) })
	if !found {
		return -1
	}
	if clock, left := s.clock(m); !left || clock > id.Clock {
		return -1
	}
	return m
}

// hold reads the next struct of client n.
func (s *updateSource) hold(n int) {
	if s.holder == n {
		return
	}
	u := s.seek(n)
	_, _ = u.next(&s.head)
	s.holder = n
	s.blocks[n] = sourceBlock{u.client, u.rest.Pos(), uint32(u.structs), uint32(u.clock)}
}

func (s *updateSource) size(n int) (bytes int, divisible bool) {
	s.hold(n)
	ref := s.head.ref()
	divisible = s.head.length > 1 && (ref == refString || ref == refJSON || ref == refAny)
	if !divisible && s.head.tail != nil {
		return len(s.head.tail) + 1, false
	}
	return len(s.head.content) + maxHead, divisible
}

func (s *updateSource) take(dst []byte, n, most int) (b []byte, done bool) {
	size, divisible := s.size(n)
	if divisible && size > most {
		units := 0
		if s.head.ref() == refString {
			units = lib0.UTF16Len(s.head.content[:cutText(s.head.content, most-maxHead)])
		} else {
			_, units = cutElements(s.head.ref(), s.head.content, most-maxHead)
		}
		if uint64(units) < s.head.length {
			part := s.head.split(uint64(units))
			return appendStruct(dst, &part), false
		}
	}
	s.holder = -1
	if s.head.tail != nil {
		return append(append(dst, s.head.info), s.head.tail...), true
	}
	return appendStruct(dst, &s.head), true
}

func (s *updateSource) appendDeletes(dst []byte) []byte { return append(dst, s.deletes...) }
