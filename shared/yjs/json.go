package yjs

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"tidemark/shared/lib0"
)

// Kind is the kind of a shared type, as its type ref on the wire.
type Kind uint8

// Kinds of shared types.
const (
	Array Kind = iota
	Map
	Text
	XMLElement
	XMLFragment
	XMLHook
	XMLText
)

// ErrTooLong: JSON would be longer than its limit. XML repeats the formats for every
// piece of text, so JSON may be much longer than the document.
var ErrTooLong = errors.New("yjs: JSON is too long")

// AppendJSON appends the document as JSON: an object of its roots, in the order
// in which updates named them first, each as JSON.stringify(root.toJSON()) in yjs.
// It returns ErrTooLong if it would append more than limit bytes.
//
// The kind of a root is not in the updates: in yjs the program that asks for a root
// names its kind, here kinds does. The kind of another root follows from its content: a
// Text if there are strings, formats or embeds; an XmlFragment if
// there are XML types and nothing else; an Array if there is anything else;
// a Map if there are only keys; and null if there is nothing.
func (d *Doc) AppendJSON(dst []byte, kinds map[string]Kind, limit int) ([]byte, error) {
	return d.appendRoots(dst, kinds, limit, false)
}

func (d *Doc) appendRoots(dst []byte, kinds map[string]Kind, limit int, tree bool) ([]byte, error) {
	roots := make([]int32, 0, len(d.rootOf))
	for _, t := range d.rootOf {
		roots = append(roots, t)
	}
	slices.Sort(roots)
	// Grow at once, so that JSON about as long as the contents is not moved.
	w := jsonWriter{d: d, b: append(slices.Grow(dst, min(limit, d.live()+d.live()/16)), '{'), most: len(dst) + limit, tree: tree}
	for n, t := range roots {
		if n > 0 {
			w.b = append(w.b, ',')
		}
		name := d.keys[d.types[t].name]
		w.b = append(lib0.AppendJSONString(w.b, []byte(name)), ':')
		kind, ok := kinds[name]
		if !ok {
			kind, ok = d.infer(t)
		}
		if ok {
			w.typ(t, kind)
		} else {
			w.b = append(w.b, "null"...)
		}
	}
	w.b = append(w.b, '}')
	if len(w.b) > w.most {
		return dst, ErrTooLong
	}
	return w.b, nil
}

// infer returns the likely kind of a root by its content.
func (d *Doc) infer(t int32) (kind Kind, ok bool) {
	for i := d.types[t].start; i != none; i = d.items[i].right {
		it := &d.items[i]
		if it.isDeleted() {
			continue
		}
		switch it.ref {
		case refString, refFormat, refEmbed:
			return Text, true
		case refType:
			if k, _ := d.kind(it); k >= XMLElement && (!ok || kind == XMLFragment) {
				kind, ok = XMLFragment, true
				continue
			}
		}
		kind, ok = Array, true
	}
	if !ok && d.types[t].firstSlot != none {
		return Map, true
	}
	return kind, ok
}

// kind reads the kind and the name of the type that it carries.
func (d *Doc) kind(it *item) (kind Kind, name []byte) {
	r := lib0.NewReader(d.bytes(it))
	ref, _ := r.Uint()
	if ref == typeXMLElement || ref == typeXMLHook {
		name, _ = r.String()
	}
	return Kind(ref), name
}

// A jsonWriter writes types as JSON. It recurses as deep as types nest.
type jsonWriter struct {
	d    *Doc
	b    []byte
	most int // bytes of b; the writer leaves out the rest
	tree bool
}

func (w *jsonWriter) typ(t int32, kind Kind) {
	switch {
	case kind == Array:
		w.array(t)
	case kind == Map, kind == XMLHook:
		w.object(t)
	case w.tree:
		w.node(t, kind)
	case kind == Text:
		w.text(t)
	default:
		x := xmlWriter{d: w.d, most: w.most - len(w.b)}
		if w.d.types[t].item == none {
			x.b = make([]byte, 0, min(x.most, w.d.live()))
		}
		switch kind {
		case XMLText:
			x.text(t)
		case XMLElement:
			x.element(t, x.nodeName(t))
		default:
			x.children(t)
		}
		w.b = lib0.AppendJSONString(w.b, x.b)
	}
}

// text appends the text of t, piece by piece, so that it does not copy a large text before.
func (w *jsonWriter) text(t int32) {
	w.b = append(w.b, '"')
	for i := w.d.types[t].start; i != none && len(w.b) <= w.most; i = w.d.items[i].right {
		if it := &w.d.items[i]; it.ref == refString && !it.isDeleted() {
			w.b = lib0.AppendJSONEscaped(w.b, w.d.bytes(it))
		}
	}
	w.b = append(w.b, '"')
}

