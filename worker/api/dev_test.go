//go:build !js

package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/auth"
	"tidemark/worker/api"
	"tidemark/worker/webtest"
)

const devSecret = "the secret of these tests, 32 bytes"

// devServer is a handler with these variables, on 1 January 2026.
func devServer(t *testing.T, variables map[string]string) http.Handler {
	t.Helper()
	all := map[string]string{"AUTH_SECRET": ""}
	maps.Copy(all, variables)
	c := configure(t, all)
	c.Door.Now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	return webtest.Handler{Of: api.New(c)}
}

// devAsk asks as the demo does, but for the headers given in pairs of name and
// value; an empty value is no header.
func devAsk(h http.Handler, method, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8787/dev/login", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://localhost:8787")
	for i := 0; i < len(headers); i += 2 {
		switch name, value := headers[i], headers[i+1]; {
		case name == "Host":
			r.Host = value
		case value == "":
			r.Header.Del(name)
		default:
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestDevLoginIsNotThereOutsideDevelopment(t *testing.T) {
	for _, variables := range []map[string]string{
		{"AUTH_SECRET": devSecret},
		{"AUTH_SECRET": devSecret, "DEV_MODE": "0"},
		{"AUTH_SECRET": devSecret, "DEV_MODE": "true"},
		{"DEV_MODE": "1"}, // nothing to sign with
	} {
		for _, method := range []string{"GET", "POST"} {
			w := devAsk(devServer(t, variables), method, `{"name":"Anna"}`)
			if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "token") {
				t.Errorf("%s with %v: %d %s, want 404", method, variables, w.Code, w.Body)
			}
		}
	}
}

func TestDevLoginGivesATokenThatIsGood(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1", "AUTH_ISSUER": "us", "AUTH_AUDIENCE": "them"})
	if w := devAsk(h, "GET", ""); w.Code != http.StatusOK {
		t.Fatalf("GET: %d %s", w.Code, w.Body)
	}
	w := devAsk(h, "POST", `{"name":" Anna Å "}`)
	var answer struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("POST: %d %s", w.Code, w.Body)
	}
	verifier, err := auth.New(auth.Config{Secret: []byte(devSecret), Issuers: []string{"us"}, Audiences: []string{"them"}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	id, _, err := verifier.Verify(answer.Token, now)
	if err != nil || id.Subject != "Anna Å" {
		t.Errorf("the token's identity: %+v, %v", id, err)
	}
	if _, _, err := verifier.Verify(answer.Token, now.Add(12*time.Hour)); err == nil {
		t.Error("the token lives longer than 12 hours")
	}
}

func TestDevLoginGivesAnOperatorEveryPermissionEverywhere(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1"})
	verifier, err := auth.New(auth.Config{Secret: []byte(devSecret)})
	if err != nil {
		t.Fatal(err)
	}
	for body, operates := range map[string]bool{
		`{"name":"ops","operator":true}`:                 true,
		`{"name":"ops","operator":false,"spaces":["a"]}`: false,
		`{"name":"ops","spaces":["a"]}`:                  false,
	} {
		var answer struct{ Token string }
		if w := devAsk(h, "POST", body); json.Unmarshal(w.Body.Bytes(), &answer) != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", body, w.Code, w.Body)
		}
		id, _, err := verifier.Verify(answer.Token, time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		for _, space := range []string{"", "a", "z"} {
			in, reached := id.In(space)
			if want := operates || space != "z"; reached != want {
				t.Errorf("%s: it reaches the space %q: %v, want %v", body, space, reached, want)
			}
			for _, p := range []auth.Permission{auth.SyncAdmin, auth.SpacesAdmin} {
				if got := reached && in.Scope.Allows(p); got != operates {
					t.Errorf("%s: %s in the space %q: %v, want %v", body, p, space, got, operates)
				}
			}
		}
	}
	if w := devAsk(h, "POST", `{"name":"ops","operator":"yes"}`); w.Code != http.StatusBadRequest {
		t.Errorf("an operator that is no boolean: %d %s, want 400", w.Code, w.Body)
	}
}

func TestDevLoginRefusesWhatIsNoName(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1"})
	for body, want := range map[string]int{
		"":                http.StatusBadRequest,
		"{":               http.StatusBadRequest,
		`{"name":5}`:      http.StatusBadRequest,
		`{"name":" "}`:    http.StatusBadRequest,
		`{"name":"a\nb"}`: http.StatusBadRequest,
		`{"name":"` + strings.Repeat("x", 64) + `"}`:   http.StatusOK,
		`{"name":"` + strings.Repeat("x", 65) + `"}`:   http.StatusBadRequest,
		`{"name":"` + strings.Repeat("x", 5000) + `"}`: http.StatusRequestEntityTooLarge,
	} {
		if w := devAsk(h, "POST", body); w.Code != want {
			t.Errorf("%.30q: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	if w := devAsk(h, "PUT", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", w.Code)
	}
}

func TestDevLoginTakesOnlyThisMachinesOwnPages(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1"})
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"the demo", nil, 200},
		{"curl", []string{"Origin", ""}, 200},
		{"an address", []string{"Host", "127.0.0.1:8787", "Origin", "http://127.0.0.1:8787"}, 200},
		{"an address of IPv6", []string{"Host", "[::1]:8787", "Origin", "http://[::1]:8787"}, 200},
		{"without a port", []string{"Host", "[::1]", "Origin", "http://[::1]"}, 200},
		{"a name below localhost", []string{"Host", "app.localhost", "Origin", "https://app.localhost"}, 200},
		{"with a charset", []string{"Content-Type", "application/json; charset=utf-8"}, 200},
		{"a page of a stranger", []string{"Origin", "https://evil.example"}, 403},
		{"a page on another port", []string{"Origin", "http://localhost:3000"}, 403},
		{"a page in a sandbox", []string{"Origin", "null"}, 403},
		{"a stranger's name for this machine", []string{"Host", "evil.example:8787", "Origin", "http://evil.example:8787"}, 403},
		{"the same by curl", []string{"Host", "evil.example:8787", "Origin", ""}, 403},
		{"a name that begins as localhost", []string{"Host", "localhost.evil.example", "Origin", ""}, 403},
		{"a name that ends as localhost", []string{"Host", "evillocalhost", "Origin", ""}, 403},
		{"another machine's address", []string{"Host", "192.168.1.2:8787", "Origin", ""}, 403},
		{"no host", []string{"Host", "", "Origin", ""}, 403},
		{"a form", []string{"Content-Type", "text/plain"}, 415},
		{"a form with fields", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"no type", []string{"Content-Type", ""}, 415},
	} {
		w := devAsk(h, "POST", `{"name":"Anna"}`, c.headers...)
		if w.Code != c.want || w.Code != 200 && strings.Contains(w.Body.String(), "token\":") {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
		if c.want == http.StatusForbidden {
			if w := devAsk(h, "GET", "", c.headers...); w.Code != c.want {
				t.Errorf("%s, GET: %d, want %d", c.name, w.Code, c.want)
			}
		}
	}
	for _, method := range []string{"GET", "POST", "OPTIONS"} {
		w := devAsk(h, method, `{"name":"Anna"}`, "Access-Control-Request-Method", "POST")
		for name := range w.Header() {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %s: %s", method, name, w.Header().Get(name))
			}
		}
		if method == "OPTIONS" && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("a preflight: %d", w.Code)
		}
	}
}

