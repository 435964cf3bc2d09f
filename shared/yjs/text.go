package yjs

import "slices"

// Text returns the plain text of a root: of one that has strings, these, as toString
// gives them in yjs, without formats, embeds and types; of others the text of the XML
// types and texts in it. It is empty if there is no such root.
//
// Elements, and texts elsewhere than in elements, stand on lines of their own, so that
// words of two paragraphs do not grow together.
func (d *Doc) Text(root string) string { return string(d.AppendText(nil, root)) }

// AppendText appends what Text returns.
func (d *Doc) AppendText(dst []byte, root string) []byte {
	t, ok := d.rootOf[root]
	if !ok {
		return dst
	}
	size := 0
	for i := d.types[t].start; i != none; i = d.items[i].right {
		if it := &d.items[i]; it.ref == refString && !it.isDeleted() {
			size += len(d.bytes(it))
		}
	}
	w := textWriter{d: d, b: slices.Grow(dst, size), start: len(dst)} // a large text is not moved
	kind, _ := d.infer(t)
	w.plain = kind == Text
	w.list(t, false)
	return w.b
}

// HasRoot tells whether a root of that name has ever come up.
func (d *Doc) HasRoot(name string) bool {
	_, ok := d.rootOf[name]
	return ok
}

// A textWriter writes the text of types. It recurses as deep as types nest.
type textWriter struct {
	d     *Doc
	b     []byte
	start int  // of what it wrote
	line  bool // what follows is on another line
	plain bool // types are left out
}

func (w *textWriter) list(t int32, element bool) {
	for i := w.d.types[t].start; i != none; i = w.d.items[i].right {
		it := &w.d.items[i]
		if it.isDeleted() {
			continue
		}
		switch it.ref {
		case refString:
			if w.line && len(w.b) > w.start {
				w.b = append(w.b, '\n')
			}
			w.line = false
			w.b = append(w.b, w.d.bytes(it)...)
		case refType:
			if !w.plain {
				w.child(it, element)
			}
		}
	}
}

// child writes a type that is in a list, maybe that of an element.
func (w *textWriter) child(it *item, element bool) {
	switch kind, _ := w.d.kind(it); {
	case kind == XMLFragment, kind == XMLText && element:
		w.list(it.contentType(), false)
	case kind == Text, kind == XMLText, kind == XMLElement:
		w.line = true
		w.list(it.contentType(), kind == XMLElement)
		w.line = true
	}
}
