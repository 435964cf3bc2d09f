package auth

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAGlobCoversAnother(t *testing.T) {
	for _, c := range []struct {
		glob, other string
		want        bool
	}{
		{"acme", "acme", true}, {"acme", "acme.x", false}, {"acme", "Acme", false}, {"acme", "*", false}, {"acme", "acm?", false},
		{"*", "acme", true}, {"*", "*", true}, {"*", "**", true}, {"*", "a?*", true}, {"**", "*", true},
		{"team-*", "team-a", true}, {"team-*", "team-", true}, {"team-*", "team-?", true}, {"team-*", "team-a-*", true},
		{"team-*", "team*", false}, {"team-*", "*", false}, {"team-*", "tea?-*", false}, {"team-*", "te*m-a", false},
		{"team-?", "team-a", true}, {"team-?", "team-?", true}, {"team-?", "team-*", false}, {"team-?", "team-ab", false}, {"team-?", "team-", false},
		{"?", "*", false}, {"??", "?*", false}, {"*?", "?", true}, {"*?", "?*", false}, // the last one matches as much, and is refused all the same
		{"a*b*c", "a*c", false}, {"a*c", "a*b*c", true}, {"*a*", "ba?", true}, {"*a*", "b?b", false},
		{"å?", "åö", true}, {"å?", "å?", true}, {"?", "å", true},
		{"", "", true}, {"*", "", false}, {"", "*", false}, {"", "a", false},
	} {
		if got := covers(c.glob, c.other); got != c.want {
			t.Errorf("%q covers %q: got %v", c.glob, c.other, got)
		}
	}
}

func TestWhatACoveredGlobMatchesItsCoverMatchesToo(t *testing.T) {
	glob := rapid.StringMatching(`[ab*?]{1,6}`)
	rapid.Check(t, func(t *rapid.T) {
		g := glob.Draw(t, "glob")
		if !covers(g, g) || !covers("*", g) {
			t.Fatalf("%q does not cover itself, or * does not", g)
		}
		other := rapid.OneOf(glob, rapid.Map(rapid.StringMatching(`[ab?]{0,3}`), func(s string) string { return strings.ReplaceAll(g, "*", s) + s })).Draw(t, "other")
		name := rapid.StringMatching(`[ab*?]{1,6}`).Draw(t, "name") // of a room, which may have any character
		if other != "" && covers(g, other) && matches(other, name) && !matches(g, name) {
			t.Errorf("%q covers %q, and only the second one matches %q", g, other, name)
		}
	})
}

// identityOf reads a token of claims.
func identityOf(t interface{ Fatalf(string, ...any) }, claims string) Identity {
	v, err := New(Config{Secret: secret})
	if err == nil {
		var id Identity
		if id, _, err = v.Verify(raw(hs256, claims), now); err == nil {
			return id
		}
	}
	t.Fatalf("%s: %v", claims, err)
	return Identity{}
}

