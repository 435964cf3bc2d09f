package api

import (
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/trpc"
)

// devLoginPath is where anyone on the server's own machine gets a token for any
// name: with the variable DEV_MODE set to 1, and with AUTH_SECRET. It is not there
// otherwise.
const devLoginPath = "/dev/login"

const (
	maxDevTokenLife = 12 * time.Hour
	devBodyBytes    = 1024
	devNameRunes    = 64
)

// devLogin returns {"token":"…","expires_in":43200} for POST {"name":"…"}, and
// {"dev":true} for GET, by which a page learns that it may ask for a name.
//
// A browser lets pages of strangers send requests to this machine. So the Host
// must be a loopback name, which refuses a stranger's name that resolves to this
// machine. An Origin must be the server's own. The content type must be JSON,
// which a form cannot send. No CORS header lets another page read the token.
func (s *server) devLogin(w http.ResponseWriter, r *http.Request) error {
	if !s.Settings.DevMode || len(s.Settings.Auth.Secret) == 0 {
		return &trpc.Error{Code: trpc.NotFound, Message: "Nothing is served at this path"}
	}
	if !isLoopback(r.Host) {
		return &trpc.Error{Code: trpc.Forbidden, Message: "Tokens for a name are given at a loopback address only, as http://localhost"}
	}
	if !ownOrigin(r) {
		return &trpc.Error{Code: trpc.Forbidden, Message: "Tokens for a name are given to pages of this server only"}
	}
	switch r.Method {
	case http.MethodGet:
		write(w, http.StatusOK, []byte(`{"dev":true}`))
		return nil
	case http.MethodPost:
	default:
		return wrongMethod("GET, POST")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &trpc.Error{Code: trpc.UnsupportedMediaType, Message: "The content type must be application/json"}
	}
	body, err := s.readJSON(r, devBodyBytes)
	if err != nil {
		return err
	}
	var input struct{ Name string }
	if err := json.Unmarshal(body, &input); err != nil {
		return &trpc.Error{Code: trpc.BadRequest, Message: `The body must be {"name":"…"}`}
	}
	name := strings.TrimSpace(input.Name)
	if name == "" || utf8.RuneCountInString(name) > devNameRunes || strings.ContainsFunc(name, unicode.IsControl) {
		return &trpc.Error{Code: trpc.BadRequest, Message: "The name must have 1 to 64 characters"}
	}
	token, err := s.devToken(name)
	if err != nil {
		return err
	}
	b := ijson.AppendString([]byte(`{"token":`), token)
	write(w, http.StatusOK, fmt.Appendf(b, `,"expires_in":%d}`, int(s.devTokenLife().Seconds())))
	return nil
}

// isLoopback reports whether a Host header names this machine: localhost, a name
// below it, or a loopback address. RFC 6761, 6.3.
func isLoopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.IsLoopback()
}

// ownOrigin reports whether the request comes from a page of this server, or from
// no page.
func ownOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	origin, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && (origin.Scheme == "http" || origin.Scheme == "https") && strings.EqualFold(origin.Host, r.Host)
}

// devTokenLife is what AUTH_MAX_TTL allows, and at most half a day.
func (s *server) devTokenLife() time.Duration {
	if ttl := s.Settings.Auth.MaxTTL; ttl > 0 {
		return min(ttl, maxDevTokenLife)
	}
	return maxDevTokenLife
}

func (s *server) devToken(name string) (string, error) {
	now := s.Now()
	claims := map[string]any{"sub": name, "iat": now.Unix(), "exp": now.Add(s.devTokenLife()).Unix()}
	if issuers := s.Settings.Auth.Issuers; len(issuers) > 0 {
		claims["iss"] = issuers[0]
	}
	if audiences := s.Settings.Auth.Audiences; len(audiences) > 0 {
		claims["aud"] = audiences[0]
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return auth.Sign(s.Settings.Auth.Secret, text), nil
}
