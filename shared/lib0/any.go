package lib0

// Tags of an Any value.
const (
	TagBytes     = 116
	TagArray     = 117
	TagObject    = 118
	TagString    = 119
	TagTrue      = 120
	TagFalse     = 121
	TagBigInt    = 122
	TagFloat64   = 123
	TagFloat32   = 124
	TagInteger   = 125
	TagNull      = 126
	TagUndefined = 127
)

// MaxDepth bounds the nesting of Any and JSON values. JavaScript peers recurse
// into them, and overflow their stack a few thousand levels down.
const MaxDepth = 256

// SkipAny reads one Any value of at most MaxDepth levels, checks it, and leaves
// its bytes to the caller (see [Reader.Since]). It does not recurse.
//
//	127 undefined   126 null           125 varInt     124 float32
//	123 float64     122 bigint         121 false      120 true
//	119 string      118 object: varUint n, n × (string, any)
//	117 array: varUint n, n × any      116 varBytes
func (r *Reader) SkipAny() error {
	container, n, err := r.skipAnyHead()
	if err != nil || n == 0 {
		return err
	}
	var open [MaxDepth]struct {
		left   uint64
		object bool
	}
	depth := 0
	open[0].left, open[0].object = n, container == TagObject
	for depth >= 0 {
		top := &open[depth]
		if top.left == 0 {
			depth--
			continue
		}
		top.left--
		if top.object {
			if _, err := r.String(); err != nil {
				return err
			}
		}
		container, n, err := r.skipAnyHead()
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if depth++; depth == MaxDepth {
			return r.Fail("value nested too deeply")
		}
		open[depth].left, open[depth].object = n, container == TagObject
	}
	return nil
}

// skipAnyHead reads a scalar whole, and of a container its tag and count.
func (r *Reader) skipAnyHead() (tag byte, n uint64, err error) {
	tag, err = r.Byte()
	if err != nil {
		return 0, 0, err
	}
	switch tag {
	case TagUndefined, TagNull, TagTrue, TagFalse:
	case TagInteger:
		_, _, err = r.Int()
	case TagFloat32:
		_, err = r.Take(4)
	case TagFloat64, TagBigInt:
		_, err = r.Take(8)
	case TagString:
		_, err = r.String()
	case TagBytes:
		_, err = r.Bytes()
	case TagArray:
		n, err = r.Count(1)
	case TagObject:
		n, err = r.Count(2)
	default:
		r.pos--
		err = r.Fail("unknown tag of an Any value")
	}
	return tag, n, err
}

// Count reads a varUint that announces that many things of at least size bytes
// each, and checks it against the bytes left.
func (r *Reader) Count(size uint64) (uint64, error) {
	n, err := r.Uint()
	if err != nil {
		return 0, err
	}
	if n > uint64(r.Len())/size {
		return 0, r.Fail("count exceeds the bytes left")
	}
	return n, nil
}
