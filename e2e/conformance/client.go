package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A client sends requests to one server. Its subject may do everything unless token
// says otherwise.
type client struct {
	Door
	http  *http.Client
	token string // "" is a token that allows everything
}

// as returns the same client with a token of that scope.
func (c *client) as(scope string) *client {
	other := *c
	other.token = c.Token(Claims{Subject: "conformance", Scope: scope, TTL: time.Hour})
	return &other
}

func (c *client) bearer() string {
	if c.token == "" {
		c.token = c.Token(Claims{Subject: "conformance", Scope: NoScope, TTL: time.Hour})
	}
	return c.token
}

// An answer is a response of the server.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string {
	return fmt.Sprintf("status %d, headers %v, body %.2000s", a.status, a.header, a.body)
}

// do sends a request with the token and, with a body, a content-type. Each header is
// "name: value"; "name:" leaves out a usual one.
func (c *client) do(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if strings.Contains(a.header.Get("Content-Type"), "json") { // a browser must not show it as a page
		a.wantHeader(t, "X-Content-Type-Options", "nosniff")
	}
	return a
}

func (c *client) try(method, path, body string, headers ...string) (answer, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, c.URL(path), reader)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+c.bearer())
	if method == "POST" || method == "PATCH" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		if value = strings.TrimSpace(value); value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, value)
		}
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, b}, err
}

// query and mutate call a procedure by GET and by POST.
func (c *client) query(t *testing.T, procedure, input string, headers ...string) answer {
	t.Helper()
	return c.do(t, "GET", "/trpc/"+procedure+"?input="+url.QueryEscape(input), "", headers...)
}

func (c *client) mutate(t *testing.T, procedure, input string, headers ...string) answer {
	t.Helper()
	return c.do(t, "POST", "/trpc/"+procedure, input, headers...)
}

// at returns a member or an element, as at(v, "error", "data", "code"), or nil.
func at(v any, path ...any) any {
	for _, p := range path {
		switch key := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[key]
		case int:
			l, _ := v.([]any)
			if key >= len(l) {
				return nil
			}
			v = l[key]
		}
	}
	return v
}

// parse reads JSON. Its numbers are json.Number.
func parse(t *testing.T, b []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v: %.500s", err, b)
	}
	return v
}

func number(t *testing.T, v any) int64 {
	t.Helper()
	n, ok := v.(json.Number)
	if !ok {
		t.Fatalf("not a number: %v", v)
	}
	i, err := n.Int64()
	if err != nil || strings.ContainsAny(string(n), ".eE") {
		t.Fatalf("not an integer: %v", n)
	}
	return i
}

// data returns the result of a single call, which must have succeeded.
func (a answer) data(t *testing.T) any {
	t.Helper()
	if a.status != 200 {
		t.Fatalf("want 200: %v", a)
	}
	v, ok := parse(t, a.body).(map[string]any)["result"].(map[string]any)
	if !ok {
		t.Fatalf("no result: %v", a)
	}
	return v["data"]
}

// wantError checks a tRPC error object in full. With path "" the object must have none.
func wantError(t *testing.T, v any, code string, number, status int, path string) {
	t.Helper()
	e := at(v, "error")
	got := []any{at(e, "data", "code"), at(e, "code"), at(e, "data", "httpStatus"), at(e, "data", "path")}
	want := []any{code, json.Number(fmt.Sprint(number)), json.Number(fmt.Sprint(status)), any(path)}
	if path == "" {
		want[3] = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got error %v\nwant %v in %v", got, want, v)
	}
	if message, _ := at(e, "message").(string); message == "" {
		t.Errorf("an error without a message: %v", v)
	}
	if at(e, "data", "stack") != nil {
		t.Errorf("the error has a stack: %v", v)
	}
}

// wantFailure checks the error and the status of a single call.
func (a answer) wantFailure(t *testing.T, code string, number, status int, path string) {
	t.Helper()
	if a.status != status {
		t.Errorf("want status %d: %v", status, a)
	}
	wantError(t, parse(t, a.body), code, number, status, path)
}

// wantPlain checks an error of a route outside tRPC.
func (a answer) wantPlain(t *testing.T, code string, status int) {
	t.Helper()
	v := parse(t, a.body)
	if a.status != status || at(v, "error", "code") != code {
		t.Errorf("want %d %s: %v", status, code, a)
	}
	if message, _ := at(v, "error", "message").(string); message == "" {
		t.Errorf("an error without a message: %v", a)
	}
}

func (a answer) wantHeader(t *testing.T, name, want string) {
	t.Helper()
	if got := a.header.Get(name); got != want {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}
