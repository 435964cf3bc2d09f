package conformance

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A Host is a server that a test started with the variables of a recipe.
type Host struct {
	BaseURL string
	Now     func() time.Time
	Advance func(time.Duration) // moves its clock; nil if it cannot be moved
}

// A provider is one whose tokens a recipe of docs/auth.md is for.
type provider struct {
	method  jwt.SigningMethod
	control string // Cache-Control of its keys
	// claims are those of a person who may sync:read and sync:write, but what all
	// providers set (iss, iat, exp); audience is AUTH_AUDIENCE.
	claims func(audience string) jwt.MapClaims
	// audience is the claim that names it.
	audience string
	// deprived are the claims of a person who was granted nothing.
	deprived jwt.MapClaims
	rooms    bool // the person may open the rooms team-*, and no others
}

// providers by the headings of docs/auth.md.
var providers = map[string]provider{
	"Auth0": {
		method: jwt.SigningMethodRS256, control: "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400",
		claims: func(audience string) jwt.MapClaims {
			return jwt.MapClaims{
				"sub": "auth0|5f7c8ec7c33c6c004bbafe82", "aud": []string{audience, "https://tenant.example/userinfo"},
				"azp": "my_client_id", "scope": "openid profile email sync:admin", "permissions": []string{"sync:read", "sync:write"},
			}
		},
		audience: "aud", deprived: jwt.MapClaims{"permissions": []string{}},
	},
	"Clerk": {
		method: jwt.SigningMethodRS256, control: "",
		claims: func(audience string) jwt.MapClaims {
			return jwt.MapClaims{
				"sub": "user_2NNEqL2nrIRdJ194ndJqAHwEfxC", "aud": audience, "azp": "https://app.example.com",
				"jti": "d3c5a1f0", "scope": "sync:read sync:write yjs:read", "rooms": []string{"team-*"},
			}
		},
		audience: "aud", deprived: jwt.MapClaims{"scope": ""}, rooms: true,
	},
	"Supabase": {
		method: jwt.SigningMethodES256, control: "public, max-age=600",
		claims: func(audience string) jwt.MapClaims {
			return jwt.MapClaims{
				"sub": "8ccaa7af-909f-44e7-84cb-67cdccb56be6", "aud": audience, "role": "authenticated", "aal": "aal1",
				"amr": []any{map[string]any{"method": "password", "timestamp": 1715766000}}, "session_id": "6d2c0b0e",
				"email": "a@example.com", "phone": "", "is_anonymous": false, "user_metadata": map[string]any{"scope": "sync:admin"},
				"app_metadata": map[string]any{
					"provider": "email", "providers": []string{"email"},
					"scope": "sync:read sync:write yjs:read", "rooms": []string{"team-*"},
				},
			}
		},
		audience: "aud", deprived: jwt.MapClaims{"app_metadata": map[string]any{"provider": "anonymous"}, "is_anonymous": true}, rooms: true,
	},
	"Cognito": {
		method: jwt.SigningMethodRS256, control: "",
		claims: func(audience string) jwt.MapClaims {
			return jwt.MapClaims{
				"sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "client_id": audience, "token_use": "access", "version": 2,
				"scope": "aws.cognito.signin.user.admin openid", "cognito:groups": []string{"sync:read", "sync:write", "Site Admins"},
				"origin_jti": "o", "jti": "j", "event_id": "e", "auth_time": 1676312777, "username": "my-test-user",
			}
		},
		audience: "client_id", deprived: jwt.MapClaims{"cognito:groups": nil},
	},
}

// Recipes reads the blocks of variables in a guide, by the heading above each.
func Recipes(file string) (map[string]map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	recipes := map[string]map[string]string{}
	for _, m := range regexp.MustCompile("(?ms)^## (.*?)$(.*?)^```sh$(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		variables := map[string]string{}
		for _, line := range regexp.MustCompile(`(?m)^(\w+)="(.*)"$`).FindAllStringSubmatch(m[3], -1) {
			variables[line[1]] = line[2]
		}
		recipes[m[1]] = variables
	}
	return recipes, nil
}

