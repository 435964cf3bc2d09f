package yjs

import (
	"math/bits"

	"tidemark/shared/lib0"
)

// A v2Writer collects the columns of an update in V2. See v2Columns.
type v2Writer struct {
	keyClock   diffColumnWriter
	client     uintColumnWriter
	leftClock  diffColumnWriter
	rightClock diffColumnWriter
	info       byteColumnWriter
	strings    stringColumnWriter
	parentInfo byteColumnWriter
	typeRef    uintColumnWriter
	length     uintColumnWriter

	keys uint64 // key clocks used: yjs gives every name a fresh one
}

// write puts the fields of s into the columns and into rest.
func (w *v2Writer) write(rest []byte, s *wireStruct) []byte {
	w.info.write(s.info)
	switch s.ref() {
	case refGC:
		w.length.write(s.length)
		return rest
	case refSkip:
		return lib0.AppendUint(rest, s.length)
	}
	if s.info&flagOrigin != 0 {
		w.client.write(s.origin.Client)
		w.leftClock.write(s.origin.Clock)
	}
	if s.info&flagRightOrigin != 0 {
		w.client.write(s.rightOrigin.Client)
		w.rightClock.write(s.rightOrigin.Clock)
	}
	if s.info&(flagOrigin|flagRightOrigin) == 0 {
		w.writeParent(s)
	}
	switch s.ref() {
	case refDeleted:
		w.length.write(s.length)
	case refJSON:
		w.length.write(s.length)
		r := lib0.NewReader(s.content)
		for range s.length {
			text, _ := r.Bytes()
			w.strings.write(text)
		}
	case refBinary:
		rest = lib0.AppendBytes(rest, s.content)
	case refString:
		w.strings.write(s.content)
	case refEmbed:
		rest = appendAnyValue(rest, s)
	case refFormat:
		w.writeKey(s.name)
		rest = appendAnyValue(rest, s)
	case refType:
		w.typeRef.write(s.typeRef)
		if s.typeRef == typeXMLElement || s.typeRef == typeXMLHook {
			w.writeKey(s.name)
		}
	case refAny:
		w.length.write(s.length)
		rest = append(rest, s.content...)
	case refDoc:
		w.strings.write(s.name)
		rest = append(rest, s.content...)
	}
	return rest
}

func (w *v2Writer) writeParent(s *wireStruct) {
	if s.parentIsRoot {
		w.parentInfo.write(1)
		w.strings.write(s.root)
	} else {
		w.parentInfo.write(0)
		w.client.write(s.parent.Client)
		w.leftClock.write(s.parent.Clock)
	}
	if s.info&flagParentSub != 0 {
		w.strings.write(s.sub)
	}
}

func (w *v2Writer) writeKey(name []byte) {
	w.keyClock.write(w.keys)
	w.keys++
	w.strings.write(name)
}

// appendAnyValue appends the value of an embed or a format as Any.
func appendAnyValue(dst []byte, s *wireStruct) []byte {
	if s.valueIsAny {
		return append(dst, s.content...)
	}
	return appendAny(dst, s.content)
}

func (w *v2Writer) appendColumns(dst []byte) []byte {
	dst = lib0.AppendUint(dst, 0)
	for _, column := range [][]byte{
		w.keyClock.finish(), w.client.finish(), w.leftClock.finish(), w.rightClock.finish(), w.info.b,
		w.strings.finish(), w.parentInfo.b, w.typeRef.finish(), w.length.finish(),
	} {
		dst = lib0.AppendBytes(dst, column)
	}
	return dst
}

type byteColumnWriter struct {
	b     []byte
	value byte
	run   uint64
}

func (c *byteColumnWriter) write(v byte) {
	if c.run > 0 && c.value == v {
		c.run++
		return
	}
	if c.run > 0 {
		c.b = lib0.AppendUint(c.b, c.run-1)
	}
	c.b = append(c.b, v)
	c.value, c.run = v, 1
}

type uintColumnWriter struct {
	b     []byte
	value uint64
	run   uint64
}

func (c *uintColumnWriter) write(v uint64) {
	if c.value == v {
		c.run++
		return
	}
	c.flush()
	c.value, c.run = v, 1
}

func (c *uintColumnWriter) flush() {
	if c.run > 0 {
		c.b = lib0.AppendSigned(c.b, c.value, c.run > 1)
	}
	if c.run > 1 {
		c.b = lib0.AppendUint(c.b, c.run-2)
	}
}

func (c *uintColumnWriter) finish() []byte {
	c.flush()
	c.run = 0
	return c.b
}

type diffColumnWriter struct {
	b           []byte
	value, diff int64
	run         uint64
}

func (c *diffColumnWriter) write(v uint64) {
	diff := int64(v) - c.value
	c.value = int64(v)
	if c.diff == diff {
		c.run++
		return
	}
	c.flush()
	c.diff, c.run = diff, 1
}

func (c *diffColumnWriter) flush() {
	switch {
	case c.run == 1:
		c.b = lib0.AppendInt(c.b, 2*c.diff)
	case c.run > 1:
		c.b = lib0.AppendUint(lib0.AppendInt(c.b, 2*c.diff+1), c.run-2)
	}
}

func (c *diffColumnWriter) finish() []byte {
	c.flush()
	c.run = 0
	return c.b
}

type stringColumnWriter struct {
	joined  []byte
	lengths uintColumnWriter
}

func (c *stringColumnWriter) write(s []byte) {
	c.joined = append(c.joined, s...)
	c.lengths.write(uint64(lib0.UTF16Len(s)))
}

func (c *stringColumnWriter) finish() []byte {
	lengths := c.lengths.finish()
	return append(lib0.AppendBytes(make([]byte, 0, len(c.joined)+len(lengths)+bits.UintSize/8+1), c.joined), lengths...)
}

// appendDeleteSetV2 appends ds, which is in the order of the wire, as V2 has it:
// clocks count from the end of the client's range before, and lengths less one.
func appendDeleteSetV2(dst []byte, ds []deleteRange) []byte {
	var body []byte
	clients := uint64(0)
	for len(ds) > 0 {
		n := 1
		for n < len(ds) && ds[n].client == ds[0].client {
			n++
		}
		clients++
		body = lib0.AppendUint(body, ds[0].client)
		body = lib0.AppendUint(body, uint64(n))
		end := int32(0)
		for _, r := range ds[:n] {
			body = lib0.AppendUint(body, uint64(r.clock-end))
			body = lib0.AppendUint(body, uint64(r.length-1))
			end = r.clock + r.length
		}
		ds = ds[n:]
	}
	return append(lib0.AppendUint(dst, clients), body...)
}
