package conformance

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func batch(procedures, input string) string {
	return "/trpc/" + procedures + "?batch=1&input=" + url.QueryEscape(input)
}

var trpcCases = []testCase{
	{"a query by GET returns JSON", func(t *testing.T, c *client) {
		a := c.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d}`, c.stamp(t)))
		readPulled(t, a.data(t))
		a.wantHeader(t, "Content-Type", "application/json")
		a.wantHeader(t, "Vary", "trpc-accept, accept")
	}},
	{"a query without an input takes the defaults, and a mutation gets 400", func(t *testing.T, c *client) {
		for _, path := range []string{"/trpc/sync.pull", "/trpc/sync.pull?input="} {
			readPulled(t, c.do(t, "GET", path, "").data(t))
		}
		c.do(t, "POST", "/trpc/sync.push", "").wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
	}},
	{"an input that is not URL-encoded gets 400", func(t *testing.T, c *client) {
		for _, input := range []string{"%zz", "%", "{};", "%7B%7D;x=1"} {
			c.do(t, "GET", "/trpc/sync.pull?input="+input, "").wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.pull")
			c.do(t, "GET", "/sync/pull?input="+input, "").wantPlain(t, "BAD_REQUEST", 400)
		}
		c.do(t, "GET", "/sync/pull?lastPulledAt=%zz", "").wantPlain(t, "BAD_REQUEST", 400)
	}},
	{"a trailing slash and escapes in the path name the same procedure", func(t *testing.T, c *client) {
		since := url.QueryEscape(fmt.Sprintf(`{"lastPulledAt":%d}`, c.stamp(t)))
		for _, path := range []string{"sync.pull/", "sync%2Epull", "%73ync.pull"} {
			readPulled(t, c.do(t, "GET", "/trpc/"+path+"?input="+since, "").data(t))
		}
	}},
	{"a mutation by POST returns JSON", func(t *testing.T, c *client) {
		r := newCustomer("mutation", millis())
		a := c.mutate(t, "sync.push", pushInput(t, 0, changes{created: []row{r}}))
		readPushed(t, a)
		a.wantHeader(t, "Content-Type", "application/json")
		a.wantHeader(t, "Vary", "trpc-accept, accept")
		again := c.mutate(t, "sync.push", pushInput(t, 0, changes{created: []row{r}}), "content-type: Application/JSON; charset=utf-8")
		readPushed(t, again)
	}},
	{"a content type that is not JSON gets 415", func(t *testing.T, c *client) {
		for _, contentType := range []string{"", "text/plain", "application/jsonl", "multipart/form-data"} {
			c.mutate(t, "sync.push", `{}`, "content-type: "+contentType).wantFailure(t, "UNSUPPORTED_MEDIA_TYPE", -32015, 415, "")
		}
	}},
	{"a query by POST is served, as methodOverride sends it", func(t *testing.T, c *client) { // methodOverride
		readPulled(t, c.mutate(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d}`, c.stamp(t))).data(t))
	}},
	{"a mutation by GET gets 405 with Allow, and changes nothing", func(t *testing.T, c *client) {
		r := newCustomer("by GET", millis())
		a := c.query(t, "sync.push", pushInput(t, 0, changes{created: []row{r}}))
		a.wantFailure(t, "METHOD_NOT_SUPPORTED", -32005, 405, "sync.push")
		a.wantHeader(t, "Allow", "POST")
	}},
	{"another method gets 405", func(t *testing.T, c *client) {
		for _, method := range []string{"PUT", "PATCH", "DELETE"} {
			c.do(t, method, "/trpc/sync.pull", "{}", "content-type: application/json").wantFailure(t, "METHOD_NOT_SUPPORTED", -32005, 405, "sync.pull")
		}
	}},
	{"HEAD gets 204", func(t *testing.T, c *client) {
		if a := c.do(t, "HEAD", "/trpc/sync.pull", ""); a.status != 204 {
			t.Error(a)
		}
	}},
	{"an unknown procedure gets 404 with its path", func(t *testing.T, c *client) {
		for _, path := range []string{"nope", "sync", "sync.pull.x", "", "__proto__", "sync.pull%2Csync.pull"} {
			unescaped, _ := url.PathUnescape(path)
			a := c.query(t, path, `{}`)
			a.wantFailure(t, "NOT_FOUND", -32004, 404, unescaped)
			if want := fmt.Sprintf("No procedure found on path \"%s\"", unescaped); at(parse(t, a.body), "error", "message") != want {
				t.Errorf("want %q: %v", want, a)
			}
		}
	}},
	{"a batch of queries returns a result for each, in order", func(t *testing.T, c *client) {
		s := c.stamp(t)
		a := c.do(t, "GET", batch("sync.pull,sync.pull", fmt.Sprintf(`{"0":{"lastPulledAt":%d},"1":{"lastPulledAt":%d}}`, s, s)), "")
		list := parse(t, a.body)
		readPulled(t, at(list, 0, "result", "data"))
		readPulled(t, at(list, 1, "result", "data"))
		if a.status != 200 {
			t.Error(a)
		}
		a.wantHeader(t, "Content-Type", "application/json")
		a.wantHeader(t, "Vary", "trpc-accept, accept")
		readPulled(t, at(parse(t, c.do(t, "GET", batch("sync.pull", `{}`), "").body), 0, "result", "data"))
		readPulled(t, at(parse(t, c.do(t, "GET", "/trpc/sync.pull?batch=1", "").body), 0, "result", "data"))
	}},
	{"a batch of mutations applies each, in order", func(t *testing.T, c *client) {
		s := c.stamp(t)
		r, q := newCustomer("first", millis()), newCustomer("second", millis())
		body := fmt.Sprintf(`{"0":%s,"1":%s}`, pushInput(t, s, changes{created: []row{r}}), pushInput(t, s, changes{created: []row{q}}))
		a := c.do(t, "POST", "/trpc/sync.push,sync.push?batch=1", body)
		list := parse(t, a.body)
		first, second := number(t, at(list, 0, "result", "data", "timestamp")), number(t, at(list, 1, "result", "data", "timestamp"))
		if a.status != 200 || second <= first {
			t.Errorf("stamps %d, %d: %v", first, second, a)
		}
		p := c.pull(t, s)
		p.wantRow(t, r.id(), r)
		p.wantRow(t, q.id(), q)
	}},
	{"a batch of queries by POST is served", func(t *testing.T, c *client) {
		a := c.do(t, "POST", "/trpc/sync.pull?batch=1", fmt.Sprintf(`{"0":{"lastPulledAt":%d}}`, c.stamp(t)))
		readPulled(t, at(parse(t, a.body), 0, "result", "data"))
	}},
	{"a batch whose statuses differ gets 207", func(t *testing.T, c *client) {
		a := c.do(t, "GET", batch("sync.pull,nope", fmt.Sprintf(`{"0":{"lastPulledAt":%d}}`, c.stamp(t))), "")
		list := parse(t, a.body)
		if a.status != 207 {
			t.Error(a)
		}
		readPulled(t, at(list, 0, "result", "data"))
		wantError(t, at(list, 1), "NOT_FOUND", -32004, 404, "nope")
	}},
	{"a batch whose statuses agree gets that status", func(t *testing.T, c *client) {
		a := c.do(t, "GET", batch("nope,neither", `{}`), "")
		list := parse(t, a.body)
		if a.status != 404 {
			t.Error(a)
		}
		wantError(t, at(list, 0), "NOT_FOUND", -32004, 404, "nope")
		wantError(t, at(list, 1), "NOT_FOUND", -32004, 404, "neither")
	}},
	{"a bad input fails its item only", func(t *testing.T, c *client) {
		a := c.do(t, "GET", batch("sync.pull,sync.pull", fmt.Sprintf(`{"0":{"lastPulledAt":"yesterday"},"1":{"lastPulledAt":%d}}`, c.stamp(t))), "")
		list := parse(t, a.body)
		if a.status != 207 {
			t.Error(a)
		}
		wantError(t, at(list, 0), "BAD_REQUEST", -32600, 400, "sync.pull")
		readPulled(t, at(list, 1, "result", "data"))
	}},
	{"a bad input of a batch is named, and fails no neighbour", func(t *testing.T, c *client) {
		for _, bad := range []string{`1e999`, "\"\xff\"", `"\u00"`, `NaN`, `5`, strings.Repeat("[", 5000) + strings.Repeat("]", 5000)} {
			for _, header := range []string{"trpc-accept:", "trpc-accept: application/jsonl"} {
				s := c.stamp(t)
				r := newCustomer("good", millis())
				push := `{"lastPulledAt":1,"changes":{"customers":{"created":[],"updated":[{"id":"bad","notes":` + bad + `}],"deleted":[]}}}`
				a := c.do(t, "POST", "/trpc/sync.push,sync.push?batch=1", `{"0":`+push+`,"1":`+pushInput(t, s, changes{created: []row{r}})+`}`, header)
				refused := at(parse(t, a.body), 0)
				if refused == nil {
					refused = at(parse(t, a.body), "0", 0, 0)
				}
				wantError(t, refused, "BAD_REQUEST", -32600, 400, "sync.push")
				data := at(refused, "error", "data")
				if at(data, "table") != "customers" || at(data, "id") != "bad" || at(data, "column") != "notes" {
					t.Errorf("%.20q: want the table, id and column: %v", bad, a)
				}
				c.pull(t, s).wantRow(t, r.id(), r)
			}
		}
	}},
	{"a batch of queries and mutations gets 400, and changes nothing", func(t *testing.T, c *client) {
		r := newCustomer("mixed", millis())
		s := c.stamp(t)
		a := c.do(t, "POST", "/trpc/sync.pull,sync.push?batch=1", fmt.Sprintf(`{"1":%s}`, pushInput(t, s, changes{created: []row{r}})))
		a.wantFailure(t, "BAD_REQUEST", -32600, 400, "")
		c.pull(t, s).wantRow(t, r.id(), nil)
	}},
	{"a batch of too many calls gets 400", func(t *testing.T, c *client) {
		c.do(t, "GET", "/trpc/"+strings.Repeat("a,", 2000)+"a?batch=1", "").wantFailure(t, "BAD_REQUEST", -32600, 400, "")
	}},
	{"a batch whose input is no object gets 400", func(t *testing.T, c *client) {
		for _, input := range []string{`[]`, `1`, `{"0":`, `{"0":{}`, `{"0":{}}}`, `nope`} {
			a := c.do(t, "POST", "/trpc/sync.push?batch=1", input)
			wantError(t, at(parse(t, a.body), 0), "BAD_REQUEST", -32600, 400, "sync.push")
			if a.status != 400 {
				t.Error(a)
			}
		}
	}},
	{"a batch of a bad content type gets 415", func(t *testing.T, c *client) {
		c.do(t, "POST", "/trpc/sync.push?batch=1", "{}", "content-type: text/plain").wantFailure(t, "UNSUPPORTED_MEDIA_TYPE", -32015, 415, "")
	}},
	{"the stream link gets one line of JSON with all results", func(t *testing.T, c *client) {
		for _, header := range []string{"trpc-accept: application/jsonl", "accept: application/jsonl"} {
			a := c.do(t, "GET", batch("sync.pull,nope", fmt.Sprintf(`{"0":{"lastPulledAt":%d}}`, c.stamp(t))), "", header)
			if a.status != 200 || !bytes.HasSuffix(a.body, []byte("}\n")) || bytes.Count(a.body, []byte("\n")) != 1 {
				t.Error(a)
			}
			line := parse(t, a.body)
			readPulled(t, at(line, "0", 0, 0, "result", "data"))
			wantError(t, at(line, "1", 0, 0), "NOT_FOUND", -32004, 404, "nope")
			a.wantHeader(t, "Vary", "trpc-accept, accept")
		}
	}},
	{"the stream link applies a mutation", func(t *testing.T, c *client) {
		s := c.stamp(t)
		r := newCustomer("streamed", millis())
		a := c.do(t, "POST", "/trpc/sync.push?batch=1", `{"0":`+pushInput(t, s, changes{created: []row{r}})+`}`, "trpc-accept: application/jsonl")
		number(t, at(parse(t, a.body), "0", 0, 0, "result", "data", "timestamp"))
		c.pull(t, s).wantRow(t, r.id(), r)
	}},
	{"the stream link without a batch gets 400", func(t *testing.T, c *client) {
		c.query(t, "sync.pull", `{}`, "trpc-accept: application/jsonl").wantFailure(t, "BAD_REQUEST", -32600, 400, "")
	}},
	{"a preflight gets 204 and the CORS headers", func(t *testing.T, c *client) {
		for path, methods := range map[string]string{
			"/trpc/sync.push?batch=1": "GET,POST,OPTIONS", "/sync/pull": "GET,POST,PATCH,DELETE,OPTIONS", "/auth/ticket": "GET,POST,OPTIONS", "/nowhere": "GET,POST,OPTIONS",
		} {
			a := c.do(t, "OPTIONS", path, "", "authorization:", "origin: https://app.example",
				"access-control-request-method: POST", "access-control-request-headers: authorization,x-trace")
			if a.status != 204 || len(a.body) != 0 {
				t.Error(a)
			}
			a.wantHeader(t, "Access-Control-Allow-Origin", "*")
			a.wantHeader(t, "Access-Control-Allow-Methods", methods)
			a.wantHeader(t, "Access-Control-Allow-Headers", "content-type, authorization, trpc-accept, x-trpc-source, authorization,x-trace")
			a.wantHeader(t, "Vary", "origin")
			a = c.do(t, "OPTIONS", path, "", "authorization:", "origin: https://app.example", "access-control-request-method: POST")
			a.wantHeader(t, "Access-Control-Allow-Headers", "content-type, authorization, trpc-accept, x-trpc-source")
			if a.header.Get("Access-Control-Max-Age") == "" {
				t.Error("no Access-Control-Max-Age")
			}
		}
	}},
	{"another origin may read any response", func(t *testing.T, c *client) {
		for _, path := range []string{"/healthz", "/trpc/nope", "/sync/checksum", "/nowhere"} {
			c.do(t, "GET", path, "", "origin: https://app.example").wantHeader(t, "Access-Control-Allow-Origin", "*")
			c.do(t, "GET", path, "", "origin: https://app.example", "authorization:").wantHeader(t, "Access-Control-Allow-Origin", "*")
		}
	}},
	{"an unknown path gets 404, and a known one with another method 405", func(t *testing.T, c *client) {
		for _, path := range []string{"/nowhere", "/sync", "/sync/", "/auth", "/trpcx", "/sync/pull/x"} {
			c.do(t, "GET", path, "").wantPlain(t, "NOT_FOUND", 404)
		}
		c.do(t, "POST", "/sync/pull", "{}").wantPlain(t, "METHOD_NOT_SUPPORTED", 405)
		c.do(t, "POST", "/sync/checksum", "{}").wantPlain(t, "METHOD_NOT_SUPPORTED", 405)
		c.do(t, "GET", "/auth/ticket", "").wantPlain(t, "METHOD_NOT_SUPPORTED", 405)
	}},
	{"health needs no token", func(t *testing.T, c *client) {
		a := c.do(t, "GET", "/healthz", "", "authorization:")
		if a.status != 200 || string(a.body) != `{"status":"ok"}` {
			t.Error(a)
		}
		a.wantHeader(t, "Content-Type", "application/json")
		if a := c.do(t, "HEAD", "/healthz", "", "authorization:"); a.status != 200 {
			t.Error(a)
		}
		c.do(t, "POST", "/healthz", "{}", "authorization:").wantPlain(t, "METHOD_NOT_SUPPORTED", 405)
	}},
	{"an input of a transformer gets 400, which names superjson", func(t *testing.T, c *client) {
		a := c.query(t, "sync.pull", `{"json":{"lastPulledAt":null},"meta":{}}`)
		if a.status != 400 || !strings.Contains(string(a.body), "superjson") {
			t.Error(a)
		}
	}},
}
