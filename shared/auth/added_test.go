package auth

import (
	"strings"
	"testing"
)

func TestWhichNamesAreReserved(t *testing.T) {
	for _, c := range []struct {
		mapping, name string
		want          bool
	}{
		{"", "sub", true}, {"", "scope", true}, {"", "spaces", true}, {"", "exp", true}, {"", "iat", true}, {"", "nbf", true},
		{"", "jti", true}, {"", "aud", true}, {"", "iss", true},
		{"", "teams", false}, {"", "Sub", false}, {"", "", false}, {"", "rooms", false},
		{"scope=app.scope", "app", true}, {"scope=app.scope", "app.scope", true}, {"scope=app.scope", "ap", false},
		{"scope=app.scope", "app.scope.x", false}, {"scope=app.scope", "scope", true},
		{"sub=id,spaces=s.a,rooms=r", "id", true}, {"sub=id,spaces=s.a,rooms=r", "s", true}, {"sub=id,spaces=s.a,rooms=r", "r", true},
		{"aud=client.id", "client", true},
	} {
		m, err := ParseMapping(c.mapping)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Reserved(c.name); got != c.want {
			t.Errorf("%q with %q: got %v", c.name, c.mapping, got)
		}
	}
}

func TestClaimsToAddAreAnObjectOfNoReservedOnes(t *testing.T) {
	added, err := Mapping{}.AddedClaims([]byte(` {"teams" : ["a"], "n":1e400}`))
	if err == nil { // a number that a float64 does not have
		t.Errorf("got %q", added)
	}
	added, err = Mapping{}.AddedClaims([]byte(` {"teams" : ["a"], "n":12345678901234567890}`))
	if err != nil || len(added) != 2 || string(added["teams"]) != `["a"]` || string(added["n"]) != "12345678901234567890" {
		t.Errorf("got %q, %v", added, err)
	}
	for text, reason := range map[string]string{
		``: "not a JSON object", `[]`: "not a JSON object", `{"a":1,"a":2}`: "twice", `{"a":1,"exp":2}`: "the claim exp", `{"\u0073ub":"x"}`: "the claim sub",
	} {
		if added, err := (Mapping{}).AddedClaims([]byte(text)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %q, %v", text, added, err)
		}
	}
}
