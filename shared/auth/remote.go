package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/ijson"
)

// The times of a fetched key set.
const (
	firstTimeout   = 10 * time.Second // of a fetch while there are no keys
	refreshTimeout = 3 * time.Second  // of a fetch while there are older keys
	lease          = 25 * time.Second // after which another caller may fetch
	waitStep       = 100 * time.Millisecond
	fetchInterval  = time.Minute // between fetches if there are keys, and between fetches for an unknown key
	minRetry       = 5 * time.Second
	minFresh       = 5 * time.Minute
	usualFresh     = time.Hour // if the response has no Cache-Control
	maxFresh       = 24 * time.Hour
	maxKept        = 7 * 24 * time.Hour // after the last success, while the issuer cannot be reached
)

// maxFetchBytes bounds a key set, and the response of discovery.
const maxFetchBytes = 256 << 10

// A Fetch is what the caller does for a Verifier. With a Check, the caller finds out
// which key made the signature, and hands it to VerifyBy. With a URL, the caller sends a GET
// and hands the outcome to Fetched. Without either, the caller waits, as another caller
// is fetching.
type Fetch struct {
	Check    *Check
	URL      string
	Timeout  time.Duration
	MaxBytes int
	Wait     time.Duration

	remote    *remote
	discovery bool // its response says where the keys are
}

// A Fetched is the outcome of a Fetch.
type Fetched struct {
	Status       int
	CacheControl string // the header
	Body         []byte
	Err          error // if there was no response
}

// A remote is the key set that an issuer publishes. Of all callers at most one
// fetches it at a time, and each attempt makes one or two requests.
type remote struct {
	discover string // the issuer, if discovery has to find the URL
	keysURL  string // "" until discovery found it
	insecure bool

	keys     []Key
	fetched  time.Time // when the keys were fetched
	stale    time.Time // when to fetch them again
	tried    time.Time // when the last attempt began
	unknown  time.Time // when the last attempt for an unknown key began
	busy     bool      // an attempt is under way
	failures int       // attempts since the last success
}

// keysFor returns the keys that may have signed a token. If it returns a Fetch, the
// caller has to fetch the keys first.
func (r *remote) keysFor(t token, now time.Time) ([]Key, *Fetch, error) {
	if len(r.keys) > 0 && now.Sub(r.fetched) > maxKept {
		r.keys = nil
	}
	keys, err := fitting(r.keys, t)
	if !errors.Is(err, errNoKey) {
		return keys, nil, err
	}
	switch {
	case r.busy && !passed(r.tried, lease, now):
		return nil, &Fetch{Wait: waitStep}, nil
	case len(r.keys) == 0 && passed(r.tried, r.pause(), now):
		return nil, r.begin(now), nil
	case len(r.keys) == 0:
		return nil, nil, ErrKeys
	case passed(r.unknown, fetchInterval, now):
		r.unknown = now
		return nil, r.begin(now), nil
	}
	return nil, nil, errNoKey
}

// pause is the least time between two attempts.
func (r *remote) pause() time.Duration {
	if len(r.keys) > 0 || r.failures > 3 {
		return fetchInterval
	}
	return minRetry << r.failures
}

// passed says whether d has passed since then. It has, too, if the clock was set back.
func passed(then time.Time, d time.Duration, now time.Time) bool {
	since := now.Sub(then)
	return then.IsZero() || since >= d || since < 0
}

func (r *remote) due(now time.Time) *Fetch {
	if len(r.keys) == 0 || now.Before(r.stale) || !passed(r.tried, r.pause(), now) {
		return nil
	}
	return r.begin(now)
}

func (r *remote) begin(now time.Time) *Fetch {
	r.tried, r.busy = now, true
	return r.next()
}

func (r *remote) next() *Fetch {
	f := &Fetch{URL: r.keysURL, Timeout: firstTimeout, MaxBytes: maxFetchBytes, remote: r, discovery: r.keysURL == ""}
	if f.discovery {
		f.URL = strings.TrimSuffix(r.discover, "/") + "/.well-known/openid-configuration"
	}
	if len(r.keys) > 0 {
		f.Timeout = refreshTimeout
	}
	return f
}

// Fetched takes the outcome of a Fetch. It returns the Fetch that has to follow, or
// nil. gone says that a key is no longer valid: the caller must forget the tokens that
// were verified. The error, for the log, is why the keys are not replaced.
func (v *Verifier) Fetched(f *Fetch, got Fetched, now time.Time) (next *Fetch, gone bool, err error) {
	r := f.remote
	if got.Err == nil && got.Status != 200 {
		got.Err = fmt.Errorf("status %d", got.Status)
	}
	if got.Err == nil && f.discovery {
		if r.keysURL, got.Err = discovered(got.Body, r.discover, r.insecure); got.Err == nil {
			return r.next(), false, nil
		}
	}
	var keys []Key
	if got.Err == nil {
		keys, got.Err = parseKeys(got.Body, false)
	}
	r.busy = false
	if r.discover != "" {
		r.keysURL = "" // discovery finds it again next time, as it may change
	}
	if got.Err != nil {
		r.failures++
		return nil, false, fmt.Errorf("fetch keys from %s: %w", f.URL, got.Err)
	}
	for _, old := range r.keys {
		gone = gone || !slices.Contains(keys, old)
	}
	r.keys, r.fetched, r.failures = keys, now, 0
	r.stale = now.Add(freshness(got.CacheControl))
	return nil, gone, nil
}

// discovered returns the URL of an issuer's keys. The issuer in the response must be
// the expected one. OpenID Connect Discovery 1.0, 3 and 4.3.
func discovered(body []byte, issuer string, insecure bool) (string, error) {
	document, err := ijson.Members(body, maxDepth)
	if err != nil {
		return "", err
	}
	if name, err := claims(document).text("issuer"); err != nil || name != issuer {
		return "", fmt.Errorf("it is the configuration of issuer %.200q", name)
	}
	keysURL, err := claims(document).text("jwks_uri")
	if err != nil {
		return "", err
	}
	if err := checkURL(keysURL, insecure); err != nil {
		return "", fmt.Errorf("its jwks_uri: %w", err)
	}
	return keysURL, nil
}

// freshness returns how long a response may be used, by its Cache-Control and within
// bounds. RFC 9111, 5.2.2.
func freshness(cacheControl string) time.Duration {
	fresh := usualFresh
	for directive := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return minFresh
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err == nil {
				fresh = time.Duration(seconds) * time.Second
			}
		}
	}
	return min(max(fresh, minFresh), maxFresh)
}

// checkURL rejects a URL from which keys must not be fetched: only https is safe, and
// http on this machine, where nobody listens in between.
func checkURL(text string, insecure bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%.200q is no URL to fetch keys from", text)
	}
	if u.Scheme == "https" || u.Scheme == "http" && (insecure || isLoopback(u.Hostname())) {
		return nil
	}
	return fmt.Errorf("%.200q does not begin with https://", text)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
