package yjs

import (
	"unicode/utf8"

	"tidemark/shared/lib0"
)

// replacement stands for half a surrogate pair on the wire.
const replacement = "\uFFFD"

// canJoin reports whether neighbouring contents of that kind can join.
func canJoin(ref uint8) bool {
	return ref == refString || ref == refDeleted || ref == refAny || ref == refJSON
}

// splitContent divides the content of a, of which b is a copy, after n units. A cut
// through a surrogate pair leaves U+FFFD on either side for ever, as in yjs.
func (d *Doc) splitContent(a, b *item, n int32) {
	var x uint32
	switch a.ref {
	case refDeleted:
		return
	case refString:
		var inside bool
		if uint32(a.length) != a.size { // not ASCII
			d.steps += int(min(n, a.length-n)) / bytesAStep
		}
		x, inside = utf16Offset(d.bytes(a), uint32(a.length), uint32(n))
		if inside {
			d.splitPair(a, b, x)
			return
		}
	default:
		x = d.elementsOffset(a, n)
	}
	b.off += x
	b.size -= x
	b.space -= x
	a.size, a.space = x, x
}

// splitPair divides a string inside the four-byte rune at x. The longer half keeps
// its place.
func (d *Doc) splitPair(a, b *item, x uint32) {
	text := d.bytes(a)
	d.steps += int(min(x, a.size-x)) / copiedAStep
	d.tx.cuts = append(d.tx.cuts, cut{unit{b.client, b.clock}, [4]byte(text[x:])})
	if left := text[:x]; x < a.size/2 {
		b.off += x + 1
		b.size -= x + 1
		b.space -= x + 1
		copy(d.span(b.off, uint32(len(replacement))), replacement)
		a.off = d.store(left)
		d.store([]byte(replacement))
		a.size, a.space = x+3, x+3
		d.waste += int(x) + 1
	} else {
		d.waste += int(a.space - x - 4)
		right := text[x+4:]
		copy(text[x:], replacement)
		a.size, a.space = x+3, x+4
		b.off = d.store([]byte(replacement))
		d.store(right)
		b.size = uint32(len(right)) + 3
		b.space = b.size
	}
}

// growContent makes room for exactly n more bytes, if n is large for this document.
func (d *Doc) growContent(n int) {
	if cap(d.content)-len(d.content) >= n || n < 4096 || n < len(d.content)/4 {
		return
	}
	content := make([]byte, len(d.content), len(d.content)+n)
	copy(content, d.content)
	d.content = content
}

// healPair undoes splitPair for a and b, which follow each other.
func (d *Doc) healPair(a, b *item, pair []byte) {
	a.size -= 3
	b.off += 3
	b.size -= 3
	b.space -= 3
	d.waste += 3
	d.extendContent(a, pair)
}

// utf16Offset returns the offset of unit n in text, which has length units. It searches
// from the nearer end. inside is true for the second half of the rune there.
func utf16Offset(text []byte, length, n uint32) (off uint32, inside bool) {
	if uint32(len(text)) == length {
		return n, false // ASCII
	}
	if n <= length/2 {
		i := 0
		for n > 0 {
			switch c := text[i]; {
			case c < 0x80:
				i++
			case c < 0xe0:
				i += 2
			case c < 0xf0:
				i += 3
			case n == 1:
				return uint32(i), true
			default:
				i += 4
				n--
			}
			n--
		}
		return uint32(i), false
	}
	i := len(text)
	for n = length - n; n > 0; n-- {
		for i--; !utf8.RuneStart(text[i]); i-- {
		}
		if text[i] >= 0xf0 {
			if n == 1 {
				return uint32(i), true
			}
			n--
		}
	}
	return uint32(i), false
}

// elementsOffset returns the offset of element n in a JSON or Any content.
func (d *Doc) elementsOffset(it *item, n int32) uint32 {
	d.steps += int(n)
	r := lib0.NewReader(d.bytes(it))
	for range n {
		skipElement(&r, it.ref)
	}
	return uint32(r.Pos())
}

// skipElement steps over one element, which decode has checked.
func skipElement(r *lib0.Reader, ref uint8) {
	if ref == refAny {
		_ = r.SkipAny()
	} else {
		_, _ = r.Bytes()
	}
}

// extendContent appends more to the content of it. If there is no space behind it, the
// content moves to the end of the arena, with half as much spare space.
func (d *Doc) extendContent(it *item, more []byte) {
	n := uint32(len(more))
	d.steps += len(more) / copiedAStep
	switch {
	case it.space-it.size >= n:
		copy(d.span(it.off+it.size, n), more)
		it.size += n
	case it.off+it.size == uint32(len(d.content)):
		d.content = append(d.content, more...)
		it.size += n
		it.space = it.size
	default:
		d.waste += int(it.space)
		text := d.bytes(it)
		d.steps += len(text) / copiedAStep
		it.off = d.store(text)
		d.content = append(d.content, more...)
		it.size += n
		it.space = it.size + it.size/2
		d.content = append(d.content, make([]byte, it.size/2)...)
	}
}

// joinContent moves the content of b behind that of a.
func (d *Doc) joinContent(a, b *item) {
	if a.size == a.space && a.off+a.size == b.off {
		a.space += b.space
		a.size += b.size
		return
	}
	d.extendContent(a, d.bytes(b))
	d.dropContent(b)
}
