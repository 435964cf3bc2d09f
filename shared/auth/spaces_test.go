package auth

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// permissions are all that there are.
var permissions = []Permission{SyncRead, SyncWrite, SyncAdmin, YjsRead, YjsWrite, ProjectsRead, ProjectsWrite, SpacesAdmin}

// allowed lists the permissions of a scope.
func allowed(s Scope) string {
	var words []string
	for _, p := range permissions {
		if s.Allows(p) {
			words = append(words, string(p))
		}
	}
	return strings.Join(words, " ")
}

// implied are the permissions of a token without the claim scope.
const implied = "sync:read sync:write yjs:read yjs:write projects:read projects:write"

// nowhere stands for the permissions in a space that the token does not name.
const nowhere = "-"

func TestNamesOfSpaces(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "Z": true, "0": true, "acme": true, "Acme.2_x-y": true, "a.": true, "a..b": true,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
		"": false, ".": false, "..": false, ".a": false, "_a": false, "-a": false, "a/b": false, "a b": false, "a\x00": false,
		"é": false, "aé": false, "a*": false, "a?": false, "a%2F": false, "@": false, "[": false, "`": false, "{": false, "a:": false,
	} {
		if got := ValidSpace(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

func TestA1A2WhatATokenMayInASpace(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	for _, c := range []struct{ claims, space, want string }{
		// A1, without the claim.
		{`{}`, "", implied},
		{`{}`, "acme", nowhere},
		{`{"scope":"sync:read"}`, "", "sync:read"},
		{`{"scope":"sync:read spaces:admin"}`, "", "sync:read spaces:admin"},
		{`{"scope":"sync:read"}`, "acme", nowhere},
		// A1, with the claim.
		{`{"spaces":{"acme":"sync:read"}}`, "acme", "sync:read"},
		{`{"spaces":{"acme":"sync:read"}}`, "", nowhere},
		{`{"spaces":{"acme":"sync:read"}}`, "Acme", nowhere},
		{`{"spaces":{"acme":"sync:read"}}`, "acme2", nowhere},
		{`{"spaces":{"acme":"sync:read","":"yjs:read"}}`, "", "yjs:read"},
		{`{"spaces":{"":"yjs:read"}}`, "acme", nowhere},
		{`{"spaces":{"*":"sync:read"}}`, "", nowhere},
		{`{"spaces":{"**":"sync:read","?":"sync:read"}}`, "", nowhere},
		{`{"spaces":["*"]}`, "", nowhere},
		{`{"spaces":["*"]}`, "acme", implied},
		{`{"spaces":[""]}`, "", implied},
		{`{"spaces":[""]}`, "acme", nowhere},
		{`{"spaces":["","acme"],"scope":"sync:read"}`, "", "sync:read"},
		{`{"spaces":["","acme"],"scope":"sync:read"}`, "acme", "sync:read"},
		{`{"spaces":["acme"],"scope":["yjs:read","sync:admin"]}`, "acme", "sync:admin yjs:read"},
		{`{"spaces":["acme"],"scope":""}`, "acme", ""},
		{`{"spaces":{"acme":"sync:read"},"scope":"sync:write sync:admin"}`, "acme", "sync:read"},
		{`{"spaces":{"acme":""}}`, "acme", ""},
		{`{"spaces":{}}`, "", nowhere},
		{`{"spaces":[]}`, "", nowhere},
		{`{"spaces":[]}`, "acme", nowhere},
		{`{"spaces":{"a\u0063me":["sync:read","yjs:read now","yjs:write"]}}`, "acme", "sync:read yjs:write"},
		// A2.
		{`{"spaces":{"acme":"sync:read","a*":"yjs:read sync:read","*e":"sync:admin","b*":"sync:write"}}`, "acme", "sync:read sync:admin yjs:read"},
		{`{"spaces":{"open-?":"sync:read"}}`, "open-1", "sync:read"},
		{`{"spaces":{"open-?":"sync:read"}}`, "open-10", nowhere},
		{`{"spaces":{"":"sync:write","*":"sync:read"}}`, "acme", "sync:read"},
		{`{"spaces":{"*":"*"}}`, "acme", ""},
		{`{"spaces":["a*","acme"]}`, "acme", implied},
	} {
		id, _, err := v.Verify(raw(hs256, c.claims), now)
		if err != nil {
			t.Errorf("%s: %v", c.claims, err)
			continue
		}
		got, in := nowhere, Identity{}
		in, named := id.In(c.space)
		if named {
			got = allowed(in.Scope)
		}
		if got != c.want {
			t.Errorf("%s in %q: got %q, want %q", c.claims, c.space, got, c.want)
		}
		if in.Spaces != (Spaces{}) || !named && in != (Identity{}) {
			t.Errorf("%s in %q: got %+v", c.claims, c.space, in)
		}
	}
}

func TestA1AnIdentityWithTheClaimMayDoNothingUntilItIsInASpace(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	for _, claims := range []string{`{"spaces":[""]}`, `{"spaces":["acme"],"scope":"sync:read sync:admin"}`, `{"spaces":{"":"sync:read"}}`} {
		id, _, err := v.Verify(raw(hs256, claims), now)
		if err != nil || allowed(id.Scope) != "" {
			t.Errorf("%s: may %q, %v", claims, allowed(id.Scope), err)
		}
	}
}

func TestA2RoomsAndTheRestOfATokenAreTheSameInASpace(t *testing.T) {
	claims := `{"sub":"alice","jti":"t1","iat":1800000000,"nbf":1800000000,"exp":1800000060,"rooms":["a-*"],"spaces":{"acme":"yjs:read"}}`
	id, _, err := verifier(t, Config{Secret: secret}).Verify(raw(hs256, claims), now)
	if err != nil {
		t.Fatal(err)
	}
	want := id
	want.Scope, want.Spaces = Scope{Words: "yjs:read"}, Spaces{}
	got, named := id.In("acme")
	if !named || got != want || got.Rooms.Allows("b") || got.Subject != "alice" {
		t.Errorf("got %+v, %v, want %+v", got, named, want)
	}
	if again, named := got.In("acme"); named {
		t.Errorf("the narrowed identity reaches a space: %+v", again)
	}
}

func TestSpacesThatCannotBeMakeATokenInvalid(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	for spaces, reason := range map[string]string{
		`null`:                             "neither an object",
		`"acme"`:                           "neither an object",
		`true`:                             "neither an object",
		`1`:                                "neither an object",
		`[1]`:                              "neither an object",
		`["acme",null]`:                    "neither an object",
		`[["acme"]]`:                       "neither an object",
		`[{"acme":"sync:read"}]`:           "neither an object",
		`{"acme":null}`:                    "neither a string",
		`{"acme":true}`:                    "neither a string",
		`{"acme":{"scope":"sync:read"}}`:   "neither a string",
		`{"acme":["sync:read",1]}`:         "neither a string",
		`{"acme":"sync:read","b":1}`:       "neither a string",
		`["a\u0000b"]`:                     "NUL",
		`["acme","\u0000"]`:                "NUL",
		`{"a\u0000b":"sync:read"}`:         "NUL",
		`{"a":"sync:read\u0000b"}`:         "NUL",
		`{"a":["sync:read\u0000"]}`:        "NUL",
		`{"a":"sync:read","a":"yjs:read"}`: "twice",
		`{"a":"sync:read","\u0061":""}`:    "twice",
	} {
		id, _, err := v.Verify(raw(hs256, `{"spaces":`+spaces+`}`), now)
		if err == nil || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "acme") {
			t.Errorf("%s: got %+v, %v, want an error with %q", spaces, id, err, reason)
		}
	}
}

// The members of an object have no order, so two tokens that say the same are equal.
func TestSpacesInAnyOrderAreTheSame(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	one, _, err := v.Verify(raw(hs256, `{"spaces":{"a":"sync:read","b":"yjs:read","c*":""}}`), now)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if two, _, err := v.Verify(raw(hs256, `{"spaces":{"c*":"","b":"yjs:read","a":"sync:read"}}`), now); err != nil || one != two {
			t.Fatalf("got %+v, %v, want %+v", two, err, one)
		}
	}
}

