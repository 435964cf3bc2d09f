package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// raw signs a header and claims as they are written, by HS256.
func raw(header, claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(header)) + "." + b64([]byte(claims))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + b64(mac.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

func TestClaimNamesAreExact(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	id, _, err := verify(v, raw(hs256, `{"scope":"sync:read","SCOPE":"sync:admin","Scope":"sync:admin","sub":"alice","SUB":"root",
		"exp":1800000001,"EXP":9000000000,"Jti":"x","ROOMS":["*"],"rooms":["a"]}`), now)
	if err != nil {
		t.Fatal(err)
	}
	want := Identity{Subject: "alice", Scope: Scope{Words: "sync:read"}, Rooms: Rooms{true, "a"}, Expires: now.Add(time.Second)}
	if id != want {
		t.Errorf("got %+v, want %+v", id, want)
	}
	if id, _, err := verify(v, raw(hs256, `{"Exp":1,"SCOPE":""}`), now); err != nil || !id.Scope.All || !id.Expires.IsZero() {
		t.Errorf("names of another case count: %+v, %v", id, err)
	}
}

func TestWhatATokenSaysTwiceOrNotClearlyIsRefused(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	for claims, reason := range map[string]string{
		`{"scope":"sync:read","scope":"sync:admin"}`:      "twice",
		`{"scope":"sync:read","\u0073cope":"sync:admin"}`: "twice",
		`{"exp":1,"exp":9000000000}`:                      "twice",
		`{"other":1,"other":2}`:                           "twice",
		`{"exp":null}`:                                    "exp is not a time",
		`{"exp":"9000000000"}`:                            "exp is not a time",
		`{"exp":-1}`:                                      "exp is not a time",
		`{"exp":-9223372036854775808}`:                    "exp is not a time",
		`{"exp":-62135596800}`:                            "exp is not a time", // Go's zero time
		`{"exp":1e300}`:                                   "exp is not a time",
		`{"exp":1e999}`:                                   "malformed",
		`{"exp":NaN}`:                                     "malformed",
		`{"exp":253402300800}`:                            "exp is not a time",
		`{"exp":[9000000000]}`:                            "exp is not a time",
		`{"exp":true}`:                                    "exp is not a time",
		`{"exp":0}`:                                       "expired",
		`{"exp":1800000000}`:                              "expired",
		`{"nbf":null}`:                                    "nbf is not a time",
		`{"nbf":-5}`:                                      "nbf is not a time",
		`{"nbf":1800000000.5}`:                            "not valid yet",
		`{"iat":null}`:                                    "iat is not a time",
		`{"iat":"now"}`:                                   "iat is not a time",
		`{"iat":1e17}`:                                    "iat is not a time",
		`{"sub":null}`:                                    "subject is not a string",
		`{"sub":7}`:                                       "subject is not a string",
		`{"sub":"` + strings.Repeat("a", 1025) + `"}`:     "subject is longer",
		`{"jti":7}`:                                       "jti is not a string",
		`{"jti":"` + strings.Repeat("a", 257) + `"}`:      "jti is longer",
		`{"scope":null}`:                                  "scope is neither",
		`{"scope":{}}`:                                    "scope is neither",
		`{"rooms":"a"}`:                                   "rooms",
		`{"sub":"\ud800"}`:                                "malformed",
		`{"sub":"a"} {}`:                                  "malformed",
		`["sub"]`:                                         "malformed",
		`null`:                                            "malformed",
		``:                                                "malformed",
		strings.Repeat(`{"a":`, 30) + `1` + strings.Repeat(`}`, 30): "malformed",
	} {
		id, _, err := verify(v, raw(hs256, claims), now)
		if !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.80s: got %+v, %v, want an error with %q", claims, id, err, reason)
		}
	}
	for header, reason := range map[string]string{
		`{"alg":"HS256","alg":"HS256"}`:        "twice",
		`{"alg":"none","\u0061lg":"HS256"}`:    "twice",
		`{"alg":"HS256","kid":"a","kid":"b"}`:  "twice",
		`{"ALG":"HS256"}`:                      "no key",
		`{"alg":"hs256"}`:                      "no key",
		`{"alg":null}`:                         "alg is not a string",
		`{"alg":"HS256","kid":1}`:              "kid is not a string",
		`{"alg":"HS256","crit":[]}`:            "critical",
		`{"alg":"HS256","crit":null}`:          "critical",
		`{"alg":"none"}`:                       "no key",
		`{}`:                                   "no key",
		`[]`:                                   "malformed",
		`{"alg":"HS256","b64":false,"crit":1}`: "critical",
	} {
		if id, _, err := verify(v, raw(header, `{}`), now); !errors.Is(err, ErrToken) || !strings.Contains(err.Error(), reason) {
			t.Errorf("header %s: got %+v, %v, want an error with %q", header, id, err, reason)
		}
	}
	good := raw(hs256, `{}`)
	for _, token := range []string{good + "\n", good[:9] + "\r\n" + good[9:], good + "=", good + ".", "." + good} {
		if _, _, err := verify(v, token, now); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestWhatIsSignedIsVerified(t *testing.T) {
	id, _, err := verifier(t, Config{Secret: secret}).Verify(Sign(secret, []byte(`{"sub":"alice"}`)), now)
	if err != nil || id.Subject != "alice" {
		t.Errorf("%+v, %v", id, err)
	}
	if _, err := jwt.Parse(Sign(secret, []byte(`{"sub":"alice"}`)), func(*jwt.Token) (any, error) { return secret, nil }); err != nil {
		t.Errorf("another library: %v", err)
	}
}

func TestTimesAtTheirEdges(t *testing.T) {
	v := verifier(t, Config{Secret: secret})
	id, _, err := verify(v, raw(hs256, `{"exp":1.8000000005e9,"nbf":0,"iat":253402300799}`), now)
	if err != nil || !id.Expires.Equal(now.Add(500*time.Millisecond)) || id.NotBefore.Unix() != 0 {
		t.Errorf("got %+v, %v", id, err)
	}
}

func TestAnEndMustBeNear(t *testing.T) {
	v := verifier(t, Config{Secret: secret, MaxTTL: time.Hour})
	for claims, ok := range map[string]bool{
		`{}`:                 false,
		`{"exp":1800003600}`: true,
		`{"exp":1800003601}`: false,
		`{"exp":1800000001}`: true,
	} {
		if _, _, err := verify(v, raw(hs256, claims), now); (err == nil) != ok {
			t.Errorf("%s: %v", claims, err)
		}
	}
}

func TestATokenWithoutKeyIDIsTriedAgainstFewKeys(t *testing.T) {
	config := func(n int) Config {
		key := string(keys.set[strings.Index(string(keys.set), `{"crv":"P-256"`):])
		key = key[:strings.Index(key, "}")+1]
		set := `{"keys":[` + key
		for range n - 1 {
			set += "," + strings.Replace(key, `"kid":"e"`, `"kid":"other"`, 1)
		}
		return Config{JWKS: []byte(set + "]}")}
	}
	for n, ok := range map[int]bool{1: true, 4: true, 5: false, 32: false} {
		v := verifier(t, config(n))
		_, _, err := verify(v, sign(t, jwt.SigningMethodES256, keys.ecdsa, nil, jwt.MapClaims{}), now)
		if (err == nil) != ok {
			t.Errorf("%d keys: %v", n, err)
		}
		if _, _, err := verify(v, sign(t, jwt.SigningMethodES256, keys.ecdsa, map[string]any{"kid": "e"}, jwt.MapClaims{}), now); err != nil {
			t.Errorf("%d keys, with an id: %v", n, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(raw(hs256, `{"sub":"a","exp":1800000001,"app":{"rooms":["x"]}}`))
	f.Add(raw(hs256, `{"a":{"b":"a"},"x":{"y":{"z":""}},"app":{"rooms":["x"],"spaces":{"acme":"sync:read sync:write","open-*":["yjs:read"],"":""}}}`))
	f.Add(raw(hs256, `{"a":{"b":"a"},"x":{"y":{"z":"sync:read"}},"app":{"rooms":["x"],"spaces":["acme","open-*",""]}}`))
	f.Add(raw(hs256, `{"a":{"b":"a"},"a.b":["\u0001","x",1],"x":{"y":{"z":""}},"app":{"rooms":[]},"teams":"t"}`))
	f.Add("..")
	mapping, err := ParseMapping("sub=a.b,rooms=app.rooms,spaces=app.spaces,scope=x.y.z")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		v, _ := New(Config{Secret: secret, JWKS: keys.set, Claims: mapping, Kept: []string{"a", "a.b", "app.rooms", "teams", "x.y.z"}, MaxTTL: time.Hour})
		id, fetch, err := verify(v, token, now)
		if fetch != nil || err != nil && !errors.Is(err, ErrToken) {
			t.Errorf("%v, %v", fetch, err)
		}
		if allowed(id.Scope) != "" {
			t.Errorf("before it is in a space it allows %q", allowed(id.Scope))
		}
		if id.Claims != "" {
			payload := base64.RawURLEncoding.DecodedLen(len(strings.Split(token, ".")[1]))
			if len(id.Claims) > payload || !json.Valid([]byte(id.Claims)) {
				t.Errorf("the claims of a payload of %d bytes: %s", payload, id.Claims)
			}
		}
		id.In("acme")
	})
}
