//go:build !js

// Package webtest serves a guest's handler by net/http, for the tests that run it without a host.
package webtest

import (
	"errors"
	"io"
	"net/http"

	"tidemark/shared/web"
)

// A Handler serves a guest's handler.
type Handler struct{ Of web.Handler }

func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { Func(h.Of.ServeHTTP)(w, r) }

// Func returns a guest's function as one of net/http.
func Func(serve func(web.ResponseWriter, *web.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		to := &writer{to: w, from: r}
		serve(to, Request(r))
		to.WriteHeader(http.StatusOK)
	}
}

// Native returns what Func got, with the header that the guest set, for one who ends the
// exchange in another way than by a response, such as a WebSocket.
func Native(w web.ResponseWriter) (http.ResponseWriter, *http.Request) {
	to := w.(*writer)
	to.setHeader()
	return to.to, to.from
}

// Request returns a request as the guest gets it.
func Request(r *http.Request) *web.Request {
	to := &web.Request{Method: r.Method, URL: r.URL, Host: r.Host, ContentLength: r.ContentLength, RemoteAddr: r.RemoteAddr}
	for name, values := range r.Header {
		for _, value := range values {
			to.Header.Add(name, value)
		}
	}
	switch b := r.Body.(type) {
	case nil:
	case web.Body:
		to.Body = b
	default:
		to.Body = &body{from: b, length: r.ContentLength}
	}
	return to.WithContext(r.Context())
}

// A body reads a body of net/http as a host does.
type body struct {
	from   io.Reader
	length int64
	read   []byte
}

func (b *body) ReadWhole(limit int64) ([]byte, error) {
	if b.read == nil && b.length > 0 {
		b.read = make([]byte, 0, b.length+1)
	}
	for int64(len(b.read)) <= limit {
		if len(b.read) == cap(b.read) {
			b.read = append(b.read, 0)[:len(b.read)]
		}
		n, err := b.from.Read(b.read[len(b.read):cap(b.read)])
		b.read = b.read[:len(b.read)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if int64(len(b.read)) > limit {
		return nil, &web.MaxBytesError{Limit: limit}
	}
	return b.read, nil
}

// A writer sends the header when it ends.
type writer struct {
	to     http.ResponseWriter
	from   *http.Request
	header web.Header
	sent   bool
}

func (w *writer) Header() *web.Header { return &w.header }

func (w *writer) setHeader() {
	w.sent = true
	for _, field := range w.header {
		w.to.Header().Add(field[0], field[1])
	}
}

func (w *writer) WriteHeader(status int) {
	if !w.sent {
		w.setHeader()
		w.to.WriteHeader(status)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.to.Write(b)
}

// SetRoute does nothing: no host counts the request.
func (w *writer) SetRoute(string) {}
