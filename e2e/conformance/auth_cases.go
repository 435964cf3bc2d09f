package conformance

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// forged returns tokens that every server must reject. Some of them need the secret:
// they are present if it is known.
func (c *client) forged() map[string]string {
	good := strings.Split(c.bearer(), ".")
	enc := base64.RawURLEncoding.EncodeToString
	claims := enc([]byte(fmt.Sprintf(`{"sub":"conformance","exp":%d}`, time.Now().Unix()+3600)))
	tokens := map[string]string{
		"nonsense":        "nonsense",
		"dots":            "...",
		"expired":         c.Token(Claims{Subject: "conformance", Scope: NoScope, TTL: -2 * time.Second}),
		"no signature":    good[0] + "." + good[1] + ".",
		"cut off":         good[0] + "." + good[1] + "." + good[2][:len(good[2])-4],
		"other claims":    good[0] + "." + enc([]byte(`{"sub":"root"}`)) + "." + good[2],
		"alg none":        enc([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + claims + ".",
		"alg None signed": enc([]byte(`{"alg":"None","typ":"JWT"}`)) + "." + claims + "." + good[2],
		"another secret":  Signer([]byte("not the secret of this server"))(Claims{Subject: "conformance", Scope: NoScope, TTL: time.Hour}),
		"an empty secret": Signer(nil)(Claims{Subject: "conformance", Scope: NoScope, TTL: time.Hour}),
		"a long one":      strings.Repeat("a", 9000),
	}
	if c.Secret != nil {
		sign := func(method jwt.SigningMethod, claims jwt.MapClaims) string {
			claims["sub"] = "conformance"
			token, err := jwt.NewWithClaims(method, claims).SignedString(c.Secret)
			if err != nil {
				panic(err) // only a key of the wrong type makes it fail
			}
			return token
		}
		tokens["HS512"] = sign(jwt.SigningMethodHS512, jwt.MapClaims{})
		tokens["not valid yet"] = sign(jwt.SigningMethodHS256, jwt.MapClaims{"nbf": time.Now().Unix() + 3600})
		tokens["a scope that is a number"] = sign(jwt.SigningMethodHS256, jwt.MapClaims{"scope": 1})
		tokens["exp that is text"] = sign(jwt.SigningMethodHS256, jwt.MapClaims{"exp": "tomorrow"})
		end := time.Now().Unix() + 3600
		for name, said := range map[string]string{
			"exp that is null":         `{"sub":"conformance","exp":null}`,
			"exp long ago":             `{"sub":"conformance","exp":-9223372036854775808}`,
			"exp beyond time":          `{"sub":"conformance","exp":1e300}`,
			"exp twice":                fmt.Sprintf(`{"sub":"conformance","exp":1,"exp":%d}`, end),
			"exp behind another's EXP": fmt.Sprintf(`{"sub":"conformance","exp":1,"EXP":%d}`, end),
			"scope twice":              fmt.Sprintf(`{"sub":"conformance","exp":%d,"scope":"","scope":"sync:read"}`, end),
		} {
			tokens[name] = c.written(`{"alg":"HS256"}`, said)
		}
		good := fmt.Sprintf(`{"sub":"conformance","exp":%d}`, end)
		tokens["alg twice"] = c.written(`{"alg":"none","alg":"HS256"}`, good)
		tokens["ALG"] = c.written(`{"ALG":"HS256"}`, good)
		tokens["critical headers"] = c.written(`{"alg":"HS256","crit":["exp"]}`, good)
	}
	return tokens
}

// written signs the bytes of a header and of claims with the server's secret.
func (c *client) written(header, claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(header)) + "." + enc([]byte(claims))
	mac := hmac.New(sha256.New, c.Secret)
	mac.Write([]byte(signed))
	return signed + "." + enc(mac.Sum(nil))
}

var authCases = []testCase{
	{"a request without a token, in each dialect, gets 401", func(t *testing.T, c *client) {
		a := c.query(t, "sync.pull", `{}`, "authorization:")
		a.wantFailure(t, "UNAUTHORIZED", -32001, 401, "sync.pull")
		a.wantHeader(t, "WWW-Authenticate", "Bearer")
		a = c.do(t, "GET", batch("sync.pull,nope", `{}`), "", "authorization:")
		list := parse(t, a.body)
		wantError(t, at(list, 0), "UNAUTHORIZED", -32001, 401, "sync.pull")
		wantError(t, at(list, 1), "UNAUTHORIZED", -32001, 401, "nope")
		if a.status != 401 {
			t.Error(a)
		}
		// The stream link reads an error that is one object.
		c.do(t, "GET", batch("sync.pull", `{}`), "", "authorization:", "trpc-accept: application/jsonl").wantFailure(t, "UNAUTHORIZED", -32001, 401, "")
		for _, path := range []string{"/sync/pull", "/sync/checksum", "/sync/subscribe", "/yjs/room", "/nowhere"} {
			a := c.do(t, "GET", path, "", "authorization:")
			a.wantPlain(t, "UNAUTHORIZED", 401)
			a.wantHeader(t, "WWW-Authenticate", "Bearer")
		}
		c.do(t, "POST", "/auth/ticket", "", "authorization:").wantPlain(t, "UNAUTHORIZED", 401)
	}},
	{"a missing token is found before anything else", func(t *testing.T, c *client) {
		c.do(t, "POST", "/trpc/sync.push", "no JSON", "authorization:", "content-type: text/plain").wantFailure(t, "UNAUTHORIZED", -32001, 401, "")
		c.do(t, "GET", "/trpc/nope", "", "authorization:").wantFailure(t, "UNAUTHORIZED", -32001, 401, "nope")
		if a := c.do(t, "HEAD", "/trpc/sync.pull", "", "authorization:"); a.status != 401 {
			t.Error(a)
		}
	}},
	{"bad tokens get 401", func(t *testing.T, c *client) {
		for name, token := range c.forged() {
			a := c.query(t, "sync.pull", `{}`, "authorization: Bearer "+token)
			a.wantFailure(t, "UNAUTHORIZED", -32001, 401, "sync.pull")
			if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") || bytes.Contains(a.body, []byte(token)) {
				t.Errorf("%s: %v", name, a)
			}
			c.do(t, "GET", "/sync/pull", "", "authorization: Bearer "+token).wantPlain(t, "UNAUTHORIZED", 401)
		}
	}},
	{"the server reads claims by their exact names", func(t *testing.T, c *client) {
		if c.Secret == nil {
			t.Skip("the server's secret is not known")
		}
		spaces := fmt.Sprintf(`[%q]`, c.Space) // the root is ""
		token := c.written(`{"alg":"HS256","typ":"JWT"}`, fmt.Sprintf(
			`{"sub":"conformance","exp":%d,"EXP":1,"scope":"sync:read","SCOPE":"sync:admin","Scope":"sync:admin","spaces":%s,"SPACES":[]}`, time.Now().Unix()+3600, spaces))
		if a := c.do(t, "GET", "/sync/checksum", "", "authorization: Bearer "+token); a.status != 200 {
			t.Error(a)
		}
		c.do(t, "POST", "/sync/purge", "{}", "authorization: Bearer "+token).wantPlain(t, "FORBIDDEN", 403)
	}},
	{"other schemes of authorization get 401", func(t *testing.T, c *client) {
		for _, header := range []string{"Basic YWxpY2U6c2VjcmV0", c.bearer(), "Bearer"} {
			c.do(t, "GET", "/sync/checksum", "", "authorization: "+header).wantPlain(t, "UNAUTHORIZED", 401)
		}
		if a := c.do(t, "GET", "/sync/checksum", "", "authorization: bearer "+c.bearer()); a.status != 200 {
			t.Errorf("the scheme's case matters: %v", a)
		}
	}},
	{"a token or ticket in the URL opens WebSockets only", func(t *testing.T, c *client) {
		c.do(t, "GET", "/sync/pull?token="+c.bearer(), "", "authorization:").wantPlain(t, "UNAUTHORIZED", 401)
		c.do(t, "GET", "/sync/pull?ticket="+c.ticket(t), "", "authorization:").wantPlain(t, "UNAUTHORIZED", 401)
	}},
	{"a token works until its expiry comes", func(t *testing.T, c *client) {
		short := *c
		ttl := 2 * time.Second
		for ; ; ttl *= 2 { // until it is long enough for this machine to ask once
			short.token = c.Token(Claims{Subject: "conformance", Scope: NoScope, TTL: ttl})
			a := short.do(t, "GET", "/sync/checksum", "")
			if a.status == 200 {
				break
			}
			if ttl > time.Minute {
				t.Fatal(a)
			}
		}
		deadline := time.Now().Add(ttl + patience)
		for short.do(t, "GET", "/sync/checksum", "").status != 401 {
			if time.Now().After(deadline) {
				t.Fatal("the token does not expire")
			}
			time.Sleep(200 * time.Millisecond)
		}
	}},
	{"a scope for reading opens reads only", func(t *testing.T, c *client) {
		reader := c.as("sync:read")
		s := c.stamp(t)
		reader.pull(t, s)
		r := newCustomer("forbidden", millis())
		a := reader.mutate(t, "sync.push", pushInput(t, s, changes{created: []row{r}}))
		a.wantFailure(t, "FORBIDDEN", -32003, 403, "sync.push")
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Error(a)
		}
		c.pull(t, s).wantRow(t, r.id(), nil)
	}},
	{"a scope for writing opens writes only", func(t *testing.T, c *client) {
		writer := c.as("other sync:write")
		s := c.stamp(t)
		r := newCustomer("written", millis())
		writer.push(t, s, changes{created: []row{r}})
		c.pull(t, s).wantRow(t, r.id(), r)
		writer.query(t, "sync.pull", `{}`).wantFailure(t, "FORBIDDEN", -32003, 403, "sync.pull")
		a := writer.do(t, "GET", batch("sync.pull,sync.pull", `{}`), "")
		if a.status != 403 {
			t.Error(a)
		}
		wantError(t, at(parse(t, a.body), 1), "FORBIDDEN", -32003, 403, "sync.pull")
		for _, path := range []string{"/sync/pull", "/sync/checksum", "/sync/subscribe"} {
			a := writer.do(t, "GET", path, "")
			a.wantPlain(t, "FORBIDDEN", 403)
			if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Error(a)
			}
		}
	}},
	{"an empty scope, or words that only look like one, get 403", func(t *testing.T, c *client) {
		for _, scope := range []string{"", "sync:rea", "sync:reads sync", "SYNC:READ", "sync:read,sync:write"} {
			nobody := c.as(scope)
			nobody.query(t, "sync.pull", `{}`).wantFailure(t, "FORBIDDEN", -32003, 403, "sync.pull")
			nobody.mutate(t, "sync.push", `{}`).wantFailure(t, "FORBIDDEN", -32003, 403, "sync.push")
		}
	}},
}
