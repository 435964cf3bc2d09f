// Command load sends one request repeatedly to a server on this machine, over several
// connections. Each connection waits for a response before its next request. load prints a
// line of JSON: requests per second, the latency and load's own processor time of a request
// in microseconds. In a body, thirteen @
// in a row stand for a number that grows with each request, and twelve # for its last
// twelve digits. In a path, ~~~~ stands for the number of the request modulo -names. With
// -then, several requests, one after the other, count as one.
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
	"syscall"
	"time"
)

// placeholder has as many bytes as the Unix time in milliseconds has digits.
var (
	placeholder = []byte("@@@@@@@@@@@@@")
	lastTwelve  = []byte("############") // as long as the last group of a UUID
	nameMark    = []byte("~~~~")
)

// A list is a flag that can be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() {
	target := flag.String("url", "", "the URL of the request")
	method := flag.String("method", "GET", "the method")
	bodyFile := flag.String("body", "", "a file whose content is the body")
	connections := flag.Int("c", 1, "connections")
	duration := flag.Duration("d", 3*time.Second, "how long")
	most := flag.Int("n", 1<<30, "the greatest number of requests")
	want := flag.Int("status", 200, "the status that every response must have")
	names := flag.Int64("names", 1, "how many numbers ~~~~ in a path stands for, in turn from 0")
	var header, then list
	flag.Var(&header, "H", "a header, \"Name: value\", repeatable")
	flag.Var(&then, "then", "a path to request after the url, repeatable")
	flag.Parse()
	if err := run(*target, then, *method, *bodyFile, header, *connections, *duration, *most, *want, *names); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(target string, then []string, method, bodyFile string, header []string, connections int, duration time.Duration, most, want int, names int64) error {
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
	requests := requestsOf(u, then, method, header, body)
	next := func() [][]byte { return requests }
	if bytes.Contains(body, placeholder) || bytes.Contains(requests[0], nameMark) {
		next = numberedRequests(requests, names)
	}
	start := time.Now()
	latencies, received, err := repeatAll(connections, func() ([]time.Duration, int64, error) {
		return repeat(u.Host, method, next, start.Add(duration), most/connections, want)
	})
	if err != nil {
		return err
	}
	elapsed := time.Since(start)
	slices.Sort(latencies)
	at := func(q float64) int64 { return latencies[int(q*float64(len(latencies)-1))].Microseconds() }
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests": len(latencies), "rps": float64(len(latencies)) / elapsed.Seconds(),
		"p50": at(0.5), "p99": at(0.99), "bytes": received / int64(len(latencies)),
		"cpu": float64(processorTime().Microseconds()) / float64(len(latencies)),
	})
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// requestsOf returns the bytes of one request for u, and of one for each path of then.
func requestsOf(u *url.URL, then []string, method string, header []string, body []byte) [][]byte {
	var requests [][]byte
	for _, uri := range append([]string{u.RequestURI()}, then...) {
		request := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n", method, uri, u.Host)
		for _, h := range header {
			request = fmt.Appendf(request, "%s\r\n", h)
		}
		if body != nil {
			request = fmt.Appendf(request, "Content-Length: %d\r\n", len(body))
		}
		requests = append(requests, append(append(request, "\r\n"...), body...))
	}
	return requests
}

// numberedRequests returns a function that returns the requests with a new number
// in place of each placeholder, and with the next of so many names.
func numberedRequests(requests [][]byte, names int64) func() [][]byte {
	var counter atomic.Int64
	first := time.Now().UnixMilli() - 1e9
	return func() [][]byte {
		n := counter.Add(1)
		number := strconv.AppendInt(nil, first+n, 10)
		name := strconv.AppendInt(nil, (n-1)%names, 10)
		numbered := make([][]byte, len(requests))
		for i, request := range requests {
			request = bytes.ReplaceAll(request, nameMark, name)
			request = bytes.ReplaceAll(request, placeholder, number)
			numbered[i] = bytes.ReplaceAll(request, lastTwelve, number[1:])
		}
		return numbered
	}
}

// repeatAll runs one function on each connection, at the same time. It returns all
// latencies, the sum of the bytes, and one of the errors.
func repeatAll(connections int, one func() ([]time.Duration, int64, error)) ([]time.Duration, int64, error) {
	var (
		wait      sync.WaitGroup
		mu        sync.Mutex
		latencies []time.Duration
		received  int64
		failure   error
	)
	for range connections {
		wait.Go(func() {
			some, n, err := one()
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, some...)
			received += n
			if err != nil {
				failure = err
			}
		})
	}
	wait.Wait()
	return latencies, received, failure
}

// repeat returns the latencies of one connection and the bytes of all bodies.
func repeat(host, method string, next func() [][]byte, until time.Time, most, want int) ([]time.Duration, int64, error) {
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
		requests := next()
		start := time.Now()
		for _, request := range requests {
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
		}
		latencies = append(latencies, time.Since(start))
	}
	return latencies, received, nil
}
