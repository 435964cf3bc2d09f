package ijson

import (
	"bytes"
	"iter"
)

// Pieces is a JSON text in pieces, in their order. It may make a piece when it
// is asked for it, and overwrite it with the next one: so a large text is never
// in memory as a whole. Nil is no text.
type Pieces iter.Seq[[]byte]

// Whole is the text b in one piece, or nil if b is empty.
func Whole(b []byte) Pieces {
	if len(b) == 0 {
		return nil
	}
	return func(yield func([]byte) bool) { yield(b) }
}

// Bytes joins the pieces.
func (p Pieces) Bytes() []byte {
	var b bytes.Buffer
	if p != nil {
		p(func(piece []byte) bool { b.Write(piece); return true })
	}
	return b.Bytes()
}
