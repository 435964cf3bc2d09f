package conformance

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
)

var pullCases = []testCase{
	{"P1 a first pull brings all live rows and no deletions", func(t *testing.T, c *client) {
		kept, gone := newCustomer("kept", millis()), newCustomer("gone", millis())
		s := c.stamp(t)
		c.push(t, s, changes{created: []row{kept, gone}})
		c.push(t, s, changes{deleted: []string{gone.id()}})
		for _, input := range []string{`{"lastPulledAt":null,"schemaVersion":1,"migration":null}`, `{"lastPulledAt":0}`, `{}`} {
			p := c.everything(t, input)
			p.wantRow(t, kept.id(), kept)
			p.wantRow(t, gone.id(), nil)
			if len(p.deleted) > 0 {
				t.Errorf("%s: %d deletions", input, len(p.deleted))
			}
		}
	}},
	{"P2 P3 a pull brings every change after the last pull, and no id twice", func(t *testing.T, c *client) {
		r := newCustomer("v1", millis())
		since := c.stamp(t)
		c.push(t, since, changes{created: []row{r}})
		first := c.pull(t, since)
		first.wantRow(t, r.id(), r)
		if first.timestamp <= since || first.timestamp >= 1<<53 {
			t.Errorf("P3: timestamp %d after %d", first.timestamp, since)
		}
		c.pull(t, first.timestamp).wantRow(t, r.id(), nil)

		r = r.with("contact_name", "v2", "updated_at", millis()+1)
		c.push(t, first.timestamp, changes{updated: []row{r}})
		second := c.pull(t, first.timestamp)
		second.wantRow(t, r.id(), r)
		if second.timestamp <= first.timestamp {
			t.Errorf("P3: %d after %d", second.timestamp, first.timestamp)
		}

		c.push(t, second.timestamp, changes{deleted: []string{r.id()}})
		c.pull(t, second.timestamp).wantDeleted(t, r.id())
	}},
	{"P5 a row that was created and deleted since the last pull is only in deleted", func(t *testing.T, c *client) {
		r := newCustomer("short life", millis())
		since := c.stamp(t)
		p := c.push(t, since, changes{created: []row{r}})
		c.push(t, p.timestamp, changes{deleted: []string{r.id()}})
		c.pull(t, since).wantDeleted(t, r.id())
	}},
	{"P6 a migration brings the tables that it adds, and skips names that the server does not have", func(t *testing.T, c *client) {
		r := newCustomer("old", millis())
		c.push(t, c.stamp(t), changes{created: []row{r}})
		since := c.stamp(t)
		c.pull(t, since).wantRow(t, r.id(), nil)
		input := `{"lastPulledAt":%d,"schemaVersion":1,"migration":{"from":1,"tables":[%q],"columns":[%s]}}`
		p := c.everything(t, fmt.Sprintf(input, since, "customers", ""))
		p.wantRow(t, r.id(), r)
		c.everything(t, fmt.Sprintf(input, since, "nope", `{"table":"customers","columns":["nope"]},{"table":"nope","columns":["x"]}`)).wantRow(t, r.id(), nil)
	}},
	{"P7 values have the declared types", func(t *testing.T, c *client) {
		since := c.stamp(t)
		product := row{"id": newID("p"), "title": "é \u2028 \"\\\n😀", "description": nil, "price": 0.1, "discounts": -1e21, "image": "", "created_at": 5, "updated_at": millis()}
		readPushed(t, c.mutate(t, "sync.push", encode(t, map[string]any{"lastPulledAt": since, "changes": map[string]any{"products": changes{created: []row{product}}.object()}})))
		p := c.pull(t, since)
		list, _ := at(p.raw, "changes", "products", "updated").([]any)
		i := slices.IndexFunc(list, func(v any) bool { return at(v, "id") == product["id"] })
		if i < 0 {
			t.Fatalf("the product is not there: %v", p.raw)
		}
		got := parse(t, []byte(encode(t, list[i])))
		want := parse(t, []byte(encode(t, product)))
		for column := range product {
			g, w := at(got, column), at(want, column)
			if fmt.Sprint(g) != fmt.Sprint(w) && !sameNumber(g, w) {
				t.Errorf("%s: got %v, want %v", column, g, w)
			}
		}
		if len(got.(map[string]any)) != len(product) {
			t.Errorf("got %v", got)
		}
	}},
	{"T4 a timestamp that the server never gave gets a replacement", func(t *testing.T, c *client) {
		r := newCustomer("replaced", millis())
		c.push(t, c.stamp(t), changes{created: []row{r}})
		p := c.everything(t, fmt.Sprintf(`{"lastPulledAt":%d,"schemaVersion":1}`, c.stamp(t)+1_000_000_000))
		if at(p.raw, "experimentalStrategy") != "replacement" {
			t.Errorf("experimentalStrategy is %v", at(p.raw, "experimentalStrategy"))
		}
		p.wantRow(t, r.id(), r)
	}},
	{"P4 the pages of one pull are one snapshot", func(t *testing.T, c *client) {
		since := c.stamp(t)
		var rows []row
		for i := range 7 {
			rows = append(rows, newCustomer(fmt.Sprint("page ", i), millis()))
		}
		c.push(t, since, changes{created: rows})
		gone := newCustomer("gone", millis())
		c.push(t, since, changes{created: []row{gone}})
		c.push(t, since, changes{deleted: []string{gone.id()}})
		got, pages := map[string]bool{}, 0
		var timestamp int64
		cursor := "null"
		for cursor != "" {
			data := c.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d,"limit":2,"cursor":%s}`, since, cursor)).data(t)
			p := readPulled(t, data)
			if pages++; pages == 1 {
				timestamp = p.timestamp
				// What comes meanwhile is for the next pull.
				c.push(t, since, changes{created: []row{newCustomer("meanwhile", millis())}})
			}
			if p.timestamp != timestamp {
				t.Errorf("page %d: timestamp %d, want %d", pages, p.timestamp, timestamp)
			}
			for id := range p.rows {
				if got[id] {
					t.Errorf("id %q comes twice", id)
				}
				got[id] = true
			}
			for _, id := range p.deleted {
				got[id] = true
			}
			cursor = ""
			if next, ok := at(data, "cursor").(string); ok {
				cursor = encode(t, next)
			}
		}
		for _, r := range append(rows, gone) {
			if !got[r.id()] {
				t.Errorf("id %q is on no page", r.id())
			}
		}
		if pages < 4 {
			t.Errorf("%d pages of at most 2 rows", pages)
		}
	}},
	{"GET /sync/pull returns the pull alone, for the turbo mode", func(t *testing.T, c *client) {
		r := newCustomer("turbo", millis())
		since := c.stamp(t)
		c.push(t, since, changes{created: []row{r}})
		for _, query := range []string{
			fmt.Sprintf("lastPulledAt=%d&schemaVersion=1&migration=null", since),
			fmt.Sprintf("last_pulled_at=%d&schema_version=1&migration=null", since),
			"input=" + url.QueryEscape(fmt.Sprintf(`{"lastPulledAt":%d}`, since)),
		} {
			a := c.do(t, "GET", "/sync/pull?"+query, "")
			if a.status != 200 {
				t.Fatal(a)
			}
			a.wantHeader(t, "Content-Type", "application/json")
			readPulled(t, parse(t, a.body)).wantRow(t, r.id(), r)
		}
		for _, query := range []string{"", "lastPulledAt=null", "lastPulledAt=0&schemaVersion=1"} {
			a := c.do(t, "GET", "/sync/pull?"+query, "")
			if p := readPulled(t, parse(t, a.body)); len(p.deleted) > 0 {
				t.Errorf("%q: %d deletions", query, len(p.deleted))
			}
		}
		for _, query := range []string{"lastPulledAt=yesterday", "lastPulledAt=1,2", "migration={", "migration=1%7D", "input={", "schemaVersion=x"} {
			c.do(t, "GET", "/sync/pull?"+query, "").wantPlain(t, "BAD_REQUEST", 400)
		}
	}},
	{"a checksum changes with the rows", func(t *testing.T, c *client) {
		read := func() (count int64, sum string) {
			v := parse(t, c.do(t, "GET", "/sync/checksum", "").body)
			sum, _ = at(v, "tables", "customers", "checksum").(string)
			if sum == "" || at(v, "tables", "products", "checksum") == nil {
				t.Fatalf("no checksum: %v", v)
			}
			return number(t, at(v, "tables", "customers", "count")), sum
		}
		_, before := read()
		r := newCustomer("summed", millis())
		c.push(t, c.stamp(t), changes{created: []row{r}})
		count, with := read()
		if count < 1 || with == before {
			t.Errorf("count %d, checksum %s as before", count, with)
		}
		c.push(t, c.stamp(t), changes{updated: []row{r.with("notes", "x", "updated_at", millis()+1)}})
		if _, changed := read(); changed == with {
			t.Errorf("checksum %s as before the change of a row", changed)
		}
	}},
}

func sameNumber(a, b any) bool {
	var x, y float64
	_, errA := fmt.Sscan(fmt.Sprint(a), &x)
	_, errB := fmt.Sscan(fmt.Sprint(b), &y)
	return errA == nil && errB == nil && x == y
}

// everything follows the pages of a pull to their end.
func (c *client) everything(t *testing.T, input string) pulled {
	t.Helper()
	all := readPulled(t, c.query(t, "sync.pull", input).data(t))
	for page := all; ; {
		cursor, ok := at(page.raw, "cursor").(string)
		if !ok {
			return all
		}
		next := parse(t, []byte(input)).(map[string]any)
		next["cursor"] = cursor
		page = readPulled(t, c.query(t, "sync.pull", encode(t, next)).data(t))
		for id, r := range page.rows {
			all.rows[id] = r
		}
		all.deleted = append(all.deleted, page.deleted...)
	}
}
