//go:build !js

package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/api"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
	"tidemark/worker/webtest"
)

// A hungryPull needs as much memory as the test says, and asks others meanwhile.
type hungryPull struct {
	*ports
	bytes int
	then  func()
}

func (p *hungryPull) Pull(ctx context.Context, caller record.Caller, input []byte, b store.Budget) (ijson.Pieces, int, error) {
	if err := b.Hold(ctx, p.bytes); err != nil {
		return nil, 0, err
	}
	if then := p.then; then != nil {
		p.then = nil
		then()
	}
	return p.ports.Pull(ctx, caller, input, b)
}

// A request that does not fit waits in order, then gets 503 with Retry-After. A request
// that never fits gets 413, which names the limit. Small requests wait for neither.
func TestMemoryIsGivenInTurn(t *testing.T) {
	p := &hungryPull{ports: &ports{answer: []byte(`{}`), now: time.Now()}, bytes: 40 << 20}
	slept := 0
	c := configure(t, nil)
	c.Root.Records.Store, c.Door.Rooms = p, p
	c.Door.Sleep = func(context.Context, time.Duration) error { slept++; return nil }
	h := webtest.Handler{Of: api.New(c)}
	body := func(n int) *strings.Reader { return strings.NewReader(strings.Repeat(" ", n) + "null") }
	p.then = func() {
		slept = 0
		for path, shape := range map[string]string{
			"/trpc/sync.pull": `"code":"SERVICE_UNAVAILABLE"`, "/sync/pull": `{"error":{"code":"SERVICE_UNAVAILABLE"`,
			"/trpc/sync.pull,sync.pull?batch=1": `[{"error"`,
		} {
			w := ask(h, "GET", path, nil)
			want(t, w, 503, shape)
			if w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", path)
			}
		}
		if slept == 0 {
			t.Error("nobody waited")
		}
		slept = 0
		ask(h, "GET", "/trpc/sync.pull", nil)
		alone := slept
		slept = 0
		ask(h, "GET", "/trpc/"+strings.TrimSuffix(strings.Repeat("sync.pull,", 50), ",")+"?batch=1", nil)
		if slept != alone {
			t.Errorf("50 calls of a batch waited %d times, one alone %d times", slept, alone)
		}
		want(t, ask(h, "POST", "/trpc/sync.push", body(8<<20)), 503)
		slept = 0
		want(t, ask(h, "GET", "/healthz", nil), 200)
		want(t, ask(h, "POST", "/trpc/sync.push", body(100)), 200)
		p.bytes = 100
		want(t, ask(h, "GET", "/trpc/sync.pull", nil), 200)
		p.bytes = 40 << 20
		if slept > 0 {
			t.Error("a small request waited")
		}
	}
	want(t, ask(h, "GET", "/trpc/sync.pull", nil), 200)
	want(t, ask(h, "GET", "/trpc/sync.pull", nil), 200) // all of it was given back
	want(t, ask(h, "POST", "/trpc/sync.push", body(16<<20-4)), 200)
	p.bytes = 60 << 20
	want(t, ask(h, "GET", "/trpc/sync.pull", nil), 413, "LIMIT_MEMORY_MB")
	p.bytes = 1 << 20
	w := ask(h, "GET", "/trpc/"+strings.TrimSuffix(strings.Repeat("sync.pull,", 50), ",")+"?batch=1", nil)
	if w.Code != http.StatusOK || !json.Valid(w.Body.Bytes()) {
		t.Errorf("50 calls of 1 MB: %d %.300s", w.Code, w.Body)
	}
}

// A budgetedPull is what the test says.
type budgetedPull struct {
	*ports
	pull func(context.Context, store.Budget) error
}

func (p *budgetedPull) Pull(ctx context.Context, caller record.Caller, input []byte, b store.Budget) (ijson.Pieces, int, error) {
	if err := p.pull(ctx, b); err != nil {
		return nil, 0, err
	}
	return p.ports.Pull(ctx, caller, input, b)
}

// No other request gets memory that is in use, while its request asks for more or for
// less. (Ten first pulls at once ended an instance before this rule.)
func TestMemoryInUseIsNotGivenToOthers(t *testing.T) {
	for _, grown := range []int{30 << 20, 31 << 20, 56 << 20} {
		var grow func()
		p := &budgetedPull{ports: &ports{answer: []byte(`{}`), now: time.Now()}}
		c := configure(t, nil)
		c.Root.Records.Store, c.Door.Rooms = p, p
		c.Door.Sleep = func(context.Context, time.Duration) error { grow(); return nil }
		h := webtest.Handler{Of: api.New(c)}
		var other *httptest.ResponseRecorder
		p.pull = func(ctx context.Context, b store.Budget) error {
			if err := b.Hold(ctx, 31<<20); err != nil {
				return err
			}
			grow = func() {
				grow = func() {}
				if err := b.Grow(ctx, grown); err != nil {
					t.Errorf("%d MB: %v", grown>>20, err)
				}
			}
			p.pull = func(ctx context.Context, b store.Budget) error { return b.Hold(ctx, 27<<20) }
			other = ask(h, "GET", "/trpc/sync.pull", nil)
			return nil
		}
		want(t, ask(h, "GET", "/trpc/sync.pull", nil), 200)
		want(t, other, 503)
	}
}

// A full instance begins no request that needs much memory: new requests and waiting
// requests get 503. A request that has begun may grow, and small requests are served.
func TestAFullInstanceBeginsNothingLarge(t *testing.T) {
	memory, full := door.NewMemory(112<<20), false
	moves := 0
	memory.FullIf(func() bool { return full }, func(context.Context) { moves++ })
	p := &hungryPull{ports: &ports{answer: []byte(`{}`), now: time.Now()}, bytes: 40 << 20}
	c := configure(t, nil)
	c.Root.Records.Store, c.Door.Rooms, c.Door.Memory = p, p, memory
	c.Door.Sleep = func(context.Context, time.Duration) error { full = true; return nil }
	h := webtest.Handler{Of: api.New(c)}
	pull := func() *httptest.ResponseRecorder { return ask(h, "GET", "/trpc/sync.pull", nil) }
	p.then = func() {
		want(t, pull(), 503, "SERVICE_UNAVAILABLE") // it waits, and meanwhile the instance becomes full
		if !full {
			t.Error("nobody waited")
		}
		p.bytes = 5 << 20
	}
	want(t, ask(h, "GET", "/trpc/sync.pull,sync.pull?batch=1", nil), 200) // it has begun
	want(t, pull(), 503, "SERVICE_UNAVAILABLE")
	want(t, ask(h, "POST", "/trpc/sync.push", strings.NewReader(strings.Repeat(" ", 8<<20)+"null")), 503)
	if moves != 3 {
		t.Errorf("%d requests were moved, want 3", moves)
	}
	p.bytes = 100
	want(t, pull(), 200)
	full, p.bytes = false, 50<<20
	want(t, pull(), 200)
}
