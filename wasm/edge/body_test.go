//go:build !js

package edge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

// aBody returns the body of a request that announces length; -1: none.
func aBody(length int64, reader io.Reader) *body {
	r := &http.Request{ContentLength: length, Body: io.NopCloser(reader)}
	return newBody(httptest.NewRecorder(), r, wallClock{})
}

func TestBodiesAroundTheLimitAndTheFirstBytes(t *testing.T) {
	const limit = 3 * maxPiece
	for _, n := range []int{1, firstPiece - 1, firstPiece, firstPiece + 1, 2*firstPiece + 1, maxPiece, limit - 1, limit, limit + 1, 2 * limit} {
		sent := bytes.Repeat([]byte("tidemark"), n/8+1)[:n]
		for _, length := range []int64{int64(n), -1} {
			pieces, err := aBody(length, bytes.NewReader(sent)).take(limit)
			if n > limit {
				if err != errTooLarge || pieces != nil {
					t.Errorf("%d bytes, announced %d: got %d pieces, %v", n, length, len(pieces), err)
				}
				continue
			}
			got := make([]byte, result{pieces: pieces}.size())
			result{pieces: pieces}.copyTo(got)
			if err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d bytes, announced %d: got %d, %v", n, length, len(got), err)
			}
		}
	}
	for _, small := range []int64{0, 1, firstPiece - 1} {
		if _, err := aBody(-1, bytes.NewReader(make([]byte, small+1))).take(small); err != errTooLarge {
			t.Errorf("over the limit of %d: %v", small, err)
		}
	}
}

func TestABodyThatEndsEarlyIsIncomplete(t *testing.T) {
	for name, body := range map[string]*body{
		"shorter than announced": aBody(3, bytes.NewReader([]byte("[]"))),
		"broken, announced":      aBody(3, io.MultiReader(bytes.NewReader([]byte("[]")), broken{})),
		"broken, not announced":  aBody(-1, io.MultiReader(bytes.NewReader([]byte("[]")), broken{})),
	} {
		if pieces, err := body.take(100); err != errIncomplete || pieces != nil {
			t.Errorf("%s: got %q, %v", name, pieces, err)
		}
	}
}

// broken is a connection that ends early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("it ended") }

// Memory follows the bytes that have arrived, not the announced length.
func TestALengthThatIsOnlyAnnouncedCostsNothing(t *testing.T) {
	const announced = 16 << 20
	for _, sent := range []int{1, 66 << 10} {
		body := aBody(announced, io.MultiReader(bytes.NewReader(make([]byte, sent)), broken{}))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := body.take(announced)
		runtime.ReadMemStats(&after)
		if err != errIncomplete {
			t.Error(err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(3*sent+64<<10) {
			t.Errorf("%d bytes of %d took %d KB", sent, announced, took>>10)
		}
	}
}

func TestHowSlowATransferMayBe(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		count   int64
		last    time.Duration // its arrival, from the start
		longest time.Duration
		want    time.Duration
	}{
		{"nothing has come", 0, 0, 0, 10 * time.Second},
		{"all at once, and no more", 1 << 20, 0, 0, 10 * time.Second},
		{"a byte every second", 9, 9 * time.Second, 0, 10*time.Second + 9*time.Second/1024},
		{"a kilobyte every second", 60 << 10, time.Minute, 0, 70 * time.Second},
		{"a megabyte every second", 60 << 20, time.Minute, 0, 70 * time.Second},
		{"no longer than it may last", 60 << 20, time.Minute, time.Minute, time.Minute},
	} {
		w := &watch{start: start, longest: c.longest, count: c.count, last: start.Add(c.last)}
		if got := w.due().Sub(start); got != c.want {
			t.Errorf("%s: due after %v, want %v", c.name, got, c.want)
		}
	}
}
