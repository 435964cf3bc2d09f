//go:build !js

package api_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/yroom"
	"tidemark/worker/api"
	documentsapi "tidemark/worker/api/documents"
	"tidemark/worker/webtest"
)

// noRoom fails each call that brings 100 bytes or more; to others it returns a Reply of
// StatusUnchanged.
type noRoom struct{ got int }

func (c *noRoom) Call(_ context.Context, _, _ string, data ...[]byte) ([]byte, error) {
	size := 0
	for _, d := range data {
		size += len(d)
	}
	if size < 100 {
		return []byte{byte(yroom.StatusUnchanged), 0, 0}, nil
	}
	c.got += size
	return nil, errors.New("no room")
}

// An instance has some 100 MB for all that it does at the same time.
func TestAMergeTakesNotMuchMoreMemoryThanItsBody(t *testing.T) {
	calls := &noRoom{}
	c := configure(t, nil)
	c.Root.Documents = &documentsapi.Config{Calls: calls}
	h := webtest.Handler{Of: api.New(c)}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "alice"}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	const size = 12 << 20
	r := httptest.NewRequest(http.MethodPost, "/yjs/room", bytes.NewReader(make([]byte, size)))
	r.Header.Set("Authorization", "Bearer "+token)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.ServeHTTP(httptest.NewRecorder(), r)
	runtime.ReadMemStats(&after)
	if calls.got < size {
		t.Fatalf("the room got %d bytes", calls.got)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 3*size/2 {
		t.Errorf("took %d MB for a body of %d", took>>20, size>>20)
	}
}
