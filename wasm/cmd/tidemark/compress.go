//go:build !js

package main

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

const (
	// leastCompressed is how long an answer is at least that is compressed.
	leastCompressed = 1 << 10
	// compressionLevel is of 1 to 9; RATIONALE.md has what it costs.
	compressionLevel = 1
	// compressedTag is added to the ETag of an answer that is compressed, as its bytes
	// are others. RFC 9110, 8.8.3.3.
	compressedTag = "-gzip"

	acceptEncoding = "Accept-Encoding"
)

// compress compresses the answers of next for clients that take gzip: those of text,
// if they are not small. What is flushed leaves at once.
func compress(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(leastCompressed), gzhttp.CompressionLevel(compressionLevel),
		gzhttp.ContentTypeFilter(compressible), gzhttp.SuffixETag(compressedTag), gzhttp.SetContentType(false))
	if err != nil {
		return nil, err
	}
	compressed := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&varyWriter{w}, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			next.ServeHTTP(w, r)
			return
		}
		for _, name := range []string{"If-Match", "If-None-Match"} {
			for i, tags := range r.Header[name] {
				r.Header[name][i] = strings.ReplaceAll(tags, compressedTag+`"`, `"`)
			}
		}
		compressed(w, r)
	}), nil
}

// A varyWriter names last that the encoding varies, which gzhttp names first: a client
// that reads one line of Vary gets that of the guest.
type varyWriter struct{ http.ResponseWriter }

func (w *varyWriter) WriteHeader(status int) {
	if vary := w.Header()["Vary"]; len(vary) > 1 && vary[0] == acceptEncoding {
		copy(vary, vary[1:])
		vary[len(vary)-1] = acceptEncoding
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *varyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// compressible reports whether a content type is a text's: JSON, the demo's files.
// Yjs updates are not.
func compressible(contentType string) bool {
	mediaType, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	for _, part := range []string{"text/", "json", "javascript", "xml"} {
		if strings.Contains(mediaType, part) {
			return true
		}
	}
	return false
}
