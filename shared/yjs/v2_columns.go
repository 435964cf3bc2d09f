package yjs

import (
	"tidemark/shared/lib0"
)

// v2Columns are the columns at the start of an update of format V2. The other fields
// follow them:
//
//	varUint 0, nine varBytes, rest
//
// A run makes a field free, so the structs and the names that an update may
// unfold to are counted against a budget.
type v2Columns struct {
	keyClock   diffColumn
	client     uintColumn
	leftClock  diffColumn
	rightClock diffColumn
	info       byteColumn
	strings    stringColumn
	parentInfo byteColumn
	typeRef    uintColumn
	length     uintColumn

	keys   [][]byte // names read so far: a key clock below their number repeats one
	budget int
}

// The limits of an update of n bytes in V2, in structs and in bytes of repeated names:
// the smaller of v2MaxBudget and v2BudgetFactor × n + v2Budget.
// yjs takes 6 s for 5,000,000 structs in 25 bytes, and never ends for 10^9.
const (
	v2BudgetFactor = 64
	v2Budget       = 100_000
	v2MaxBudget    = 2_000_000
)

// newV2Columns reads the columns of update and leaves r, at its start, at the
// rest.
func newV2Columns(update []byte, r *lib0.Reader) (*v2Columns, error) {
	c := &v2Columns{budget: min(v2MaxBudget, v2BudgetFactor*len(update)+v2Budget)}
	if _, err := r.Uint(); err != nil { // a feature flag that no encoder sets
		return nil, err
	}
	for _, column := range []*lib0.Reader{
		&c.keyClock.r, &c.client.r, &c.leftClock.r, &c.rightClock.r, &c.info.r,
		&c.strings.lengths.r, &c.parentInfo.r, &c.typeRef.r, &c.length.r,
	} {
		b, err := r.Bytes()
		if err != nil {
			return nil, err
		}
		// Offsets in errors count from the start of the update.
		*column = lib0.NewReader(update[:r.Pos()])
		column.Seek(r.Pos() - len(b))
	}
	// The string column is one string, and then the column of its lengths.
	joined, err := c.strings.lengths.r.String()
	c.strings.joined = joined
	return c, err
}

// spend takes one struct from the budget.
func (c *v2Columns) spend() error { return c.spendMany(1) }

func (c *v2Columns) spendMany(n int) error {
	if c.budget -= n; c.budget < 0 {
		return c.info.r.Fail("update unfolds to too many structs")
	}
	return nil
}

// key reads the name of a format or a type.
func (c *v2Columns) key() ([]byte, error) {
	clock, err := c.keyClock.next()
	if err != nil {
		return nil, err
	}
	if clock < uint64(len(c.keys)) {
		key := c.keys[clock]
		return key, c.spendMany(len(key))
	}
	key, err := c.strings.next()
	c.keys = append(c.keys, key)
	return key, err
}

// A byteColumn holds bytes: value, varUint count-1, alternating. The last value
// has no count and lasts for ever.
type byteColumn struct {
	r       lib0.Reader
	value   byte
	left    uint64
	forever bool
}

func (c *byteColumn) next() (_ byte, err error) {
	if c.forever {
		return c.value, nil
	}
	if c.left == 0 {
		if c.value, err = c.r.Byte(); err != nil {
			return 0, err
		}
		if c.r.Len() == 0 {
			c.forever = true
			return c.value, nil
		}
		if c.left, err = c.r.Uint(); err != nil {
			return 0, err
		}
		c.left++
	}
	c.left--
	return c.value, nil
}

// A uintColumn holds numbers: varInt value for one, varInt -value (or -0) and
// varUint count-2 for a run.
type uintColumn struct {
	r     lib0.Reader
	value uint64
	left  uint64
}

func (c *uintColumn) next() (uint64, error) {
	if c.left == 0 {
		v, negative, err := c.r.Int()
		if err != nil {
			return 0, err
		}
		c.left = 1
		if negative {
			v = -v
			n, err := c.r.Uint()
			if err != nil {
				return 0, err
			}
			c.left = n + 2
		}
		c.value = uint64(v)
	}
	c.left--
	return c.value, nil
}

// A diffColumn holds numbers as differences to the one before, the first to 0:
// varInt 2 × difference for one, varInt 2 × difference + 1 and varUint count-2
// for a run.
type diffColumn struct {
	r           lib0.Reader
	value, diff int64
	left        uint64
}

func (c *diffColumn) next() (uint64, error) {
	if c.left == 0 {
		v, _, err := c.r.Int()
		if err != nil {
			return 0, err
		}
		c.diff = v >> 1
		c.left = 1
		if v&1 != 0 {
			n, err := c.r.Uint()
			if err != nil {
				return 0, err
			}
			c.left = n + 2
		}
	}
	c.value += c.diff
	if c.value < 0 || c.value > lib0.MaxSafeInteger {
		return 0, c.r.Fail("number in a column below 0 or above 2^53-1")
	}
	c.left--
	return uint64(c.value), nil
}

// A stringColumn holds strings joined to one, and their lengths in UTF-16 units.
type stringColumn struct {
	joined  []byte // the unread rest
	half    bool   // the first unit of joined's first rune, a surrogate pair, is read
	lengths uintColumn
}

// next returns the next string. It aliases the update, unless it is cut inside a
// surrogate pair: each half becomes U+FFFD.
func (c *stringColumn) next() ([]byte, error) {
	n, err := c.lengths.next()
	if err != nil || n == 0 {
		return nil, err
	}
	const replacement = "\uFFFD"
	var prefix []byte
	if c.half {
		c.half = false
		c.joined = c.joined[4:]
		prefix = []byte(replacement)
		n--
	}
	i := 0
	for ; n > 0 && i < len(c.joined); n-- {
		switch b := c.joined[i]; {
		case b < 0x80:
			i++
		case b < 0xe0:
			i += 2
		case b < 0xf0:
			i += 3
		case n == 1:
			c.half = true
		default:
			i += 4
			n--
		}
	}
	if n > 0 {
		return nil, c.lengths.r.Fail("strings are longer than their column")
	}
	s := c.joined[:i:i]
	c.joined = c.joined[i:]
	if prefix != nil {
		s = append(prefix, s...)
	}
	if c.half {
		s = append(s, replacement...)
	}
	return s, nil
}
