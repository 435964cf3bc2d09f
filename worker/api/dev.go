package api

import (
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/worker/api/door"
)

// devLoginPath is where anybody on the server's own machine gets a token for any
// name, if the variable DEV_MODE is 1 and AUTH_SECRET is set. Otherwise the path does
// not exist.
const devLoginPath = "/dev/login"

const (
	maxDevTokenLife = 12 * time.Hour
	devBodyBytes    = 1024
	devNameRunes    = 64
)

// devAdmit admits a request for a token. A browser lets pages of strangers send
// requests to this machine. So the Host must be a loopback name: this rejects a
// stranger's name that resolves to this machine. An Origin must be the server's own.
// No CORS header lets another page read the token.
func devAdmit(c *door.Call) error {
	if !c.Settings.DevMode || len(c.Settings.Auth.Secret) == 0 {
		return door.ErrNoPath
	}
	if !isLoopback(c.R.Host) {
		return door.Fail(door.Forbidden, "This path works at a loopback address only, such as http://localhost")
	}
	if !door.OwnOrigin(c.R) {
		return door.Fail(door.Forbidden, "Tokens for a name are given to pages of this server only")
	}
	return nil
}

// devAsk returns {"dev":true}, by which a page learns that it may ask for a name.
func devAsk(c *door.Call) error {
	c.WriteJSON(http.StatusOK, []byte(`{"dev":true}`))
	return nil
}

// devLogin returns {"token":"…","expires_in":43200} for {"name":"…"}. The content
// type must be JSON, which a form of another page cannot send.
func devLogin(c *door.Call) error {
	if kind, _, err := mime.ParseMediaType(c.R.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return door.Fail(door.UnsupportedMediaType, "The content type must be application/json")
	}
	body, err := c.ReadJSON(devBodyBytes)
	if err != nil {
		return err
	}
	var input struct{ Name string }
	if err := json.Unmarshal(body, &input); err != nil {
		return door.Fail(door.BadRequest, `The body must be {"name":"…"}`)
	}
	name := strings.TrimSpace(input.Name)
	if name == "" || utf8.RuneCountInString(name) > devNameRunes || strings.ContainsFunc(name, unicode.IsControl) {
		return door.Fail(door.BadRequest, "The name must have 1 to 64 characters")
	}
	token, err := devToken(c.Settings.Auth, name, c.Now())
	if err != nil {
		return err
	}
	b := ijson.AppendString([]byte(`{"token":`), token)
	c.WriteJSON(http.StatusOK, fmt.Appendf(b, `,"expires_in":%d}`, int(devTokenLife(c.Settings.Auth).Seconds())))
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

// devTokenLife is what AUTH_MAX_TTL allows, and at most half a day.
func devTokenLife(c auth.Config) time.Duration {
	if ttl := c.MaxTTL; ttl > 0 {
		return min(ttl, maxDevTokenLife)
	}
	return maxDevTokenLife
}

func devToken(c auth.Config, name string, now time.Time) (string, error) {
	claims := map[string]any{"sub": name, "iat": now.Unix(), "exp": now.Add(devTokenLife(c)).Unix()}
	if issuers := c.Issuers; len(issuers) > 0 {
		claims["iss"] = issuers[0]
	}
	if audiences := c.Audiences; len(audiences) > 0 {
		claims["aud"] = audiences[0]
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return auth.Sign(c.Secret, text), nil
}
