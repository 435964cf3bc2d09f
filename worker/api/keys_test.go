//go:build !js

package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/abi"
	"tidemark/shared/signature"
	"tidemark/worker/api"
)

// A slowWeb completes a fetch when the test says so.
type slowWeb struct {
	checker
	fetched, waited atomic.Int32
	release         chan struct{}
	answer          abi.Fetched
	err             error
}

func (s *slowWeb) Fetch(context.Context, abi.Fetch) (abi.Fetched, error) {
	s.fetched.Add(1)
	<-s.release
	return s.answer, s.err
}

// Sleep lasts as long as it should after the release: the caller who fetches the keys
// keeps them meanwhile.
func (s *slowWeb) Sleep(_ context.Context, d time.Duration) error {
	s.waited.Add(1)
	<-s.release
	time.Sleep(d)
	return nil
}

// A checker verifies signatures as the self-hosted server does.
type checker struct{}

func (checker) Verify(_ context.Context, s abi.Signature) (bool, error) {
	return signature.Good(s), nil
}

// keysHandler is a handler whose keys are fetched by w, and a token of a key in
// that set.
func keysHandler(t *testing.T, w *slowWeb) (h http.Handler, p *ports, token string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	w.answer = abi.Fetched{
		Response: abi.Response{Status: 200},
		Body:     fmt.Appendf(nil, `{"keys":[{"kty":"EC","crv":"P-256","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:])),
	}
	p = &ports{answer: []byte("{}")}
	h = newHandlerWith(t, p, func(c *api.Config) { c.Door.Web = w }, "AUTH_SECRET", "", "AUTH_JWKS_URL", "https://issuer.example/keys")
	if token, err = jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "alice"}).SignedString(key); err != nil {
		t.Fatal(err)
	}
	return h, p, token
}

func TestOfManyFirstRequestsOneFetchesTheKeys(t *testing.T) {
	const callers = 20
	w := &slowWeb{release: make(chan struct{})}
	h, _, token := keysHandler(t, w)
	answers := make(chan *httptest.ResponseRecorder, callers)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() { answers <- ask(h, "GET", "/sync/checksum", nil, "Authorization", "Bearer "+token) })
	}
	for w.fetched.Load()+w.waited.Load() < callers {
		time.Sleep(time.Millisecond)
	}
	close(w.release)
	all.Wait()
	for range callers {
		want(t, <-answers, 200)
	}
	if w.fetched.Load() != 1 {
		t.Errorf("fetched %d times", w.fetched.Load())
	}
}

func TestWithoutKeysATokenIsToComeAgainLater(t *testing.T) {
	w := &slowWeb{release: make(chan struct{}), err: errors.New("connection refused")}
	close(w.release)
	h, p, token := keysHandler(t, w)
	answer := ask(h, "GET", "/sync/checksum", nil, "Authorization", "Bearer "+token)
	want(t, answer, 503, "SERVICE_UNAVAILABLE")
	if answer.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	ask(h, "GET", "/sync/subscribe?token="+token, nil, "Authorization", "", "Upgrade", "websocket")
	if refusal, _ := p.forwarded[0].Refusal(); refusal.Code != 4503 {
		t.Errorf("a socket is closed with %d, which is final below 4500", refusal.Code)
	}
	want(t, ask(h, "GET", "/sync/checksum", nil, "Authorization", "Bearer nonsense"), 401)
	if w.fetched.Load() != 1 {
		t.Errorf("fetched %d times within its pause", w.fetched.Load())
	}
	w.err = nil
	p.now = p.now.Add(time.Minute)
	want(t, ask(h, "GET", "/sync/checksum", nil, "Authorization", "Bearer "+token), 200)
}
