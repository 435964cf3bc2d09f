// Command load sends one request repeatedly to a server on this machine, over several
// connections. Each connection waits for a response before its next request. load prints a
// line of JSON: requests per second, the latency and load's own processor time of a request
// in microseconds, and with -pid that of this process. In a body, thirteen @
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
	"time"
)

// placeholder has as many bytes as the Unix time in milliseconds has digits.
var (
	placeholder = []byte("@@@@@@@@@@@@@")
	lastTwelve  = []byte("############") // as long as the last group of a UUID
	nameMark    = []byte("~~~~")
)

// mostRefused is how many refusals of a busy server end a run: it does not serve this load.
const mostRefused = 1000

// A list is a flag that can be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ", ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// options are what the flags say.
type options struct {
	url, method, bodyFile string
	header, then          list
	connections, most     int
	duration              time.Duration
	status, pid           int
	names                 int64
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "", "the URL of the request")
	flag.StringVar(&o.method, "method", "GET", "the method")
	flag.StringVar(&o.bodyFile, "body", "", "a file whose content is the body")
	flag.IntVar(&o.connections, "c", 1, "connections")
	flag.DurationVar(&o.duration, "d", 3*time.Second, "how long")
	flag.IntVar(&o.most, "n", 1<<30, "the greatest number of requests")
	flag.IntVar(&o.status, "status", 200, "the status that every response must have")
	flag.IntVar(&o.pid, "pid", 0, "the server's process")
	flag.Int64Var(&o.names, "names", 1, "how many numbers ~~~~ in a path stands for, in turn from 0")
	flag.Var(&o.header, "H", "a header, \"Name: value\", repeatable")
	flag.Var(&o.then, "then", "a path to request after the url, repeatable")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	u, err := url.Parse(o.url)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s is not on this machine", u.Host)
	}
	var body []byte
	if o.bodyFile != "" {
		if body, err = os.ReadFile(o.bodyFile); err != nil {
			return err
		}
	}
	requests := requestsOf(u, o.then, o.method, o.header, body)
	next := func() [][]byte { return requests }
	if bytes.Contains(body, placeholder) || bytes.Contains(requests[0], nameMark) {
		next = numberedRequests(requests, o.names)
	}
	before, err := processorTime(o.pid)
	if err != nil {
		return err
	}
	start := time.Now()
	var refused atomic.Int64
	latencies, received, err := repeatAll(o.connections, func() ([]time.Duration, int64, error) {
		c := connection{method: o.method, want: o.status, pause: 100 * time.Millisecond, refused: &refused}
		return c.repeat(u.Host, next, start.Add(o.duration), o.most/o.connections)
	})
	if err != nil {
		return err
	}
	elapsed := time.Since(start)
	after, err := processorTime(o.pid)
	if err != nil {
		return err
	}
	own, err := processorTime(os.Getpid())
	if err != nil {
		return err
	}
	slices.Sort(latencies)
	n := len(latencies)
	at := func(q float64) int64 { return latencies[int(q*float64(n-1))].Microseconds() }
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests": n, "rps": float64(n) / elapsed.Seconds(),
		"p50": at(0.5), "p99": at(0.99), "bytes": received / int64(n),
		"cpu": micros(own), "server": micros(after - before), "refused": refused.Load(),
	})
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

// A connection sends requests one after the other.
type connection struct {
	net.Conn
	reader  *bufio.Reader
	method  string
	want    int           // the status that every response must have
	pause   time.Duration // after a refusal
	refused *atomic.Int64
}

// repeat returns the latencies of one connection and the bytes of all bodies.
func (c *connection) repeat(host string, next func() [][]byte, until time.Time, most int) (latencies []time.Duration, received int64, err error) {
	if c.Conn, err = net.Dial("tcp", host); err != nil {
		return nil, 0, err
	}
	defer c.Close()
	c.reader = bufio.NewReaderSize(c.Conn, 1<<16)
	for len(latencies) == 0 || (len(latencies) < most && time.Now().Before(until)) {
		requests := next()
		start := time.Now()
		for _, request := range requests {
			n, err := c.ask(request)
			if err != nil {
				return nil, 0, err
			}
			received += n
		}
		latencies = append(latencies, time.Since(start))
	}
	return latencies, received, nil
}

// ask sends a request and returns the bytes of the response's body. A busy server refuses with
// 503: ask counts that, and sends the request again after a pause, as clients do. The latency has the pause.
func (c *connection) ask(request []byte) (int64, error) {
	for {
		if _, err := c.Write(request); err != nil {
			return 0, err
		}
		response, err := http.ReadResponse(c.reader, &http.Request{Method: c.method})
		if err != nil {
			return 0, err
		}
		n, err := io.Copy(io.Discard, response.Body)
		switch {
		case err != nil:
			return 0, err
		case response.StatusCode == c.want:
			return n, nil
		case response.StatusCode != http.StatusServiceUnavailable || c.refused.Add(1) > mostRefused:
			return 0, fmt.Errorf("status %d, want %d", response.StatusCode, c.want)
		}
		time.Sleep(c.pause)
	}
}
