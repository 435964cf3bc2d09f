//go:build !js

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/shared/auth"
)

func TestATokenNamesItsSpaces(t *testing.T) {
	t.Setenv("AUTH_ISSUER", "")
	t.Setenv("AUTH_AUDIENCE", "")
	now := time.Unix(1_700_000_000, 0)
	v, err := auth.New(auth.Config{Secret: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spaces, space string
		want          auth.Scope
		named         bool
	}{
		{``, "", auth.Scope{Words: "yjs:read"}, true},
		{``, "acme", auth.Scope{}, false},
		{`acme`, "acme", auth.Scope{Words: "yjs:read"}, true},
		{`acme`, "", auth.Scope{}, false},
		{`acme, open-*`, "open-1", auth.Scope{Words: "yjs:read"}, true},
		{`acme,open-*`, "other", auth.Scope{}, false},
		{`["","acme"]`, "", auth.Scope{Words: "yjs:read"}, true},
		{`{"acme":"sync:read","a*":["sync:write"]}`, "acme", auth.Scope{Words: "sync:read sync:write"}, true},
		{` {"":"sync:admin"}`, "", auth.Scope{Words: "sync:admin"}, true},
		{`{"acme":"sync:read"}`, "", auth.Scope{}, false},
		{`[]`, "", auth.Scope{}, false},
	} {
		text, err := sign("secret", claims{sub: "alice", scope: "yjs:read", spaces: c.spaces, ttl: time.Hour}, now)
		if err != nil {
			t.Errorf("%s: %v", c.spaces, err)
			continue
		}
		id, _, err := v.Verify(text, now)
		if err != nil {
			t.Errorf("%s: %v", c.spaces, err)
			continue
		}
		if in, named := id.In(c.space); in.Scope != c.want || named != c.named {
			t.Errorf("%s in %q: got %+v, %v, want %+v, %v", c.spaces, c.space, in.Scope, named, c.want, c.named)
		}
	}
}

func TestATokenWhoseSpacesCannotBeIsNotSigned(t *testing.T) {
	for spaces, reason := range map[string]string{
		`acme,`:                         "empty name",
		` `:                             "empty name",
		`{"acme":"sync:read"`:           "not valid JSON",
		`[acme]`:                        "not valid JSON",
		`{"acme":1}`:                    "neither a string nor a list",
		`[1]`:                           "neither an object",
		`{"a":"sync:read","a":""}`:      "twice",
		`["a\u0000"]`:                   "NUL",
		strings.Repeat("a", 9000) + "*": "longer than",
	} {
		text, err := sign("secret", claims{sub: "alice", spaces: spaces, ttl: time.Hour}, time.Now())
		if err == nil || text != "" || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.40s: got %q, %v, want an error with %q", spaces, text, err, reason)
		}
	}
}

func TestATokenHasTheClaimsThatItIsGiven(t *testing.T) {
	t.Setenv("AUTH_ISSUER", "us")
	t.Setenv("AUTH_AUDIENCE", "")
	now := time.Unix(1_700_000_000, 0)
	v, err := auth.New(auth.Config{Secret: []byte("secret"), Issuers: []string{"us"}, Kept: []string{"teams", "app.org"}})
	if err != nil {
		t.Fatal(err)
	}
	for more, want := range map[string]string{
		``:                 ``,
		`{}`:               ``,
		`{"teams":["a"]}`:  `{"teams":["a"]}`,
		` {"teams" : "a"}`: `{"teams":"a"}`,
		`{"app":{"org":"x"},"teams":["b","a"],"n":12345678901234567890,"jTi":1}`: `{"app.org":"x","teams":["a","b"]}`,
	} {
		text, err := sign("secret", claims{sub: "alice", scope: "sync:read", more: more, ttl: time.Hour}, now)
		if err != nil {
			t.Errorf("%s: %v", more, err)
			continue
		}
		id, _, err := v.Verify(text, now)
		if err != nil || id.Claims != want || id.Subject != "alice" || id.Scope.Words != "sync:read" {
			t.Errorf("%s: got %+v, %v, want the claims %s", more, id, err, want)
		}
	}
}

