package yjs

// Text returns the plain text of a root of kind Text or XmlText: its strings,
// without formats and embeds. It is empty if there is no such root.
func (d *Doc) Text(root string) string { return string(d.AppendText(nil, root)) }

// AppendText appends what Text returns.
func (d *Doc) AppendText(dst []byte, root string) []byte {
	t, ok := d.rootOf[root]
	if !ok {
		return dst
	}
	for i := d.types[t].start; i != none; i = d.items[i].right {
		if it := &d.items[i]; it.ref == refString && !it.isDeleted() {
			dst = append(dst, d.bytes(it)...)
		}
	}
	return dst
}
