package auth

import (
	"strings"
	"testing"
)

func TestRoomsAreNarrowedByGlobs(t *testing.T) {
	for _, c := range []struct {
		claim, room string
		want        bool
	}{
		{``, "any", true},
		{`[]`, "any", false},
		{`["*"]`, "any/thing at all", true},
		{`["customer-notes-*"]`, "customer-notes-123", true},
		{`["customer-notes-*"]`, "customer-notes-", true},
		{`["customer-notes-*"]`, "xcustomer-notes-1", false},
		{`["a?c"]`, "a😀c", true},
		{`["a?c"]`, "ac", false},
		{`["a*b*c"]`, "aXbYbZc", true},
		{`["a*b*c"]`, "aXcYb", false},
		{`["x","a[1]"]`, "a[1]", true},
		{`["x","a[1]"]`, "a1", false},
		{`["x"]`, "", false},
	} {
		rooms, err := parseRooms([]byte(c.claim))
		if c.claim == "" {
			rooms, err = parseRooms(nil)
		}
		if err != nil || rooms.Allows(c.room) != c.want {
			t.Errorf("%s, room %q: got %v, %v, want %v", c.claim, c.room, !c.want, err, c.want)
		}
	}
	for _, claim := range []string{`null`, `"a"`, `[1]`, `[""]`, `["a\u0000b"]`, `{}`} {
		if _, err := parseRooms([]byte(claim)); err == nil {
			t.Errorf("%s was taken", claim)
		}
	}
	if matches(strings.Repeat("*a", 2000)+"b", strings.Repeat("a", 4000)) {
		t.Error("matches what it should not")
	}
}

func TestWhatTheNamesOfAllRoomsBeginWith(t *testing.T) {
	for claim, want := range map[string]string{
		`["customer-*"]`:         "customer-",
		`["customer-1"]`:         "customer-1",
		`["team-a-*","team-b?"]`: "team-",
		`["team-*","team-a-x"]`:  "team-",
		`["a*","b*"]`:            "",
		`["*-mine"]`:             "",
		`["é-1","è-1"]`:          "",
		`[]`:                     "",
	} {
		rooms, err := parseRooms([]byte(claim))
		if err != nil || rooms.Prefix() != want {
			t.Errorf("%s: %q, %v, want %q", claim, rooms.Prefix(), err, want)
		}
	}
}
