//go:build !js

package api_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/logline"
	"tidemark/shared/record"
	"tidemark/shared/session"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/shared/web"
	"tidemark/worker/api"
	"tidemark/worker/api/door"
	recordsapi "tidemark/worker/api/records"
	"tidemark/worker/store"
	"tidemark/worker/webtest"
)

// ports stand in for everything behind the handler, and record the calls.
type ports struct {
	door.Tickets
	recordsapi.Rows
	answer     []byte
	changed    []syncroom.Change
	err        error
	pulls      [][]byte
	pushes     [][]byte
	callers    []record.Caller // of all pulls, pushes and checksums
	published  []syncroom.Change
	operations []string
	forwarded  []abi.Forward
	now        time.Time
	log        bytes.Buffer
}

func (p *ports) Pull(_ context.Context, caller record.Caller, input []byte, b store.Budget) (ijson.Pieces, int, error) {
	p.callers = append(p.callers, caller)
	p.pulls = append(p.pulls, input)
	if p.err == nil && b.Octets > 0 && len(p.answer) > b.Octets {
		return nil, 0, watermelon.ErrTooLarge
	}
	return ijson.Whole(p.answer), len(p.answer), p.err
}

func (p *ports) Push(_ context.Context, _ time.Time, caller record.Caller, input []byte) ([]byte, []syncroom.Change, error) {
	p.callers = append(p.callers, caller)
	p.pushes = append(p.pushes, input)
	return p.answer, p.changed, p.err
}

func (p *ports) Stamp(context.Context) (record.Stamp, error) { return 7, nil }
func (p *ports) Checksum(_ context.Context, caller record.Caller, _ store.Budget) ([]byte, error) {
	p.callers = append(p.callers, caller)
	return p.answer, p.err
}

func (p *ports) Row(_ context.Context, caller record.Caller, _, _ string, _ store.Budget) ([]byte, error) {
	p.callers = append(p.callers, caller)
	return p.answer, p.err
}

func (p *ports) Publish(_ context.Context, _, _ string, message []byte) {
	changes, err := syncroom.DecodeChanges(message)
	if err != nil {
		panic(err)
	}
	p.published = append(p.published, changes...)
}

func (p *ports) Forward(_ web.ResponseWriter, _ *web.Request, f abi.Forward) error {
	p.forwarded = append(p.forwarded, f)
	return p.err
}

// pairs makes a map of names and values in turn.
func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

func newHandler(t testing.TB, p *ports, variables ...string) http.Handler {
	return newHandlerWith(t, p, func(*api.Config) {}, variables...)
}

// newHandlerWith changes the configuration before it is used.
func newHandlerWith(t testing.TB, p *ports, change func(*api.Config), variables ...string) http.Handler {
	p.now = time.Now()
	c := configure(t, pairs(variables))
	c.Root.Records.Store = p
	c.Root.Tickets, c.Door.Rooms, c.Door.Web, c.Door.Now = p.Tickets, p, client{}, func() time.Time { return p.now }
	c.Door.Log = logline.New(func(line []byte) { p.log.Write(line) }, time.Now)
	change(&c)
	return webtest.Handler{Of: api.New(c)}
}

func token(subject string) string {
	return conformance.Signer([]byte(secret))(conformance.Claims{Subject: subject, Scope: conformance.NoScope, TTL: time.Hour})
}

func ask(h http.Handler, method, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Authorization", "Bearer "+token("alice"))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func want(t *testing.T, w *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for _, part := range parts {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("no %q in %s", part, w.Body)
		}
	}
}

