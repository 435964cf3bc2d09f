package yjs

import (
	"bytes"
	"unicode/utf8"

	"tidemark/shared/lib0"
)

// A run is the units [from, from+n) of an item that is not deleted, and the bytes
// of them.
type run struct {
	item, from, n int32
	at, end       uint32 // see span
}

func (d *Doc) text(q run) []byte { return d.span(q.at, q.end-q.at) }

func (d *Doc) wholeRun(i int32) run {
	it := &d.items[i]
	return run{i, 0, it.length, it.off, it.off + it.size}
}

// runs returns the visible runs of the list of t, formats included.
func (d *Doc) runs(t int32) (all []run) {
	if t == none {
		return nil
	}
	for i := d.types[t].start; i != none; i = d.items[i].right {
		if !d.items[i].isDeleted() {
			all = append(all, d.wholeRun(i))
		}
	}
	return all
}

// cutRun divides q after n of its units. ok is false inside a surrogate pair.
func (d *Doc) cutRun(q run, n int32) (left, right run, ok bool) {
	size := q.end - q.at
	switch {
	case n <= 0:
		size = 0
	case n >= q.n:
		n = q.n
	case d.items[q.item].ref == refString:
		var inside bool
		if size, inside = utf16Offset(d.text(q), uint32(q.n), uint32(n)); inside {
			return q, q, false
		}
	default:
		r := lib0.NewReader(d.text(q))
		for range n {
			skipElement(&r, d.items[q.item].ref)
		}
		size = uint32(r.Pos())
	}
	return run{q.item, q.from, n, q.at, q.at + size}, run{q.item, q.from + n, q.n - n, q.at + size, q.end}, true
}

// list compares the list of a type with that of the version's.
func (r *restorer) list(t, of int32) {
	d, v := r.sides[present], r.sides[earlier]
	a, b := d.runs(t), v.runs(of)
	if r.showsSame(a, b) {
		return
	}
	r.t, r.after = t, edge{item: none}
	for n, q := range b {
		r.places[q.item] = int32(n) + 1
	}
	var before []run // of a, since the last anchor
	next := 0        // run of b
	for _, q := range a {
		for q.n > 0 {
			x, y, rest, found := r.anchor(q, b[next:], of)
			if !found {
				before = append(before, rest)
				break
			}
			if x.from > q.from {
				left, _, _ := d.cutRun(q, x.from-q.from)
				before = append(before, left)
			}
			place := int(r.places[y.item]) - 1
			left, right, _ := v.cutRun(b[place], y.from-b[place].from)
			skipped := b[next:place]
			if left.n > 0 {
				b[place] = left
				skipped = b[next : place+1]
			}
			r.gap(before, skipped)
			r.keep(x, y)
			before = before[:0]
			_, b[place], _ = v.cutRun(right, y.n)
			if next = place; b[place].n == 0 {
				next++
			}
			q = rest
		}
	}
	r.gap(before, b[next:])
	r.flush()
	for i := v.typeStart(of); i != none; i = v.items[i].right {
		r.places[i] = 0
	}
}

func (d *Doc) typeStart(t int32) int32 {
	if t == none {
		return none
	}
	return d.types[t].start
}

// anchor finds the first units of q whose IDs are in the part b of the version's
// list. It returns them as x and y, and the rest of q behind them. If there are none,
// rest is q.
func (r *restorer) anchor(q run, b []run, of int32) (x, y, rest run, found bool) {
	d, v := r.sides[present], r.sides[earlier]
	if len(b) == 0 {
		return x, y, q, false
	}
	first := r.places[b[0].item]
	it := &d.items[q.item]
	c, ok := v.lookup(d.clients[it.client].id)
	if !ok {
		return x, y, q, false
	}
	cl := &v.clients[c]
	from, end := it.clock+q.from, it.clock+q.from+q.n
	if from >= cl.state {
		return x, y, q, false
	}
	for p, ok := cl.find(from), true; ok; p, ok = cl.next(p) {
		i := cl.at(p)
		other := &v.items[i]
		if other.clock >= end {
			break
		}
		place := r.places[i]
		if other.ref != it.ref || place < first {
			continue // the place 0 means that no run has the item
		}
		y = b[place-first]
		low, high := max(from, other.clock+y.from), min(end, other.end(), other.clock+y.from+y.n)
		if low >= high {
			continue
		}
		_, tail, ok1 := d.cutRun(q, low-from)
		x, rest, ok2 := d.cutRun(tail, high-low)
		_, tail, ok3 := v.cutRun(y, low-other.clock-y.from)
		y, _, ok4 := v.cutRun(tail, high-low)
		if ok1 && ok2 && ok3 && ok4 && bytes.Equal(d.text(x), v.text(y)) {
			return x, y, rest, true
		}
	}
	return x, y, q, false
}

