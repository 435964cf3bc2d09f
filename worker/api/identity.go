package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/session"
	"tidemark/shared/trpc"
)

// Protocol is the WebSocket subprotocol that a client offers before its token,
// as in new WebSocket(url, ["tidemark", token]), and that is answered.
const Protocol = "tidemark"

// identify says who asks, by Authorization: Bearer TOKEN. A WebSocket, for
// which a browser cannot set that header, may bring instead, and in this order
// of precedence, a ticket as ?ticket=, the token as the subprotocol that
// follows Protocol, or the token as ?token=.
func (s *server) identify(r *http.Request) (auth.Identity, error) {
	if s.Settings.Problem != "" {
		return auth.Identity{}, &trpc.Error{Code: trpc.ServiceUnavailable, Message: s.Settings.Problem}
	}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return auth.Identity{}, unauthorized(`Bearer`, "The header authorization must be: Bearer TOKEN")
		}
		return s.verify(strings.TrimSpace(token))
	}
	if isUpgrade(r) {
		query := r.URL.Query()
		if ticket := query.Get("ticket"); ticket != "" {
			return s.redeem(r.Context(), ticket)
		}
		if offered := protocols(r); len(offered) == 2 && offered[0] == Protocol {
			return s.verify(offered[1])
		}
		if token := query.Get("token"); token != "" {
			return s.verify(token)
		}
	}
	return auth.Identity{}, unauthorized(`Bearer`, "A token is needed, in the header authorization: Bearer TOKEN")
}

func (s *server) verify(token string) (auth.Identity, error) {
	now := s.Now()
	s.mu.Lock()
	id, ok := s.cache.Get(token, now)
	s.mu.Unlock()
	if ok {
		return id, nil
	}
	id, err := s.verifier.Verify(token, now)
	if err != nil {
		return auth.Identity{}, unauthorized(`Bearer error="invalid_token"`, err.Error())
	}
	s.mu.Lock()
	s.cache.Put(token, id)
	s.mu.Unlock()
	return id, nil
}

func unauthorized(challenge, message string) error {
	return &failure{trpc.Error{Code: trpc.Unauthorized, Message: message}, "WWW-Authenticate", challenge}
}

// permit refuses an identity without the permission. RFC 6750, 3.1.
func permit(id auth.Identity, p auth.Permission) error {
	if id.Scope.Allows(p) {
		return nil
	}
	return &failure{
		trpc.Error{Code: trpc.Forbidden, Message: fmt.Sprintf("The token's scope lacks %s", p)},
		"WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s"`, p),
	}
}

// spend counts n requests of a subject.
func (s *server) spend(id auth.Identity, n int) error {
	now := s.Now()
	s.mu.Lock()
	ok, wait := s.rate.Take(id.Subject, n, now)
	s.mu.Unlock()
	if ok {
		return nil
	}
	seconds := int(wait.Seconds() + 0.999)
	return &failure{
		trpc.Error{Code: trpc.TooManyRequests, Message: fmt.Sprintf("At most %d requests per minute, ask again in %d s", s.Settings.RequestsPerMinute, seconds)},
		"Retry-After", fmt.Sprint(seconds),
	}
}

// sessionOf is what a room is told of who opens a socket.
func sessionOf(id auth.Identity) session.Session {
	return session.Session{
		Subject: session.MarkOf(id.Subject), Token: session.MarkOf(id.ID), Issued: id.Issued, Expires: id.Expires,
	}
}

// isUpgrade knows a WebSocket's opening handshake. RFC 6455, 4.2.1.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func protocols(r *http.Request) []string {
	offered := strings.Split(strings.Join(r.Header.Values("Sec-Websocket-Protocol"), ","), ",")
	for i := range offered {
		offered[i] = strings.TrimSpace(offered[i])
	}
	return offered
}

// protocol is the subprotocol to answer an upgrade with, "" for none.
func protocol(r *http.Request) string {
	if slices.Contains(protocols(r), Protocol) {
		return Protocol
	}
	return ""
}
