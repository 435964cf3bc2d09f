//go:build !js

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/wasm/wasmtest"
)

// A caller asks a server as one subject.
type caller struct {
	*testing.T
	*wasmtest.Server
	token string
}

func (c caller) ask(method, path string, body []byte) (status int, answer []byte) {
	c.Helper()
	r, err := http.NewRequest(method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if !strings.HasPrefix(path, "/yjs") {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Error(err)
		return 0, nil
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		c.Error(err)
	}
	return res.StatusCode, answer
}

// A watched caller fails if an instance ends.
type watched struct {
	caller
	log *journal
}

// wants returns a response that must have one of the statuses.
func (c watched) wants(method, path string, body []byte, statuses ...int) []byte {
	c.Helper()
	status, answer := c.ask(method, path, body)
	if !slices.Contains(statuses, status) {
		c.Errorf("%s %.80s: %d %.200s, want %d", method, path, status, answer, statuses)
	}
	c.lives(method + " " + path)
	return answer
}

func (c watched) lives(what string) {
	c.Helper()
	for line := range strings.SplitSeq(c.log.take(), "\n") {
		if strings.Contains(line, "the instance ended") || strings.Contains(line, "did not return") {
			c.Errorf("%.80s: %s", what, line)
		}
	}
}

// rowsOf is a push of n customers whose notes are that text.
func rowsOf(prefix string, from, n int, notes string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"changes":{"customers":{"created":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%s%d","contact_name":"Contact","company_name":"Company","notes":%s,"created_at":1,"updated_at":2}`, prefix, from+i, notes)
	}
	b.WriteString(`],"updated":[],"deleted":[]}},"lastPulledAt":null}`)
	return b.Bytes()
}

// The largest legal request of each kind leaves an instance in service that has done
// nothing else.
func TestTheLargestRequestOfEachKindRetiresNoInstance(t *testing.T) {
	if testing.Short() {
		t.Skip("moves hundreds of megabytes")
	}
	s, _ := startGuest(t)
	c := caller{t, s, bearer(t)}
	text, _ := json.Marshal(strings.Repeat("x", 1_100))
	for from := 0; from < 20_000; from += 10_000 {
		if status, answer := c.ask("POST", "/trpc/sync.push", rowsOf("r", from, 10_000, string(text))); status != 200 {
			t.Fatalf("%d %.300s", status, answer)
		}
	}
	batch := strings.TrimSuffix(strings.Repeat("sync.pull,", 50), ",")
	short, _ := json.Marshal(strings.Repeat("s", 190))
	many := rowsOf("many", 0, 50_000, string(short))
	long, _ := json.Marshal(strings.Repeat("l", 890_000))
	few := rowsOf("few", 0, 18, string(long))
	for _, r := range []struct {
		what, method, path string
		body               []byte
	}{
		{"a small request", "GET", "/trpc/sync.pull?input=%7B%22lastPulledAt%22:0,%22limit%22:1%7D", nil},
		{"a first pull", "GET", "/trpc/sync.pull", nil},
		{"a first pull in turbo mode", "GET", "/sync/pull", nil},
		{"50 first pulls", "GET", "/trpc/" + batch + "?batch=1", nil},
		{"everything as changes", "GET", "/trpc/sync.pull?input=%7B%22lastPulledAt%22:1%7D", nil},
		{"a checksum", "GET", "/sync/checksum", nil},
		{"a push of many rows", "POST", "/trpc/sync.push", many},
		{"a push of long rows", "POST", "/trpc/sync.push", few},
		{"a long row, explained", "GET", "/sync/explain?table=customers&id=few3", nil},
		{"a pull of too much", "GET", "/trpc/sync.pull", nil},
		{"a page of many rows", "GET", "/trpc/sync.pull?input=%7B%22limit%22:10000%7D", nil},
		{"the same push again", "POST", "/trpc/sync.push", many},
	} {
		s.Worker().ForTests().Evict()
		status, answer := c.ask(r.method, r.path, r.body)
		memory := 0.0
		if m := s.Worker().Memory(); len(m) > 0 {
			memory = float64(m[0]) / (1 << 20)
		}
		t.Logf("%-30s %d, %8d bytes: %5.1f MB", r.what, status, len(answer), memory)
		if status >= 500 {
			t.Errorf("%s: %d %.300s", r.what, status, answer)
		}
		if memory == 0 || memory > 84 { // three quarters of LIMIT_MEMORY_MB retire an instance
			t.Errorf("%s: the instance has %.1f MB, or was retired", r.what, memory)
		}
	}
}

// A body without an announced length, as most proxies send it, takes memory only for the
// bytes that have arrived. Two slow ones leave space for all other requests, short and long.
func TestSlowBodiesOfUnknownLengthHoldUpNobody(t *testing.T) {
	s, clock := startGuest(t)
	token := bearer(t)
	push := func(body io.Reader) (status int, answer []byte) {
		r, err := http.NewRequest("POST", s.URL+"/trpc/sync.push", body)
		if err != nil {
			t.Error(err)
			return 0, nil
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return 0, nil
		}
		defer res.Body.Close()
		answer, _ = io.ReadAll(res.Body)
		return res.StatusCode, answer
	}
	var slow sync.WaitGroup
	var ends []func()
	for range 2 {
		reader, writer := io.Pipe()
		slow.Go(func() {
			if status, answer := push(reader); status != http.StatusOK {
				t.Errorf("a slow body: %d %.200s", status, answer)
			}
		})
		io.WriteString(writer, `{"changes":{}`)
		ends = append(ends, func() { io.WriteString(writer, `}`); writer.Close() })
	}
	// unannounced hides from the client how long it is.
	type unannounced struct{ io.Reader }
	for _, n := range []int{100, 1 << 20, 16<<20 - 100} {
		passing(clock, 100*time.Microsecond, func() { // the slow ones have 10 seconds
			status, answer := push(unannounced{strings.NewReader(`{"changes":{}` + strings.Repeat(" ", n) + `}`)})
			if status != http.StatusOK {
				t.Errorf("%d bytes: %d %.200s", n, status, answer)
			}
		})
	}
	for _, end := range ends {
		end()
	}
	slow.Wait()
}