// RunRecipes runs each recipe of the guide docs/auth.md for a provider: a server
// with the recipe's variables, and an issuer of the test's own that signs tokens
// like the provider's and changes its keys.
func RunRecipes(t *testing.T, guide string, start func(t *testing.T, variables map[string]string) Host) {
	recipes, err := Recipes(guide)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range providers {
		t.Run(name, func(t *testing.T) {
			variables := maps.Clone(recipes[name])
			if variables["AUTH_ISSUER"] == "" {
				t.Fatalf("%s has no block with AUTH_ISSUER below the heading %s", guide, name)
			}
			i := p.issuer(t, variables)
			(&recipe{t, p, i, start(t, variables), httpClient(t, 1), variables["AUTH_AUDIENCE"]}).run()
		})
	}
	t.Run("Your own backend", func(t *testing.T) { ownBackend(t, recipes["Your own backend"], start) })
	t.Run("Several issuers", func(t *testing.T) { severalIssuers(t, recipes["Several issuers"], start) })
}

func ownBackend(t *testing.T, variables map[string]string, start func(*testing.T, map[string]string) Host) {
	r := &recipe{T: t, host: start(t, variables), http: httpClient(t, 1)}
	for secret, good := range map[string]bool{variables["AUTH_SECRET"]: true, "another secret of more than 32 bytes": false} {
		for ttl, near := range map[time.Duration]bool{time.Hour: true, 30 * 24 * time.Hour: false} {
			claims := jwt.MapClaims{"sub": "alice", "exp": r.host.Now().Add(ttl).Unix()}
			token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
			if err != nil {
				t.Fatal(err)
			}
			want := 401
			if good && near {
				want = 200
			}
			r.want(secret, token, want)
		}
	}
}

func severalIssuers(t *testing.T, variables map[string]string, start func(*testing.T, map[string]string) Host) {
	names, urls := strings.Split(variables["AUTH_ISSUER"], ","), strings.Split(variables["AUTH_JWKS_URL"], ",")
	audiences := strings.Split(variables["AUTH_AUDIENCE"], ",")
	if len(names) != 2 || len(urls) != 2 || len(audiences) != 2 {
		t.Fatalf("the recipe is %v", variables)
	}
	var issuers []*issuer
	for n, method := range []jwt.SigningMethod{jwt.SigningMethodRS256, jwt.SigningMethodES256} {
		one := map[string]string{"AUTH_ISSUER": names[n], "AUTH_JWKS_URL": urls[n]}
		i := provider{}.issuer(t, one)
		i.publish(false, newIssuerKey(t, "key", method))
		issuers = append(issuers, i)
		names[n], urls[n] = one["AUTH_ISSUER"], one["AUTH_JWKS_URL"]
	}
	variables["AUTH_ISSUER"], variables["AUTH_JWKS_URL"] = strings.Join(names, ","), strings.Join(urls, ",")
	host := start(t, variables)
	for n, signer := range issuers {
		for m, named := range issuers {
			r := &recipe{T: t, i: named, host: host, http: httpClient(t, 1)}
			r.claims = func(string) jwt.MapClaims {
				return jwt.MapClaims{"sub": "alice", "aud": audiences[n], "permissions": []string{"sync:read"}}
			}
			want := 401
			if n == m {
				want = 200
			}
			r.want("a key of "+signer.name+" for "+named.name, r.token(signer.keys[0], nil), want)
		}
	}
}

// issuer starts the provider's server and puts its URL in the place of the
// provider's own in the variables.
func (p provider) issuer(t *testing.T, variables map[string]string) *issuer {
	i := &issuer{control: p.control}
	i.start(t)
	move := func(variable string) (path string) {
		u, err := url.Parse(variables[variable])
		if err != nil || u.Scheme != "https" {
			t.Fatalf("%s is %q", variable, variables[variable])
		}
		variables[variable] = i.url + u.Path
		return u.Path
	}
	path := move("AUTH_ISSUER")
	i.name = variables["AUTH_ISSUER"]
	if variables["AUTH_JWKS_URL"] != "" {
		i.keysPath = move("AUTH_JWKS_URL")
	} else {
		i.keysPath, i.configPath = "/some/keys", strings.TrimSuffix(path, "/")+"/.well-known/openid-configuration"
	}
	return i
}

// A recipe is one that runs.
type recipe struct {
	*testing.T
	provider
	i        *issuer
	host     Host
	http     *http.Client
	audience string // the value of AUTH_AUDIENCE
}

