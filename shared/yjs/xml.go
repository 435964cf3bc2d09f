package yjs

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/lib0"
)

// An xmlWriter writes types as their toString does in yjs. Nothing is escaped.
type xmlWriter struct {
	d    *Doc
	b    []byte
	most int // bytes of b; the writer leaves out the rest
}

func (x *xmlWriter) plain(t int32) {
	for i := x.d.types[t].start; i != none; i = x.d.items[i].right {
		if it := &x.d.items[i]; it.ref == refString && !it.isDeleted() {
			x.b = append(x.b, x.d.bytes(it)...)
		}
	}
}

func (x *xmlWriter) children(t int32) {
	for i := x.d.types[t].start; i != none && len(x.b) <= x.most; i = x.d.items[i].right {
		if it := &x.d.items[i]; !it.isDeleted() && it.ref != refFormat {
			x.child(it)
		}
	}
}

func (x *xmlWriter) child(it *item) {
	switch it.ref {
	case refType:
		t := it.contentType()
		switch kind, name := x.d.kind(it); kind {
		case XMLElement:
			x.element(t, name)
		case XMLFragment:
			x.children(t)
		case XMLText:
			x.text(t)
		case Text:
			x.plain(t)
		default:
			x.b = append(x.b, "[object Object]"...)
		}
	case refString:
		x.b = append(x.b, x.d.bytes(it)...)
	case refAny:
		r := lib0.NewReader(x.d.bytes(it))
		for range it.length {
			x.b = appendString(x.b, &r)
		}
	default:
		x.b = append(x.b, "[object Object]"...)
	}
}

// nodeName returns the name of the element t; roots have none.
func (x *xmlWriter) nodeName(t int32) []byte {
	holder := x.d.types[t].item
	if holder == none {
		return []byte("undefined")
	}
	_, name := x.d.kind(&x.d.items[holder])
	return name
}

func (x *xmlWriter) element(t int32, name []byte) {
	d := x.d
	name = bytes.ToLower(name)
	x.b = append(append(x.b, '<'), name...)
	slots := d.members(t)
	slices.SortFunc(slots, func(a, b int32) int {
		return strings.Compare(d.keys[d.slots[a].key], d.keys[d.slots[b].key])
	})
	for _, s := range slots {
		if d.items[d.slots[s].last].isDeleted() {
			continue
		}
		x.b = append(append(x.b, ' '), d.keys[d.slots[s].key]...)
		x.b = append(x.b, '=', '"')
		if it := &d.items[d.slots[s].last]; it.ref == refAny {
			r := lib0.NewReader(d.lastElement(it))
			x.b = appendString(x.b, &r)
		} else {
			x.child(it)
		}
		x.b = append(x.b, '"')
	}
	x.b = append(x.b, '>')
	x.children(t)
	x.b = append(append(append(x.b, "</"...), name...), '>')
}

// A format is one that holds for the text that follows, its value as Any.
type format struct {
	key, value []byte
}

func compareFormats(a, b format) int { return bytes.Compare(a.key, b.key) }

// text writes formatted text: every piece between formats stands in an element
// for each format that is set, in the order of their names.
func (x *xmlWriter) text(t int32) {
	d := x.d
	var formats []format // sorted
	open := false        // the elements around a piece of text are
	for i := d.types[t].start; i != none && len(x.b) <= x.most; i = d.items[i].right {
		it := &d.items[i]
		if it.isDeleted() {
			continue
		}
		if it.ref == refString {
			if !open {
				x.openTags(formats)
				open = true
			}
			x.b = append(x.b, d.bytes(it)...)
			continue
		}
		if open {
			x.closeTags(formats)
			open = false
		}
		switch it.ref {
		case refFormat:
			formats = d.setFormat(formats, it)
		case refEmbed, refType:
			x.openTags(formats)
			x.child(it)
			x.closeTags(formats)
		}
	}
	if open {
		x.closeTags(formats)
	}
}

// findFormat reads the format of an item, and finds the index of its key, or the index at
// which to insert it.
func (d *Doc) findFormat(formats []format, it *item) (f format, n int, found bool) {
	r := lib0.NewReader(d.bytes(it))
	key, _ := r.String()
	text, _ := r.String()
	f = format{key, appendAny(nil, text)}
	n, found = slices.BinarySearchFunc(formats, f, compareFormats)
	return f, n, found
}

