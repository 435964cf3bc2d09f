//go:build !js

package edge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"testing"
)

// aBody is a request's, of which length is announced; -1: nothing is.
func aBody(length int64, body io.Reader) *http.Request {
	return &http.Request{ContentLength: length, Body: io.NopCloser(body)}
}

func TestBodiesAroundTheLimitAndTheFirstBytes(t *testing.T) {
	const limit = 3 * trusted
	for _, n := range []int{1, trusted - 1, trusted, trusted + 1, limit - 1, limit, limit + 1, 2 * limit} {
		sent := bytes.Repeat([]byte("tidemark"), n/8+1)[:n]
		for _, length := range []int64{int64(n), -1} {
			got, ok, err := readBody(aBody(length, bytes.NewReader(sent)), limit)
			if err != nil || ok != (n <= limit) || ok && !bytes.Equal(got, sent) {
				t.Errorf("%d bytes, announced %d: got %d, %v, %v", n, length, len(got), ok, err)
			}
		}
	}
	for _, small := range []int64{1, trusted - 1} {
		if _, ok, err := readBody(aBody(-1, bytes.NewReader(make([]byte, small+1))), small); ok || err != nil {
			t.Errorf("over the limit of %d: %v, %v", small, ok, err)
		}
	}
}

// broken is a connection that ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("it ended") }

func TestALengthThatIsOnlyAnnouncedCostsNothing(t *testing.T) {
	const announced = 16 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := readBody(aBody(announced, io.MultiReader(bytes.NewReader([]byte("[")), broken{})), announced)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("no error")
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4*trusted {
		t.Errorf("took %d KB", took>>10)
	}
}
