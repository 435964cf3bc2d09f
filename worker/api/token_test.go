//go:build !js

package api_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
	"tidemark/worker/store/tickets"
)

// A minted is the response to a request for a token.
type minted struct {
	Token, JTI string
	ExpiresAt  int64 `json:"expires_at"`
}

// payload returns the claims of a token.
func payload(t testing.TB, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %q", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// by returns the header of a token with these claims.
func by(claims string) string { return "Bearer " + auth.Sign([]byte(secret), []byte(claims)) }

const ops = `{"sub":"ops","scope":"sync:admin sync:read sync:write yjs:read editor","spaces":["","a*"],"rooms":["note-*"]}`

// mint asks for a token.
func mint(t testing.TB, w *httptest.ResponseRecorder) (m minted) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != 201 || m.Token == "" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return m
}

func TestATokenIsMadeForASubject(t *testing.T) {
	p := &ports{}
	h := newHandler(t, p, "AUTH_ISSUER", "us", "AUTH_AUDIENCE", "here,there", "AUTH_MAX_TTL", "25h")
	p.now = time.UnixMilli(1_800_000_000_500)
	maker := by(strings.Replace(ops, "{", `{"iss":"us","aud":"there","exp":1800003600,`, 1))
	w := ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u1","scope":"sync:read editor","spaces":["","acme"],"rooms":["note-1"],"ttl":"24h","claims":{"teams":["x"]}}`), "Authorization", maker)
	m := mint(t, w)
	got := payload(t, m.Token)
	want := map[string]any{"sub": "u1", "scope": "sync:read editor", "spaces": []any{"", "acme"}, "rooms": []any{"note-1"}, "teams": []any{"x"},
		"iss": "us", "aud": "here", "iat": 1.8e9, "exp": 1.8e9 + 24*3600, "jti": m.JTI}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(m.JTI) != 26 || m.ExpiresAt != (1_800_000_000+24*3600)*1000 {
		t.Errorf("got %v and %+v, want %v", got, m, want)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("a cache may keep the response")
	}
	// Without a ttl it lives as long as the server allows.
	m = mint(t, ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u1","spaces":{"acme":"sync:read"},"rooms":[]}`), "Authorization", maker))
	if got := payload(t, m.Token); got["exp"] != 1.8e9+25*3600 || got["scope"] != nil {
		t.Errorf("got %v", got)
	}
	// An operator's token ends with its maker's.
	m = mint(t, ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u1","scope":"sync:admin","rooms":[],"ttl":"24h"}`), "Authorization", maker))
	if got := payload(t, m.Token); got["exp"] != 1.8e9+3600 || m.ExpiresAt != (1_800_000_000+3600)*1000 {
		t.Errorf("got %v", got)
	}
}

func TestNobodyMakesATokenThatAllowsMore(t *testing.T) {
	p := &ports{}
	h := newHandler(t, p)
	for _, c := range []struct{ maker, body, reason string }{
		// Words.
		{ops, `{"sub":"u","scope":"sync:read projects:write","rooms":[]}`, "projects:write"},
		{ops, `{"sub":"u","scope":"spaces:admin","rooms":[]}`, "spaces:admin"},
		{ops, `{"sub":"u","scope":"owner","rooms":[]}`, "owner"},
		{ops, `{"sub":"u","scope":"sync:read yjs:write","rooms":[]}`, "yjs:write"},
		{ops, `{"sub":"u","spaces":{"":["spaces:admin"]},"rooms":[]}`, "spaces:admin"},
		{`{"sub":"ops","spaces":{"":"sync:admin","acme":"sync:read sync:admin"}}`, `{"sub":"u","scope":"sync:read"}`, "sync:read"},
		// Spaces.
		{ops, `{"sub":"u","scope":"sync:read","spaces":["b"],"rooms":[]}`, `\"b\"`},
		{ops, `{"sub":"u","scope":"sync:read","spaces":["*"],"rooms":[]}`, `\"*\"`},
		{ops, `{"sub":"u","scope":"sync:read","spaces":["?cme"],"rooms":[]}`, `\"?cme\"`},
		{ops, `{"sub":"u","spaces":{"acme":"sync:read","b":""},"rooms":[]}`, `\"b\"`},
		{`{"sub":"ops","scope":"sync:admin sync:read"}`, `{"sub":"u","scope":"sync:read","spaces":["acme"]}`, `\"acme\"`},
		{`{"sub":"ops","spaces":{"":"sync:admin","acme":"sync:read"}}`, `{"sub":"u","spaces":{"acme":"sync:read"}}`, "sync:admin"},
		// Rooms.
		{ops, `{"sub":"u","scope":"sync:read"}`, "every room"},
		{ops, `{"sub":"u","scope":"yjs:read","rooms":["*"]}`, `\"*\"`},
		{ops, `{"sub":"u","scope":"yjs:read","rooms":["note-1","secret"]}`, `\"secret\"`},
	} {
		w := ask(h, "POST", "/auth/token", strings.NewReader(c.body), "Authorization", by(c.maker))
		want(t, w, 403, `"code":"FORBIDDEN"`, c.reason)
	}
	// Whoever is no operator of the root makes none at all.
	for _, claims := range []string{`{"sub":"u"}`, `{"sub":"u","scope":"sync:read spaces:admin"}`, `{"sub":"u","spaces":{"acme":"sync:admin"}}`, `{"sub":"u","spaces":{"":"sync:read","acme":"sync:admin"}}`} {
		want(t, ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u","scope":"sync:read"}`), "Authorization", by(claims)), 403)
	}
	if p.log.Len() > 0 {
		t.Errorf("the log says of changes: %s", &p.log)
	}
}

func TestARequestForATokenSaysWhatIsWrong(t *testing.T) {
	h := newHandler(t, &ports{}, "AUTH_MAX_TTL", "25h", "AUTH_CLAIMS", "scope=app.scope,aud=client")
	maker := by(`{"sub":"ops","app":{"scope":"sync:admin sync:read"},"exp":` + fmt.Sprint(time.Now().Add(time.Hour).Unix()) + `}`)
	for body, reason := range map[string]string{
		``: "The body must be", `[]`: "The body must be", `null`: "The body must be", `{"sub":"u"`: "The body must be", `{"sub":"u","sub":"v","scope":"x"}`: "twice",
		`{}`:                                                                           "sub is missing",
		`{"sub":"","scope":"sync:read"}`:                                               "sub is missing",
		`{"sub":7,"scope":"sync:read"}`:                                                "member sub",
		`{"sub":"u"}`:                                                                  "scope is missing",
		`{"sub":"u","scope":" "}`:                                                      "scope is missing",
		`{"sub":"u","scope":null}`:                                                     "member scope",
		`{"sub":"u","scope":["sync:read"]}`:                                            "member scope",
		`{"sub":"u","spaces":[""]}`:                                                    "scope is missing",
		`{"sub":"u","scope":"x","jti":"x"}`:                                            `Unknown member \"jti\"`,
		`{"sub":"u","scope":"x","exp":1}`:                                              `Unknown member \"exp\"`,
		`{"sub":"u","scope":"x","Spaces":1}`:                                           `Unknown member \"Spaces\"`,
		`{"sub":"u","scope":"sync:read","spaces":{"":"sync:read"}}`:                    "leave it out",
		`{"sub":"u","scope":"sync:read","spaces":null}`:                                "its spaces are neither",
		`{"sub":"u","scope":"sync:read","spaces":"acme"}`:                              "its spaces are neither",
		`{"sub":"u","scope":"sync:read","spaces":["a\u0000"]}`:                         "NUL",
		`{"sub":"u","spaces":{"":"sync:read","":"x"}}`:                                 "twice",
		`{"sub":"u","spaces":{"":7}}`:                                                  "neither a string nor a list",
		`{"sub":"u","scope":"sync:read","rooms":null}`:                                 "its rooms are not",
		`{"sub":"u","scope":"sync:read","rooms":[""]}`:                                 "its rooms are not",
		`{"sub":"u","scope":"sync:read","ttl":"26h"}`:                                  "from 1s to 25h",
		`{"sub":"u","scope":"sync:read","ttl":90001}`:                                  "from 1s to 25h",
		`{"sub":"u","scope":"sync:read","ttl":"1ms"}`:                                  "from 1s to 25h",
		`{"sub":"u","scope":"sync:read","ttl":0}`:                                      "neither a number",
		`{"sub":"u","scope":"sync:read","ttl":"-1h"}`:                                  "neither a number",
		`{"sub":"u","scope":"sync:read","ttl":null}`:                                   "neither a number",
		`{"sub":"u","scope":"sync:read","claims":[]}`:                                  "not a JSON object",
		`{"sub":"u","scope":"sync:read","claims":{"scope":"sync:admin"}}`:              "scope, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"app":{"scope":"sync:admin"}}}`:      "app, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"app.scope":"sync:admin"}}`:          "app.scope, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"client":"other"}}`:                  "client, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"exp":9000000000}}`:                  "exp, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"\u0069ss":"x"}}`:                    "iss, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"jti":"x"}}`:                         "jti, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"spaces":["*"]}}`:                    "spaces, which is reserved",
		`{"sub":"u","scope":"sync:read","claims":{"rooms":["*"]}}`:                     "rooms is a member",
		`{"sub":"u","scope":"sync:read","claims":{"a":1,"a":2}}`:                       "twice",
		`{"sub":"u","scope":"sync:read","claims":{"x":"` + longText(9000) + `"}}`:      "longer than",
		`{"sub":"` + longText(1025) + `","scope":"sync:read"}`:                         "subject is longer",
		`{"sub":"u","scope":"sync:read","claims":` + strings.Repeat(`{"a":`, 20) + `1`: "The body must be",
	} {
		want(t, ask(h, "POST", "/auth/token", strings.NewReader(body), "Authorization", maker), 400, `"code":"BAD_REQUEST"`, reason)
	}
	want(t, ask(h, "POST", "/auth/token", strings.NewReader(longText(70_000)), "Authorization", maker), 413)
	// A mapped claim is written where the server reads it.
	m := mint(t, ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u","scope":"sync:read"}`), "Authorization", maker))
	want(t, ask(h, "GET", "/auth/me", nil, "Authorization", "Bearer "+m.Token), 200, `"subject":"u","scope":["sync:read"],"spaces":null,"rooms":null`)
}