func TestWithoutASecretNothingIsServedButHealth(t *testing.T) {
	h := newHandler(t, &ports{}, "AUTH_SECRET", "")
	want(t, ask(h, "GET", "/healthz", nil), 200)
	want(t, ask(h, "GET", "/sync/checksum", nil), 503, `"code":"SERVICE_UNAVAILABLE"`, "AUTH_SECRET")
	want(t, ask(h, "GET", "/nowhere", nil), 503, "AUTH_SECRET")
	want(t, ask(h, "GET", "/trpc/sync.pull", nil), 503, `"code":-32603`, "AUTH_SECRET", `"path":"sync.pull"`)
	want(t, ask(h, "OPTIONS", "/trpc/sync.pull", nil), 204)
}

func TestBadVariablesAreNamed(t *testing.T) {
	for name, values := range map[string][]string{
		"LIMIT_BODY_BYTES":          {"0", "-1", "1e6", "16MB", "1000000000000"},
		"LIMIT_REQUESTS_PER_MINUTE": {"0", "many"},
		"LIMIT_ROW_BYTES":           {"900001"},
		"AUTH_JWKS":                 {"{}", "nonsense"},
	} {
		for _, value := range values {
			want(t, ask(newHandler(t, &ports{}, name, value), "GET", "/sync/checksum", nil), 503, name)
		}
	}
	want(t, ask(newHandler(t, &ports{answer: []byte("1")}, "LIMIT_BODY_BYTES", "67108864"), "GET", "/sync/checksum", nil), 200)
}

func TestRequestsPerMinuteAndSubject(t *testing.T) {
	p := &ports{answer: []byte("1")}
	h := newHandler(t, p, "LIMIT_REQUESTS_PER_MINUTE", "6")
	want(t, ask(h, "GET", "/trpc/sync.pull,sync.pull,sync.pull,sync.pull?batch=1", nil), 200)
	want(t, ask(h, "GET", "/sync/checksum", nil), 200)
	want(t, ask(h, "GET", "/nowhere", nil), 404)
	w := ask(h, "GET", "/trpc/sync.pull", nil)
	want(t, w, 429, `"code":"TOO_MANY_REQUESTS"`, `"code":-32029`, `"path":"sync.pull"`)
	if got := w.Header().Get("Retry-After"); got != "10" {
		t.Errorf("Retry-After: %q", got)
	}
	want(t, ask(h, "GET", "/sync/checksum", nil), 429, `{"error":{"code":"TOO_MANY_REQUESTS"`)
	want(t, ask(h, "GET", "/sync/checksum", nil, "Authorization", "Bearer "+token("bob")), 200)
	want(t, ask(h, "GET", "/healthz", nil), 200)
	p.now = p.now.Add(10 * time.Second)
	want(t, ask(h, "GET", "/sync/checksum", nil), 200)
}

func TestAnExpiredTokenIsNotSavedByTheCache(t *testing.T) {
	p := &ports{answer: []byte("1")}
	h := newHandler(t, p)
	bearer := "Bearer " + token("alice")
	want(t, ask(h, "GET", "/sync/checksum", nil, "Authorization", bearer), 200)
	p.now = p.now.Add(time.Hour + time.Minute) // the token may be younger than the clock that stands still
	want(t, ask(h, "GET", "/sync/checksum", nil, "Authorization", bearer), 401)
}

func TestNoLogLineHoldsATokenOrTicket(t *testing.T) {
	p := &ports{err: errors.New("broken")}
	h := newHandler(t, p)
	credential := token("alice")
	want(t, ask(h, "GET", "/sync/subscribe?token="+credential, nil, "Authorization", "", "Upgrade", "websocket"), 500)
	want(t, ask(h, "GET", "/sync/pull?token="+credential, nil), 500)
	want(t, ask(h, "GET", "/trpc/sync.pull?token="+credential, nil), 500)
	want(t, ask(h, "GET", "/sync/pull", nil, "Authorization", "Bearer x"+credential), 401)
	if log := p.log.String(); strings.Contains(log, credential) || strings.Count(log, "\n") != 3 || !strings.Contains(log, "broken") {
		t.Errorf("log:\n%s", log)
	}
}