// changes reports whether an item changes the formats that hold.
func (d *Doc) changes(formats []format, it *item) bool {
	f, n, found := d.findFormat(formats, it)
	if !found {
		return f.value[0] != lib0.TagNull
	}
	return !bytes.Equal(f.value, formats[n].value)
}

func (d *Doc) setFormat(formats []format, it *item) []format {
	f, n, found := d.findFormat(formats, it)
	switch {
	case f.value[0] == lib0.TagNull && found:
		return slices.Delete(formats, n, n+1)
	case f.value[0] == lib0.TagNull:
		return formats
	case found:
		formats[n] = f
		return formats
	}
	return slices.Insert(formats, n, f)
}

func (x *xmlWriter) openTags(formats []format) {
	for _, f := range formats {
		x.b = append(append(x.b, '<'), f.key...)
		for _, m := range members(f.value) {
			x.b = append(append(x.b, ' '), m.key...)
			x.b = append(x.b, '=', '"')
			r := lib0.NewReader(m.value)
			x.b = append(appendString(x.b, &r), '"')
		}
		x.b = append(x.b, '>')
	}
}

func (x *xmlWriter) closeTags(formats []format) {
	for _, f := range slices.Backward(formats) {
		x.b = append(append(append(x.b, "</"...), f.key...), '>')
	}
}

// members are the members of an Any value, sorted by key: of an object, of an
// array and of a string, as JavaScript enumerates them.
func members(any []byte) (all []format) {
	r := lib0.NewReader(any)
	tag, _ := r.Byte()
	if tag == lib0.TagString {
		text, _ := r.String()
		for n, char := range []rune(string(text)) {
			value := append([]byte{lib0.TagString}, lib0.AppendString(nil, string(char))...)
			all = append(all, format{strconv.AppendInt(nil, int64(n), 10), value})
		}
	}
	if tag == lib0.TagObject || tag == lib0.TagArray {
		count, _ := r.Uint()
		for n := range count {
			key := strconv.AppendUint(nil, n, 10)
			if tag == lib0.TagObject {
				key, _ = r.String()
			}
			start := r.Pos()
			_ = r.SkipAny()
			all = append(all, format{key, r.Since(start)})
		}
	}
	slices.SortFunc(all, compareFormats)
	return all
}

// appendString reads an Any value and appends it as JavaScript's String does.
// Arrays of arrays are as deep as lib0.MaxDepth.
func appendString(dst []byte, r *lib0.Reader) []byte {
	start := r.Pos()
	switch tag, _ := r.Byte(); tag {
	case lib0.TagString:
		text, _ := r.String()
		return append(dst, text...)
	case lib0.TagUndefined:
		return append(dst, "undefined"...)
	case lib0.TagObject:
		r.Seek(start)
		_ = r.SkipAny()
		return append(dst, "[object Object]"...)
	case lib0.TagFloat32:
		f, _ := r.Float32()
		return appendNumber(dst, float64(f))
	case lib0.TagFloat64:
		f, _ := r.Float64()
		return appendNumber(dst, f)
	case lib0.TagBytes:
		content, _ := r.Bytes()
		for n, c := range content {
			if n > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendUint(dst, uint64(c), 10)
		}
		return dst
	case lib0.TagArray:
		count, _ := r.Uint()
		for n := range count {
			if n > 0 {
				dst = append(dst, ',')
			}
			if c := r.Rest()[0]; c == lib0.TagNull || c == lib0.TagUndefined {
				_, _ = r.Byte()
			} else {
				dst = appendString(dst, r)
			}
		}
		return dst
	default:
		r.Seek(start)
		_ = r.SkipAny()
		return lib0.AppendAnyJSON(dst, r.Since(start))
	}
}

func appendNumber(dst []byte, f float64) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case f-f != 0 && f > 0:
		return append(dst, "Infinity"...)
	case f-f != 0:
		return append(dst, "-Infinity"...)
	}
	return lib0.AppendJSONNumber(dst, f)
}
