package api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

const (
	// longestTokenLife is that of a new token if there is no AUTH_MAX_TTL, which is less.
	longestTokenLife = 720 * time.Hour
	tokenDepth       = 16 // of the JSON of a body, as of a token
)

// makeToken makes a token for a subject: {"sub":"…","scope":"…","spaces":…,"rooms":[…],
// "ttl":"24h","claims":{…}}. The response is {"token":"…","jti":"…","expires_at":…}. It reads
// the new token as any request with it is read, and compares that with the caller's token. So
// no form of a claim is read here in one way and later in another.
func makeToken(c *door.Call) error {
	body, err := c.ReadJSON(door.SmallBytes)
	if err != nil {
		return err
	}
	if len(c.Settings.Auth.Secret) == 0 {
		return door.Fail(door.NotImplemented, "This server signs no tokens: AUTH_SECRET is not set. The issuer of its tokens makes them")
	}
	g, err := readGrant(body, c.Settings.Auth, c.Now())
	if err != nil {
		return err
	}
	g.ID = rand.Text()
	token, made, err := issue(c, g)
	if end := c.Token.Expires; err == nil && made.Operates() && !end.IsZero() && made.Expires.After(end) {
		g.Expires = end
		token, made, err = issue(c, g)
	}
	if err != nil {
		return err
	}
	if err := c.Token.MayMake(made); err != nil {
		return door.Fail(door.Forbidden, "A token allows no more than yours does: "+err.Error())
	}
	c.Changed = []any{"for", made.Subject, "jti", made.ID, "operates", made.Operates()}
	b := ijson.AppendString([]byte(`{"token":`), token)
	b = ijson.AppendString(append(b, `,"jti":`...), made.ID)
	b = strconv.AppendInt(append(b, `,"expires_at":`...), made.Expires.UnixMilli(), 10)
	c.WriteJSON(web.StatusCreated, append(b, '}'))
	return nil
}

// issue makes a token, and returns how the server will read it.
func issue(c *door.Call, g auth.Grant) (token string, made auth.Identity, err error) {
	token = c.Settings.Auth.Issue(g)
	if made, err = c.Check(token); err != nil {
		return "", made, door.Fail(door.BadRequest, "The server would reject such a token: "+err.Error())
	}
	return token, made, nil
}

// readGrant reads the body of a request for a token. It does not know the shapes of the
// claims spaces and rooms: the verifier does.
func readGrant(body []byte, c auth.Config, now time.Time) (g auth.Grant, err error) {
	const want = `The body must be {"sub":"…","scope":"…"}, and may have "spaces", "rooms", "ttl" and "claims"`
	members, err := ijson.Members(body, tokenDepth)
	if err != nil {
		return g, door.Fail(door.BadRequest, want+": "+err.Error())
	}
	most := longestTokenLife
	if c.MaxTTL > 0 {
		most = min(most, c.MaxTTL)
	}
	ttl, hasScope := most, false
	for name, value := range members {
		var bad error
		switch name {
		case "sub":
			g.Subject, bad = ijson.Text(value)
		case "scope":
			g.Scope, bad = ijson.Text(value)
			hasScope = true
		case "spaces":
			g.Spaces = value
		case "rooms":
			g.Rooms = value
		case "ttl":
			ttl, bad = readTTL(value, most)
		case "claims":
			if g.Added, bad = c.Claims.AddedClaims(value); bad == nil && g.Added["rooms"] != nil {
				bad = errors.New("rooms is a member of the body")
			}
		default:
			return g, door.Fail(door.BadRequest, fmt.Sprintf("Unknown member %.64q. %s", name, want))
		}
		if bad != nil {
			return g, door.Fail(door.BadRequest, fmt.Sprintf("The member %s is invalid: %v", name, bad))
		}
	}
	bySpace := len(g.Spaces) > 0 && g.Spaces[0] == '{'
	switch {
	case g.Subject == "":
		return g, door.Fail(door.BadRequest, "sub is missing or empty. "+want)
	case bySpace && hasScope:
		return g, door.Fail(door.BadRequest, "scope does not count if spaces is an object from globs to scopes: leave it out")
	case !bySpace && strings.TrimSpace(g.Scope) == "": // without the claim the token might do more than its maker
		return g, door.Fail(door.BadRequest, "scope is missing or empty. "+want)
	}
	g.Issued, g.Expires = now, now.Add(ttl)
	return g, nil
}

// readTTL reads the life of a new token: a string such as "24h", or a number of seconds.
func readTTL(value []byte, most time.Duration) (time.Duration, error) {
	text, err := ijson.Text(value)
	if err != nil {
		text = string(value)
	}
	ttl, err := auth.ParseTTL(text)
	if err != nil {
		return 0, errors.New("it is neither a number of seconds nor a duration such as 24h")
	}
	if ttl < time.Second || ttl > most {
		return 0, fmt.Errorf("it must be from 1s to %s", most)
	}
	return ttl, nil
}