func TestInternalErrorsAreNotTold(t *testing.T) {
	p := &ports{err: errors.New("D1_ERROR: no such table: Secrets")}
	h := newHandler(t, p)
	for _, path := range []string{"/trpc/sync.pull", "/sync/pull", "/sync/checksum"} {
		w := ask(h, "GET", path, nil)
		want(t, w, 500, `"code":"INTERNAL_SERVER_ERROR"`)
		if strings.Contains(w.Body.String(), "D1_ERROR") || !strings.Contains(p.log.String(), "no such table: Secrets: were the migrations applied") {
			t.Errorf("%s; log: %s", w.Body, p.log.String())
		}
	}
	p.err = fmt.Errorf("push: %w", context.Canceled)
	want(t, ask(h, "GET", "/trpc/sync.pull", nil), 408, `"code":"TIMEOUT"`, `"code":-32008`)
}

// A client may repeat what an overloaded database did not do. That is no internal
// error.
func TestAnOverloadedDatabaseIsSaid(t *testing.T) {
	p := &ports{err: fmt.Errorf("pull: %w", abi.OpError("D1_ERROR: D1 DB is overloaded. Requests queued for too long."))}
	h := newHandler(t, p)
	for _, path := range []string{"/trpc/sync.pull", "/sync/pull", "/sync/checksum"} {
		w := ask(h, "GET", path, nil)
		want(t, w, 503, `"code":"SERVICE_UNAVAILABLE"`, "send the same again")
		if w.Header().Get("Retry-After") != "5" || strings.Contains(w.Body.String(), "D1") {
			t.Error(w.Header(), w.Body)
		}
	}
	for _, text := range []string{"D1_ERROR: Exceeded maximum DB size.", "D1_ERROR: database or disk is full: SQLITE_FULL"} {
		p.err = fmt.Errorf("push: %w", abi.OpError(text))
		for _, path := range []string{"/trpc/sync.pull", "/sync/pull"} {
			w := ask(h, "GET", path, nil)
			want(t, w, 507, "disk is full, and nothing was stored")
			if w.Header().Get("Retry-After") != "30" {
				t.Error(w.Header())
			}
		}
	}
	p.err = abi.OpError("D1_ERROR: no such table: Secrets")
	want(t, ask(h, "GET", "/sync/pull", nil), 500)
}

func TestSubscribersAreToldOfWhatChanged(t *testing.T) {
	push := func(p *ports) []syncroom.Change {
		ask(newHandler(t, p), "POST", "/trpc/sync.push", strings.NewReader(`{}`))
		return p.published
	}
	if got := push(&ports{answer: []byte("1")}); len(got) != 0 {
		t.Errorf("told of %v, nothing changed", got)
	}
	got := push(&ports{answer: []byte("1"), changed: []syncroom.Change{{Table: "customers", At: 5}, {Table: "products", At: 5}}})
	if fmt.Sprint(got) != "[{customers 5} {products 5}]" {
		t.Errorf("told of %v", got)
	}
	// Nobody knows whether it was committed, and a repeated push tells no subscriber.
	if got := push(&ports{err: errors.New("Network connection lost")}); fmt.Sprint(got) != "[{* 7}]" {
		t.Errorf("told of %v", got)
	}
}

func TestSubscribersComeWithTheStampAndProtocol(t *testing.T) {
	p := &ports{}
	h := newHandler(t, p)
	ask(h, "GET", "/sync/subscribe", nil, "Upgrade", "WebSocket")
	ask(h, "GET", "/sync/subscribe", nil, "Authorization", "", "Upgrade", "websocket", "Sec-WebSocket-Protocol", "tidemark,"+token("alice"))
	owner := p.forwarded[0].Owner
	for i, f := range p.forwarded {
		if f.Owner == "" || f.Owner != owner {
			t.Errorf("the owner is %q", f.Owner)
		}
		p.forwarded[i].Owner = ""
		a := syncroom.DecodeAdmission(f.Attachment)
		if a.At != 7 || a.Session.Subject != session.MarkOf("alice") || a.Session.Expires.IsZero() {
			t.Errorf("attached %+v", a)
		}
		p.forwarded[i].Attachment = nil
	}
	want := []abi.Forward{
		{Binding: "SYNC_ROOM", Name: "sync"},
		{Binding: "SYNC_ROOM", Name: "sync", Protocol: "tidemark"},
	}
	if fmt.Sprint(p.forwarded) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", p.forwarded, want)
	}
}

