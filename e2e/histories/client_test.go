//go:build !js

package histories

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"tidemark/e2e/conformance"
)

// A client sends one request after the other. Each has a connection of its own, so that
// only the client itself sends a request again.
type client struct {
	conformance.Door
	run   *run // nil outside of a run
	index int
	token string
	http  *http.Client
	dice  *rand.Rand
}

func newClient(door conformance.Door, r *run, index int, subject, scope string) *client {
	return &client{
		Door: door, run: r, index: index,
		token: door.Token(conformance.Claims{Subject: subject, Scope: scope, TTL: 24 * time.Hour}),
		http:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience},
		dice:  rand.New(rand.NewPCG(seed, uint64(index))),
	}
}

// An answer is a response. Status 0 means that there was none.
type answer struct {
	status int
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("status %d: %.500s", a.status, a.body) }

// known reports whether the response says if the server carried out the request.
func (a answer) known() bool { return a.status != 0 && a.status < 500 }

func (a answer) read(v any) bool { return json.Unmarshal(a.body, v) == nil }

// ask sends a request with body as JSON, or without a body if it is nil. Headers are pairs
// of name and value.
func (c *client) ask(method, path string, body any, headers ...string) answer {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			panic(err) // only a value of a wrong type makes it fail
		}
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, c.BaseURL+path, reader)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	epoch := c.epoch()
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}
	}
	a := answer{res.StatusCode, text}
	if a.status == http.StatusInternalServerError && epoch == c.epoch() {
		c.fail("%s %s: %v", method, path, a) // the server was not killed meanwhile
	}
	return a
}

func (c *client) epoch() int {
	if c.run == nil {
		return 0
	}
	return c.run.host.gate.epoch()
}

func (c *client) fail(format string, args ...any) {
	if c.run != nil {
		c.run.t.Errorf(format, args...)
	}
}

// odds returns true in n of 100 cases.
func (c *client) odds(n int) bool { return c.dice.IntN(100) < n }

// pick returns n different numbers from 0 to below-1.
func (c *client) pick(n, below int) []int { return c.dice.Perm(below)[:n] }
