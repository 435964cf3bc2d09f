package api

import (
	"net/http"
	"slices"
	"strings"

	"tidemark/shared/trpc"
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

// permitOrigin refuses a WebSocket of a page whose origin may not call. A browser
// lets any page open one and read what comes, whatever CORS headers say. The
// server's own pages may, and who is no page, and says no origin.
func (s *server) permitOrigin(r *http.Request) error {
	if !isUpgrade(r) || s.Settings.Origins == nil || ownOrigin(r) || slices.Contains(s.Settings.Origins, r.Header.Get("Origin")) {
		return nil
	}
	return &trpc.Error{Code: trpc.Forbidden, Message: "Pages of this origin may not connect: see CORS_ORIGINS"}
}

// preflight answers what a browser asks before a JSON POST or a request with
// the header authorization. It allows the headers that the browser asks for: a token
// is what lets a request in, and no header beside it does harm. Fetch standard, CORS protocol.
func preflight(w http.ResponseWriter, r *http.Request) {
	methods, headers := "GET,POST,OPTIONS", "content-type, authorization, trpc-accept, x-trpc-source"
	if strings.HasPrefix(r.URL.Path, "/api/v1/") || strings.HasPrefix(r.URL.Path, yjsRoot) {
		methods = "GET,POST,PATCH,DELETE,OPTIONS"
		headers = "content-type, authorization, x-base-version, if-match, if-none-match"
	}
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		headers += ", " + asked
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", headers)
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Vary", "origin")
	w.WriteHeader(http.StatusNoContent)
}
