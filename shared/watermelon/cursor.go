package watermelon

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"

	"tidemark/shared/record"
)

// A Cursor is where a page of a pull ended. To clients it is opaque.
//
// A page continues after (Stamp, Table, ID), in that order, with what changed
// after Since and not after AsOf. A replacement is everything that lives, and
// goes by (Table, ID): a row that changes between two pages must be in one of
// them, because the client destroys what it was not sent.
type Cursor struct {
	Since, AsOf record.Stamp
	Replacement bool
	Stamp       record.Stamp
	Table       int64
	ID          string
}

// Text is the cursor as it is sent. signature is Pull.Signature.
func (c *Cursor) Text(signature uint64) string {
	flag := byte(0)
	if c.Replacement {
		flag = 1
	}
	b := append(make([]byte, 8, 64), flag)
	for _, n := range []int64{int64(c.Since), int64(c.AsOf), int64(c.Stamp), c.Table} {
		b = binary.AppendVarint(b, n)
	}
	b = append(b, c.ID...)
	binary.LittleEndian.PutUint64(b, checksum(b[8:], signature))
	return base64.RawURLEncoding.EncodeToString(b)
}

// checksum binds a cursor to what was asked. It is no secret: a forged cursor
// shows nothing that a pull would not.
func checksum(b []byte, signature uint64) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, signature))
	h.Write(b)
	return h.Sum64()
}

func parseCursor(text string, signature uint64) (*Cursor, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 9 || binary.LittleEndian.Uint64(b) != checksum(b[8:], signature) || b[8] > 1 {
		return nil, false
	}
	c := &Cursor{Replacement: b[8] == 1}
	b = b[9:]
	var n [4]int64
	for i := range n {
		v, size := binary.Varint(b)
		if size <= 0 || v < -1 || v > maxStamp {
			return nil, false
		}
		n[i], b = v, b[size:]
	}
	c.Since, c.AsOf, c.Stamp, c.Table = record.Stamp(n[0]), record.Stamp(n[1]), record.Stamp(n[2]), n[3]
	if len(b) > maxIDBytes || !isID(b) {
		return nil, false
	}
	c.ID = string(b)
	return c, true
}
