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
		o := &observed{ResponseWriter: rw, status: http.StatusOK, start: w.clock.Now()}
		o.identify(r)
		defer o.end(w, r) // also if the connection is aborted
		next.ServeHTTP(o, r)
	})
}

// identify makes the header of r, and of the response, hold a valid id of the request. Of
// r, a traceparent that is not valid is removed.
func (o *observed) identify(r *http.Request) {
	if ids := r.Header[abi.RequestIDHeader]; len(ids) == 1 && abi.ValidRequestID(ids[0]) {
		o.id[0] = ids[0]
	} else {
		o.id[0] = NewRequestID()
		r.Header[abi.RequestIDHeader] = o.id[:]
	}
	o.ResponseWriter.Header()[abi.RequestIDHeader] = o.id[:]
	if parents := r.Header[abi.TraceparentHeader]; len(parents) == 1 && abi.ValidTraceparent(parents[0]) {
		o.parent = parents[0]
	} else if parents != nil {
		delete(r.Header, abi.TraceparentHeader)
	}
}

// end counts the request, and logs it. It makes the record itself, as slog.Logger would look for
// the line of this code.
func (o *observed) end(w *Worker, r *http.Request) {
	now := w.clock.Now()
	took := now.Sub(o.start)
	w.metrics.Request(o.route, r.Method, o.status, now, took)
	log := w.log.Handler()
	if !log.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	record := slog.NewRecord(now, slog.LevelInfo, "request", 0)
	record.AddAttrs(slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", o.status),
		slog.Int64("bytes", o.bytes), slog.Float64("duration_ms", float64(took.Microseconds())/1e3), slog.String("request_id", o.id[0]))
	if o.parent != "" {
		record.AddAttrs(slog.String("traceparent", o.parent))
	}
	log.Handle(r.Context(), record)
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

// An observed is a response, of which Observe notes what it counts and logs.
type observed struct {
	http.ResponseWriter
	start  time.Time
	id     [1]string
	parent string // a valid traceparent, or ""
	route  string
	status int
	bytes  int64
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
