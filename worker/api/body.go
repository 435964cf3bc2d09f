package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/trpc"
)

// smallBytes is how long a body may be that holds a few values.
const smallBytes = 64 << 10

// errEncoded refuses a body that is compressed. RFC 9110, 15.5.16.
var errEncoded = &failure{
	trpc.Error{Code: trpc.UnsupportedMediaType, Message: "The server takes no body with a content-encoding: send it uncompressed, without that header"},
	"Accept-Encoding", "identity",
}

// readJSON is readBody of JSON, without the byte order mark that may stand before it.
func (s *server) readJSON(r *http.Request, limit int64) ([]byte, error) {
	b, err := s.readBody(r, limit)
	return bytes.TrimPrefix(b, []byte("\ufeff")), err
}

// readBody reads a body of at most limit bytes, and of at most
// LIMIT_BODY_BYTES. It is called when everything that the request's head says
// has been checked, and waits for the memory that the request takes: in the guest
// no byte of the body is taken before. It returns *http.MaxBytesError,
// io.ErrUnexpectedEOF or os.ErrDeadlineExceeded, which explain knows.
func (s *server) readBody(r *http.Request, limit int64) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, errEncoded
	}
	limit = min(limit, s.Settings.BodyBytes)
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	if r.ContentLength == 0 {
		return nil, nil
	}
	b, err := readSmall(r, limit)
	if err == errLonger {
		if err := holdBody(r.Context(), r.ContentLength, limit); err != nil {
			return nil, err
		}
		b, err = readWhole(r, limit)
	}
	if err != nil {
		return nil, err
	}
	keepBody(r.Context(), b)
	return b, nil
}

// errLonger says that readSmall left the body.
var errLonger = errors.New("the body is longer, or not the guest's")

// readSmall reads, in the guest, a body that announces no length, if it is not long. Most
// are not, and while one comes slowly it must not hold the memory of the longest.
func readSmall(r *http.Request, limit int64) ([]byte, error) {
	body, ok := r.Body.(interface{ ReadWhole(int64) ([]byte, error) })
	if !ok || r.ContentLength >= 0 || limit <= abi.BodyKept {
		return nil, errLonger
	}
	if err := holdBody(r.Context(), abi.BodyKept, limit); err != nil {
		return nil, err
	}
	b, err := body.ReadWhole(abi.BodyKept)
	var longer *http.MaxBytesError
	if errors.As(err, &longer) {
		return nil, errLonger
	}
	return b, err
}

// trustedBytes is how much is set aside for a body before any of it came.
const trustedBytes = 64 << 10

// readWhole reads the body: in the guest at once, elsewhere piece by piece. The
// length that a client claims is believed, and set aside, once a part of it has come.
func readWhole(r *http.Request, limit int64) ([]byte, error) {
	if body, ok := r.Body.(interface{ ReadWhole(int64) ([]byte, error) }); ok {
		return body.ReadWhole(limit)
	}
	reader := http.MaxBytesReader(nil, r.Body, limit)
	b := make([]byte, 0, min(max(r.ContentLength, 0), trustedBytes)+512)
	for {
		n, err := reader.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if n := int64(len(b)); n == int64(cap(b)) {
			b = append(make([]byte, 0, max(2*n, min(r.ContentLength+512, 16*n))), b...)
		}
	}
}
