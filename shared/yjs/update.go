package yjs

import (
	"fmt"
	"slices"

	"tidemark/shared/lib0"
)

// MergeUpdates, DiffUpdate, ConvertV1ToV2, Validate and similar functions work on encoded
// updates without a document. An updateReader walks the structs and the delete
// ranges of one, an updateWriter builds one. Both speak V1, which the package
// comment lays out, and V2, which has the same grammar over columns: v2Columns.

// Content refs: the low five bits of a struct's info byte.
const (
	refGC      = 0
	refDeleted = 1
	refJSON    = 2
	refBinary  = 3
	refString  = 4
	refEmbed   = 5
	refFormat  = 6
	refType    = 7
	refAny     = 8
	refDoc     = 9
	refSkip    = 10

	refMask = 0x1f
)

// Flags of a struct's info byte.
const (
	flagOrigin      = 0x80
	flagRightOrigin = 0x40
	flagParentSub   = 0x20
)

// Type refs that carry a name; the others, up to maxTypeRef, do not.
const (
	typeXMLElement = 3
	typeXMLHook    = 5
	maxTypeRef     = 6
)

// maxClock bounds clocks and the ends of ranges. Larger ones are invalid: no document
// grows so far, and peers that count in 32 bits wrap.
const maxClock = 1<<31 - 1

// A wireStruct is one struct of an update. Its slices alias the update.
type wireStruct struct {
	client, clock, length uint64

	info                byte
	origin, rightOrigin ID     // if info has the flags
	parent              ID     // of an item without origins, if not parentIsRoot
	root                []byte // name of the root type, if parentIsRoot
	parentIsRoot        bool
	sub                 []byte // map key

	typeRef uint64
	name    []byte // format key, type name or subdocument id
	// content depends on the ref: binary and string content unchanged, JSON elements
	// as strings, Any elements and the options of a subdocument as Any.
	content []byte
	// valueIsAny: the value of an embed or a format is Any, as in V2, and not JSON
	// text, as in V1.
	valueIsAny bool

	// tail is everything after the info byte as V1 has it, if the struct was
	// read from V1 and not cut since.
	tail []byte
}

func (s *wireStruct) ref() byte   { return s.info & refMask }
func (s *wireStruct) end() uint64 { return s.clock + s.length }

// cut drops the first n units of s, 0 < n < s.length. The rest of an item has the unit
// before it as its origin.
func (s *wireStruct) cut(n uint64) {
	s.clock += n
	s.length -= n
	s.tail = nil
	if s.ref() == refGC || s.ref() == refSkip {
		return
	}
	s.origin = ID{s.client, s.clock - 1}
	s.info |= flagOrigin
	// The content was read before, so this returns no error.
	r := lib0.NewReader(s.content)
	switch s.ref() {
	case refString:
		s.content = cutUTF16(s.content, n)
	case refJSON:
		for range n {
			r.Bytes()
		}
		s.content = r.Rest()
	case refAny:
		for range n {
			r.SkipAny()
		}
		s.content = r.Rest()
	}
}

// split takes the first n units off s, 0 < n < s.length, and returns them. It may
// change the content of a string.
func (s *wireStruct) split(n uint64) (head wireStruct) {
	head = *s
	head.length, head.tail = n, nil
	s.clock += n
	s.length -= n
	s.tail = nil
	if s.ref() == refGC || s.ref() == refSkip {
		return head
	}
	s.origin = ID{s.client, s.clock - 1}
	s.info |= flagOrigin
	r := lib0.NewReader(s.content)
	switch s.ref() {
	case refString:
		at, inside := utf16Offset(s.content, uint32(head.length+s.length), uint32(n))
		head.content = s.content[:at:at]
		if inside {
			head.content = append(head.content, replacement...)
			at++
			copy(s.content[at:], replacement)
		}
		s.content = s.content[at:]
	case refJSON:
		for range n {
			r.Bytes()
		}
		head.content, s.content = r.Since(0), r.Rest()
	case refAny:
		for range n {
			r.SkipAny()
		}
		head.content, s.content = r.Since(0), r.Rest()
	}
	return head
}

// cutUTF16 returns b, valid UTF-8, without its first n UTF-16 units. The second
// half of a surrogate pair becomes U+FFFD.
func cutUTF16(b []byte, n uint64) []byte {
	for i := 0; i < len(b); i++ {
		if n == 0 && (b[i] < 0x80 || b[i] >= 0xc0) {
			return b[i:]
		}
		switch {
		case b[i] < 0x80:
			n--
		case b[i] >= 0xf0 && n == 1:
			return append([]byte("\uFFFD"), b[i+4:]...)
		case b[i] >= 0xf0:
			n -= 2
		case b[i] >= 0xc0:
			n--
		}
	}
	return nil
}

