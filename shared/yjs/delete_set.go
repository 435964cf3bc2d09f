package yjs

import (
	"cmp"
	"slices"

	"tidemark/shared/lib0"
)

// A deleteRange is the clocks [clock, clock+length) of a client.
type deleteRange struct {
	client        uint64
	clock, length int32
}

func (r deleteRange) end() uint64 { return uint64(r.clock) + uint64(r.length) }

// decodeDeleteSet appends the ranges of a delete set, in the order of the wire
// unless a client's ranges go back or overlap: then sorted and joined, so that
// no struct is visited twice.
func decodeDeleteSet(r *lib0.Reader, ds []deleteRange) ([]deleteRange, error) {
	clients, err := r.Count(2)
	if err != nil {
		return ds, err
	}
	first := len(ds)
	ordered := true
	var previous deleteRange
	for range clients {
		id, err := r.Uint()
		if err != nil {
			return ds, err
		}
		ranges, err := r.Count(2)
		if err != nil {
			return ds, err
		}
		ordered = ordered && (len(ds) == first || id < previous.client)
		previous = deleteRange{client: id}
		if ranges > 64 {
			ds = slices.Grow(ds, min(int(ranges), r.Len()/4))
		}
		for range ranges {
			clock, err := decodeClock(r)
			if err != nil {
				return ds, err
			}
			length, err := decodeLength(r, clock)
			if err != nil {
				return ds, err
			}
			ordered = ordered && clock >= previous.clock+previous.length
			previous = deleteRange{id, clock, length}
			ds = append(ds, previous)
		}
	}
	if !ordered {
		ds = sortDeleteSet(ds)
	}
	return ds, nil
}

// sortDeleteSet brings ds into the order of the wire, clients descending and
// clocks ascending, and joins ranges that touch. It works in place.
func sortDeleteSet(ds []deleteRange) []deleteRange {
	slices.SortFunc(ds, func(a, b deleteRange) int {
		if a.client != b.client {
			return cmp.Compare(b.client, a.client)
		}
		return cmp.Compare(a.clock, b.clock)
	})
	n := 0
	for _, r := range ds {
		if n > 0 && ds[n-1].client == r.client && r.clock <= ds[n-1].clock+ds[n-1].length {
			ds[n-1].length = max(ds[n-1].length, r.clock+r.length-ds[n-1].clock)
			continue
		}
		ds[n] = r
		n++
	}
	return ds[:n]
}

// appendDeleteSet appends ds, which is in the order of the wire.
func appendDeleteSet(dst []byte, ds []deleteRange) []byte {
	clients := uint64(0)
	for i := range ds {
		if i == 0 || ds[i].client != ds[i-1].client {
			clients++
		}
	}
	dst = lib0.AppendUint(dst, clients)
	for len(ds) > 0 {
		n := 1
		for n < len(ds) && ds[n].client == ds[0].client {
			n++
		}
		dst = lib0.AppendUint(dst, ds[0].client)
		dst = lib0.AppendUint(dst, uint64(n))
		for _, r := range ds[:n] {
			dst = lib0.AppendUint(dst, uint64(r.clock))
			dst = lib0.AppendUint(dst, uint64(r.length))
		}
		ds = ds[n:]
	}
	return dst
}

// AppendDeleteSet appends the delete set of the document: the deleted clocks
// of every client, as yjs encodes a snapshot's.
func (d *Doc) AppendDeleteSet(dst []byte) []byte {
	if d.deleteSet == nil {
		d.deleteSet = slices.Clone(d.encodeDeleteSet())
	}
	return append(dst, d.deleteSet...)
}

func (d *Doc) encodeDeleteSet() []byte {
	dst := make([]byte, countRoom, 64)
	clients := 0
	for _, c := range d.clientsByID() {
		before := len(dst)
		cl := &d.clients[c]
		dst = append(dst, cl.wire[:cl.wireLen]...)
		var runs int
		if dst, runs = d.appendRuns(dst, cl); runs > 0 {
			clients++
		} else {
			dst = dst[:before]
		}
	}
	return putCount(dst, 0, clients)
}

// appendRuns appends the runs of deleted structs of c and their number.
func (d *Doc) appendRuns(dst []byte, c *client) ([]byte, int) {
	start := len(dst)
	dst = append(dst, make([]byte, countRoom)...)
	items := d.items
	runs := 0
	from := none // the start of the run, if in one
	for _, leaf := range c.leaves {
		for _, e := range leaf {
			if gone := items[e.item].isDeleted(); gone == (from != none) {
				continue
			} else if gone {
				from = e.clock
				continue
			}
			dst = appendRange(dst, from, e.clock)
			runs++
			from = none
		}
	}
	if from != none {
		dst = appendRange(dst, from, c.state)
		runs++
	}
	return putCount(dst, start, runs), runs
}

// countRoom is the greatest length of a count.
const countRoom = 5

// putCount writes n into the countRoom bytes that are reserved for it, and closes the
// gap behind.
func putCount(dst []byte, at, n int) []byte {
	end := len(lib0.AppendUint(dst[:at], uint64(n)))
	return append(dst[:end], dst[at+countRoom:]...)
}

func appendRange(dst []byte, start, end int32) []byte {
	dst = lib0.AppendUint(dst, uint64(start))
	return lib0.AppendUint(dst, uint64(end-start))
}