// keep records that x stays, in the place of y.
func (r *restorer) keep(x, y run) {
	r.flush()
	r.after = edge{x.item, x.from + x.n}
	if it := &r.sides[present].items[x.item]; it.ref == refType {
		r.pairs = append(r.pairs, [2]int32{it.contentType(), r.sides[earlier].items[y.item].contentType()})
	}
}

// gap compares the runs between two anchors. A common beginning and a common end
// stay. diff compares the rest. gap changes the runs.
func (r *restorer) gap(a, b []run) {
	for len(a) > 0 && len(b) > 0 {
		n, size := r.commonPrefix(a[0], b[0])
		if n == 0 {
			break
		}
		x, y := a[0], b[0]
		x.n, x.end, y.n, y.end = n, x.at+size, n, y.at+size
		r.keep(x, y)
		a, b = shortened(a, x), shortened(b, y)
	}
	var tail [][2]run
	for len(a) > 0 && len(b) > 0 {
		x, y := a[len(a)-1], b[len(b)-1]
		n, size := r.commonSuffix(x, y)
		if n == 0 {
			break
		}
		x.from, x.n, x.at = x.from+x.n-n, n, x.end-size
		y.from, y.n, y.at = y.from+y.n-n, n, y.end-size
		tail = append(tail, [2]run{x, y})
		a, b = shortenedEnd(a, x), shortenedEnd(b, y)
	}
	r.diff(a, b)
	for n := len(tail) - 1; n >= 0; n-- {
		r.keep(tail[n][0], tail[n][1])
	}
}

// shortened takes x off the front of runs.
func shortened(runs []run, x run) []run {
	q := &runs[0]
	if q.from, q.n, q.at = q.from+x.n, q.n-x.n, x.end; q.n == 0 {
		return runs[1:]
	}
	return runs
}

// shortenedEnd takes x off the end of runs.
func shortenedEnd(runs []run, x run) []run {
	q := &runs[len(runs)-1]
	if q.n, q.end = q.n-x.n, x.at; q.n == 0 {
		return runs[:len(runs)-1]
	}
	return runs
}

// commonPrefix returns the length of the common beginning of x and y, in units and
// in bytes.
func (r *restorer) commonPrefix(x, y run) (units int32, size uint32) {
	d, v := r.sides[present], r.sides[earlier]
	ref := d.items[x.item].ref
	if ref != v.items[y.item].ref {
		return 0, 0
	}
	a, b := d.text(x), v.text(y)
	switch ref {
	case refString:
		n := commonBytes(a, b)
		for n < len(a) && n < len(b) && n > 0 && !(utf8.RuneStart(a[n]) && utf8.RuneStart(b[n])) {
			n--
		}
		return int32(lib0.UTF16Len(a[:n])), uint32(n)
	case refAny, refJSON:
		read := lib0.NewReader(a)
		for read.Pos() < len(a) {
			start := read.Pos()
			skipElement(&read, ref)
			if end := read.Pos(); end > len(b) || string(a[start:end]) != string(b[start:end]) {
				break
			}
			units, size = units+1, uint32(read.Pos())
		}
		return units, size
	}
	if r.alike(x, y) {
		return 1, x.end - x.at
	}
	return 0, 0
}

// commonSuffix is commonPrefix from the end. It compares elements only as a whole,
// because they can be read only from the front.
func (r *restorer) commonSuffix(x, y run) (units int32, size uint32) {
	d, v := r.sides[present], r.sides[earlier]
	ref := d.items[x.item].ref
	if ref != v.items[y.item].ref {
		return 0, 0
	}
	a, b := d.text(x), v.text(y)
	switch ref {
	case refString:
		n := 0
		for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
			n++
		}
		for n > 0 && !utf8.RuneStart(a[len(a)-n]) {
			n--
		}
		return int32(lib0.UTF16Len(a[len(a)-n:])), uint32(n)
	case refAny, refJSON:
		if x.n == y.n && bytes.Equal(a, b) {
			return x.n, uint32(len(a))
		}
		return 0, 0
	}
	if r.alike(x, y) {
		return 1, x.end - x.at
	}
	return 0, 0
}

// alike reports whether two contents of one unit are equal, or types with equal
// contents.
func (r *restorer) alike(x, y run) bool {
	d, v := r.sides[present], r.sides[earlier]
	a, b := &d.items[x.item], &v.items[y.item]
	if a.ref != b.ref || !bytes.Equal(d.text(x), v.text(y)) {
		return false
	}
	return a.ref != refType || d.idOf(x.item, 0) == v.idOf(y.item, 0) ||
		r.sides[present].print(a.contentType()) == r.sides[earlier].print(b.contentType())
}

func commonBytes(a, b []byte) int {
	n := min(len(a), len(b))
	const block = 64
	i := 0
	for i+block <= n && string(a[i:i+block]) == string(b[i:i+block]) {
		i += block
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
