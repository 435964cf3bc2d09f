//go:build !js

package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	defaultTTL  = 720 * time.Hour
	secretBytes = 32
)

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

// readSecret answers the known secret, which is made up if there is none.
func readSecret(data string) (string, error) {
	if secret, err := knownSecret(data); !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", err
	}
	random := make([]byte, secretBytes)
	rand.Read(random)
	// Written aside and linked, so that of two commands that start together
	// both end up with the secret of one.
	aside, err := os.CreateTemp(data, "auth_secret.") // 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(aside.Name())
	_, err = aside.WriteString(base64.RawURLEncoding.EncodeToString(random))
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return "", err
	}
	if err := os.Link(aside.Name(), secretFile(data)); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return knownSecret(data)
}

func secretFile(data string) string { return filepath.Join(data, "auth_secret") }

// knownSecret answers AUTH_SECRET, or the secret in the data folder.
func knownSecret(data string) (string, error) {
	if secret := os.Getenv("AUTH_SECRET"); secret != "" {
		return secret, nil
	}
	file := secretFile(data)
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("%s is empty: remove it and a new secret is made", file)
	}
	return secret, nil
}