func TestOriginsCanBeRestricted(t *testing.T) {
	h := newHandler(t, &ports{answer: []byte("1")}, "CORS_ORIGINS", "https://a.example, https://b.example")
	for origin, allowed := range map[string]string{"https://b.example": "https://b.example", "https://c.example": "", "": ""} {
		for _, method := range []string{"GET", "OPTIONS"} {
			w := ask(h, method, "/trpc/sync.pull", nil, "Origin", origin)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != allowed {
				t.Errorf("%s from %q: allowed %q", method, origin, got)
			}
			// Pages read the server's clock, and how long to wait.
			exposed := w.Header().Get("Access-Control-Expose-Headers")
			if both := strings.Contains(exposed, "date,") && strings.Contains(exposed, "retry-after,"); both != (allowed != "") {
				t.Errorf("%s from %q: exposes %q", method, origin, exposed)
			}
			if vary := strings.Join(w.Header().Values("Vary"), ", "); !strings.Contains(vary, "origin") {
				t.Errorf("%s: Vary %q", method, vary)
			}
		}
	}
}

// A browser lets any page open a WebSocket.
func TestOriginsOfWebSocketsCanBeRestricted(t *testing.T) {
	for _, c := range []struct {
		origins, origin string
		open            bool
	}{
		{"https://a.example, https://b.example", "https://b.example", true},
		{"https://a.example", "https://c.example", false},
		{"https://a.example", "null", false},
		{"https://a.example", "", true},                   // no page
		{"https://a.example", "http://example.com", true}, // the server's own
		{"*", "https://c.example", true},
		{"", "https://c.example", true},
	} {
		for _, path := range []string{"/sync/subscribe", "/yjs/r"} {
			p := &ports{}
			h := newHandler(t, p, "CORS_ORIGINS", c.origins)
			headers := []string{"Upgrade", "websocket"}
			if c.origin != "" {
				headers = append(headers, "Origin", c.origin)
			}
			ask(h, "GET", path, nil, headers...)
			if len(p.forwarded) != 1 {
				t.Fatalf("%+v: forwarded %v", c, p.forwarded)
			}
			refusal, refused := p.forwarded[0].Refusal()
			if forbidden := refused && refusal.Code == 4403; forbidden == c.open {
				t.Errorf("%+v, %s: %+v", c, path, p.forwarded[0])
			}
		}
	}
}

// The results of one HTTP request have one bound, however many calls it has. A
// call over it fails, and the others stand.
func TestAnswersOfABatchAreBounded(t *testing.T) {
	for _, c := range []struct{ bytes, calls, answered, pulls int }{
		{20 << 20, 3, 1, 3},
		{10 << 20, 3, 2, 3},
		{12<<20 - 400, 50, 2, 2}, // too little is left for any other call
		{1 << 10, 50, 50, 50},
	} {
		p := &ports{answer: []byte(`"` + strings.Repeat("x", c.bytes-2) + `"`)}
		paths := strings.TrimSuffix(strings.Repeat("sync.pull,", c.calls), ",")
		w := ask(newHandler(t, p), "GET", "/trpc/"+paths+"?batch=1", nil)
		var results []struct {
			Result *struct{ Data string }
			Error  *struct{ Data struct{ Code string } }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &results); err != nil || len(results) != c.calls {
			t.Fatalf("%d calls of %d bytes: %d results, %v", c.calls, c.bytes, len(results), err)
		}
		answered := 0
		for _, r := range results {
			if r.Result != nil && len(r.Result.Data) == c.bytes-2 {
				answered++
			} else if r.Error == nil || r.Error.Data.Code != "PAYLOAD_TOO_LARGE" {
				t.Errorf("%d calls of %d bytes: got %+v", c.calls, c.bytes, r.Error)
			}
		}
		if answered != c.answered || len(p.pulls) != c.pulls {
			t.Errorf("%d calls of %d bytes: %d answered and %d run, want %d and %d", c.calls, c.bytes, answered, len(p.pulls), c.answered, c.pulls)
		}
	}
}