// An updateReader reads the structs of an update and then its delete set. It
// checks everything that [Validate] promises about a single struct. In
// V1 it neither allocates nor recurses.
type updateReader struct {
	rest lib0.Reader
	v2   *v2Columns // nil: the update is V1
	// wholeInfo keeps flagParentSub where the parent is inherited, and no string
	// follows: documents write it, but merging and comparing clears it in yjs.
	wholeInfo bool

	blocks, structs uint64 // still to come, after this block or in it
	client, clock   uint64 // of the next struct
	fresh           bool   // the last struct read is the first of its block
	started         bool   // the header of the delete set was read
	dsClients       uint64 // still to come
	dsRanges        uint64
	dsClient        uint64
	dsClock         uint64 // V2: the end of the client's previous range
}

// newUpdateReader starts to read update, V1 or V2.
func newUpdateReader(update []byte, format int) (u updateReader, err error) {
	u.rest = lib0.NewReader(update)
	if format == 2 {
		if u.v2, err = newV2Columns(update, &u.rest); err != nil {
			return u, err
		}
	}
	u.blocks, err = u.count(3)
	return u, err
}

// count reads the number of the following things, of at least size bytes each. In V2
// the bytes may be in any column, or in none: runs are free.
func (u *updateReader) count(size uint64) (uint64, error) {
	if u.v2 != nil {
		return u.rest.Uint()
	}
	return u.rest.Count(size)
}

// next reads the next struct into s; ok is false at the start of the delete set.
func (u *updateReader) next(s *wireStruct) (ok bool, err error) {
	u.fresh = false
	for u.structs == 0 {
		if u.blocks == 0 {
			return false, nil
		}
		u.fresh = true
		if err := u.block(); err != nil {
			return false, err
		}
	}
	u.structs--
	if u.v2 != nil {
		if err := u.v2.spend(); err != nil {
			return false, err
		}
	}
	s.client, s.clock = u.client, u.clock
	if err := u.readStruct(s); err != nil {
		return false, err
	}
	if s.length == 0 {
		return false, u.rest.Fail("struct of length 0")
	}
	if s.end() > maxClock {
		return false, u.rest.Fail("clock above 2^31-1")
	}
	u.clock = s.end()
	return true, nil
}

func (u *updateReader) block() (err error) {
	u.blocks--
	if u.structs, err = u.count(2); err != nil {
		return err
	}
	if u.client, err = u.readClient(); err != nil {
		return err
	}
	u.clock, err = u.rest.Uint()
	if err == nil && u.clock > maxClock {
		err = u.rest.Fail("clock above 2^31-1")
	}
	return err
}

func (u *updateReader) readStruct(s *wireStruct) (err error) {
	if s.info, err = u.readInfo(); err != nil {
		return err
	}
	start := u.rest.Pos()
	s.tail = nil
	switch s.ref() {
	case refGC:
		s.length, err = u.readLength()
	case refSkip:
		s.length, err = u.rest.Uint()
	default:
		if err = u.readPlace(s); err == nil {
			err = u.readContent(s)
		}
	}
	if err != nil {
		return err
	}
	if (s.ref() == refGC || s.ref() == refSkip) && s.info != s.ref() {
		return u.rest.Fail("GC or Skip with flags")
	}
	if u.v2 == nil {
		s.tail = u.rest.Since(start)
	}
	return nil
}

// readPlace reads the origins of an item, or its parent if it has none.
func (u *updateReader) readPlace(s *wireStruct) (err error) {
	if s.info&flagOrigin != 0 {
		if s.origin, err = u.readLeftID(s); err != nil {
			return err
		}
	}
	if s.info&flagRightOrigin != 0 {
		if s.rightOrigin, err = u.readRightID(s); err != nil {
			return err
		}
	}
	if s.info&(flagOrigin|flagRightOrigin) != 0 {
		if !u.wholeInfo {
			s.info &^= flagParentSub
		}
		return nil
	}
	if s.parentIsRoot, err = u.readParentIsRoot(); err != nil {
		return err
	}
	if s.parentIsRoot {
		s.root, err = u.readString()
	} else {
		s.parent, err = u.readLeftID(s)
	}
	if err == nil && s.info&flagParentSub != 0 {
		s.sub, err = u.readString()
	}
	return err
}

func (u *updateReader) readContent(s *wireStruct) (err error) {
	s.length = 1
	switch s.ref() {
	case refDeleted:
		s.length, err = u.readLength()
	case refJSON:
		s.length, s.content, err = u.readJSONElements()
	case refBinary:
		s.content, err = u.rest.Bytes()
	case refString:
		if s.content, err = u.readString(); err == nil {
			s.length = uint64(lib0.UTF16Len(s.content))
		}
	case refEmbed:
		err = u.readValue(s)
	case refFormat:
		if s.name, err = u.readKey(); err == nil {
			err = u.readValue(s)
		}
	case refType:
		err = u.readType(s)
	case refAny:
		s.length, s.content, err = u.readAnyElements()
	case refDoc:
		if s.name, err = u.readString(); err == nil {
			s.content, err = u.readAny()
		}
	default:
		err = u.rest.Fail("unknown content ref")
	}
	return err
}

