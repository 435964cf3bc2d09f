//go:build js && wasm

package main

import (
	"io"
	"net/textproto"
	"strings"

	"tidemark/shared/web"
)

// routes are the handlers by method, a space and path. Without a method it is any. HEAD is as GET. In a
// path, NAME stands for one segment.
type routes map[string]func(web.ResponseWriter, *web.Request)

func (m routes) ServeHTTP(w web.ResponseWriter, r *web.Request) {
	segments := strings.Split(r.URL.Path, "/")
	if len(segments) > 2 {
		segments[2] = "NAME"
	}
	path := strings.Join(segments, "/")
	method := r.Method
	if method == web.MethodHead {
		method = web.MethodGet
	}
	serve := m[method+" "+path]
	if serve == nil {
		serve = m[path]
	}
	if serve == nil {
		fail(w, "404 page not found", web.StatusNotFound)
		return
	}
	serve(w, r)
}

// roomOf returns NAME in the path.
func roomOf(r *web.Request) string { return strings.Split(r.URL.Path, "/")[2] }

// value returns a parameter of the URL, "" if there is none.
func value(r *web.Request, name string) string { return r.URL.Query().Get(name) }

// fail sends a text with the status of an error.
func fail(w web.ResponseWriter, text string, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// fieldsOf returns the values of a header by their names as net/http writes them.
func fieldsOf(h web.Header) map[string][]string {
	fields := map[string][]string{}
	for _, field := range h {
		name := textproto.CanonicalMIMEHeaderKey(field[0])
		fields[name] = append(fields[name], field[1])
	}
	return fields
}