// devIdentity asks for a token, and returns its identity and the personal space.
func devIdentity(t *testing.T, h http.Handler, body string) (auth.Identity, string) {
	t.Helper()
	w := devAsk(h, "POST", body)
	var answer struct{ Token, Personal string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", body, w.Code, w.Body)
	}
	verifier, err := auth.New(auth.Config{Secret: []byte(devSecret)})
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := verifier.Verify(answer.Token, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return id, answer.Personal
}

func TestADevTokenReachesTheRootThePersonalSpaceAndThoseAskedFor(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1"})
	_, annas := devIdentity(t, h, `{"name":"anna"}`)
	for body, reached := range map[string][]string{
		`{"name":"anna"}`:                                {"", annas},
		`{"name":"anna","spaces":null}`:                  {"", annas},
		`{"name":"anna","spaces":["team-x","y","y"]}`:    {"", annas, "team-x", "y"},
		`{"name":"bert","spaces":["` + annas + `","z"]}`: {"", annas, "z", "personal.bert"},
	} {
		id, personal := devIdentity(t, h, body)
		for _, space := range []string{"", annas, "personal.bert", "team-x", "team-y", "y", "z"} {
			in, named := id.In(space)
			if want := slices.Contains(reached, space); named != want {
				t.Errorf("%s reaches %q: %v, want %v", body, space, named, want)
			}
			if named && (!in.Scope.Allows(auth.SyncWrite) || in.Scope.Allows(auth.SyncAdmin) || in.Scope.Allows(auth.SpacesAdmin)) {
				t.Errorf("%s in %q: %+v", body, space, in.Scope)
			}
		}
		if _, named := id.In(personal); !named {
			t.Errorf("%s does not reach the personal space %q", body, personal)
		}
	}
}

func TestADevTokenHasTheClaimsAskedForAndNoMoreRights(t *testing.T) {
	const mapping = "scope=app.scope,rooms=r"
	variables := map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1"}
	plain := devServer(t, variables)
	variables["AUTH_CLAIMS"] = mapping
	mapped := devServer(t, variables)
	for _, c := range []struct {
		h      http.Handler
		claims string
		want   string // the kept claims; "400": the request is refused
	}{
		{plain, `null`, ``},
		{plain, `{}`, ``},
		{plain, `{"teams":["b","a"],"org":"x"}`, `{"org":"x","teams":["a","b"]}`},
		{plain, `{"app":{"org":"x","scope":"sync:admin"}}`, `{"app.org":"x"}`},
		{plain, `["teams"]`, "400"},
		{plain, `"teams"`, "400"},
		{plain, `{"sub":"root"}`, "400"},
		{plain, `{"scope":"sync:admin"}`, "400"},
		{plain, `{"spaces":{"*":"sync:admin"}}`, "400"},
		{plain, `{"teams":["a"],"exp":9000000000}`, "400"},
		{mapped, `{"teams":["a"]}`, `{"teams":["a"]}`},
		{mapped, `{"app":{"org":"x","scope":"sync:admin"}}`, "400"},
		{mapped, `{"app.scope":"sync:admin"}`, "400"},
		{mapped, `{"r":["*"]}`, "400"},
	} {
		w := devAsk(c.h, "POST", `{"name":"anna","claims":`+c.claims+`}`)
		if c.want == "400" {
			want(t, w, 400, "claim")
			continue
		}
		config := auth.Config{Secret: []byte(devSecret), Kept: []string{"teams", "org", "app.org"}}
		if c.h == mapped {
			config.Claims, _ = auth.ParseMapping(mapping)
		}
		verifier, err := auth.New(config)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Token string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(w.Body, err)
		}
		id, _, err := verifier.Verify(answer.Token, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil || id.Claims != c.want || id.Subject != "anna" {
			t.Errorf("%s: got %+v, %v, want the claims %s", c.claims, id, err, c.want)
		}
		if root, _ := id.In(""); root.Scope.Allows(auth.SyncAdmin) || root.Scope.Allows(auth.SyncRead) != (c.h == plain) {
			t.Errorf("%s: the rights %+v", c.claims, root.Scope)
		}
	}
}

func TestNoTwoPeopleShareAPersonalSpace(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1"})
	owners := map[string]string{}
	long := strings.Repeat("x", 55)
	names := []string{"ann", "Ann", "ann b", "ann-b", "ann/b", "ånn", "..", long, long + "y", long + "z", strings.Repeat("å", 64)}
	for _, name := range names {
		_, space := devIdentity(t, h, `{"name":"`+name+`"}`)
		if !auth.ValidSpace(space) {
			t.Errorf("%s has the space %q", name, space)
		}
		if owner, taken := owners[space]; taken {
			t.Errorf("%s and %s share %q", owner, name, space)
		}
		owners[space] = name
		// Nor can a person be called like the rest of another's space.
		for _, prefix := range []string{"personal.", "personal-"} {
			if rest, ok := strings.CutPrefix(space, prefix); ok && rest != name {
				if _, other := devIdentity(t, h, `{"name":"`+rest+`"}`); other == space {
					t.Errorf("%s and %s share %q", name, rest, space)
				}
			}
		}
	}
}

func TestDevLoginNamesAnInvalidSpace(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1"})
	names := func(n int) string { return `"` + strings.TrimSuffix(strings.Repeat(`a","`, n), `","`) + `"` }
	for _, c := range []struct {
		spaces, says string
		want         int
	}{
		{`"team-*"`, `team-*`, 400}, // a glob
		{`"ok",""`, `\"\"`, 400},
		{`".."`, `..`, 400},
		{`"` + strings.Repeat("s", 65) + `"`, "ssss", 400},
		{`5`, `spaces`, 400},
		{names(20), "token", 200},
		{names(21), "at most 20 spaces", 400},
	} {
		w := devAsk(h, "POST", `{"name":"anna","spaces":[`+c.spaces+`]}`)
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d with %s", c.spaces, w.Code, w.Body, c.want, c.says)
		}
	}
	if w := devAsk(h, "POST", `{"name":"anna","spaces":"team-x"}`); w.Code != http.StatusBadRequest {
		t.Errorf("one text: %d %s", w.Code, w.Body)
	}
}

func TestADevTokenEndsWithinTheLongestLife(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": devSecret, "DEV_MODE": "1", "AUTH_MAX_TTL": "90m"})
	w := devAsk(h, "POST", `{"name":"Anna"}`)
	var answer struct {
		Token     string
		ExpiresIn int `json:"expires_in"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.ExpiresIn != 5400 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	verifier, err := auth.New(auth.Config{Secret: []byte(devSecret), MaxTTL: 90 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := verifier.Verify(answer.Token, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}
