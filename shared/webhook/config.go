package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// secretPrefix begins a secret of Standard Webhooks.
const secretPrefix = "whsec_"

// The least and the greatest length of a secret, in bytes. Standard Webhooks, Signature scheme.
const (
	minSecret = 24
	maxSecret = 64
)

// ParseSecrets reads secrets that are divided by commas. Each is Base64, with whsec_ before it or
// not: the published libraries read it so.
func ParseSecrets(text string) (secrets [][]byte, err error) {
	if text == "" {
		return nil, nil
	}
	for _, part := range strings.Split(text, ",") {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(part), secretPrefix))
		if err != nil || len(secret) < minSecret || len(secret) > maxSecret {
			return nil, fmt.Errorf("a secret is whsec_ and the Base64 of %d to %d bytes", minSecret, maxSecret)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// ParseEvents reads globs that are divided by commas. Each must match a type.
func ParseEvents(text string) (globs []string, err error) {
	for _, glob := range strings.Split(text, ",") {
		if glob = strings.TrimSpace(glob); glob == "" {
			continue
		}
		if !slices.ContainsFunc(Types, func(t Type) bool { return matches(glob, string(t)) }) {
			return nil, fmt.Errorf("%.64q matches none of the events %v", glob, Types)
		}
		globs = append(globs, glob)
	}
	return globs, nil
}

// Check returns an error if no event can be sent with the settings.
func (c *Config) Check() error {
	if !c.On() {
		return nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("WEBHOOK_URL is not an absolute https:// URL")
	case u.User != nil || u.Fragment != "":
		return errors.New("WEBHOOK_URL has a user or a fragment: the receiver knows the server by the signature")
	case len(c.Secrets) == 0:
		return errors.New("WEBHOOK_SECRET is not set: without it the receiver cannot know who sends an event")
	case u.Scheme == "http" && !c.AllowPrivate:
		return errors.New("WEBHOOK_URL begins with http://, which WEBHOOK_ALLOW_PRIVATE=1 allows")
	}
	return nil
}