// token is signed by a key; changes replace claims, and remove those that are nil.
func (r *recipe) token(key issuerKey, changes jwt.MapClaims) string {
	now := r.host.Now().Unix()
	claims := r.claims(r.audience)
	maps.Copy(claims, jwt.MapClaims{"iss": r.i.name, "iat": now - 5, "exp": now + 3600})
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return key.sign(r.T, claims)
}

func (r *recipe) status(method, path, token string) int {
	r.Helper()
	request, err := http.NewRequest(method, r.host.BaseURL+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := r.http.Do(request)
	if err != nil {
		r.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func (r *recipe) want(what, token string, want int) {
	r.Helper()
	if got := r.status("GET", "/sync/checksum", token); got != want {
		r.Errorf("%s: status %d, want %d", what, got, want)
	}
}

func (r *recipe) run() {
	first, second := newIssuerKey(r.T, "first", r.method), newIssuerKey(r.T, "second", r.method)
	r.i.publish(false, first)
	good := r.token(first, nil)
	r.want("a good token", good, 200)
	if got := r.status("POST", "/sync/purge", good); got != 403 {
		r.Errorf("what only an operator may do: status %d", got)
	}
	r.want("a person who was granted nothing", r.token(first, r.deprived), 403)
	if r.rooms {
		if got := r.status("GET", "/yjs/team-1", good); got == 401 || got == 403 {
			r.Errorf("a room that is open: status %d", got)
		}
		if got := r.status("GET", "/yjs/other", good); got != 403 {
			r.Errorf("a room that is not open: status %d", got)
		}
	}
	r.refusals(first)

	r.i.publish(false, first, second)
	r.want("a new key", r.token(second, nil), 200)
	r.want("the old key beside it", r.token(first, jwt.MapClaims{"n": 1}), 200)
	asked := r.i.timesAsked()
	flood := func() {
		for n := range 20 {
			unknown := second
			unknown.id = "unknown"
			r.want("an unknown key", r.token(unknown, jwt.MapClaims{"n": n}), 401)
		}
	}
	flood()
	if n := r.i.timesAsked() - asked; n > 1 { // one, if a minute has passed
		r.Errorf("unknown keys in the same minute asked for keys %d times", n)
	}
	if r.host.Advance == nil {
		return
	}
	r.host.Advance(2 * time.Minute)
	flood()
	if n := r.i.timesAsked() - asked; n > 1 {
		r.Errorf("unknown keys in another minute asked for keys %d times", n)
	}
	kept := r.token(first, jwt.MapClaims{"exp": r.host.Now().Add(24 * time.Hour).Unix()})
	r.want("the old key before it disappears", kept, 200)
	r.i.publish(false, second)
	r.host.Advance(2 * time.Hour)
	r.want("a token of the old key that was verified before", kept, 401)
	r.want("the old key that disappeared", r.token(first, nil), 401)
	r.want("the new key", r.token(second, nil), 200)
	r.i.publish(true)
	r.host.Advance(25 * time.Hour)
	r.want("while the issuer is down", r.token(second, nil), 200)
}

// refusals are tokens that no recipe lets in.
func (r *recipe) refusals(key issuerKey) {
	forger := newIssuerKey(r.T, key.id, r.method)
	r.want("a forged signature", r.token(forger, nil), 401)
	r.want("another audience", r.token(key, jwt.MapClaims{r.provider.audience: "another"}), 401)
	r.want("no audience", r.token(key, jwt.MapClaims{r.provider.audience: nil}), 401)
	r.want("another issuer", r.token(key, jwt.MapClaims{"iss": r.i.name + "x"}), 401)
	now := r.host.Now()
	r.want("an end that has come", r.token(key, jwt.MapClaims{"exp": now.Add(-time.Second).Unix()}), 401)
	r.want("no end", r.token(key, jwt.MapClaims{"exp": nil}), 401)
	r.want("an end that is far away", r.token(key, jwt.MapClaims{"exp": now.Add(30 * 24 * time.Hour).Unix()}), 401)
	claims := r.claims(r.audience)
	claims["iss"], claims["exp"] = r.i.name, now.Add(time.Hour).Unix()
	for _, secret := range []string{"", key.id, r.i.name} {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
		if err != nil {
			r.Fatal(err)
		}
		r.want("HS256", token, 401)
	}
}
