package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/abi"
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
	if err := s.permitOrigin(r); err != nil {
		return auth.Identity{}, err
	}
	id, err := s.bearer(r)
	if err == nil {
		err = s.notRevoked(r.Context(), id)
	}
	return id, err
}

func (s *server) bearer(r *http.Request) (auth.Identity, error) {
	if s.Settings.Problem != "" {
		return auth.Identity{}, &trpc.Error{Code: trpc.ServiceUnavailable, Message: s.Settings.Problem}
	}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return auth.Identity{}, unauthorized(`Bearer`, "The header authorization must be: Bearer TOKEN")
		}
		return s.verify(r.Context(), strings.TrimSpace(token))
	}
	if isUpgrade(r) {
		query := r.URL.Query()
		if ticket := query.Get("ticket"); ticket != "" {
			return s.redeem(r.Context(), ticket)
		}
		if offered := protocols(r); len(offered) == 2 && offered[0] == Protocol {
			return s.verify(r.Context(), offered[1])
		}
		if token := query.Get("token"); token != "" {
			return s.verify(r.Context(), token)
		}
	}
	return auth.Identity{}, unauthorized(`Bearer`, "A token is needed, in the header authorization: Bearer TOKEN")
}

// The bounds of what one request does for the keys of an issuer: how often it
// waits for another that fetches them, and how often it asks the verifier again.
const (
	maxWaits   = 120
	maxFetches = 4
)

// verify says whose token it is. The first who brings a token of an issuer whose
// keys are unknown or old fetches them.
func (s *server) verify(ctx context.Context, token string) (auth.Identity, error) {
	for waits, fetches := 0, 0; waits < maxWaits && fetches < maxFetches; {
		id, fetch, err := s.tryVerify(token)
		switch {
		case errors.Is(err, auth.ErrToken):
			return auth.Identity{}, unauthorized(`Bearer error="invalid_token"`, err.Error())
		case err != nil:
			return auth.Identity{}, keysMissing(err)
		case fetch == nil:
			return id, nil
		case fetch.URL == "":
			waits++
			if err := s.Web.Sleep(ctx, fetch.Wait); err != nil {
				return auth.Identity{}, err
			}
		default:
			fetches++
			s.fetchKeys(ctx, fetch)
		}
	}
	return auth.Identity{}, keysMissing(auth.ErrKeys)
}

func (s *server) tryVerify(token string) (id auth.Identity, fetch *auth.Fetch, err error) {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if fetch = s.verifier.Due(now); fetch != nil {
		return id, fetch, nil
	}
	id, ok := s.cache.Get(token, now)
	if ok {
		return id, nil, nil
	}
	id, fetch, err = s.verifier.Verify(token, now)
	if fetch == nil && err == nil {
		s.cache.Put(token, id)
	}
	return id, fetch, err
}

// fetchKeys brings the verifier the keys of an issuer, or why they cannot be had.
func (s *server) fetchKeys(ctx context.Context, fetch *auth.Fetch) {
	for fetch != nil {
		var got auth.Fetched
		answer, err := s.Web.Fetch(ctx, abi.Fetch{
			Request:  abi.Request{Method: http.MethodGet, URL: fetch.URL, Header: [][2]string{{"accept", "application/json"}}},
			Timeout:  fetch.Timeout,
			MaxBytes: fetch.MaxBytes,
		})
		if got.Err = err; err == nil {
			got.Status, got.Body = answer.Status, answer.Body
			got.CacheControl = answer.Get("cache-control")
		}
		now := s.Now()
		s.mu.Lock()
		next, gone, err := s.verifier.Fetched(fetch, got, now)
		if gone {
			s.cache = auth.NewCache(cacheEntries, cacheBytes)
		}
		s.mu.Unlock()
		if err != nil {
			s.Log.Warn("the keys of an issuer were not replaced", "error", err)
		}
		fetch = next
	}
}

// keysMissing tells a client that it may try again later with its token.
func keysMissing(err error) error {
	return &failure{trpc.Error{Code: trpc.ServiceUnavailable, Message: "The token cannot be checked now: " + err.Error()}, "Retry-After", "10"}
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

// owe counts n requests of a subject for work that is done: further ones wait.
func (s *server) owe(id auth.Identity, n int) {
	if n > 0 {
		s.mu.Lock()
		s.rate.Owe(id.Subject, n)
		s.mu.Unlock()
	}
}

// sessionOf is what a room is told of who opens a socket.
func sessionOf(id auth.Identity) session.Session {
	return session.Session{
		Subject: session.MarkOf(id.Subject), Token: session.MarkOf(id.ID), Issued: id.Issued, Expires: id.Expires,
	}
}

// owner is whose sockets the host counts together: the subject's or, of a token
// without one, those of the token's ID.
func owner(id auth.Identity) string {
	s := sessionOf(id)
	switch {
	case s.Subject != 0:
		return strconv.FormatUint(uint64(s.Subject), 36)
	case s.Token != 0:
		return "jti " + strconv.FormatUint(uint64(s.Token), 36)
	}
	return ""
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
