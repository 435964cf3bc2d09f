//go:build !js

package edge

import (
	"bufio"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"tidemark/shared/abi"
)

// Observe returns a handler that gives each request an id, which its response and the guest get,
// counts it, and logs one line for it. The line leaves out the query, which may hold a ticket.
// It belongs around all that responds to requests. Of next, SetRoute says the route.
func (w *Worker) Observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := identify(r)
		o := &observed{ResponseWriter: rw, status: http.StatusOK}
		rw.Header()[abi.RequestIDHeader] = r.Header[abi.RequestIDHeader]
		defer func() { // also if the connection is aborted
			took := time.Since(start)
			w.metrics.Request(o.route, r.Method, o.status, took)
			attrs := [...]slog.Attr{
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", o.status),
				slog.Int64("bytes", o.bytes), slog.Float64("duration_ms", float64(took.Microseconds())/1e3), slog.String("request_id", id), {},
			}
			n := len(attrs) - 1
			if parent := r.Header.Get(abi.TraceparentHeader); parent != "" {
				attrs[n] = slog.String("traceparent", parent)
				n++
			}
			w.log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs[:n]...)
		}()
		next.ServeHTTP(o, r)
	})
}

// identify makes the header of r hold a valid id of the request, and a valid traceparent or none.
func identify(r *http.Request) (id string) {
	if id = r.Header.Get(abi.RequestIDHeader); len(r.Header[abi.RequestIDHeader]) != 1 || !abi.ValidRequestID(id) {
		id = NewRequestID()
		r.Header[abi.RequestIDHeader] = []string{id}
	}
	if parents := r.Header[abi.TraceparentHeader]; len(parents) > 0 && (len(parents) != 1 || !abi.ValidTraceparent(parents[0])) {
		delete(r.Header, abi.TraceparentHeader)
	}
	return id
}

// NewRequestID returns 128 random bits.
func NewRequestID() string {
	const digits = "0123456789abcdef"
	var b [32]byte
	for half := range 2 {
		bits := rand.Uint64()
		for i := range 16 {
			b[16*half+i] = digits[bits>>(4*i)&15]
		}
	}
	return string(b[:])
}

// SetRoute notes the pattern of a request's route for Observe. It must be one of few.
func SetRoute(rw http.ResponseWriter, pattern string) {
	for {
		switch w := rw.(type) {
		case *observed:
			w.route = pattern
			return
		case interface{ Unwrap() http.ResponseWriter }:
			rw = w.Unwrap()
		default:
			return
		}
	}
}

// An observed is a response of which Observe notes the status, the length of the body and the route.
type observed struct {
	http.ResponseWriter
	status int
	bytes  int64
	route  string
}

func (o *observed) WriteHeader(status int) {
	o.status = status
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(b []byte) (int, error) {
	n, err := o.ResponseWriter.Write(b)
	o.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// Hijack is for WebSockets.
func (o *observed) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(o.ResponseWriter).Hijack()
}
