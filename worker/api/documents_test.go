//go:build !js

package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/lib0"
	"tidemark/shared/yroom"
	"tidemark/worker/api"
	documentsapi "tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	"tidemark/worker/store/documents"
	"tidemark/worker/webtest"
)

// copies are the names of rooms, in order.
type copies struct {
	documentsapi.Copies
	names []string
	asked int // names returned
}

func (d *copies) List(_ context.Context, prefix, after string, limit int) (rooms []documents.Entry, err error) {
	for _, name := range d.names {
		if strings.HasPrefix(name, prefix) && name > after && len(rooms) < limit {
			rooms = append(rooms, documents.Entry{Room: name, UpdatedAt: 1})
		}
	}
	d.asked += len(rooms)
	return rooms, nil
}

// Neither the rooms of a page nor the mark of the next page name a room that the token
// does not open.
func TestAListTellsOfNoRoomThatTheTokenDoesNotOpen(t *testing.T) {
	d := &copies{names: []string{"a-1", "a-2", "b-secret", "c-1", "c-secret", "c-2", "d-secret"}}
	for n := range 3000 {
		d.names = append(d.names, fmt.Sprintf("e-%04d", n))
	}
	d.names = append(d.names, "f-1")
	slices.Sort(d.names)
	config := configure(t, nil)
	config.Root.Documents = &documentsapi.Config{Copies: d}
	h := webtest.Handler{Of: api.New(config)}
	for _, c := range []struct {
		globs  []string
		prefix string
		want   string
		most   int // names read for it
	}{
		{[]string{"a-?", "c-?", "f-1"}, "", "a-1 a-2 c-1 c-2 f-1", 1e6},
		{[]string{"c-?"}, "", "c-1 c-2", 12},
		{[]string{"c-?"}, "c", "c-1 c-2", 12},
		{[]string{"c-?"}, "c-2", "c-2", 4},
		{[]string{"c-?"}, "b", "", 4},
		{[]string{}, "", "", 1e6},
	} {
		claims := jwt.MapClaims{"sub": "alice", "rooms": c.globs}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		d.asked = 0
		var got []string
		next := ""
		for pages := 0; pages == 0 || next != ""; pages++ {
			r := httptest.NewRequest(http.MethodGet, "/yjs/?limit=1&prefix="+c.prefix+"&after="+url.QueryEscape(next), nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want(t, w, http.StatusOK)
			if strings.Contains(w.Body.String(), "secret") || pages > 10 {
				t.Fatalf("%q: page %d: %s", c.globs, pages, w.Body)
			}
			var page struct {
				Rooms []struct{ Room string }
				Next  string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
				t.Fatal(err)
			}
			for _, room := range page.Rooms {
				got = append(got, room.Room)
			}
			next = page.Next
		}
		if strings.Join(got, " ") != c.want || d.asked > c.most {
			t.Errorf("%q, prefix %q: got %q, want %q; %d names were read", c.globs, c.prefix, got, c.want, d.asked)
		}
	}
}

// costly are rooms in which every request costs that many messages.
type costly int

func (d costly) Call(context.Context, string, string, ...[]byte) ([]byte, error) {
	return lib0.AppendUint([]byte{byte(yroom.StatusOK), 0}, uint64(d)), nil
}

func TestWhatARoomSpentCountsInTheRateOfWhoAsked(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	config := configure(t, map[string]string{"LIMIT_REQUESTS_PER_MINUTE": "600"})
	config.Door.Now = func() time.Time { return now }
	config.Root.Documents = &documentsapi.Config{Calls: costly(500)}
	h := webtest.Handler{Of: api.New(config)}
	for i, c := range []struct {
		subject string
		later   time.Duration
		want    int
	}{
		{"alice", 0, http.StatusNoContent},
		{"alice", 0, http.StatusNoContent},
		{"alice", 0, http.StatusTooManyRequests},
		{"bob", 0, http.StatusNoContent},
		{"alice", 39 * time.Second, http.StatusTooManyRequests}, // it owes 402 of 600 a minute
		{"alice", 2 * time.Second, http.StatusNoContent},
	} {
		now = now.Add(c.later)
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": c.subject}).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/yjs/r", strings.NewReader("\x00\x00"))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("request %d: %s got %d %s, want %d", i, c.subject, w.Code, w.Body, c.want)
		}
	}
}

func TestLimitsOfPresenceAreVariables(t *testing.T) {
	for _, c := range []struct {
		state, all string
		problem    bool
	}{
		{"1", "8388608", false},
		{"1048576", "1", false},
		{"1048577", "1", true},
		{"1", "8388609", true},
		{"0", "1", true},
	} {
		s, err := door.ReadSettings(func(name string) string {
			return map[string]string{"AUTH_SECRET": secret, "LIMIT_YJS_PRESENCE_STATE_BYTES": c.state, "LIMIT_YJS_PRESENCE_BYTES": c.all}[name]
		})
		got := fmt.Sprint(s.Documents.PresenceStateBytes, s.Documents.PresenceBytes)
		if (err != nil) != c.problem || !c.problem && got != c.state+" "+c.all {
			t.Errorf("%s and %s: %s, error %v", c.state, c.all, got, err)
		}
	}
}

// short are rooms without memory for their documents.
type short struct{}

func (short) Call(context.Context, string, string, ...[]byte) ([]byte, error) {
	return []byte{byte(yroom.StatusBusy), 0, 0}, nil
}

func TestARoomWithoutMemoryIsAskedAgain(t *testing.T) {
	config := configure(t, nil)
	config.Root.Documents = &documentsapi.Config{Calls: short{}}
	h := webtest.Handler{Of: api.New(config)}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "alice"}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r := httptest.NewRequest(method, "/yjs/r", strings.NewReader("\x00\x00"))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %s, Retry-After %q", method, w.Code, w.Body, w.Header().Get("Retry-After"))
		}
	}
}
