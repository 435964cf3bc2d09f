//go:build !js

package main

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// logged wraps a handler and logs one line for each request. The line leaves out
// the query, which may hold a ticket.
func logged(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		c := &countingWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() { // also if the connection is aborted
			log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", c.status),
				slog.Int64("bytes", c.bytes), slog.Duration("duration", time.Since(start)))
		}()
		next.ServeHTTP(c, r)
	})
}

// A countingWriter stores the status of a response and counts the bytes of its body.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (c *countingWriter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Hijack is for WebSockets.
func (c *countingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(c.ResponseWriter).Hijack()
}
