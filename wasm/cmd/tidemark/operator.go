//go:build !js

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"tidemark/shared/auth"
)

const (
	operatorScope   = "sync:admin"
	spacesScope     = "spaces:admin" // to list and to delete spaces
	operatorTTL     = 5 * time.Minute
	operatorTimeout = 5 * time.Minute
	maxAnswerBytes  = 1 << 20
)

// An operator sends requests to a running server that need the operator's scope.
type operator struct {
	url   string
	token string       // if "", the command signs one
	place *secretPlace // of the secret that signs the token
	space string       // the space that the requests are for; "": the root
	scope string       // of the token
}

func newOperator(flags *flag.FlagSet, place *secretPlace) *operator {
	o := &operator{place: place, scope: operatorScope}
	flags.StringVar(&o.url, "url", "", "the server's, as in https://host")
	flags.StringVar(&o.token, "token", "", "a token with the scope "+operatorScope+"; if empty one is signed")
	flags.StringVar(&o.space, "space", "", "the space that it is about; if empty the root")
	return o
}

// runRestored tells a running server that its database was restored.
func runRestored(c *invocation) error {
	o := c.operator()
	if err := c.parse(); err != nil {
		return err
	}
	return o.run("sync/restore", "")
}

func runPurge(c *invocation) error {
	o := c.operator()
	days := c.flags.Int("keep-days", 90, "how many days tombstones are kept")
	if err := c.parse(); err != nil {
		return err
	}
	return o.purge(*days)
}

func runRevoke(c *invocation) error {
	o := c.operator()
	var r revocation
	c.flags.StringVar(&r.Subject, "sub", "", "whose tokens end, those issued up to now")
	c.flags.StringVar(&r.ID, "jti", "", "which token ends")
	ttl := c.flags.Duration("ttl", 0, "after which no such token can be valid any more; 0: never")
	if err := c.parse(); err != nil {
		return err
	}
	r.TTL = int(math.Ceil(ttl.Seconds()))
	return o.revoke(r)
}

// run sends a request, and prints the server's response.
func (o *operator) run(path, body string) error {
	_, err := o.ask(path, body)
	return err
}

// A page is what a response says about the rest of a request that was done in part.
type page struct {
	More bool   // repeat the request
	Next string // repeat the request with this member
}

// ask sends a request, prints the server's response and returns what it says.
func (o *operator) ask(path, body string) (page, error) {
	response, err := o.post(path, body)
	if err != nil {
		return page{}, err
	}
	fmt.Println(response)
	var p page
	if err := json.Unmarshal([]byte(response), &p); err != nil {
		return page{}, fmt.Errorf("read the answer: %w", err)
	}
	return p, nil
}

// purge repeats the request until no tombstone is left that it deletes, and prints each
// response.
func (o *operator) purge(keepDays int) error {
	body := fmt.Sprintf(`{"keep_days":%d}`, keepDays)
	for {
		if p, err := o.ask("sync/purge", body); err != nil || !p.More {
			return err
		}
	}
}

// A revocation is the body of a request to end tokens.
type revocation struct {
	Subject string `json:"sub,omitempty"`
	ID      string `json:"jti,omitempty"`
	TTL     int    `json:"ttl,omitempty"` // seconds
	Next    string `json:"next,omitempty"`
}

// revoke repeats the request until the server has reached every room, and prints
// its response.
func (o *operator) revoke(r revocation) error {
	if (r.Subject == "") == (r.ID == "") {
		return errors.New("revoke: one of --sub and --jti is needed")
	}
	if o.space != "" {
		return errors.New("revoke: a revocation is for all spaces: leave --space out")
	}
	if r.TTL < 0 {
		return errors.New("revoke: --ttl is negative")
	}
	for {
		body, err := json.Marshal(r)
		if err != nil {
			return err
		}
		p, err := o.ask("auth/revoke", string(body))
		if err != nil || p.Next == "" {
			return err
		}
		r.Next = p.Next
	}
}

// request makes a request with a token. Its path is that of the space, and query may be "".
func (o *operator) request(method, path, query string, body io.Reader) (*http.Request, error) {
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	if err := o.checkSpace(); err != nil {
		return nil, err
	}
	token, err := o.bearer()
	if err != nil {
		return nil, err
	}
	if o.space != "" {
		path = strings.TrimSuffix("s/"+o.space+"/"+path, "/")
	}
	target := base.JoinPath(path)
	target.RawQuery = query
	request, err := http.NewRequest(method, target.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return request, nil
}

// base returns the server's URL, without the path of a space.
func (o *operator) base() (*url.URL, error) {
	if o.url == "" {
		return nil, errors.New("--url is needed: the server's, as in https://host")
	}
	base, err := url.Parse(o.url)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--url %q: want the server's, as in https://host or http://localhost:8787", o.url)
	}
	segments := strings.Split(strings.TrimRight(base.Path, "/"), "/")
	if n := len(segments); n > 2 && segments[n-2] == "s" {
		return nil, fmt.Errorf("--url %q has the path of a space: want the server's, as in https://host; the name is an argument of its own", o.url)
	}
	return base, nil
}

// check returns an error if the flags name no server or no place.
func (o *operator) check() error {
	if _, err := o.base(); err != nil {
		return err
	}
	return o.checkSpace()
}

// checkSpace returns an error if the place that --space names cannot be one.
func (o *operator) checkSpace() error {
	if o.space != "" && !auth.ValidSpace(o.space) {
		return fmt.Errorf("--space %q: a name is 1 to %d of A-Z a-z 0-9 . _ - and begins with a letter or a digit", o.space, auth.MaxSpaceBytes)
	}
	return nil
}

// noRedirect has a client return a redirect as the response: after it the client would send
// a GET.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// post sends a JSON body, or none if it is "".
func (o *operator) post(path, body string) (string, error) {
	return o.send(http.MethodPost, path, "", body)
}

// send sends a request, and returns the body of the response.
func (o *operator) send(method, path, query, body string) (string, error) {
	request, err := o.request(method, path, query, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: operatorTimeout, CheckRedirect: noRedirect}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return "", fmt.Errorf("%s answered %s: %s", request.URL, response.Status, reason(answer))
	}
	return string(answer), nil
}

func (o *operator) bearer() (string, error) {
	if o.token != "" {
		return o.token, nil
	}
	if name := o.place.onlyKeys(os.Getenv); name != "" {
		return "", fmt.Errorf("give --token: %w", onlyKeysError(name))
	}
	secret, err := o.place.known()
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no secret to sign with: give --token, AUTH_SECRET, or the server's --data (%w)", err)
	}
	if err != nil {
		return "", err
	}
	spaces, err := json.Marshal(map[string]string{o.space: o.scope})
	if err != nil {
		return "", err
	}
	return sign(secret, claims{sub: "operator", scope: o.scope, spaces: string(spaces), ttl: operatorTTL}, time.Now())
}

// reason returns the message of the server's error, or its whole response.
func reason(response []byte) string {
	var failure struct{ Error struct{ Message string } }
	if json.Unmarshal(response, &failure) == nil && failure.Error.Message != "" {
		return failure.Error.Message
	}
	return strings.TrimSpace(string(response))
}
