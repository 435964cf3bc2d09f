package abi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A Statement is one SQL statement and its arguments, ?1 first. An argument is
// nil, an int, an int64, a float64, a string, a Text or a []byte (a blob).
// Every number arrives as REAL, as it does on D1: cast where it matters.
type Statement struct {
	SQL  string
	Args []any
}

// Text is a text argument or cell as bytes, which saves a copy.
type Text []byte

// A Result is the outcome of one statement: its rows, and how many rows it changed.
// A cell is nil, a float64, a Text or a []byte. Text and []byte are views into the
// decoded frame.
type Result struct {
	Changes int
	Columns []string
	Rows    [][]any
}

const (
	tagNull   = 0
	tagNumber = 1 // f64
	tagText   = 2 // u32 length, UTF-8
	tagBlob   = 3 // u32 length, bytes
	tagFar    = 4 // added to the last two: u32 address instead of the bytes
)

// FarBytes is the length from which an argument may stay in the guest's memory.
const FarBytes = 4 << 10

// ErrFrame is a frame that is cut short or malformed.
var ErrFrame = errors.New("abi: malformed frame")

// AppendStatements appends u32 count, then for each statement its SQL as a
// text, u32 number of arguments and the arguments. Integers are little endian.
// If far is not nil, a Text or []byte of at least FarBytes stays where it is: the
// frame holds its length, and the address that far returns.
func AppendStatements(b []byte, statements []Statement, far func([]byte) uint32) ([]byte, error) {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(statements)))
	for _, s := range statements {
		b = AppendText(b, s.SQL)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s.Args)))
		var err error
		if b, err = appendValues(b, s.Args, far); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// DecodeStatements is the inverse of AppendStatements. Numbers come as float64,
// texts as Text. For an argument that stayed where it is, DecodeStatements calls near,
// which returns the n bytes at an address. Without near such a frame is malformed.
func DecodeStatements(b []byte, near func(address, n uint32) []byte) ([]Statement, error) {
	r := reader{b: b, near: near}
	n := r.count(8)
	statements := make([]Statement, 0, n)
	for range n {
		s := Statement{SQL: string(r.text())}
		s.Args = r.values(r.count(1))
		statements = append(statements, s)
	}
	if r.failed || len(r.b) != 0 {
		return nil, ErrFrame
	}
	return statements, nil
}

