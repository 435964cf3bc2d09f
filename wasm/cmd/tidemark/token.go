//go:build !js

package main

import (
	"os"
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
	sub, scope string
	ttl        time.Duration
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
	return jwt.NewWithClaims(jwt.SigningMethodHS256, m).SignedString([]byte(secret))
}
