package door

import (
	"bytes"
	"errors"
	"net/url"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/web"
)

// SmallBytes is how long a body may be that holds a few values.
const SmallBytes = 64 << 10

// errEncoded refuses a body that is compressed. RFC 9110, 15.5.16.
var errEncoded = Fail(UnsupportedMediaType, "The server takes no body with a content-encoding: send it uncompressed, without that header").
	With("Accept-Encoding", "identity")

// Query returns the parameters of a URL. Text that is not URL-encoded stands for
// itself: net/url would leave it out, and a pull without its input is a first pull.
// URL standard, 5.1.
func Query(r *web.Request) url.Values {
	decode := func(text string) string {
		if plain, err := url.QueryUnescape(text); err == nil {
			return plain
		}
		return text
	}
	query := url.Values{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		query.Add(decode(name), decode(value))
	}
	return query
}

// ReadJSON is ReadBody of JSON, without the byte order mark that may stand before it.
func (c *Call) ReadJSON(limit int64) ([]byte, error) {
	b, err := c.ReadBody(limit)
	return bytes.TrimPrefix(b, []byte("\ufeff")), err
}

// ReadBody reads a body of at most limit bytes, and of at most
// LIMIT_BODY_BYTES. Call it after everything that the request's head says has been
// checked: in the guest no byte of the body is taken before. It waits for the memory
// that the request takes. It returns *web.MaxBytesError, io.ErrUnexpectedEOF or
// os.ErrDeadlineExceeded, which Explain knows.
func (c *Call) ReadBody(limit int64) ([]byte, error) {
	r := c.R
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, errEncoded
	}
	limit = min(limit, int64(c.Settings.BodyBytes))
	if r.ContentLength > limit {
		return nil, &web.MaxBytesError{Limit: limit}
	}
	if r.ContentLength == 0 {
		return nil, nil
	}
	b, err := readSmall(r, limit)
	if err == errLonger {
		if err := holdBody(r.Context(), r.ContentLength, limit); err != nil {
			return nil, err
		}
		b, err = r.Body.ReadWhole(limit)
	}
	if err != nil {
		return nil, err
	}
	keepBody(r.Context(), b)
	return b, nil
}

// errLonger says that readSmall did not read the body.
var errLonger = errors.New("the body is announced, or longer")

// readSmall reads a body of unknown length if it is short. Most such
// bodies are. A slow one must not hold the memory of the longest meanwhile.
func readSmall(r *web.Request, limit int64) ([]byte, error) {
	if r.ContentLength >= 0 || limit <= abi.BodyKept {
		return nil, errLonger
	}
	if err := holdBody(r.Context(), abi.BodyKept, limit); err != nil {
		return nil, err
	}
	b, err := r.Body.ReadWhole(abi.BodyKept)
	var longer *web.MaxBytesError
	if errors.As(err, &longer) {
		return nil, errLonger
	}
	return b, err
}