func TestA2AUnionNeverImpliesTheOperators(t *testing.T) {
	for _, c := range []struct {
		scopes []Scope
		want   string
	}{
		{nil, ""},
		{[]Scope{{}, {}}, ""},
		{[]Scope{{All: true}}, implied},
		{[]Scope{{All: true}, {Words: "sync:read other"}}, implied},
		{[]Scope{{All: true}, {Words: "sync:admin"}}, "sync:read sync:write sync:admin yjs:read yjs:write projects:read projects:write"},
		{[]Scope{{Words: "spaces:admin"}, {}, {All: true}}, implied + " spaces:admin"},
		{[]Scope{{Words: "sync:read  yjs:read"}, {Words: "sync:admin\tsync:read"}}, "sync:read sync:admin yjs:read"},
		{[]Scope{{Words: "sync:"}, {Words: "admin"}}, ""},
	} {
		if got := union(c.scopes...); allowed(got) != c.want {
			t.Errorf("%+v: got %+v, which allows %q, want %q", c.scopes, got, allowed(got), c.want)
		}
	}
}

// TestA1A2TokensMayWhatTheModelSays holds In against a model: globs as regular
// expressions, and a set of permissions.
func TestA1A2TokensMayWhatTheModelSays(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	glob := rapid.StringMatching(`[ab*?]{0,4}`)
	words := rapid.SliceOfN(rapid.SampledFrom(permissions), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		claims := map[string]any{}
		ownScope := rapid.Bool().Draw(t, "has a scope")
		own := words.Draw(t, "scope")
		if ownScope {
			claims["scope"] = own
		}
		granted := rapid.MapOfN(glob, words, 0, 4).Draw(t, "granted")
		form := rapid.SampledFrom([]string{"none", "list", "object"}).Draw(t, "form")
		switch form {
		case "list":
			globs := []string{}
			for g := range granted {
				globs = append(globs, g)
			}
			claims["spaces"] = globs
		case "object":
			claims["spaces"] = granted
		}
		space := rapid.StringMatching(`[ab]{0,4}`).Draw(t, "space")
		text, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := v.Verify(raw(hs256, string(text)), now)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}

		wantNamed := form == "none" && space == ""
		want := map[Permission]bool{}
		add := func(list []Permission) {
			for _, p := range list {
				want[p] = true
			}
		}
		addOwn := func() {
			if add(own); !ownScope {
				clear(want)
				add([]Permission{SyncRead, SyncWrite, YjsRead, YjsWrite, ProjectsRead, ProjectsWrite})
			}
		}
		if wantNamed {
			addOwn()
		}
		for g, list := range granted {
			expression := "^" + strings.NewReplacer("*", ".*", "?", ".").Replace(g) + "$"
			if form == "none" || (g == "") != (space == "") || !regexp.MustCompile(expression).MatchString(space) {
				continue
			}
			if wantNamed = true; form == "list" {
				addOwn()
			} else {
				add(list)
			}
		}
		got, named := id.In(space)
		if named != wantNamed {
			t.Fatalf("%s in %q: named %v, want %v", text, space, named, wantNamed)
		}
		for _, p := range permissions {
			if got.Scope.Allows(p) != want[p] {
				t.Errorf("%s in %q: %s is %v, want %v", text, space, p, got.Scope.Allows(p), want[p])
			}
		}
	})
}
