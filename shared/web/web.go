// Package web has the words of HTTP that the guest needs: a request, a response's writer,
// headers and statuses. The names and their meanings are those of net/http, which a guest has no room for:
// net/http brings TLS, HTTP/2 and the parser of forms into the module, a twelfth of it.
package web

import (
	"context"
	"net/url"
	"strconv"
)

// A Handler serves requests: it writes a response to each.
type Handler interface {
	ServeHTTP(w ResponseWriter, r *Request)
}

// A ResponseWriter takes the response. WriteHeader, or the first Write, ends the header.
type ResponseWriter interface {
	Header() *Header
	WriteHeader(status int)
	Write(b []byte) (int, error)
	// SetRoute tells the host the pattern of the request's route, for its metrics. It never is a path:
	// each pattern is a label for ever.
	SetRoute(pattern string)
}

// A Request is a request that came to the server.
type Request struct {
	Method        string
	URL           *url.URL
	Host          string // of the URL, with a port if there is one
	Header        Header
	Body          Body   // nil: there is none
	ContentLength int64  // -1: not announced
	RemoteAddr    string // the client's address; "": unknown
	ctx           context.Context
}

// Context returns the context of the request's call.
func (r *Request) Context() context.Context {
	if r.ctx == nil {
		return context.Background()
	}
	return r.ctx
}

// WithContext returns a copy of the request with another context.
func (r *Request) WithContext(ctx context.Context) *Request {
	with := *r
	with.ctx = ctx
	return &with
}

// A Body is the body of a request, which stays with the host until ReadWhole.
type Body interface {
	// ReadWhole returns the body, of at most limit bytes. The caller owns it. It returns
	// *MaxBytesError if the body is longer, io.ErrUnexpectedEOF if the client did not send all
	// of it, and os.ErrDeadlineExceeded if the client was too slow.
	ReadWhole(limit int64) ([]byte, error)
}

// A MaxBytesError says that a body is longer than Limit bytes.
type MaxBytesError struct{ Limit int64 }

func (e *MaxBytesError) Error() string {
	return "the body is longer than " + strconv.FormatInt(e.Limit, 10) + " bytes"
}