func TestATokenWhoseClaimsCannotBeIsNotSigned(t *testing.T) {
	cases := map[string]string{
		`[]`:                      "not a JSON object",
		`"teams"`:                 "not a JSON object",
		`{"teams":["a"]`:          "not a JSON object",
		`{"teams":"a"} x`:         "not a JSON object",
		` `:                       "not a JSON object",
		`{"teams":"a","teams":1}`: "twice",
		`{"rooms":"a"}`:           "rooms",
		`{"teams":"` + strings.Repeat("a", 9000) + `"}`: "longer than",
	}
	for _, name := range []string{"sub", "scope", "spaces", "exp", "iat", "nbf", "jti", "aud", "iss"} {
		cases[`{"teams":["a"],"`+name+`":"x"}`] = "the claim " + name
	}
	for more, reason := range cases {
		text, err := sign("secret", claims{sub: "alice", more: more, ttl: time.Hour}, time.Now())
		if err == nil || text != "" || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.40s: got %q, %v, want an error with %q", more, text, err, reason)
		}
	}
}

func TestWordsOfAScopeThatAreNoPermissionsAreFound(t *testing.T) {
	for scope, want := range map[string]string{
		"":                       "[]",
		"sync:read spaces:admin": "[]",
		"sync:read,sync:write":   "[sync:read,sync:write]",
		"sync:raed yjs:read":     "[sync:raed]",
	} {
		if got := fmt.Sprint(strangeWords(scope)); got != want {
			t.Errorf("%q: got %s, want %s", scope, got, want)
		}
	}
}

func TestAnOperatorsTokenHasEveryPermissionEverywhere(t *testing.T) {
	for _, variable := range []string{"AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_CLAIMS"} {
		t.Setenv(variable, "")
	}
	now := time.Unix(1_700_000_000, 0)
	v, err := auth.New(auth.Config{Secret: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of          claims
		ttlGiven    bool
		sub, words  string
		ttl         time.Duration
		root, other bool
	}{
		{claims{ttl: longestTTL}, false, "operator", "", 24 * time.Hour, true, true},
		{claims{ttl: time.Hour}, false, "operator", "", time.Hour, true, true}, // AUTH_MAX_TTL
		{claims{ttl: longestTTL}, true, "operator", "", longestTTL, true, true},
		{claims{sub: "ann", scope: "editor sync:read", ttl: longestTTL}, false, "ann", "editor", 24 * time.Hour, true, true},
		{claims{spaces: "acme", ttl: longestTTL}, false, "operator", "", 24 * time.Hour, false, false},
	} {
		text, err := sign("secret", operatorClaims(c.of, c.ttlGiven), now)
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := v.Verify(text, now)
		if err != nil || id.Subject != c.sub || id.Expires.Sub(now) != c.ttl {
			t.Errorf("%+v: got %+v, %v", c.of, id, err)
		}
		in, _ := id.In("acme")
		for _, p := range auth.Permissions {
			if !in.Scope.Allows(p) {
				t.Errorf("%+v lacks %s", c.of, p)
			}
		}
		if !strings.Contains(in.Scope.Words, c.words) {
			t.Errorf("%+v: got %q", c.of, in.Scope.Words)
		}
		_, root := id.In("")
		if _, other := id.In("other"); root != c.root || other != c.other {
			t.Errorf("%+v: it reaches the root: %v, another space: %v", c.of, root, other)
		}
	}
}

func TestATokenHasItsClaimsWhereTheServerReadsThem(t *testing.T) {
	t.Setenv("AUTH_ISSUER", "")
	t.Setenv("AUTH_AUDIENCE", "here")
	t.Setenv("AUTH_CLAIMS", "scope=permissions,sub=https://a.example/id,aud=client")
	mapping, err := auth.ParseMapping("scope=permissions,sub=https://a.example/id,aud=client")
	if err != nil {
		t.Fatal(err)
	}
	v, err := auth.New(auth.Config{Secret: []byte("secret"), Audiences: []string{"here"}, Claims: mapping})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	text, err := sign("secret", claims{sub: "alice", scope: "sync:read", ttl: time.Hour}, now)
	if err != nil {
		t.Fatal(err)
	}
	if id, _, err := v.Verify(text, now); err != nil || id.Subject != "alice" || id.Scope.Words != "sync:read" {
		t.Errorf("got %+v, %v", id, err)
	}
	if _, err := sign("secret", claims{sub: "alice", more: `{"permissions":["sync:admin"]}`, ttl: time.Hour}, now); err == nil || !strings.Contains(err.Error(), "permissions, which is reserved") {
		t.Errorf("got %v", err)
	}
}
