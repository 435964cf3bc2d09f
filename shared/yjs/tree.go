package yjs

import "tidemark/shared/lib0"

// AppendTree appends the document as AppendJSON does, except that texts and XML types
// are objects:
//
//	{"name": …, "attributes": {…}, "children": […]}
//
// Only an XmlElement has a name. Attributes are left out where only an XmlElement
// would have none. Children are
//
//	"text"                                  text without formats, as much as there is
//	{"insert": "text", "attributes": {…}}   with formats
//	{"name": …, "children": …}              an XML type or a text
//	{"insert": …, "attributes": {…}}        anything else: an embed, a map, or a type with formats
//
// An XmlText in an XmlElement or an XmlFragment is no child: its own are, unless it
// has attributes.
func (d *Doc) AppendTree(dst []byte, kinds map[string]Kind, limit int) ([]byte, error) {
	return d.appendRoots(dst, kinds, limit, true)
}

// node writes a text or an XML type as an object.
func (w *jsonWriter) node(t int32, kind Kind) {
	w.b = append(w.b, '{')
	if kind == XMLElement {
		x := xmlWriter{d: w.d}
		w.b = append(lib0.AppendJSONString(append(w.b, `"name":`...), x.nodeName(t)), ',')
	}
	if kind == XMLElement || w.d.hasValues(t) {
		w.b = append(w.b, `"attributes":`...)
		w.object(t)
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, `"children":[`...)
	c := childWriter{w: w}
	c.list(t, kind == XMLElement || kind == XMLFragment)
	w.b = append(w.b, ']', '}')
}

// hasValues reports whether the map of t shows anything.
func (d *Doc) hasValues(t int32) bool {
	for s := d.types[t].firstSlot; s != none; s = d.slots[s].next {
		if d.value(s) != none {
			return true
		}
	}
	return false
}

// A childWriter writes the children of one node.
type childWriter struct {
	w    *jsonWriter
	some bool // a child was written
	open bool // a text is not closed yet
}

// list writes the children in the list of t. Those of a text in an XML type have
// formats of their own.
func (c *childWriter) list(t int32, xml bool) {
	d := c.w.d
	var formats []format
	for i := d.types[t].start; i != none && len(c.w.b) <= c.w.most; i = d.items[i].right {
		it := &d.items[i]
		switch {
		case it.isDeleted():
		case it.ref == refString:
			c.text(d.bytes(it), formats)
		case it.ref == refFormat && d.changes(formats, it):
			c.flush(formats)
			formats = d.setFormat(formats, it)
		case it.ref == refFormat:
		default:
			c.flush(formats)
			c.content(it, formats, xml)
		}
	}
	c.flush(formats)
}

func (c *childWriter) comma() {
	if c.some {
		c.w.b = append(c.w.b, ',')
	}
	c.some = true
}

// text writes more of a text, or begins one.
func (c *childWriter) text(piece []byte, formats []format) {
	if !c.open {
		c.open = true
		c.comma()
		if len(formats) > 0 {
			c.w.b = append(c.w.b, `{"insert":`...)
		}
		c.w.b = append(c.w.b, '"')
	}
	c.w.b = lib0.AppendJSONEscaped(c.w.b, piece)
}

// flush ends a text.
func (c *childWriter) flush(formats []format) {
	if !c.open {
		return
	}
	c.open = false
	c.w.b = append(c.w.b, '"')
	if len(formats) > 0 {
		c.attributes(formats)
	}
}

// attributes ends an object.
func (c *childWriter) attributes(formats []format) {
	if len(formats) > 0 {
		c.w.b = append(c.w.b, `,"attributes":{`...)
		for n, f := range formats {
			if n > 0 {
				c.w.b = append(c.w.b, ',')
			}
			c.w.b = append(lib0.AppendJSONString(c.w.b, f.key), ':')
			c.w.b = lib0.AppendAnyJSON(c.w.b, f.value)
		}
		c.w.b = append(c.w.b, '}')
	}
	c.w.b = append(c.w.b, '}')
}

func (c *childWriter) content(it *item, formats []format, xml bool) {
	d := c.w.d
	if it.ref == refType {
		t := it.contentType()
		switch kind, _ := d.kind(it); {
		case xml && kind == XMLText && !d.hasValues(t):
			c.list(t, false)
			return
		case len(formats) == 0 && (kind == Text || kind == XMLText || kind == XMLElement || kind == XMLFragment):
			c.comma()
			c.w.node(t, kind)
			return
		}
	}
	if it.ref == refAny || it.ref == refJSON {
		r := lib0.NewReader(d.bytes(it))
		for range it.length {
			start := r.Pos()
			skipElement(&r, it.ref)
			c.insert(func() { c.w.element(it.ref, r.Since(start)) }, formats)
		}
		return
	}
	c.insert(func() { c.w.single(it) }, formats)
}

// insert writes a child that is not a node.
func (c *childWriter) insert(write func(), formats []format) {
	c.comma()
	c.w.b = append(c.w.b, `{"insert":`...)
	write()
	c.attributes(formats)
}
