package conformance

import (
	"fmt"
	"strings"
	"testing"
)

// wantRefusedPush sends a push that must get BAD_REQUEST. The error must name table, id
// and column, except those that are "".
func (c *client) wantRefusedPush(t *testing.T, input, table, id, column string) {
	t.Helper()
	a := c.mutate(t, "sync.push", input)
	a.wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
	data := at(parse(t, a.body), "error", "data")
	for name, want := range map[string]string{"table": table, "id": id, "column": column} {
		if got, _ := at(data, name).(string); got != want {
			t.Errorf("%s: got %q, want %q in %v", name, got, want, a)
		}
	}
	if len(a.body) > 4096 {
		t.Errorf("an error of %d bytes", len(a.body))
	}
}

// within returns a push of a good row and of another element in one of the table's
// lists. The element is JSON.
func within(t *testing.T, good row, list, element string) string {
	part := map[string]string{"created": encode(t, good), "updated": "", "deleted": ""}
	if part[list] != "" {
		part[list] += ","
	}
	part[list] += element
	return fmt.Sprintf(`{"lastPulledAt":1,"changes":{"customers":{"created":[%s],"updated":[%s],"deleted":[%s]}}}`, part["created"], part["updated"], part["deleted"])
}

var inputCases = []testCase{
	{"U1 U8 a push that is no JSON gets 400, and writes nothing", func(t *testing.T, c *client) {
		good := newCustomer("good", millis())
		since := c.stamp(t)
		whole := pushInput(t, 1, changes{created: []row{good}})
		for _, input := range []string{
			whole[:len(whole)-1], whole + "}", whole + whole, "\xff" + whole, strings.Replace(whole, ":1", ":01", 1),
			strings.Replace(whole, `"good"`, "\"go\nod\"", 1), strings.Replace(whole, `"good"`, "\"\xc3\"", 1),
			" ", "undefined", "NaN", `'x'`, "{,}", "\x00",
		} {
			c.mutate(t, "sync.push", input).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
		}
		c.pull(t, since).wantRow(t, good.id(), nil)
	}},
	{"half an emoji is stored as U+FFFD, and a byte order mark is skipped", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r := newCustomer("half", millis())
		whole := strings.Replace(pushInput(t, since, changes{created: []row{r}}), `"half"`, `"half \ud83d","ignored":"\udc00"`, 1)
		readPushed(t, c.mutate(t, "sync.push", "\ufeff"+whole))
		c.pull(t, since).wantRow(t, r.id(), r.with("contact_name", "half \ufffd"))
	}},
	{"a compressed body gets 415", func(t *testing.T, c *client) {
		a := c.do(t, "POST", "/trpc/sync.push", "\x1f\x8b", "content-encoding: gzip")
		a.wantFailure(t, "UNSUPPORTED_MEDIA_TYPE", -32015, 415, "sync.push")
		if !strings.Contains(string(a.body), "content-encoding") {
			t.Error(a)
		}
	}},
	{"U8 a push of another shape gets 400", func(t *testing.T, c *client) {
		for _, input := range []string{
			`null`, `1`, `"x"`, `[]`, `{}`, `{"lastPulledAt":1}`, `{"changes":null,"lastPulledAt":1}`, `{"changes":[],"lastPulledAt":1}`,
			`{"changes":{},"lastPulledAt":"1"}`, `{"changes":{},"lastPulledAt":-1}`, `{"changes":{},"lastPulledAt":1.5}`, `{"changes":{},"lastPulledAt":9007199254740993}`,
			`{"changes":{},"lastPulledAt":1e400}`, `{"changes":{},"lastPulledAt":true}`, `{"changes":{},"lastPulledAt":{}}`,
			`{"changes":{},"lastPulledAt":1,"conflict":"mine"}`, `{"changes":{},"lastPulledAt":1,"conflict":1}`,
			`{"changes":{},"changes":{},"lastPulledAt":1}`, `{"changes":{},"lastPulledAt":1,"lastPulledAt":1}`,
		} {
			c.wantRefusedPush(t, input, "", "", "")
		}
		for _, part := range []string{`null`, `[]`, `{"created":null}`, `{"created":{}}`, `{"created":[1]}`, `{"created":[null]}`, `{"created":[[]]}`, `{"updated":"x"}`, `{"deleted":[1]}`, `{"deleted":[null]}`, `{"deleted":["ok",{}]}`, `{"created":[],"created":[]}`} {
			c.wantRefusedPush(t, `{"lastPulledAt":1,"changes":{"customers":`+part+`}}`, "customers", "", "")
		}
	}},
	{"U8 unknown tables, and SQL in names, are harmless", func(t *testing.T, c *client) {
		good := newCustomer("good", millis())
		since := c.stamp(t)
		for _, table := range []string{"nope", "Customers", "sqlite_master", "", "customers; DROP TABLE Customers", `customers" --`} {
			a := c.mutate(t, "sync.push", fmt.Sprintf(`{"lastPulledAt":1,"changes":{"customers":{"created":[%s],"updated":[],"deleted":[]},%s:{"created":[],"updated":[{"id":"lost"}],"deleted":[]}}}`, encode(t, good), encode(t, table)))
			a.wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
			if got, _ := at(parse(t, a.body), "error", "data", "table").(string); got != table {
				t.Errorf("table: got %q, want %q", got, table)
			}
		}
		c.pull(t, since).wantRow(t, good.id(), nil)
		// Every collection is sent, also one that the server does not have.
		a := c.mutate(t, "sync.push", fmt.Sprintf(`{"lastPulledAt":1,"changes":{"customers":{"created":[%s],"updated":[],"deleted":[]},"nope":{"created":[],"updated":[],"deleted":[]}}}`, encode(t, good)))
		if a.status != 200 {
			t.Errorf("an unknown table without rows: %v", a)
		}
		c.pull(t, since).wantRow(t, good.id(), good)
		r := newCustomer("'); DROP TABLE Customers; --", millis()).with("notes", `" OR 1=1`)
		c.push(t, since, changes{created: []row{r.with(`x'); DROP TABLE Customers; --`, 1, `notes"`, 2)}})
		c.pull(t, since).wantRow(t, r.id(), r)
	}},
	{"U8 ids outside the alphabet get 400", func(t *testing.T, c *client) {
		good := newCustomer("good", millis())
		since := c.stamp(t)
		for _, id := range []string{"", " ", "a b", "a/b", "é", "a'b", `a"b`, "a\x00b", "a,b", "a%b", "😀", strings.Repeat("a", 10_000)} {
			a := c.mutate(t, "sync.push", within(t, good, "created", encode(t, good.with("id", id))))
			a.wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
			if at(parse(t, a.body), "error", "data", "table") != "customers" || len(a.body) > 4096 {
				t.Errorf("id %.20q: %v", id, a)
			}
			a = c.mutate(t, "sync.push", within(t, good, "deleted", encode(t, id)))
			a.wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
		}
		for _, id := range []string{`1`, `null`, `true`, `{}`, `["a"]`} {
			c.mutate(t, "sync.push", within(t, good, "created", `{"id":`+id+`,"updated_at":1}`)).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
		}
		c.mutate(t, "sync.push", within(t, good, "created", `{"updated_at":1}`)).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
		c.pull(t, since).wantRow(t, good.id(), nil)
		all := newCustomer("every letter", millis()).with("id", newID("AZaz09_.-"))
		c.push(t, since, changes{created: []row{all}})
		c.pull(t, since).wantRow(t, all.id(), all)
	}},
	{"U8 values of the wrong type get 400, which names table, id and column", func(t *testing.T, c *client) {
		good, bad := newCustomer("good", millis()), newCustomer("bad", millis())
		since := c.stamp(t)
		for column, values := range map[string][]any{
			"contact_name": {1, true, map[string]any{}, []any{}},
			"notes":        {0.5, []any{"x"}},
			"updated_at":   {"now", true, nil, []any{}},
			"created_at":   {"now", map[string]any{}},
		} {
			for _, v := range values {
				c.wantRefusedPush(t, within(t, good, "updated", encode(t, bad.with(column, v))), "customers", bad.id(), column)
			}
		}
		product := `{"lastPulledAt":1,"changes":{"products":{"created":[{"id":%q,"price":%s,"updated_at":1}],"updated":[],"deleted":[]}}}`
		for _, v := range []string{`"1"`, `true`, `{}`} {
			c.wantRefusedPush(t, fmt.Sprintf(product, bad.id(), v), "products", bad.id(), "price")
		}
		for _, v := range []string{`NaN`, `Infinity`, `1e999`, `.5`, `0x10`} {
			c.mutate(t, "sync.push", fmt.Sprintf(product, bad.id(), v)).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
		}
		p := c.pull(t, since)
		p.wantRow(t, good.id(), nil)
		p.wantRow(t, bad.id(), nil)
	}},
	{"U8 one id twice, or one key twice, gets 400", func(t *testing.T, c *client) {
		good, twice := newCustomer("good", millis()), newCustomer("twice", millis())
		since := c.stamp(t)
		text := encode(t, twice)
		c.wantRefusedPush(t, within(t, good, "created", text+","+text), "customers", twice.id(), "")
		c.wantRefusedPush(t, within(t, good, "updated", text+","+text), "customers", twice.id(), "")
		c.wantRefusedPush(t, within(t, twice, "updated", text), "customers", twice.id(), "")
		c.wantRefusedPush(t, within(t, twice, "deleted", encode(t, twice.id())), "customers", twice.id(), "")
		for _, column := range []string{"notes", "contact_name", "updated_at"} {
			doubled := strings.Replace(text, "{", "{"+encode(t, column)+":"+encode(t, twice[column])+",", 1)
			a := c.mutate(t, "sync.push", within(t, good, "created", doubled))
			a.wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
			if at(parse(t, a.body), "error", "data", "column") != column {
				t.Errorf("column %s is not named: %v", column, a)
			}
		}
		c.mutate(t, "sync.push", within(t, good, "created", strings.Replace(text, "{", `{"id":"x",`, 1))).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
		p := c.pull(t, since)
		p.wantRow(t, good.id(), nil)
		p.wantRow(t, twice.id(), nil)
	}},
	{"deep nesting gets 400", func(t *testing.T, c *client) {
		good := newCustomer("good", millis())
		since := c.stamp(t)
		for _, depth := range []int{100, 1_000_000} {
			nest := strings.Repeat("[", depth) + strings.Repeat("]", depth)
			open := strings.Repeat(`{"a":`, depth)
			for _, input := range []string{
				nest, open, within(t, good, "created", nest), within(t, good, "created", `{"id":"x","updated_at":1,"unknown":`+nest+`}`),
				`{"changes":{},"lastPulledAt":1,"unknown":` + nest + `}`,
			} {
				c.mutate(t, "sync.push", input).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.push")
			}
			a := c.do(t, "POST", "/trpc/sync.push?batch=1", `{"0":`+nest+`}`)
			wantError(t, at(parse(t, a.body), 0), "BAD_REQUEST", -32600, 400, "sync.push")
		}
		c.pull(t, since).wantRow(t, good.id(), nil)
	}},
	{"a million rows get 413", func(t *testing.T, c *client) {
		good := newCustomer("good", millis())
		since := c.stamp(t)
		var b strings.Builder
		for i := range 1_000_000 {
			fmt.Fprintf(&b, `%s"%x"`, ","[:min(i, 1)], i)
		}
		a := c.mutate(t, "sync.push", within(t, good, "deleted", b.String()))
		a.wantFailure(t, "PAYLOAD_TOO_LARGE", -32013, 413, "sync.push")
		b.Reset()
		for i := range 400_000 {
			fmt.Fprintf(&b, `,{"id":"%x","updated_at":1}`, i)
		}
		a = c.mutate(t, "sync.push", within(t, good, "created", b.String()[1:]))
		a.wantFailure(t, "PAYLOAD_TOO_LARGE", -32013, 413, "sync.push")
		c.pull(t, since).wantRow(t, good.id(), nil)
	}},
	{"U1 U8 a row that is too large gets 413, and nothing of the push is written", func(t *testing.T, c *client) {
		good := newCustomer("good", millis())
		large := newCustomer("large", millis()).with("notes", strings.Repeat("x", 2_000_000))
		since := c.stamp(t)
		a := c.mutate(t, "sync.push", pushInput(t, 1, changes{created: []row{good, large}}))
		a.wantFailure(t, "PAYLOAD_TOO_LARGE", -32013, 413, "sync.push")
		if data := at(parse(t, a.body), "error", "data"); at(data, "table") != "customers" || at(data, "id") != large.id() {
			t.Errorf("want the row's table and id: %v", a)
		}
		c.pull(t, since).wantRow(t, good.id(), nil)
	}},
	{"a pull of another shape gets 400", func(t *testing.T, c *client) {
		for _, input := range []string{
			`[]`, `1`, `"x"`, `{`, `{"lastPulledAt":"1"}`, `{"lastPulledAt":-1}`, `{"lastPulledAt":1.5}`, `{"lastPulledAt":[]}`, `{"lastPulledAt":1e30}`,
			`{"lastPulledAt":1,"schemaVersion":"1"}`, `{"lastPulledAt":1,"schemaVersion":0}`, `{"lastPulledAt":1,"migration":1}`, `{"lastPulledAt":1,"migration":{"tables":"x"}}`,
			`{"lastPulledAt":1,"limit":0}`, `{"lastPulledAt":1,"limit":-1}`, `{"lastPulledAt":1,"limit":"1"}`,
			`{"lastPulledAt":1,"lastPulledAt":2}`, `{"lastPulledAt":1,"cursor":1}`, strings.Repeat("[", 10_000),
		} {
			c.mutate(t, "sync.pull", input).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.pull")
		}
	}},
	{"a cursor of another pull gets 400", func(t *testing.T, c *client) {
		since := c.stamp(t)
		c.push(t, since, changes{created: []row{newCustomer("1", millis()), newCustomer("2", millis()), newCustomer("3", millis())}})
		data := c.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d,"limit":1}`, since)).data(t)
		cursor, ok := at(data, "cursor").(string)
		if !ok {
			t.Fatalf("no cursor: %v", data)
		}
		c.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d,"limit":1,"cursor":%s}`, since-1, encode(t, cursor))).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.pull")
		for _, other := range []string{"x", "' OR 1=1", cursor + "x", cursor[:len(cursor)-1], strings.Repeat("9", 5000)} {
			c.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d,"limit":1,"cursor":%s}`, since, encode(t, other))).wantFailure(t, "BAD_REQUEST", -32600, 400, "sync.pull")
		}
	}},
}
