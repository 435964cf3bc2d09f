//go:build !js

package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/worker/api"
	documentsapi "tidemark/worker/api/documents"
	"tidemark/worker/webtest"
)

// A client is door.Web by Go's own client. Like the hosts it follows no redirect.
type client struct{ checker }

func (client) Fetch(ctx context.Context, f abi.Fetch) (abi.Fetched, error) {
	request, err := http.NewRequestWithContext(ctx, f.Method, f.URL, bytes.NewReader(f.Body))
	if err != nil {
		return abi.Fetched{}, err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return abi.Fetched{}, err
	}
	defer response.Body.Close()
	got := abi.Fetched{Response: abi.Response{Status: response.StatusCode}}
	got.Header = append(got.Header, [2]string{"cache-control", response.Header.Get("Cache-Control")})
	got.Body, err = io.ReadAll(response.Body)
	return got, err
}

func (client) Sleep(context.Context, time.Duration) error { return nil }

// silent are Yjs rooms that say nothing.
type silent struct{}

func (silent) Call(context.Context, string, string, ...[]byte) ([]byte, error) {
	return nil, errors.New("no room is served here")
}

// A movable clock is the wall clock, moved on.
type movable struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (m *movable) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Add(m.ahead)
}

func (m *movable) advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ahead += d
}

func TestRecipes(t *testing.T) {
	conformance.RunRecipes(t, "../../docs/auth.md", func(t *testing.T, variables map[string]string) conformance.Host {
		clock := &movable{}
		all := map[string]string{"AUTH_SECRET": ""}
		maps.Copy(all, variables)
		c := configure(t, all)
		c.Root.Records.Store, c.Root.Tickets = openStore(t)
		c.Door.Rooms, c.Door.Web, c.Door.Now = newRooms(t), client{}, clock.now
		c.Root.Documents = &documentsapi.Config{Calls: silent{}}
		server := httptest.NewServer(webtest.Handler{Of: api.New(c)})
		t.Cleanup(server.Close)
		return conformance.Host{BaseURL: server.URL, Now: clock.now, Advance: clock.advance}
	})
}