func (u *updateReader) readType(s *wireStruct) (err error) {
	if s.typeRef, err = u.readTypeRef(); err != nil {
		return err
	}
	switch {
	case s.typeRef > maxTypeRef:
		return u.rest.Fail("unknown type ref")
	case s.typeRef == typeXMLElement || s.typeRef == typeXMLHook:
		s.name, err = u.readKey()
	}
	return err
}

// readValue reads the value of an embed or a format.
func (u *updateReader) readValue(s *wireStruct) (err error) {
	s.valueIsAny = u.v2 != nil
	if s.valueIsAny {
		s.content, err = u.readAny()
		return err
	}
	if s.content, err = u.rest.String(); err != nil {
		return err
	}
	return u.checkJSON(s.content)
}

// checkJSON checks the JSON text that was just read.
func (u *updateReader) checkJSON(text []byte) error {
	if err := lib0.SkipJSON(text); err != nil {
		return fmt.Errorf("in the string before byte %d: %w", u.rest.Pos(), err)
	}
	return nil
}

func (u *updateReader) readAny() ([]byte, error) {
	start := u.rest.Pos()
	err := u.rest.SkipAny()
	return u.rest.Since(start), err
}

func (u *updateReader) readAnyElements() (n uint64, elements []byte, err error) {
	if n, err = u.readLength(); err != nil {
		return 0, nil, err
	}
	start := u.rest.Pos()
	for range n {
		if err := u.rest.SkipAny(); err != nil {
			return 0, nil, err
		}
	}
	return n, u.rest.Since(start), nil
}

// readJSONElements reads the elements of a JSON content: JSON texts, or the word
// undefined.
func (u *updateReader) readJSONElements() (n uint64, elements []byte, err error) {
	if n, err = u.readLength(); err != nil {
		return 0, nil, err
	}
	start := u.rest.Pos()
	for range n {
		text, err := u.readString()
		if err != nil {
			return 0, nil, err
		}
		if string(text) != "undefined" {
			if err := u.checkJSON(text); err != nil {
				return 0, nil, err
			}
		}
		if u.v2 != nil {
			elements = lib0.AppendBytes(elements, text)
		}
	}
	if u.v2 == nil {
		elements = u.rest.Since(start)
	}
	return n, elements, nil
}

// ClockRange is the clocks of a client from From up to, not including, To.
type ClockRange struct {
	Client, From, To uint64
}

// nextDelete reads the next range of the delete set, after next has reported
// the end of the structs; ok is false at its end, and there the update must end.
func (u *updateReader) nextDelete() (d ClockRange, ok bool, err error) {
	if !u.started {
		u.started = true
		if u.dsClients, err = u.rest.Count(2); err != nil {
			return d, false, err
		}
	}
	for u.dsRanges == 0 {
		if u.dsClients == 0 {
			return d, false, u.checkEnd()
		}
		u.dsClients--
		if u.dsClient, err = u.rest.Uint(); err != nil {
			return d, false, err
		}
		if u.dsRanges, err = u.rest.Count(2); err != nil {
			return d, false, err
		}
		u.dsClock = 0
	}
	u.dsRanges--
	clock, err := u.rest.Uint()
	if err != nil {
		return d, false, err
	}
	length, err := u.rest.Uint()
	if err != nil {
		return d, false, err
	}
	if u.v2 != nil {
		clock += u.dsClock
		length++
		u.dsClock = clock + length
	}
	if length == 0 {
		return d, false, u.rest.Fail("delete range of length 0")
	}
	if clock+length > maxClock {
		return d, false, u.rest.Fail("clock above 2^31-1")
	}
	return ClockRange{u.dsClient, clock, clock + length}, true, nil
}

// blocksAtMost returns how many blocks the update may have, as far as the first bytes
// show.
func (u *updateReader) blocksAtMost() int {
	return int(min(u.blocks, uint64(u.rest.Len())/3))
}

func (u *updateReader) checkEnd() error {
	if u.rest.Len() > 0 {
		return u.rest.Fail("bytes after the update")
	}
	return nil
}

// readDeletes appends the delete set of u. next must have read all structs.
func (u *updateReader) readDeletes(ds []deleteRange) ([]deleteRange, error) {
	for {
		d, ok, err := u.nextDelete()
		if err != nil || !ok {
			return ds, err
		}
		if u.dsRanges > 64 && cap(ds)-len(ds) <= int(u.dsRanges) {
			ds = slices.Grow(ds, int(u.dsRanges)+1) // counted: each takes two bytes
		}
		ds = append(ds, deleteRange{d.Client, int32(d.From), int32(d.To - d.From)})
	}
}
