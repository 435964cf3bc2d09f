//go:build js && wasm

package host

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"

	"tidemark/shared/abi"
	"tidemark/shared/web"
)

// A body is a request's body. The host keeps it until the handler reads it.
type body struct {
	c      *call
	length int64 // announced; -1: unknown
	taken  bool
	more   bool // it is longer than a small limit, and may be taken with a greater one
	data   []byte
	err    error
}

// ReadWhole does as web.Body says. Later calls return the same as the first one, with one
// exception: a body of unknown length that is longer than a limit of abi.BodyKept or less
// may be read again with a greater limit.
func (b *body) ReadWhole(limit int64) ([]byte, error) {
	if !b.taken || b.more && limit > abi.BodyKept {
		b.taken, b.more = true, false
		limit = min(max(limit, 0), math.MaxInt32)
		frame := binary.LittleEndian.AppendUint32(nil, uint32(limit))
		b.data, b.err = b.c.await(abi.OpBody, frame, nil).take()
		if b.err != nil {
			b.err = bodyError(b.err, limit)
			var tooLarge *web.MaxBytesError
			b.more = b.length < 0 && limit <= abi.BodyKept && errors.As(b.err, &tooLarge)
		}
	}
	return b.data, b.err
}

func bodyError(err error, limit int64) error {
	var failed abi.OpError
	if !errors.As(err, &failed) {
		return err
	}
	switch string(failed) {
	case abi.BodyTooLarge:
		return &web.MaxBytesError{Limit: limit}
	case abi.BodyIncomplete:
		return io.ErrUnexpectedEOF
	case abi.BodySlow:
		return os.ErrDeadlineExceeded
	}
	return err
}
