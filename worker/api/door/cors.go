package door

import (
	"net/url"
	"slices"
	"strings"

	"tidemark/shared/web"
)

// AllowOrigin lets pages of other origins read the response. A browser never sends
// a token on its own, so any origin is a sane default.
func (d *Door) AllowOrigin(h *web.Header, r *web.Request) {
	origin := "*"
	if d.Settings.Origins != nil {
		h.Add("Vary", "origin")
		if origin = r.Header.Get("Origin"); !slices.Contains(d.Settings.Origins, origin) {
			return
		}
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "date, retry-after, www-authenticate, etag, location, x-merged-concurrent-fields, x-request-id")
}

// permitOrigin rejects a WebSocket of a page whose origin may not call. A browser
// lets any page open a WebSocket and read its messages, whatever CORS headers say.
// The server's own pages may connect, and clients that are no page and send no origin.
func (d *Door) permitOrigin(r *web.Request) error {
	if !IsUpgrade(r) || d.Settings.Origins == nil || OwnOrigin(r) || slices.Contains(d.Settings.Origins, r.Header.Get("Origin")) {
		return nil
	}
	return Fail(Forbidden, "Pages of this origin may not connect: see CORS_ORIGINS")
}

// OwnOrigin reports whether the request comes from a page of this server, or from
// no page.
func OwnOrigin(r *web.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	origin, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && (origin.Scheme == "http" || origin.Scheme == "https") && strings.EqualFold(origin.Host, r.Host)
}

// Preflight is the response to the request that a browser sends before a JSON POST
// or a request with the header authorization. It allows the section's methods and
// every header that the browser asks for: a token lets a request in, and no header
// beside it does harm. Fetch standard, CORS protocol.
func (s *Section) Preflight(c *Call) {
	s.find(c) // for the name of the route
	headers := "content-type, authorization"
	if s.Headers != "" {
		headers += ", " + s.Headers
	}
	if asked := c.R.Header.Get("Access-Control-Request-Headers"); asked != "" {
		headers += ", " + asked
	}
	h := c.W.Header()
	h.Set("Access-Control-Allow-Methods", strings.Join(s.methods(), ","))
	h.Set("Access-Control-Allow-Headers", headers)
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Vary", "origin")
	c.W.WriteHeader(web.StatusNoContent)
}