func longText(n int) string { return strings.Repeat("x", n) }

// A foreigner is an issuer with keys of its own: what AUTH_JWKS has of them, and a signer.
func foreigner(t *testing.T) (jwks string, sign func(jwt.MapClaims) string) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	jwks = fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	return jwks, func(claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + token
	}
}

func TestWithoutTheSecretNoTokenIsMade(t *testing.T) {
	jwks, sign := foreigner(t)
	h := newHandlerWith(t, &ports{}, func(c *api.Config) { c.Door.Web = verifying{} }, "AUTH_SECRET", "", "AUTH_JWKS", jwks)
	maker := sign(jwt.MapClaims{"sub": "ops", "scope": "sync:admin sync:read"})
	want(t, ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u","scope":"sync:read"}`), "Authorization", maker), 501, `"code":"NOT_IMPLEMENTED"`, "AUTH_SECRET")
	want(t, ask(h, "GET", "/auth/me", nil, "Authorization", maker), 200, `"makes_tokens":false`)
}

// verifying checks signatures, and fetches no keys.
type verifying struct{ door.Web }

func (verifying) Verify(ctx context.Context, s abi.Signature) (bool, error) {
	return checker{}.Verify(ctx, s)
}

// The secret is the first issuer's, whoever the maker's issuer is.
func TestATokenIsMadeByWhoHasOneOfAnotherKey(t *testing.T) {
	jwks, sign := foreigner(t)
	h := newHandlerWith(t, &ports{}, func(c *api.Config) { c.Door.Web = verifying{} }, "AUTH_JWKS", jwks, "AUTH_ISSUER", "us,them", "AUTH_JWKS_URL", ",https://them.example/keys")
	maker := sign(jwt.MapClaims{"iss": "us", "sub": "ops", "scope": "sync:admin sync:read"})
	m := mint(t, ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u","scope":"sync:read"}`), "Authorization", maker))
	if got := payload(t, m.Token); got["iss"] != "us" {
		t.Errorf("got %v", got)
	}
	want(t, ask(h, "GET", "/auth/me", nil, "Authorization", "Bearer "+m.Token), 200, `"subject":"u"`)
}

func TestARevokedOperatorMakesNoToken(t *testing.T) {
	sessions := tickets.NewSessions(wasmtest.OpenD1(t, store.Migrations()))
	h := newHandlerWith(t, &ports{}, func(c *api.Config) { c.Door.Sessions = &door.Sessions{Store: sessions} })
	body := `{"sub":"u","scope":"sync:read"}`
	maker := by(`{"sub":"ops","iat":1,"scope":"sync:admin sync:read"}`)
	want(t, ask(h, "POST", "/auth/token", strings.NewReader(body), "Authorization", maker), 201)
	h = newHandlerWith(t, &ports{}, func(c *api.Config) { c.Door.Sessions = &door.Sessions{Store: sessions} })
	if err := sessions.Revoke(t.Context(), time.Now(), tickets.Revocation{Subject: "ops", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	want(t, ask(h, "POST", "/auth/token", strings.NewReader(body), "Authorization", maker), 401, "revoked")
}

// Whatever the maker and the body are, the new token's caller is told no scope, space and
// room that the maker was not told.
func TestMeOfAMadeTokenIsWithinThatOfItsMaker(t *testing.T) {
	h := newHandler(t, &ports{})
	type self struct {
		Scope       []string
		Spaces      []string
		Rooms       []string
		MakesTokens bool `json:"makes_tokens"`
	}
	me := func(authorization string) (s self, code int) {
		w := ask(h, "GET", "/auth/me", nil, "Authorization", authorization)
		json.Unmarshal(w.Body.Bytes(), &s)
		return s, w.Code
	}
	subset := func(some, all []string) bool {
		for _, one := range some {
			if !strings.Contains(" "+strings.Join(all, " ")+" ", " "+one+" ") {
				return false
			}
		}
		return true
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"sync:read", "yjs:read", "projects:write", "spaces:admin", "sync:admin", "editor"}), 1, 4)
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2) // without globs: sets of rooms or spaces
		within := rapid.Bool().Draw(t, "within")                                  // what the maker has
		some := func(name string, own []string, all *rapid.Generator[[]string]) []string {
			if within {
				return append([]string{}, own[:rapid.IntRange(min(1, len(own)), len(own)).Draw(t, name)]...)
			}
			return append([]string{}, all.Draw(t, name)...)
		}
		ownWords := append(words.Draw(t, "own words"), "sync:admin")
		claims := map[string]any{"sub": "ops", "scope": strings.Join(ownWords, " ")}
		body := map[string]any{"sub": "u", "scope": strings.Join(some("words", ownWords, words), " ")}
		for _, claim := range []string{"rooms", "spaces"} {
			limited, own := rapid.Bool().Draw(t, "own "+claim+" are limited"), []string{}
			if limited {
				own = append(own, names.Draw(t, "own "+claim)...)
			}
			some := some(claim, own, names)
			if claim == "spaces" {
				own, some = append(own, ""), append(some, "")
			}
			if limited {
				claims[claim] = own
			}
			if within && limited || !within && rapid.Bool().Draw(t, claim+" are limited") {
				body[claim] = some
			}
		}
		own, _ := json.Marshal(claims)
		text, _ := json.Marshal(body)
		w := ask(h, "POST", "/auth/token", strings.NewReader(string(text)), "Authorization", by(string(own)))
		if w.Code == 403 && !within {
			return
		}
		maker, _ := me(by(string(own)))
		var m minted
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Code != 201 {
			t.Fatalf("%s by %s: %d %s", text, own, w.Code, w.Body)
		}
		got, code := me("Bearer " + m.Token)
		if code != 200 || !subset(got.Scope, maker.Scope) || !subset(got.Spaces, append(maker.Spaces, "")) || maker.Rooms != nil && (got.Rooms == nil || !subset(got.Rooms, maker.Rooms)) {
			t.Errorf("%s by %s: %d, %+v, and its maker is %+v", text, own, code, got, maker)
		}
	})
}

