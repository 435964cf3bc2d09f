package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"tidemark/shared/ijson"
)

// A token is a JSON Web Token whose signature is not verified yet. RFC 7515, 7.1.
type token struct {
	alg, kid          string
	claims            claims
	signed, signature []byte
}

// claims are the members of a token's payload: JSON by exact names.
type claims map[string][]byte

// maxDepth bounds the nesting of the JSON in a token.
const maxDepth = 16

// The longest valid subject and ID of a token, in bytes. OpenID Connect Core, 2 has
// 255 for the subject.
const (
	maxSubjectBytes = 1024
	maxIDBytes      = 256
)

var (
	errMalformed = errors.New("it is malformed")
	errTwice     = errors.New("it is malformed, or says something twice")
	errCritical  = errors.New("it has critical headers")
)

// parseToken reads a token. The text of an error names no part of it.
func parseToken(text string) (t token, err error) {
	if len(text) > MaxTokenBytes {
		return t, fmt.Errorf("it is longer than %d bytes", MaxTokenBytes)
	}
	texts := strings.SplitN(text, ".", 4)
	if len(texts) != 3 || strings.ContainsAny(text, "\r\n") { // which base64 ignores
		return t, errMalformed
	}
	var parts [3][]byte
	for n, part := range texts {
		if parts[n], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return t, errMalformed
		}
	}
	header, err := ijson.Members(parts[0], maxDepth)
	if err != nil {
		return t, errTwice
	}
	if _, ok := header["crit"]; ok {
		return t, errCritical
	}
	if t.alg, err = claims(header).text("alg"); err != nil {
		return t, err
	}
	if t.kid, err = claims(header).text("kid"); err != nil {
		return t, err
	}
	if t.claims, err = ijson.Members(parts[1], maxDepth); err != nil {
		return t, errTwice
	}
	t.signed, t.signature = []byte(text[:len(texts[0])+1+len(texts[1])]), parts[2]
	return t, nil
}

// Sign makes a token of claims, which are a JSON object, by HS256.
func Sign(secret, claims []byte) string {
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64(claims)
	return signed + "." + b64(authenticator(secret, []byte(signed)))
}

// authenticator returns the HMAC of the signed text. RFC 7518, 3.2.
func authenticator(secret, signed []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(signed)
	return mac.Sum(nil)
}

// text reads a member that is a string. It returns "" if there is no such member.
func (c claims) text(name string) (string, error) {
	raw, ok := c[name]
	if !ok {
		return "", nil
	}
	text, err := ijson.Text(raw)
	if err != nil {
		return "", fmt.Errorf("its %s is not a string", name)
	}
	return text, nil
}

// maxTime is the last second of the year 9999.
const maxTime = 253_402_300_799

// time reads a NumericDate (RFC 7519, 2): seconds since 1970, which may have
// parts. Without the claim it returns the zero time. Anything else is an error, as
// otherwise a token with exp null would never expire.
func (c claims) time(name string) (time.Time, error) {
	raw, ok := c[name]
	if !ok {
		return time.Time{}, nil
	}
	s := ijson.NewScanner(raw, 0)
	_, seconds := s.Number()
	if s.End() != nil || seconds < 0 || seconds > maxTime {
		return time.Time{}, fmt.Errorf("its %s is not a time", name)
	}
	whole := int64(seconds)
	return time.Unix(whole, int64((seconds-float64(whole))*1e9)), nil
}
