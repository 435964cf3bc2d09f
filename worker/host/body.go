//go:build js && wasm

package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net/http"
	"os"

	"tidemark/shared/abi"
)

// A body is a request's body. The host keeps it until the handler reads it.
type body struct {
	c      *call
	length int64 // announced; -1: unknown
	taken  bool
	more   bool // it is longer than a small limit, and may be taken with a greater one
	data   []byte
	err    error
	rest   bytes.Reader // of data, for Read
}

// maxRead is the greatest length of a body that Read accepts.
const maxRead = 64 << 10

// ReadWhole returns the body, of at most limit bytes. The caller owns it. It returns
// *http.MaxBytesError if the body is longer, io.ErrUnexpectedEOF if the client did
// not send all of it, and os.ErrDeadlineExceeded if the client was too slow. Later
// calls return the same as the first one, with one exception: a body of unknown
// length that is longer than a limit of abi.BodyKept or less may be read again with
// a greater limit.
func (b *body) ReadWhole(limit int64) ([]byte, error) {
	if !b.taken || b.more && limit > abi.BodyKept {
		b.taken, b.more = true, false
		limit = min(max(limit, 0), math.MaxInt32)
		frame := binary.LittleEndian.AppendUint32(nil, uint32(limit))
		b.data, b.err = b.c.await(abi.OpBody, frame, nil).take()
		if b.err != nil {
			b.err = bodyError(b.err, limit)
			var tooLarge *http.MaxBytesError
			b.more = b.length < 0 && limit <= abi.BodyKept && errors.As(b.err, &tooLarge)
		}
		b.rest.Reset(b.data)
	}
	return b.data, b.err
}

// Read is for handlers that do not know ReadWhole. It returns an error if the body
// is longer than 64 KB.
func (b *body) Read(p []byte) (int, error) {
	if _, err := b.ReadWhole(maxRead); err != nil {
		return 0, err
	}
	return b.rest.Read(p)
}

func (b *body) Close() error { return nil }

func bodyError(err error, limit int64) error {
	var failed abi.OpError
	if !errors.As(err, &failed) {
		return err
	}
	switch string(failed) {
	case abi.BodyTooLarge:
		return &http.MaxBytesError{Limit: limit}
	case abi.BodyIncomplete:
		return io.ErrUnexpectedEOF
	case abi.BodySlow:
		return os.ErrDeadlineExceeded
	}
	return err
}