func TestAMadeTokenPullsInTheRootAndInASpace(t *testing.T) {
	f := newTown(t)
	f.push("acme", "c1")
	maker := auth.Sign([]byte(secret), []byte(`{"sub":"ops","scope":"sync:admin sync:read","spaces":["","a*"]}`))
	var m minted
	answer := f.want(201, "POST", "/auth/token", maker, `{"sub":"u1","scope":"sync:read","spaces":["","acme"]}`)
	if err := json.Unmarshal([]byte(answer), &m); err != nil {
		t.Fatal(err)
	}
	f.want(200, "GET", "/sync/pull", m.Token, "", `"timestamp"`)
	f.want(200, "GET", "/s/acme/sync/pull", m.Token, "", `"id":"c1"`)
	f.want(403, "GET", "/s/abc/sync/pull", m.Token, "")
	f.want(403, "POST", "/s/acme/trpc/sync.push", m.Token, "{}")
	f.want(403, "POST", "/auth/token", m.Token, `{"sub":"u1","scope":"sync:read"}`)
	f.want(404, "POST", "/s/acme/auth/token", auth.Sign([]byte(secret), []byte(`{"scope":"sync:admin","spaces":["","acme"]}`)), `{"sub":"u1","scope":"sync:read"}`)
	f.want(200, "GET", "/s/acme/auth/me", m.Token, "", `{"subject":"u1","scope":["sync:read"],"spaces":["","acme"],"rooms":null,"expires_at":`)
}

