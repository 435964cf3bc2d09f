package yjs

import "slices"

// Text returns the plain text of a root. If the root has strings, Text returns these, like
// yjs' toString, without formats, embeds and types. Otherwise it returns the text of the
// XML types and texts in the root. It is empty if there is no such root.
//
// Elements, and texts outside of elements, stand on lines of their own, so that words of
// two paragraphs do not join.
func (d *Doc) Text(root string) string { return string(d.AppendText(nil, root)) }

// AppendText appends the result of Text.
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
	w := textWriter{d: d, b: slices.Grow(dst, size), start: len(dst)} // so that a large text is not moved
	kind, _ := d.infer(t)
	w.plain = kind == Text
	w.list(t, false)
	return w.b
}

// HasRoot reports whether an update has ever named a root of that name.
func (d *Doc) HasRoot(name string) bool {
	_, ok := d.rootOf[name]
	return ok
}

// A textWriter writes the text of types. It recurses as deep as types nest.
type textWriter struct {
	d     *Doc
	b     []byte
	start int  // of its text in b
	line  bool // the next text begins a line
	plain bool // the writer leaves out types
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

// child writes a type in a list, perhaps that of an element.
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
