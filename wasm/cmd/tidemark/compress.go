//go:build !js

package main

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

const (
	// minCompressed is the length from which a response is compressed.
	minCompressed = 1 << 10
	// compressionLevel is from 1 to 9. RATIONALE.md gives its costs.
	compressionLevel = 1
	// compress appends compressedTag to the ETag of a compressed response, because
	// its bytes differ. RFC 9110, 8.8.3.3.
	compressedTag = "-gzip"

	acceptEncoding = "Accept-Encoding"
)

// compress compresses the responses of next that are text and not small, for
// clients that accept gzip. A flush sends the compressed bytes at once.
func compress(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.CompressionLevel(compressionLevel),
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

// A varyWriter moves gzhttp's line of Vary behind the guest's. So a client that
// reads only the first line of Vary gets the guest's.
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

// compressible reports whether a content type is text, such as JSON or the demo's
// files. Yjs updates are not text.
func compressible(contentType string) bool {
	mediaType, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	for _, part := range []string{"text/", "json", "javascript", "xml"} {
		if strings.Contains(mediaType, part) {
			return true
		}
	}
	return false
}
