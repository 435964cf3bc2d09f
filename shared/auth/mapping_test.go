package auth

import (
	"strings"
	"testing"
)

func TestWhichClaimBecomesWhat(t *testing.T) {
	const claims = `{"sub":"s","https://example.com/user_id":"u","permissions":["sync:read","yjs:write"],
		"app_metadata":{"rooms":["team-*"],"a.b":{"c":"nested"},"scope":"sync:write","spaces":{"acme":"sync:read"}},
		"app_metadata.x":"whole","a":{"b":"path"},"a.b":"whole","groups":["sync:read","Site Admins","sync:admin now",""],
		"https://example.com/meta":{"roles":["yjs:read"]},"dots..":"d"}`
	for mapping, want := range map[string]Identity{
		"":                                {Subject: "s", Scope: Scope{All: true}},
		"sub=https://example.com/user_id": {Subject: "u", Scope: Scope{All: true}},
		"scope=permissions, rooms=app_metadata.rooms": {Subject: "s", Scope: Scope{Words: "sync:read yjs:write"}, Rooms: Rooms{true, "team-*"}},
		"sub=a.b":                                {Subject: "whole", Scope: Scope{All: true}},
		"sub=app_metadata.x":                     {Subject: "whole", Scope: Scope{All: true}},
		"sub=app_metadata.a.b.c":                 {Subject: "nested", Scope: Scope{All: true}},
		"scope=app_metadata.scope":               {Subject: "s", Scope: Scope{Words: "sync:write"}},
		"scope=groups":                           {Subject: "s", Scope: Scope{Words: "sync:read"}},
		"scope=https://example.com/meta.roles":   {Subject: "s", Scope: Scope{Words: "yjs:read"}},
		"scope=missing":                          {Subject: "s"},
		"scope=app_metadata.missing.deep":        {Subject: "s"},
		"rooms=app_metadata.missing":             {Subject: "s", Scope: Scope{All: true}, Rooms: Rooms{Limited: true}},
		"rooms=sub.rooms":                        {Subject: "s", Scope: Scope{All: true}, Rooms: Rooms{Limited: true}},
		"spaces=app_metadata.teams,sub=dots..":   {Subject: "d", Spaces: Spaces{Limited: true, Scope: Scope{All: true}}},
		"rooms=rooms,spaces=spaces,scope=groups": {Subject: "s", Rooms: Rooms{Limited: true}, Spaces: Spaces{Limited: true, Scope: Scope{Words: "sync:read"}}},
		"spaces=app_metadata.spaces":             {Subject: "s", Spaces: Spaces{Limited: true, Grants: "acme\x00sync:read\x00"}},
		"spaces=permissions":                     {Subject: "s", Spaces: Spaces{Limited: true, Scope: Scope{All: true}, Grants: "sync:read\x00\x00yjs:write\x00\x00"}},
	} {
		m, err := ParseMapping(mapping)
		if err != nil {
			t.Errorf("%q: %v", mapping, err)
			continue
		}
		id, _, err := verifier(t, Config{Secret: secret, Claims: m}).Verify(raw(hs256, claims), now)
		if err != nil || id != want {
			t.Errorf("%q: got %+v, %v, want %+v", mapping, id, err, want)
		}
		if id.Rooms.Limited && id.Rooms.Globs == "" && id.Rooms.Allows("any") {
			t.Errorf("%q: a claim that is not there opens a room", mapping)
		}
		if id.Spaces.Limited && id.Spaces.Grants == "" {
			for _, space := range []string{"", "acme"} {
				if in, named := id.In(space); named {
					t.Errorf("%q: a claim that is not there opens the space %q: %+v", mapping, space, in)
				}
			}
		}
	}
}

func TestAMappedSubjectMustBeThere(t *testing.T) {
	m, err := ParseMapping("sub=app_metadata.user")
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, Config{Secret: secret, Claims: m})
	for _, claims := range []string{`{"sub":"s"}`, `{"app_metadata":{}}`, `{"app_metadata":{"user":""}}`, `{"app_metadata":{"user":1}}`,
		`{"app_metadata":{"user":"a","user":"b"}}`} {
		if id, _, err := v.Verify(raw(hs256, claims), now); err == nil {
			t.Errorf("%s: %+v", claims, id)
		}
	}
}

func TestWhichClaimIsTheAudience(t *testing.T) {
	m, err := ParseMapping("aud=client_id")
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, Config{Secret: secret, Claims: m, Audiences: []string{"app", "web"}})
	for claims, ok := range map[string]bool{
		`{"client_id":"app"}`: true, `{"client_id":["x","web"]}`: true,
		`{"client_id":"x"}`: false, `{"aud":"app"}`: false, `{"client_id":1}`: false, `{"client_id":["app",1]}`: false,
	} {
		if _, _, err := v.Verify(raw(hs256, claims), now); (err == nil) != ok {
			t.Errorf("%s: %v", claims, err)
		}
	}
}

func TestAMappingThatCannotBeIsRefused(t *testing.T) {
	for text, reason := range map[string]string{
		"role=x": "none of", "scope": "no claim", "scope=": "no claim", "scope=a,scope=b": "twice", "sub=a,,rooms=b": "none of", "=x": "none of",
	} {
		if m, err := ParseMapping(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
}
