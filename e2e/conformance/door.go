// Package conformance tests what a client sees of a Tidemark server over HTTP and
// WebSockets. It runs against the native handler, the guest under wazero, the guest
// under wrangler, and a deployed server.
//
// Every case creates rows with ids of its own. So cases run in any order, and against
// a server that others use. Case names cite the rules of docs/protocol.md (P1, U2, T4 …).
package conformance

import (
	"crypto/rand"
	"maps"
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
	// Space is the space that the cases use: their paths begin behind /s/NAME, and their
	// tokens name it. "" is the root.
	Space string
	// Token makes a token that the server accepts; see Signer.
	Token func(Claims) string
	// Secret is the server's AUTH_SECRET, or nil if it is unknown. With it the cases
	// sign invalid tokens.
	Secret []byte
	// BodyBytes is the server's LIMIT_BODY_BYTES; 0 is 16 MB.
	BodyBytes int
	// Elsewhere has the cases that do not run at this door, each with the reason.
	Elsewhere map[string]string
}

// Claims are the claims of a token.
type Claims struct {
	// Subject is the claim sub; "" leaves it out.
	Subject string
	// Scope is the claim scope. NoScope leaves it out, which allows everything.
	Scope string
	// TTL is how long the token lives, negative if it has expired.
	TTL time.Duration
	// Space is the one space that the claim spaces names; "" leaves the claim out.
	Space string
	// More are further claims.
	More map[string]any
}

// NoScope leaves the claim scope out.
const NoScope = "\x00"

// Signer makes tokens by HS256.
func Signer(secret []byte) func(Claims) string {
	return func(c Claims) string {
		claims := jwt.MapClaims{"exp": time.Now().Add(c.TTL).Unix()}
		maps.Copy(claims, c.More)
		if c.Subject != "" {
			claims["sub"] = c.Subject
		}
		switch {
		case c.Space != "" && c.Scope != NoScope:
			claims["spaces"] = map[string]string{c.Space: c.Scope}
		case c.Space != "":
			claims["spaces"] = []string{c.Space}
		case c.Scope != NoScope:
			claims["scope"] = c.Scope
		}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
		if err != nil {
			panic(err) // only a key of the wrong type makes it fail
		}
		return token
	}
}

// In returns the door to a space of the same server.
func (d Door) In(space string) Door {
	token := d.Token
	d.Space = space
	d.Token = func(c Claims) string {
		c.Space = space
		return token(c)
	}
	return d
}

// URL returns where a path of the door's space is.
func (d Door) URL(path string) string { return d.BaseURL + d.path(path) }

func (d Door) path(path string) string {
	if d.Space == "" {
		return path
	}
	return "/s/" + d.Space + path
}

// rootOnly are the cases that do not run in a space, each with its reason.
var rootOnly = map[string]string{
	"export/S11 the root is not imported into":                 "a space is",
	"trpc/health needs no token":                               "the root alone has /healthz",
	"projects/4_rest/the_interface_describes_itself_to_anyone": "the root alone has the document and the page that describe the interface",
	"projects/6_roles/the_matrix_has_every_operation":          "the root alone has the document that describes the interface",
}

// skip skips a case that is not for this door.
func (d Door) skip(t *testing.T, name string) {
	if reason, ok := d.Elsewhere[name]; ok {
		t.Skip(reason)
	}
	if reason, ok := rootOnly[name]; ok && d.Space != "" {
		t.Skip("not in a space: " + reason)
	}
	if d.Space != "" && strings.HasPrefix(name, "spaces/") {
		t.Skip("not in a space: these cases make spaces of their own")
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
		{"input", inputCases}, {"rules", ruleCases}, {"claims", claimCases}, {"checks", checkCases}, {"console", consoleCases}, {"console edits", consoleEditCases}, {"room", roomCases}, {"links", linkCases}, {"body", bodyCases},
		{"export", exportCases}, {"spaces", spaceCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					door.skip(t, group.name+"/"+c.name)
					c.run(t, &client{Door: door, http: ask})
				})
			}
		})
	}
}

// newID returns a random id.
func newID(prefix string) string { return prefix + "." + strings.ToLower(rand.Text()[:16]) }