// AppendResults appends u32 count, then for each result f64 changes, u32
// columns and their names as texts, u32 rows and their cells, row by row.
func AppendResults(b []byte, results []Result) ([]byte, error) {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(results)))
	for _, res := range results {
		b = appendFloat(b, float64(res.Changes))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(res.Columns)))
		for _, c := range res.Columns {
			b = AppendText(b, c)
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(res.Rows)))
		for _, row := range res.Rows {
			var err error
			if b, err = appendValues(b, row, nil); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// DecodeResults is the inverse of AppendResults; cells are views into b.
func DecodeResults(b []byte) ([]Result, error) { return decodeResults(reader{b: b}) }

// ReadResults is DecodeResults of a frame of n bytes that comes in pieces: next fills
// the slice that it is given with the bytes that follow. Each large cell gets memory of
// its own. A frame in one piece would need one free stretch of memory of its length.
func ReadResults(n int, next func([]byte)) ([]Result, error) {
	return decodeResults(reader{left: n, next: next})
}

func decodeResults(r reader) ([]Result, error) {
	n := r.count(16)
	results := make([]Result, 0, n)
	for range n {
		res := Result{Changes: int(r.float())}
		columns := r.count(4)
		for range columns {
			res.Columns = append(res.Columns, string(r.text()))
		}
		rows := r.count(columns)
		if columns == 0 && rows > 0 {
			return nil, ErrFrame
		}
		res.Rows = make([][]any, 0, rows)
		for range rows {
			res.Rows = append(res.Rows, r.values(columns))
		}
		results = append(results, res)
	}
	if r.failed || r.rest() != 0 {
		return nil, ErrFrame
	}
	return results, nil
}

// AppendText appends u32 length and the bytes.
func AppendText(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// CutText takes a text from the front of a frame; both results are views.
func CutText(b []byte) (text, rest []byte, err error) {
	r := reader{b: b}
	text = r.text()
	if r.failed {
		return nil, nil, ErrFrame
	}
	return text, r.b, nil
}

// AppendPieces appends, for each piece, its u32 length and its u32 address, which far
// returns. They are the rest of the frame.
func AppendPieces(b []byte, pieces [][]byte, far func([]byte) uint32) []byte {
	for _, p := range pieces {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
		b = binary.LittleEndian.AppendUint32(b, far(p))
	}
	return b
}

// JoinPieces returns the bytes of all pieces that AppendPieces appended, one behind
// the other, as a copy. It calls near, which returns the n bytes at an address.
func JoinPieces(b []byte, near func(address, n uint32) []byte) ([]byte, error) {
	r := reader{b: b, near: near}
	var pieces [][]byte
	size := 0
	for len(r.b) > 0 && !r.failed {
		p := r.far()
		pieces = append(pieces, p)
		size += len(p)
	}
	if r.failed {
		return nil, ErrFrame
	}
	joined := make([]byte, 0, size)
	for _, p := range pieces {
		joined = append(joined, p...)
	}
	return joined, nil
}

func appendFloat(b []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
}

func appendBytes(b []byte, tag byte, v []byte, far func([]byte) uint32) []byte {
	if far == nil || len(v) < FarBytes {
		b = binary.LittleEndian.AppendUint32(append(b, tag), uint32(len(v)))
		return append(b, v...)
	}
	b = binary.LittleEndian.AppendUint32(append(b, tag+tagFar), uint32(len(v)))
	return binary.LittleEndian.AppendUint32(b, far(v))
}

func appendValues(b []byte, values []any, far func([]byte) uint32) ([]byte, error) {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, tagNull)
		case int:
			b = appendFloat(append(b, tagNumber), float64(v))
		case int64:
			b = appendFloat(append(b, tagNumber), float64(v))
		case float64:
			b = appendFloat(append(b, tagNumber), v)
		case string:
			b = AppendText(append(b, tagText), v)
		case Text:
			b = appendBytes(b, tagText, v, far)
		case []byte:
			b = appendBytes(b, tagBlob, v, far)
		default:
			return nil, fmt.Errorf("abi: an argument cannot be a %T", v)
		}
	}
	return b, nil
}

// reader reads values from the front of b, and then from the left bytes that next
// returns. After a failure every value is zero.
type reader struct {
	b      []byte
	left   int
	next   func([]byte)
	near   func(address, n uint32) []byte
	failed bool
}

// rest returns how many bytes are unread.
func (r *reader) rest() int { return len(r.b) + r.left }

func (r *reader) fail() { r.failed, r.b, r.left = true, nil, 0 }

// readBytes is how many bytes of a frame fill reads at a time.
const readBytes = 64 << 10

// fill makes b hold at least n bytes. The frame must have as many.
func (r *reader) fill(n int) {
	b := make([]byte, max(n, min(readBytes, r.rest())))
	fresh := b[copy(b, r.b):]
	r.next(fresh)
	r.b, r.left = b, r.left-len(fresh)
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > r.rest() {
		r.fail()
		return nil
	}
	if n > len(r.b) {
		r.fill(n)
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u32() int {
	if b := r.bytes(4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// count reads a number of things that take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.u32()
	if n*max(size, 1) > r.rest() && n > 0 {
		r.fail()
		return 0
	}
	return n
}

func (r *reader) float() float64 {
	if b := r.bytes(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (r *reader) text() []byte { return r.bytes(r.u32()) }

// far takes the length and the address of bytes that are elsewhere.
func (r *reader) far() []byte {
	n, address := r.u32(), r.u32()
	if r.near == nil || r.failed {
		r.fail()
		return nil
	}
	return r.near(uint32(address), uint32(n))
}

func (r *reader) values(n int) []any {
	values := make([]any, 0, n)
	for range n {
		tag := r.bytes(1)
		if tag == nil {
			return nil
		}
		switch tag[0] {
		case tagNull:
			values = append(values, nil)
		case tagNumber:
			values = append(values, r.float())
		case tagText:
			values = append(values, Text(r.text()))
		case tagBlob:
			values = append(values, r.text())
		case tagText + tagFar:
			values = append(values, Text(r.far()))
		case tagBlob + tagFar:
			values = append(values, r.far())
		default:
			r.failed = true
			return nil
		}
	}
	return values
}