func TestMeSaysWhatTheTokenAllowsHere(t *testing.T) {
	f := newTown(t)
	for _, c := range []struct{ claims, place, want string }{
		{`{}`, "", `{"subject":"","scope":["projects:read","projects:write","sync:read","sync:write","yjs:read","yjs:write"],"spaces":null,"rooms":null,"expires_at":null,"makes_tokens":false}`},
		{`{"sub":"ops","scope":"sync:admin editor","exp":4000000000.5}`, "", `{"subject":"ops","scope":["editor","sync:admin"],"spaces":null,"rooms":null,"expires_at":4000000000500,"makes_tokens":true}`},
		{`{"sub":"ops","spaces":{"":"sync:admin","a*":"sync:read","acme":"yjs:read"},"rooms":["n-*"]}`, "/s/acme",
			`{"subject":"ops","scope":["sync:read","yjs:read"],"spaces":["","a*","acme"],"rooms":["n-*"],"expires_at":null,"makes_tokens":true}`},
		{`{"sub":"u","spaces":{"acme":"sync:admin"},"rooms":[]}`, "/s/acme", `{"subject":"u","scope":["sync:admin"],"spaces":["acme"],"rooms":[],"expires_at":null,"makes_tokens":false}`},
	} {
		token := auth.Sign([]byte(secret), []byte(c.claims))
		if got := f.want(200, "GET", c.place+"/auth/me", token, ""); got != c.want {
			t.Errorf("%s at %s: %s, want %s", c.claims, c.place, got, c.want)
		}
	}
	f.want(403, "GET", "/s/other/auth/me", auth.Sign([]byte(secret), []byte(`{"spaces":["acme"]}`)), "")
	f.want(403, "GET", "/auth/me", auth.Sign([]byte(secret), []byte(`{"spaces":["acme"]}`)), "")
	f.want(401, "GET", "/auth/me", "", "")
	f.want(405, "POST", "/s/acme/auth/me", auth.Sign([]byte(secret), []byte(`{"spaces":["acme"]}`)), "")
	if got := fmt.Sprint(f.objects()); got != "[acme]" { // of the POST
		t.Errorf("spaces that heard of a request: %s", got)
	}
}

