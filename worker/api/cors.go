package api

import (
	"net/http"
	"slices"
)

// allowOrigin lets pages of other origins read the answer. Credentials are
// never sent by a browser on its own, so any origin is a sane default.
func (s *server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	origin := "*"
	if s.Settings.Origins != nil {
		h.Add("Vary", "origin")
		if origin = r.Header.Get("Origin"); !slices.Contains(s.Settings.Origins, origin) {
			return
		}
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "retry-after, www-authenticate, etag, location, x-merged-concurrent-fields")
}

// preflight answers what a browser asks before a JSON POST or a request with
// the header authorization. Fetch standard, CORS protocol.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET,POST,PATCH,DELETE,OPTIONS")
	h.Set("Access-Control-Allow-Headers", "content-type, authorization, trpc-accept, x-trpc-source, x-base-version, if-match, if-none-match")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Vary", "origin")
	w.WriteHeader(http.StatusNoContent)
}
