//go:build !js

package main

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const defaultTTL = 720 * time.Hour

// claims are what a token says.
type claims struct {
	sub, scope string
	ttl        time.Duration
}

func sign(secret string, c claims, now time.Time) (string, error) {
	m := jwt.MapClaims{"sub": c.sub, "iat": now.Unix(), "exp": now.Add(c.ttl).Unix()}
	if c.scope != "" {
		m["scope"] = c.scope
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, m).SignedString([]byte(secret))
}
