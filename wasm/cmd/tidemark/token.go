//go:build !js

package main

import (
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/auth"
)

// longestTTL is the life of a token, unless --ttl or AUTH_MAX_TTL says less.
const longestTTL = 720 * time.Hour

// defaultTTL is what AUTH_MAX_TTL of the environment allows, up to longestTTL. The
// server says what is wrong with the variable.
func defaultTTL() time.Duration {
	if most, err := auth.ParseTTL(os.Getenv("AUTH_MAX_TTL")); err == nil {
		return min(most, longestTTL)
	}
	return longestTTL
}

// claims are what a token says.
type claims struct {
	sub, scope string
	ttl        time.Duration
}

// sign signs a token. Its iss and aud are the first that AUTH_ISSUER and
// AUTH_AUDIENCE of the environment name, which a server that has them wants.
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
