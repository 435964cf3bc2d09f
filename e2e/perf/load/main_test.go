package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// asks has a server with these statuses in turn, and repeats a request to it so often.
func asks(t *testing.T, most int, statuses ...int) (latencies []time.Duration, bytes, refused int64, err error) {
	t.Helper()
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(statuses[int(served.Add(1)-1)%len(statuses)])
		_, _ = w.Write([]byte("four"))
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	c := connection{method: "GET", want: 200, refused: &count}
	requests := requestsOf(u, nil, "GET", nil, nil)
	latencies, bytes, err = c.repeat(u.Host, func() [][]byte { return requests }, time.Now().Add(time.Hour), most)
	return latencies, bytes, count.Load(), err
}

func TestARefusedRequestIsSentAgainAndCounted(t *testing.T) {
	latencies, bytes, refused, err := asks(t, 3, 503, 503, 200)
	if err != nil || len(latencies) != 3 || bytes != 12 || refused != 6 {
		t.Errorf("got %d latencies, %d bytes, %d refusals, %v; want 3, 12, 6, nil", len(latencies), bytes, refused, err)
	}
}

func TestAServerThatAlwaysRefusesEndsTheRun(t *testing.T) {
	_, _, refused, err := asks(t, 1, 503)
	if err == nil || refused != mostRefused+1 {
		t.Errorf("got %d refusals, %v; want %d and an error", refused, err, mostRefused+1)
	}
}

func TestAnotherStatusEndsTheRun(t *testing.T) {
	_, _, _, err := asks(t, 2, 200, 500)
	if err == nil || !strings.Contains(err.Error(), "status 500, want 200") {
		t.Errorf("got %v, want the status", err)
	}
}

func TestProcessorTimeGrowsWithWork(t *testing.T) {
	before, err := processorTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for after := before; after < before+time.Millisecond; {
		if after, err = processorTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if none, err := processorTime(0); none != 0 || err != nil {
		t.Errorf("process 0: got %v, %v; want 0, nil", none, err)
	}
	if _, err := processorTime(1 << 27); err == nil {
		t.Error("a process that does not exist: got no error")
	}
}