func TestATokenIsMadeWithinItsMakers(t *testing.T) {
	const all = `"scope":"sync:read sync:write sync:admin yjs:read spaces:admin editor"`
	for _, c := range []struct{ maker, made, reason string }{
		{`{` + all + `}`, `{"scope":"sync:read editor"}`, ""},
		{`{` + all + `}`, `{"scope":""}`, ""},
		{`{` + all + `}`, `{"scope":"sync:read","spaces":[""]}`, ""},
		{`{` + all + `}`, `{"scope":"sync:read","spaces":[]}`, ""},
		{`{` + all + `}`, `{"scope":"sync:read yjs:write"}`, `"yjs:write" in the root`},
		{`{` + all + `}`, `{"scope":"owner"}`, `"owner" in the root`},
		{`{` + all + `}`, `{"scope":"SYNC:READ"}`, `"SYNC:READ"`},
		{`{` + all + `}`, `{}`, "no scope"},
		{`{` + all + `}`, `{"spaces":{"":"sync:write"}}`, ""},
		{`{` + all + `}`, `{"spaces":{"":"yjs:write"}}`, `"yjs:write"`},
		{`{` + all + `}`, `{"scope":"sync:read","spaces":["acme"]}`, `does not reach the spaces "acme"`},
		{`{` + all + `}`, `{"spaces":{"acme":"sync:read"}}`, `does not reach the spaces "acme"`},
		{`{` + all + `,"spaces":["","a*","b?"]}`, `{"scope":"sync:read","spaces":["","acme","a?","b?","b1"]}`, ""},
		{`{` + all + `,"spaces":["","a*","b?"]}`, `{"scope":"sync:read"}`, ""},
		{`{` + all + `,"spaces":["","a*","b?"]}`, `{"scope":"sync:read","spaces":["b*"]}`, `"b*"`},
		{`{` + all + `,"spaces":["","a*","b?"]}`, `{"scope":"sync:read","spaces":["*"]}`, `"*"`},
		{`{` + all + `,"spaces":["","a*","b?"]}`, `{"scope":"yjs:write","spaces":["acme"]}`, `"yjs:write" in the spaces "acme"`},
		{`{` + all + `,"spaces":["a*"]}`, `{"scope":"sync:read"}`, "does not reach the root"},
		{`{` + all + `,"spaces":["*"]}`, `{"scope":"sync:read","spaces":["","acme"]}`, "does not reach the root"},
		// Scopes of several globs add up, but each must reach all that the new glob does.
		{`{"spaces":{"":"sync:admin","a*":"sync:admin sync:read","*":"yjs:read"}}`, `{"spaces":{"acme":"sync:read yjs:read"}}`, ""},
		{`{"spaces":{"":"sync:admin","a*":"sync:admin sync:read","ab":"yjs:read"}}`, `{"spaces":{"a?":"yjs:read"}}`, `"yjs:read"`},
		// Nobody makes tokens for a place without being an operator there: a token may have any subject.
		{`{"spaces":{"":"sync:admin","acme":"sync:read"}}`, `{"spaces":{"acme":"sync:read"}}`, `lacks sync:admin in the spaces "acme"`},
		{`{"spaces":{"":"sync:admin","acme":"sync:read"}}`, `{"scope":"","spaces":["acme"]}`, `lacks sync:admin`},
		{`{}`, `{"scope":"sync:read"}`, "lacks sync:admin in the root"},
		{`{` + all + `,"rooms":["a-*","b"]}`, `{"scope":"yjs:read","rooms":["a-1","a-?","b"]}`, ""},
		{`{` + all + `,"rooms":["a-*","b"]}`, `{"scope":"yjs:read","rooms":[]}`, ""},
		{`{` + all + `,"rooms":["a-*","b"]}`, `{"scope":"yjs:read"}`, "every room"},
		{`{` + all + `,"rooms":["a-*","b"]}`, `{"scope":"yjs:read","rooms":["a-1","a*"]}`, `"a*"`},
		{`{` + all + `,"rooms":["a-*","b"]}`, `{"scope":"yjs:read","rooms":["?"]}`, `"?"`},
		{`{` + all + `,"rooms":[]}`, `{"scope":"yjs:read","rooms":["a"]}`, `"a"`},
		{`{` + all + `}`, `{"scope":"yjs:read","rooms":["*"]}`, ""},
		// An operator's token ends with its maker's.
		{`{` + all + `,"exp":4000000000}`, `{"scope":"sync:read"}`, ""},
		{`{` + all + `,"exp":4000000000}`, `{"scope":"sync:admin","exp":4000000000}`, ""},
		{`{` + all + `,"exp":4000000000}`, `{"scope":"sync:admin","exp":4000000001}`, "must end no later"},
		{`{` + all + `,"exp":4000000000}`, `{"scope":"sync:admin"}`, "must end no later"},
		{`{` + all + `,"spaces":["","a"],"exp":4000000000}`, `{"spaces":{"":"sync:read","a":"spaces:admin"}}`, "must end no later"},
	} {
		err := identityOf(t, c.maker).MayMake(identityOf(t, c.made))
		if (err == nil) != (c.reason == "") || err != nil && !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s makes %s: got %v, want %q", c.maker, c.made, err, c.reason)
		}
	}
}

