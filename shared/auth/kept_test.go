package auth

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestWhichClaimsAreKept(t *testing.T) {
	kept := []string{"teams", "org", "app.org", "app.teams", "https://example.com/roles", "sub", "teams", "deep.a.b"}
	v := verifier(t, Config{Secret: secret, Kept: kept})
	for claims, want := range map[string]string{
		`{}`:                           ``,
		`{"sub":"alice"}`:              ``,
		`{"other":"x","Org":"x"}`:      ``,
		`{"org":"x"}`:                  `{"org":"x"}`,
		`{"org":""}`:                   `{"org":""}`,
		`{"org": "\u0061\/\n\u0001é"}`: `{"org":"a/\n\u0001é"}`,
		`{"org":7}`:                    ``,
		`{"org":null}`:                 ``,
		`{"org":true}`:                 ``,
		`{"org":{"a":"b"}}`:            ``,
		`{"org":"a\u0000b"}`:           ``, // NUL
		`{"teams":[]}`:                 `{"teams":[]}`,
		`{"teams":[ "a" , "b" ]}`:      `{"teams":["a","b"]}`,
		`{"teams":["b","a","b"]}`:      `{"teams":["a","b"]}`,
		`{"teams":["\u0061"]}`:         `{"teams":["a"]}`,
		`{"teams":["a",1,null,["b"],{"c":"d"},true,"e","f\u0000"]}`: `{"teams":["a","e"]}`,
		`{"teams":[1]}`:                                              `{"teams":[]}`,
		`{"teams":["a"],"org":"x"}`:                                  `{"org":"x","teams":["a"]}`,
		`{"app":{"org":"x","teams":["a"]}}`:                          `{"app.org":"x","app.teams":["a"]}`,
		`{"app":{"org":"x"},"app.org":"whole"}`:                      `{"app.org":"whole"}`,
		`{"app":"x"}`:                                                ``,
		`{"app":{"org":{"x":"y"}}}`:                                  ``,
		`{"https://example.com/roles":["r"]}`:                        `{"https://example.com/roles":["r"]}`,
		`{"deep":{"a":{"b":"c"}}}`:                                   `{"deep.a.b":"c"}`,
		`{"deep":{"a.b":"whole","a":{"b":"c"}}}`:                     `{"deep.a.b":"whole"}`,
		`{"sub":"alice","spaces":["acme"],"teams":["a"],"rooms":[]}`: `{"teams":["a"]}`,
	} {
		id, _, err := v.Verify(raw(hs256, claims), now)
		if err != nil || id.Claims != want {
			t.Errorf("%s: got %s, %v, want %s", claims, id.Claims, err, want)
		}
	}
	for _, claims := range []string{`{"app":{"org":"x","org":"y"}}`, `{"org":"x","org":"y"}`} {
		if id, _, err := v.Verify(raw(hs256, claims), now); err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("%s: got %+v, %v", claims, id, err)
		}
	}
	if id, _, err := verifier(t, Config{Secret: secret}).Verify(raw(hs256, `{"org":"x"}`), now); err != nil || id.Claims != "" {
		t.Errorf("without Kept: got %s, %v", id.Claims, err)
	}
}

func TestTheClaimSubIsTheSubjectOfTheMapping(t *testing.T) {
	v := verifier(t, Config{Secret: secret, Claims: Mapping{Subject: "app.user"}, Kept: []string{"sub", "app.user", "org"}})
	id, _, err := v.Verify(raw(hs256, `{"sub":"s","app":{"user":"u"},"org":"x"}`), now)
	if want := `{"app.user":"u","org":"x"}`; err != nil || id.Subject != "u" || id.Claims != want {
		t.Errorf("got %+v, %v, want %s", id, err, want)
	}
}

func TestEveryAlgorithmCarriesTheClaims(t *testing.T) {
	v := verifier(t, Config{Secret: secret, JWKS: keys.set, Kept: []string{"teams"}})
	claims := jwt.MapClaims{"sub": "alice", "teams": []string{"b", "a"}}
	for name, token := range map[string]string{
		"HS256": sign(t, jwt.SigningMethodHS256, secret, nil, claims),
		"RS256": sign(t, jwt.SigningMethodRS256, keys.rsa, map[string]any{"kid": "r"}, claims),
		"ES256": sign(t, jwt.SigningMethodES256, keys.ecdsa, map[string]any{"kid": "e"}, claims),
		"EdDSA": sign(t, jwt.SigningMethodEdDSA, keys.ed25519, map[string]any{"kid": "d"}, claims),
	} {
		if id, _, err := verify(v, token, now); err != nil || id.Claims != `{"teams":["a","b"]}` {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
}

func TestTheClaimsAreTheSameInASpaceAndInTheCache(t *testing.T) {
	v := verifier(t, Config{Secret: secret, Kept: []string{"teams"}})
	token := raw(hs256, `{"teams":["a"],"spaces":{"acme":"sync:read editor","":"viewer"}}`)
	id, _, err := v.Verify(token, now)
	if err != nil {
		t.Fatal(err)
	}
	for space, words := range map[string]string{"acme": "editor sync:read", "": "viewer"} {
		in, named := id.In(space)
		if !named || in.Claims != `{"teams":["a"]}` || in.Scope.Words != words {
			t.Errorf("in %q: got %+v, want the words %s", space, in, words)
		}
	}
	c := NewCache(1, len(token)+overhead+len(id.Spaces.Grants)+len(id.Claims))
	c.Put(token, id)
	if got, ok := c.Get(token, now); !ok || got != id {
		t.Errorf("got %+v, %v", got, ok)
	}
	c = NewCache(1, len(token)+overhead+len(id.Spaces.Grants)+len(id.Claims)-1)
	if c.Put(token, id); c.bytes != 0 {
		t.Errorf("the claims do not count: %d bytes", c.bytes)
	}
}
