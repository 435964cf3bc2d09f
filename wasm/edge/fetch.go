//go:build !js

package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tidemark/shared/abi"
)

// newFetcher returns the HTTP client of OpFetch. It follows no redirect: a server
// that the guest names cannot send the host to another.
func newFetcher() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 16
	transport.IdleConnTimeout = 30 * time.Second
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch runs the op OpFetch.
func (w *Worker) fetch(frame []byte) ([]byte, error) {
	f, err := abi.DecodeFetch(frame)
	if err != nil {
		return nil, err
	}
	if err := w.mayFetch(f.URL); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), min(f.Timeout, abi.MaxFetchTimeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, f.Method, f.URL, bytes.NewReader(f.Body))
	if err != nil {
		return nil, err
	}
	for _, h := range f.Header {
		request.Header.Add(h[0], h[1])
	}
	response, err := w.fetcher.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	limit := min(f.MaxBytes, abi.MaxFetchBytes)
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(body) > limit {
		return nil, fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	got := abi.Fetched{Response: abi.Response{Status: response.StatusCode}, Body: body}
	for name, values := range response.Header {
		got.Header = append(got.Header, [2]string{strings.ToLower(name), strings.Join(values, ", ")})
	}
	return abi.AppendFetched(nil, got), nil
}

// mayFetch returns an error unless the URL is https, or http of a loopback host.
// In development it allows http of any host.
func (w *Worker) mayFetch(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("no URL to fetch")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && (loopback || fmt.Sprint(w.vars["DEV_MODE"]) == "1") {
		return nil
	}
	return errors.New("a URL to fetch must begin with https://")
}
