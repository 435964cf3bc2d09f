// Package conformance tests what a client sees of a Tidemark server over HTTP and
// WebSockets. It runs against the native handler, the guest under wazero, the guest
// under wrangler, and a deployed server.
//
// Every case creates rows with ids of its own. So cases run in any order, and against
// a server that others use. Case names cite the rules of docs/protocol.md (P1, U2, T4 …).
package conformance

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A Door is the access to a server.
type Door struct {
	// BaseURL has no path and no trailing slash.
	BaseURL string
	// Token makes a token that the server accepts; see Signer.
	Token func(Claims) string
	// Secret is the server's AUTH_SECRET, or nil if it is unknown. With it the cases
	// sign invalid tokens.
	Secret []byte
	// BodyBytes is the server's LIMIT_BODY_BYTES; 0 is 16 MB.
	BodyBytes int
	// Known has the cases that fail at this door, each with its reason.
	Known map[string]string
}

// Claims are the claims of a token.
type Claims struct {
	Subject string
	// Scope is the claim scope. NoScope leaves it out, which allows everything.
	Scope string
	// TTL is how long the token lives, negative if it has expired.
	TTL time.Duration
}

// NoScope leaves the claim scope out.
const NoScope = "\x00"

// Signer makes tokens by HS256.
func Signer(secret []byte) func(Claims) string {
	return func(c Claims) string {
		claims := jwt.MapClaims{"sub": c.Subject, "exp": time.Now().Add(c.TTL).Unix()}
		if c.Scope != NoScope {
			claims["scope"] = c.Scope
		}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
		if err != nil {
			panic(err) // only a key of the wrong type makes it fail
		}
		return token
	}
}

// patience is how long a response or a message may take.
const patience = 10 * time.Minute

// httpClient keeps at most n idle connections, for 5 seconds. workerd closes a
// connection after 15 idle seconds, perhaps while the client sends the next request.
func httpClient(t *testing.T, n int) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: n, IdleConnTimeout: 5 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

type testCase struct {
	name string
	run  func(*testing.T, *client)
}

// Run runs every case against the server behind the door.
func Run(t *testing.T, door Door) {
	ask := httpClient(t, 8)
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"trpc", trpcCases}, {"auth", authCases}, {"pull", pullCases}, {"push", pushCases},
		{"input", inputCases}, {"room", roomCases}, {"links", linkCases}, {"body", bodyCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					if reason, ok := door.Known[group.name+"/"+c.name]; ok {
						t.Skip("known to fail: " + reason)
					}
					c.run(t, &client{Door: door, http: ask})
				})
			}
		})
	}
}

// newID returns a random id.
func newID(prefix string) string { return prefix + "." + strings.ToLower(rand.Text()[:16]) }
