// Command load sends one request over and over on a number of connections to
// a server on this machine, each connection waiting for its answer, and prints
// a line of JSON: requests per second and the latency in microseconds. In a
// body, thirteen @ in a row stand for a number that grows with each request.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// placeholder has as many bytes as the Unix time in milliseconds has digits.
var placeholder = []byte("@@@@@@@@@@@@@")

// A header list, "Name: value".
type headers []string

func (h *headers) String() string     { return strings.Join(*h, ", ") }
func (h *headers) Set(s string) error { *h = append(*h, s); return nil }

func main() {
	target := flag.String("url", "", "what to ask")
	method := flag.String("method", "GET", "the method")
	bodyFile := flag.String("body", "", "a file whose content is the body")
	connections := flag.Int("c", 1, "connections")
	duration := flag.Duration("d", 3*time.Second, "how long")
	most := flag.Int("n", 1<<30, "at most so many requests")
	want := flag.Int("status", 200, "the status that every answer must have")
	var header headers
	flag.Var(&header, "H", "a header, repeatable")
	flag.Parse()
	if err := run(*target, *method, *bodyFile, header, *connections, *duration, *most, *want); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(target, method, bodyFile string, header headers, connections int, duration time.Duration, most, want int) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s is not on this machine", u.Host)
	}
	var body []byte
	if bodyFile != "" {
		if body, err = os.ReadFile(bodyFile); err != nil {
			return err
		}
	}
	request := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n", method, u.RequestURI(), u.Host)
	for _, h := range header {
		request = fmt.Appendf(request, "%s\r\n", h)
	}
	if body != nil {
		request = fmt.Appendf(request, "Content-Length: %d\r\n", len(body))
	}
	request = append(append(request, "\r\n"...), body...)
	next := func() []byte { return request }
	if bytes.Contains(body, placeholder) {
		var counter atomic.Int64
		counter.Store(time.Now().UnixMilli() - 1e9)
		next = func() []byte {
			return bytes.ReplaceAll(request, placeholder, strconv.AppendInt(nil, counter.Add(1), 10))
		}
	}

	var (
		wait      sync.WaitGroup
		mu        sync.Mutex
		latencies []time.Duration
		received  int64
		failure   error
	)
	start := time.Now()
	for range connections {
		wait.Go(func() {
			mine, bytes, err := repeat(u.Host, method, next, start.Add(duration), most/connections, want)
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, mine...)
			received += bytes
			if err != nil {
				failure = err
			}
		})
	}
	wait.Wait()
	elapsed := time.Since(start)
	if failure != nil {
		return failure
	}
	slices.Sort(latencies)
	at := func(q float64) int64 { return latencies[int(q*float64(len(latencies)-1))].Microseconds() }
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests": len(latencies), "rps": float64(len(latencies)) / elapsed.Seconds(),
		"p50": at(0.5), "p99": at(0.99), "bytes": received / int64(len(latencies)),
	})
}

// repeat answers the latencies of one connection and the bytes of all bodies.
func repeat(host, method string, next func() []byte, until time.Time, most, want int) ([]time.Duration, int64, error) {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 1<<16)
	asked := &http.Request{Method: method}
	var latencies []time.Duration
	var received int64
	for len(latencies) == 0 || (len(latencies) < most && time.Now().Before(until)) {
		request := next()
		start := time.Now()
		if _, err := conn.Write(request); err != nil {
			return nil, 0, err
		}
		response, err := http.ReadResponse(reader, asked)
		if err != nil {
			return nil, 0, err
		}
		n, err := io.Copy(io.Discard, response.Body)
		if err != nil {
			return nil, 0, err
		}
		if response.StatusCode != want {
			return nil, 0, fmt.Errorf("status %d, want %d", response.StatusCode, want)
		}
		received += n
		latencies = append(latencies, time.Since(start))
	}
	return latencies, received, nil
}