func TestTheLogSaysWhoChangedWhat(t *testing.T) {
	p := &ports{}
	h := newHandler(t, p)
	w := ask(h, "POST", "/auth/token", strings.NewReader(`{"sub":"u1","scope":"sync:read","rooms":[],"claims":{"teams":["marked"]}}`), "Authorization", by(ops), "X-Request-Id", "r1")
	m := mint(t, w)
	line := map[string]any{}
	if err := json.Unmarshal(p.log.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, &p.log)
	}
	delete(line, "time")
	want := map[string]any{"level": "INFO", "msg": "change", "action": "auth.token", "subject": "ops", "space": nil, "request_id": "r1", "for": "u1", "jti": m.JTI, "operates": false}
	if fmt.Sprint(line) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", line, want)
	}
	for _, secret := range append(strings.Split(m.Token, "."), "marked") {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	p.log.Reset()
	operate(h, "/sync/purge", `{"keep_days":0}`)
	ask(h, "POST", "/sync/purge", nil, "Authorization", scoped("sync:read"))
	ask(h, "GET", "/sync/pull", nil)
	ask(h, "POST", "/trpc/sync.push", strings.NewReader("{}"))
	if p.log.Len() > 0 {
		t.Errorf("the log says of changes that were none: %s", &p.log)
	}
	operate(h, "/sync/purge", "")
	operate(h, "/sync/restore", "")
	if got := p.log.String(); !strings.Contains(got, `"msg":"change","action":"sync.purge","subject":"operator","space":null}`) || !strings.Contains(got, `"action":"sync.restore"`) {
		t.Errorf("got %s", got)
	}
}

func TestTheLogNamesTheSpaceOfAChange(t *testing.T) {
	s := newCallerServer(t)
	r := httptest.NewRequest("POST", "/s/acme/sync/purge", nil)
	r.Header.Set("Authorization", by(`{"sub":"ops","spaces":{"acme":"sync:admin"}}`))
	want(t, s.ask(r), 200)
	if got := s.log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"action":"sync.purge","subject":"ops","space":"acme"}`) {
		t.Errorf("got %s", got)
	}
}
