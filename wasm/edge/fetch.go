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
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"tidemark/shared/abi"
)

// A fetcher has the HTTP clients of OpFetch. They follow no redirect: a server that the
// guest names cannot send the host to another.
type fetcher struct{ all, public *http.Client }

func newFetcher() fetcher {
	public := newTransport()
	public.Proxy = nil // the addresses that count are those behind it
	public.DialContext = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: onlyPublic}).DialContext
	return fetcher{newClient(newTransport()), newClient(public)}
}

func newTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 16
	transport.IdleConnTimeout = 30 * time.Second
	return transport
}

func newClient(transport *http.Transport) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var errPrivate = errors.New("the URL to fetch leads to a private address")

// onlyPublic refuses a connection to an address that is not public. It runs after the name was
// looked up, so that no other answer of the DNS leads elsewhere.
func onlyPublic(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !isPublic(to.Addr()) {
		return errPrivate
	}
	return nil
}

// of returns the client for a reach.
func (f *fetcher) of(r abi.Reach) *http.Client {
	if r == abi.ReachPublic {
		return f.public
	}
	return f.all
}

func (f *fetcher) close() {
	f.all.CloseIdleConnections()
	f.public.CloseIdleConnections()
}

// fetches are those of one call, which end together.
type fetches struct {
	context.Context
	stop context.CancelFunc
}

// fetching returns the context of the call's fetches. The caller of this and the next holds the
// isolate's lock.
func (c *call) fetching() context.Context {
	if c.fetches == nil {
		ctx, stop := context.WithCancel(context.Background())
		c.fetches = &fetches{ctx, stop}
	}
	return c.fetches
}

// stopFetches ends the call's fetches, which fail, as do those that follow.
func (c *call) stopFetches() {
	c.fetching()
	c.fetches.stop()
}

// fetch runs the op OpFetch.
func (w *Worker) fetch(ctx context.Context, frame []byte) ([]byte, error) {
	f, err := abi.DecodeFetch(frame)
	if err != nil {
		return nil, err
	}
	if err := w.mayFetch(f); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, min(f.Timeout, abi.MaxFetchTimeout))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, f.Method, f.URL, bytes.NewReader(f.Body))
	if err != nil {
		return nil, err
	}
	for _, h := range f.Header {
		request.Header.Add(h[0], h[1])
	}
	response, err := w.fetcher.of(f.Reach).Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer response.Body.Close()
	body, err := readBody(response, min(f.MaxBytes, abi.MaxFetchBytes))
	if err != nil {
		return nil, err
	}
	got := abi.Fetched{Response: abi.Response{Status: response.StatusCode}, Body: body}
	for name, values := range response.Header {
		got.Header = append(got.Header, [2]string{strings.ToLower(name), strings.Join(values, ", ")})
	}
	return abi.AppendFetched(nil, got), nil
}

// drained is how long a body may be that is read only because the connection is used again then.
const drained = 4 << 10

// readBody returns the body of a response, or an error if it is longer than the limit; with the limit 0 nothing.
func readBody(response *http.Response, limit int) ([]byte, error) {
	if limit == 0 {
		if response.ContentLength <= drained {
			io.CopyN(io.Discard, response.Body, response.ContentLength) // whether that fails matters to nobody
		}
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err == nil && len(body) > limit {
		err = fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return body, err
}

// withoutURL returns the cause of a request's error. The error itself names the URL, which may hold a
// secret of the receiver: the guest logs errors.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// mayFetch returns an error unless the URL is https, or http and the reach of the fetch allows
// that: to a loopback host, or in development to any.
func (w *Worker) mayFetch(f abi.Fetch) error {
	u, err := url.Parse(f.URL)
	if err != nil || u.Host == "" {
		return errors.New("no URL to fetch")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	plain := f.Reach == abi.ReachAny || f.Reach == abi.ReachTrusted && (loopback || fmt.Sprint(w.vars["DEV_MODE"]) == "1")
	if u.Scheme == "https" || u.Scheme == "http" && plain {
		return nil
	}
	return errors.New("a URL to fetch must begin with https://")
}