// drawClaims draws the claims of a token.
func drawClaims(t *rapid.T, label string) string {
	word := rapid.SampledFrom([]string{"sync:read", "sync:write", "yjs:read", "spaces:admin", "editor", "sync:admin", "sync:admin"})
	scope := rapid.Map(rapid.SliceOfN(word, 0, 4), func(words []string) string { return strings.Join(words, " ") })
	glob := rapid.OneOf(rapid.SampledFrom([]string{"", "*", "a*", "a"}), rapid.StringMatching(`[ab*?]{1,3}`))
	claims := map[string]any{}
	if rapid.IntRange(0, 5).Draw(t, label+" has a scope") > 0 {
		claims["scope"] = scope.Draw(t, label+" scope")
	}
	switch rapid.IntRange(0, 2).Draw(t, label+" form") {
	case 1:
		claims["spaces"] = append([]string{}, rapid.SliceOfN(glob, 0, 3).Draw(t, label+" globs")...)
	case 2:
		claims["spaces"] = rapid.MapOfN(glob, scope, 0, 3).Draw(t, label+" grants")
	}
	if rapid.Bool().Draw(t, label+" has rooms") {
		room := rapid.StringMatching(`[ab*?]{1,3}`)
		claims["rooms"] = append([]string{}, rapid.SliceOfN(room, 0, 2).Draw(t, label+" rooms")...)
	}
	if rapid.Bool().Draw(t, label+" ends") {
		claims["exp"] = rapid.IntRange(4_000_000_000, 4_000_000_003).Draw(t, label+" end")
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWhatIsMadeAllowsNoMoreThanItsMaker asks all places and rooms of few letters, whatever
// the two tokens are.
func TestWhatIsMadeAllowsNoMoreThanItsMaker(t *testing.T) {
	names := []string{""}
	for start := 0; len(names[len(names)-1]) < 3; {
		end := len(names)
		for _, name := range names[start:end] {
			names = append(names, name+"a", name+"b", name+"c")
		}
		start = end
	}
	permitted := 0
	rapid.Check(t, func(t *rapid.T) {
		own, new := drawClaims(t, "own"), drawClaims(t, "new")
		maker, made := identityOf(t, own), identityOf(t, new)
		if maker.MayMake(made) != nil {
			return
		}
		permitted++
		for _, name := range names {
			in, named := made.In(name)
			by, reached := maker.In(name)
			if !named {
				continue
			}
			if !reached || !by.Scope.Allows(SyncAdmin) {
				t.Fatalf("%s makes %s, which reaches %q", own, new, name)
			}
			for _, word := range append(slices.Clone(Permissions), "editor") {
				if in.Scope.Allows(word) && !by.Scope.Allows(word) {
					t.Fatalf("%s makes %s, which has %s in %q", own, new, word, name)
				}
			}
			if has := func(s Scope) bool { return slices.Contains(strings.Fields(s.Words), "editor") }; has(in.Scope) && !has(by.Scope) { // as a rule asks
				t.Fatalf("%s makes %s, which has the word editor in %q", own, new, name)
			}
			if operates := in.Scope.Allows(SyncAdmin) || in.Scope.Allows(SpacesAdmin); operates && !maker.Expires.IsZero() && (made.Expires.IsZero() || made.Expires.After(maker.Expires)) {
				t.Fatalf("%s makes %s, which operates later", own, new)
			}
		}
		for _, room := range append(names[1:], "a*", "*", "?") {
			if made.Rooms.Allows(room) && !maker.Rooms.Allows(room) {
				t.Fatalf("%s makes %s, which opens %q", own, new, room)
			}
		}
	})
	if permitted == 0 {
		t.Error("no token was made: the test sees nothing")
	}
}

func TestAnIssuedTokenIsReadAsItWasMeant(t *testing.T) {
	for _, c := range []Config{
		{}, {Issuers: []string{"us", "them"}, JWKSURLs: []string{"", "https://them.example/keys"}}, {Audiences: []string{"here", "there"}},
		{Claims: Mapping{Subject: "https://a.example/id", Scope: "permissions", Rooms: "app.rooms", Spaces: "app.spaces", Audience: "client.id"}, Audiences: []string{"here"}},
	} {
		c.Secret, c.Kept = secret, []string{"teams"}
		v := verifier(t, c)
		g := Grant{Subject: `a"b`, Scope: "sync:read editor", ID: "t1", Added: map[string][]byte{"teams": []byte(`["x"]`)}, Issued: now, Expires: now.Add(1e9)}
		id, _, err := v.Verify(c.Issue(g), now)
		root, named := id.In("")
		if err != nil || id.Subject != `a"b` || id.ID != "t1" || id.Claims != `{"teams":["x"]}` || !named || root.Scope.Words != "editor sync:read" && root.Scope.Words != "sync:read editor" ||
			!id.Rooms.Allows("any") || !id.Issued.Equal(now) || !id.Expires.Equal(now.Add(1e9)) {
			t.Errorf("%+v: got %+v, %v", c.Claims, id, err)
		}
		g.Spaces, g.Rooms = []byte(`["acme"]`), []byte(`["a-*"]`)
		id, _, err = v.Verify(c.Issue(g), now)
		if _, named := id.In("acme"); err != nil || !named || id.Rooms.Allows("b") || !id.Rooms.Allows("a-1") {
			t.Errorf("%+v: got %+v, %v", c.Claims, id, err)
		}
		if _, named := id.In(""); named {
			t.Errorf("%+v: it reaches the root", c.Claims)
		}
	}
}

func TestTheListOfAScopeHasEachWordOnce(t *testing.T) {
	for _, c := range []struct {
		scope Scope
		want  string
	}{
		{Scope{}, ""}, {Scope{Words: " yjs:read  editor yjs:read"}, "editor yjs:read"},
		{Scope{All: true}, "projects:read projects:write sync:read sync:write yjs:read yjs:write"},
	} {
		if got := strings.Join(c.scope.List(), " "); got != c.want {
			t.Errorf("%+v: got %q", c.scope, got)
		}
	}
}
