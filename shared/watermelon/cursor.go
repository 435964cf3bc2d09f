package watermelon

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
)

// appendCursor appends a position as a client carries it: text that is opaque to it.
func appendCursor(dst []byte, c *record.Position, signature uint64) []byte {
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
	return base64.RawURLEncoding.AppendEncode(dst, b)
}

// checksum binds a cursor to its pull. It is no secret: a forged cursor returns
// nothing that a pull does not return.
func checksum(b []byte, signature uint64) uint64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, signature))
	h.Write(b)
	return h.Sum64()
}

// parseCursor is the inverse of appendCursor.
func parseCursor(text string, signature uint64) (*record.Position, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 9 || binary.LittleEndian.Uint64(b) != checksum(b[8:], signature) || b[8] > 1 {
		return nil, false
	}
	c := &record.Position{Replacement: b[8] == 1}
	b = b[9:]
	var n [4]int64
	for i := range n {
		v, size := binary.Varint(b)
		if size <= 0 || v < -1 || v > ijson.MaxInteger {
			return nil, false
		}
		n[i], b = v, b[size:]
	}
	c.Since, c.AsOf, c.Stamp, c.Table = record.Stamp(n[0]), record.Stamp(n[1]), record.Stamp(n[2]), n[3]
	if len(b) > 0 && !record.ValidID(b, maxIDBytes) {
		return nil, false
	}
	c.ID = string(b)
	return c, true
}
