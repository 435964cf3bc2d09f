package api

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

// devLoginPath is where anybody on the server's own machine gets a token for any
// name, if the variable DEV_MODE is 1 and AUTH_SECRET is set. Otherwise the path does
// not exist.
const devLoginPath = "/dev/login"

const (
	maxDevTokenLife = 12 * time.Hour
	devBodyBytes    = 4096
	devNameRunes    = 64
	devSpaces       = 20 // that one token may ask for
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
	c.WriteJSON(web.StatusOK, []byte(`{"dev":true}`))
	return nil
}

// devLogin returns {"token":"…","expires_in":43200,"personal":"…"} for {"name":"…",
// "spaces":["…"],"claims":{…}}. The token reaches the root, the person's own space, which the
// answer names, and the spaces asked for; there may be none. It has the claims asked for, which
// say nothing of the caller's name and rights. With "operator":true it has all permissions, and
// reaches all spaces. The content type must be JSON, which a form of another page cannot send.
func devLogin(c *door.Call) error {
	if kind, _, _ := strings.Cut(c.R.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return door.Fail(door.UnsupportedMediaType, "The content type must be application/json")
	}
	body, err := c.ReadJSON(devBodyBytes)
	if err != nil {
		return err
	}
	var input struct {
		Name     string
		Spaces   []string
		Claims   map[string]jsonvalue.RawMessage
		Operator bool
	}
	if err := jsonvalue.Unmarshal(body, &input); err != nil {
		return door.Fail(door.BadRequest, `The body must be {"name":"…"}, and may have "spaces":["…"], "claims":{…} and "operator":true`)
	}
	name := strings.TrimSpace(input.Name)
	if name == "" || utf8.RuneCountInString(name) > devNameRunes || strings.ContainsFunc(name, unicode.IsControl) {
		return door.Fail(door.BadRequest, "The name must have 1 to 64 characters")
	}
	if len(input.Spaces) > devSpaces {
		return door.Fail(door.BadRequest, fmt.Sprintf("A token is given for at most %d spaces, and not for %d", devSpaces, len(input.Spaces)))
	}
	for _, space := range input.Spaces {
		if !auth.ValidSpace(space) {
			return door.Fail(door.BadRequest, fmt.Sprintf("No space can have the name %q", space))
		}
	}
	for claim := range input.Claims {
		if c.Settings.Auth.Claims.Reserved(claim) {
			return door.Fail(door.BadRequest, fmt.Sprintf("The claim %q is not for the caller to say", claim))
		}
	}
	personal := personalSpace(name)
	scope, spaces := "", append([]string{"", personal}, input.Spaces...)
	if input.Operator {
		scope, spaces = auth.EveryScope(), []string{"", "*"}
	}
	token, err := devToken(c.Settings.Auth, auth.Grant{Subject: name, Scope: scope, Issued: c.Now()}, spaces, input.Claims)
	if err != nil {
		return err
	}
	b := ijson.AppendString([]byte(`{"token":`), token)
	b = fmt.Appendf(b, `,"expires_in":%d,"personal":`, int(devTokenLife(c.Settings.Auth).Seconds()))
	c.WriteJSON(web.StatusOK, append(ijson.AppendString(b, personal), '}'))
	return nil
}

// personalSpace returns the name of a person's own space: personal.NAME if a space can have
// that name, and otherwise personal- with 192 bits of the name's SHA-256. So two people
// never share one.
func personalSpace(name string) string {
	if space := "personal." + name; auth.ValidSpace(space) {
		return space
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("personal-%x", sum[:24])
}

// isLoopback reports whether a Host header names this machine: localhost, a name
// below it, or a loopback address. RFC 6761, 6.3.
func isLoopback(host string) bool {
	name := host
	if colon := strings.LastIndexByte(host, ':'); strings.Count(host, ":") == 1 || strings.Contains(host, "]:") {
		name = host[:colon]
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

func devToken(c auth.Config, g auth.Grant, spaces []string, more map[string]jsonvalue.RawMessage) (_ string, err error) {
	g.Expires = g.Issued.Add(devTokenLife(c))
	g.Added = map[string][]byte{}
	for name, value := range more {
		g.Added[name] = value
	}
	if g.Spaces, err = jsonvalue.Marshal(spaces); err != nil {
		return "", err
	}
	return c.Issue(g), nil
}
