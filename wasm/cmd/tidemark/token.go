//go:build !js

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/auth"
)

// longestTTL is the life of a token, unless --ttl or AUTH_MAX_TTL is less.
const longestTTL = 720 * time.Hour

// defaultTTL returns AUTH_MAX_TTL of the environment, but at most longestTTL. It
// ignores an invalid AUTH_MAX_TTL: the server reports that.
func defaultTTL() time.Duration {
	if most, err := auth.ParseTTL(os.Getenv("AUTH_MAX_TTL")); err == nil {
		return min(most, longestTTL)
	}
	return longestTTL
}

// claims are the claims of a token that the flags set.
type claims struct {
	sub, scope, spaces string
	more               string // others, in a JSON object
	ttl                time.Duration
}

// runToken prints a token and nothing else.
func runToken(c *invocation) error {
	place := c.secret()
	var of claims
	c.flags.StringVar(&of.sub, "sub", "", "whom the token is for")
	c.flags.StringVar(&of.scope, "scope", "", "what it allows")
	c.flags.StringVar(&of.spaces, "spaces", "", `the spaces it is for: globs with commas between, or the claim as JSON, such as {"acme":"sync:read"}; if empty it is for the root`)
	c.flags.StringVar(&of.more, "claims", "", `other claims, as a JSON object such as {"teams":["a"]}; the rules of tables may read them`)
	c.flags.DurationVar(&of.ttl, "ttl", defaultTTL(), "how long it is good for")
	if err := c.parse(); err != nil {
		return err
	}
	if of.sub == "" {
		return errors.New("token: --sub is needed")
	}
	given := false
	c.flags.Visit(func(f *flag.Flag) { given = given || f.Name == "spaces" })
	if given && of.spaces == "" {
		return errors.New("token: --spaces is empty: leave it out for a token of the root")
	}
	if of.ttl <= 0 {
		return fmt.Errorf("token: --ttl %v is over before it begins", of.ttl)
	}
	secret, err := place.signing()
	if err != nil {
		return err
	}
	if words := strangeWords(of.scope); len(words) > 0 {
		c.log.Warn("no permission has this name, so only the rules of tables can ask for it; blanks stand between names", "scope", words)
	}
	token, err := sign(secret, of, time.Now())
	if err == nil {
		fmt.Println(token)
	}
	return err
}

// strangeWords returns the words of a scope that are no permissions. Only the rules of
// tables ask for them.
func strangeWords(scope string) []string {
	return slices.DeleteFunc(strings.Fields(scope), func(word string) bool {
		return slices.Contains(auth.Permissions, auth.Permission(word))
	})
}

// sign signs a token. Its iss and aud are the first values of AUTH_ISSUER and
// AUTH_AUDIENCE in the environment. A server with these variables requires them.
func sign(secret string, c claims, now time.Time) (string, error) {
	m := jwt.MapClaims{"sub": c.sub, "iat": now.Unix(), "exp": now.Add(c.ttl).Unix()}
	for claim, variable := range map[string]string{"iss": "AUTH_ISSUER", "aud": "AUTH_AUDIENCE"} {
		first, _, _ := strings.Cut(os.Getenv(variable), ",")
		if first = strings.TrimSpace(first); first != "" {
			m[claim] = first
		}
	}
	if c.scope != "" {
		m["scope"] = c.scope
	}
	if c.spaces != "" {
		spaces, err := spacesClaim(c.spaces)
		if err != nil {
			return "", err
		}
		m["spaces"] = spaces
	}
	if c.more != "" {
		if err := addClaims(m, c.more); err != nil {
			return "", err
		}
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, m).SignedString([]byte(secret))
	if err == nil && (c.spaces != "" || c.more != "") {
		err = checkToken(secret, token, now)
	}
	if err != nil {
		return "", err
	}
	return token, nil
}

// spacesClaim reads --spaces: the JSON of the claim spaces, or a list of globs with
// commas between. Only JSON can name the root, so that a stray comma does not.
func spacesClaim(text string) (any, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("token: --spaces %s is not valid JSON", text)
		}
		return json.RawMessage(text), nil
	}
	globs := strings.Split(text, ",")
	for i, glob := range globs {
		if globs[i] = strings.TrimSpace(glob); globs[i] == "" {
			return nil, fmt.Errorf(`token: --spaces %q has an empty name; to name the root write JSON, such as ["","acme"]`, text)
		}
	}
	return globs, nil
}

// addClaims adds the claims of --claims.
func addClaims(m jwt.MapClaims, text string) error {
	added, err := auth.AddedClaims([]byte(text))
	if err != nil {
		return fmt.Errorf("token: --claims %s: %w", text, err)
	}
	for name, value := range added {
		m[name] = json.RawMessage(value)
	}
	return nil
}

// checkToken returns an error if a server would reject the token for its spaces or its other claims.
func checkToken(secret, token string, now time.Time) error {
	v, err := auth.New(auth.Config{Secret: []byte(secret)})
	if err == nil {
		_, _, err = v.Verify(token, now)
	}
	if err != nil {
		return fmt.Errorf("token: a server would reject it: %w", err)
	}
	return nil
}