func TestTurboMakesTheInput(t *testing.T) {
	for query, want := range map[string]string{
		"":                                 `{}`,
		"input=x":                          `x`,
		"lastPulledAt=null":                `{"lastPulledAt":null}`,
		"last_pulled_at=5&schema_version=": `{"lastPulledAt":5}`,
		"lastPulledAt=5,%22x%22:1":         `{"lastPulledAt":"5,\"x\":1"}`,
		"cursor=1&limit=2&migration=%7B%22from%22:1%7D": `{"migration":{"from":1},"limit":2,"cursor":"1"}`,
	} {
		p := &ports{answer: []byte("1")}
		ask(newHandler(t, p), "GET", "/sync/pull?"+query, nil)
		if len(p.pulls) != 1 || string(p.pulls[0]) != want {
			t.Errorf("%q: got %q, want %s", query, p.pulls, want)
		}
	}
}

// TestTicketsNeedNoSecret uses a server that knows public keys only, and its
// tickets in another instance on the same database.
func TestTicketsNeedNoSecret(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	jwks := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:]))
	_, tickets := openStore(t)
	one, two := &ports{Tickets: tickets}, &ports{Tickets: tickets}
	h1, h2 := newHandler(t, one, "AUTH_SECRET", "", "AUTH_JWKS", jwks), newHandler(t, two, "AUTH_SECRET", "", "AUTH_JWKS", jwks)
	two.now = one.now
	sign := func(scope string, ttl time.Duration) string {
		token, err := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "alice", "scope": scope, "exp": one.now.Add(ttl).Unix()}).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	issue := func(token string) (ticket string, expiresIn int) {
		var answer struct {
			Ticket    string
			ExpiresIn int `json:"expires_in"`
		}
		w := ask(h1, "POST", "/auth/ticket", nil, "Authorization", "Bearer "+token)
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Ticket == "" {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return answer.Ticket, answer.ExpiresIn
	}
	enter := func(h http.Handler, p *ports, ticket string) int {
		ask(h, "GET", "/sync/subscribe?ticket="+ticket, nil, "Authorization", "", "Upgrade", "websocket")
		refusal, _ := p.forwarded[len(p.forwarded)-1].Refusal()
		return refusal.Code
	}
	first, expiresIn := issue(sign("sync:read", time.Hour))
	if got := enter(h2, two, first); got != 0 || expiresIn != 30 || len(two.forwarded) != 1 {
		t.Errorf("status %d, expires in %d", got, expiresIn)
	}
	if got := enter(h1, one, first); got != 4401 {
		t.Errorf("a used ticket: status %d", got)
	}
	other, _ := issue(sign("sync:write", time.Hour))
	if got := enter(h2, two, other); got != 4403 {
		t.Errorf("a ticket of a token that may not read: status %d", got)
	}
	short, expiresIn := issue(sign("sync:read", 10*time.Second))
	if expiresIn > 10 {
		t.Errorf("a ticket outlives its token: %d s", expiresIn)
	}
	two.now = two.now.Add(10 * time.Second)
	if got := enter(h2, two, short); got != 4401 {
		t.Errorf("an expired ticket: status %d", got)
	}
}