func (w *jsonWriter) array(t int32) {
	d := w.d
	w.b = append(w.b, '[')
	first := true
	comma := func() {
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
	}
	for i := d.types[t].start; i != none && len(w.b) <= w.most; i = d.items[i].right {
		it := &d.items[i]
		if it.isDeleted() || it.ref == refFormat {
			continue
		}
		content := d.bytes(it)
		r := lib0.NewReader(content)
		switch it.ref {
		case refAny, refJSON:
			for range it.length {
				start := r.Pos()
				skipElement(&r, it.ref)
				comma()
				w.element(it.ref, r.Since(start))
			}
		case refString:
			for len(content) > 0 {
				_, size := utf8.DecodeRune(content)
				comma()
				w.b = appendUnits(w.b, content[:size])
				content = content[size:]
			}
		default:
			comma()
			w.single(it)
		}
	}
	w.b = append(w.b, ']')
}

// appendUnits appends the UTF-16 units of a rune as strings, as JavaScript turns text
// into an array.
func appendUnits(dst, text []byte) []byte {
	if len(text) < 4 {
		return lib0.AppendJSONString(dst, text)
	}
	const hex = "0123456789abcdef"
	r, _ := utf8.DecodeRune(text)
	r -= 0x10000
	for n, unit := range []rune{0xd800 + r>>10, 0xdc00 + r&0x3ff} {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"', '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15], '"')
	}
	return dst
}

// element appends one element of a JSON or Any content.
func (w *jsonWriter) element(ref uint8, element []byte) {
	if ref == refAny {
		w.b = lib0.AppendAnyJSON(w.b, element)
	} else if isUndefined(ref, element) {
		w.b = append(w.b, "null"...)
	} else {
		r := lib0.NewReader(element)
		text, _ := r.Bytes()
		w.b = append(w.b, text...)
	}
}

func isUndefined(ref uint8, element []byte) bool {
	if ref == refAny {
		return element[0] == lib0.TagUndefined
	}
	return string(element[1:]) == "undefined"
}

// single appends a content of one unit.
func (w *jsonWriter) single(it *item) {
	r := lib0.NewReader(w.d.bytes(it))
	switch it.ref {
	case refBinary:
		content, _ := r.Bytes()
		w.b = lib0.AppendJSONBytes(w.b, content)
	case refEmbed:
		text, _ := r.Bytes()
		w.b = append(w.b, text...)
	case refType:
		kind, _ := w.d.kind(it)
		w.typ(it.contentType(), kind)
	default: // a subdocument that was not loaded
		w.b = append(w.b, "{}"...)
	}
}

func (w *jsonWriter) object(t int32) {
	d := w.d
	w.b = append(w.b, '{')
	first := true
	for _, s := range d.members(t) {
		if len(w.b) > w.most {
			break
		}
		it := &d.items[d.slots[s].last]
		if it.isDeleted() || it.ref == refFormat {
			continue
		}
		var element []byte
		if it.ref == refAny || it.ref == refJSON {
			if element = d.lastElement(it); isUndefined(it.ref, element) {
				continue
			}
		}
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
		w.b = append(lib0.AppendJSONString(w.b, []byte(d.keys[d.slots[s].key])), ':')
		switch {
		case element != nil:
			w.element(it.ref, element)
		case it.ref == refString:
			text := d.bytes(it)
			_, size := utf8.DecodeLastRune(text)
			w.b = lib0.AppendJSONString(w.b, text[len(text)-size:])
		default:
			w.single(it)
		}
	}
	w.b = append(w.b, '}')
}

// members returns the slots of a type in the order of JavaScript: keys that are array
// indices first, by number, then the others in the order of their first use.
func (d *Doc) members(t int32) (slots []int32) {
	for s := d.types[t].firstSlot; s != none; s = d.slots[s].next {
		slots = append(slots, s)
	}
	slices.SortStableFunc(slots, func(a, b int32) int {
		return cmp.Compare(arrayIndex(d.keys[d.slots[a].key]), arrayIndex(d.keys[d.slots[b].key]))
	})
	return slots
}

// arrayIndex returns the number of key if it is an array index (below 2^32-1 and
// without leading zeros), and 2^32-1 otherwise. ECMA-262, 6.1.7.
func arrayIndex(key string) uint64 {
	n, err := strconv.ParseUint(key, 10, 32)
	if err != nil || len(key) > 1 && key[0] == '0' {
		return math.MaxUint32
	}
	return n
}

// lastElement returns the value of a map item with several elements.
func (d *Doc) lastElement(it *item) []byte {
	r := lib0.NewReader(d.bytes(it))
	start := 0
	for range it.length {
		start = r.Pos()
		skipElement(&r, it.ref)
	}
	return r.Since(start)
}
