package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// in returns the client of a space of the server, with all that an operator may do there.
func (c *client) in(space string) *client {
	other := &client{Door: c.Door.In(space), http: c.http}
	return other.as("sync:read sync:write sync:admin spaces:admin yjs:read yjs:write projects:read projects:write")
}

// info returns what a space holds.
func (c *client) info(t *testing.T) (created bool, rows, tombstones, documents int) {
	t.Helper()
	a := c.do(t, "GET", "/info", "")
	var info struct {
		CreatedAt *int64 `json:"created_at"`
		Tables    map[string]struct{ Rows, Tombstones int }
		Documents int
	}
	if err := json.Unmarshal(a.body, &info); err != nil || a.status != 200 {
		t.Fatal(a)
	}
	for _, table := range info.Tables {
		rows, tombstones = rows+table.Rows, tombstones+table.Tombstones
	}
	return info.CreatedAt != nil, rows, tombstones, info.Documents
}

// listed says whether the directory has the space.
func (c *client) listed(t *testing.T, space string) bool {
	t.Helper()
	a := c.as("spaces:admin").do(t, "GET", "/spaces?prefix="+space, "")
	if a.status != 200 {
		t.Fatal(a)
	}
	return strings.Contains(string(a.body), fmt.Sprintf(`"name":%q`, space))
}

func (c *client) delete(t *testing.T) {
	t.Helper()
	if a := c.do(t, "DELETE", "", ""); a.status != 204 {
		t.Fatal(a)
	}
}

// spaceCases run in the root, and make spaces of their own.
var spaceCases = []testCase{
	{"S6 reading a space that is not there answers an empty one and makes none", func(t *testing.T, c *client) {
		name := newID("absent")
		space := c.in(name)
		if p := space.pull(t, 0); p.timestamp != 1 || len(p.rows) > 0 {
			t.Errorf("pulled %v", p.raw)
		}
		if a := space.do(t, "GET", "/sync/checksum", ""); a.status != 200 {
			t.Error(a)
		}
		space.ticket(t)
		if created, _, _, _ := space.info(t); created || c.listed(t, name) {
			t.Error("reading made the space")
		}
	}},
	{"a space takes a request with a large head, which travels to its object", func(t *testing.T, c *client) {
		space := c.in(newID("heads"))
		var large []string
		for i := range 30 {
			large = append(large, fmt.Sprintf("X-Large-%d: %s", i, strings.Repeat("x", 1000)))
		}
		made := newCustomer("with a large head", millis())
		readPushed(t, space.mutate(t, "sync.push", pushInput(t, 1, changes{created: []row{made}}), large...))
		if p := space.pull(t, 0); len(p.rows) != 1 {
			t.Errorf("pulled %v", p.raw)
		}
		if a := space.do(t, "GET", "/info", "", large...); a.status != 200 {
			t.Error(a)
		}
		space.delete(t)
	}},
	{"E1 S6 a row of a space is explained there, and is unknown elsewhere", func(t *testing.T, c *client) {
		space, made := c.in(newID("team")), newCustomer("of a space", millis())
		if got := space.has(t, "customers", made.id()); got != unknownRow {
			t.Errorf("a space that is not there: %s", got)
		}
		space.push(t, 1, changes{created: []row{made}})
		if got := space.has(t, "customers", made.id()); !strings.Contains(got, `"state":"live"`) || !strings.Contains(got, "of a space") {
			t.Errorf("in its space: %s", got)
		}
		if got := c.has(t, "customers", made.id()); got != unknownRow {
			t.Errorf("in the root: %s", got)
		}
		space.delete(t)
	}},
	{"S7 S8 S9 a space is made by a push, listed, deleted, and made again", func(t *testing.T, c *client) {
		name := newID("team")
		space := c.in(name)
		made := newCustomer("first", millis())
		space.push(t, space.pull(t, 0).timestamp, changes{created: []row{made}})
		if created, rows, _, _ := space.info(t); !created || rows != 1 || !c.listed(t, name) {
			t.Errorf("created %v, %d rows", created, rows)
		}
		before := space.pull(t, 0).timestamp
		space.delete(t)
		space.delete(t)
		if created, rows, _, _ := space.info(t); created || rows != 0 || c.listed(t, name) {
			t.Errorf("after the deletion: created %v, %d rows", created, rows)
		}
		again := newCustomer("again", millis())
		space.push(t, 1, changes{created: []row{again}})
		after := space.pull(t, before)
		if after.timestamp <= before || len(after.rows) != 1 || after.rows[again.id()] == nil {
			t.Errorf("a client of the deleted space, whose last pull was at %d, pulled %v", before, after.raw)
		}
		space.mutate(t, "sync.push", pushInput(t, before, changes{created: []row{newCustomer("stale", millis())}})).
			wantFailure(t, "CONFLICT", -32009, 409, "sync.push")
		space.delete(t)
	}},
	{"S11 an export goes into an empty space, once, and its clients begin anew", func(t *testing.T, c *client) {
		from, to := c.in(newID("from")), c.in(newID("to"))
		kept, gone := newCustomer("kept", millis()), newCustomer("gone", millis())
		from.push(t, 1, changes{created: []row{kept, gone}})
		last := from.push(t, from.stamp(t), changes{deleted: []string{gone.id()}}).timestamp
		page := string(from.do(t, "GET", "/export", "").body)
		for range 2 { // the answer to the first was lost
			if a := to.do(t, "POST", "/import", page, "content-type: application/x-ndjson"); a.status != 200 || !strings.Contains(string(a.body), `"next":null`) {
				t.Fatal(a)
			}
		}
		if created, rows, tombstones, _ := to.info(t); !created || rows != 1 || tombstones != 1 || !c.listed(t, to.Space) {
			t.Errorf("imported: created %v, %d rows, %d tombstones", created, rows, tombstones)
		}
		sums := func(c *client) string { return encode(t, c.do(t, "GET", "/sync/checksum", "").json(t, 200)["tables"]) }
		if sums(from) != sums(to) {
			t.Errorf("checksums %s and %s", sums(from), sums(to))
		}
		if p := to.pull(t, last); p.rows[kept.id()] == nil || p.timestamp <= last {
			t.Errorf("a client of the first space pulled %v from the second", p.raw)
		}
		other := string(c.in(newID("from")).do(t, "GET", "/export", "").body)
		to.do(t, "POST", "/import", other, "content-type: application/x-ndjson").wantPlain(t, "CONFLICT", 409)
		to.do(t, "POST", "/import", "nothing\n", "content-type: application/x-ndjson").wantPlain(t, "BAD_REQUEST", 400)
		from.delete(t)
		to.delete(t)
	}},
	{"S11 a space that has a part of an import is closed", func(t *testing.T, c *client) {
		space := c.in(newID("part"))
		first := `{"format":1,"space":"","stamp":7,"export":"x"}` + "\n" + `{"next":"c"}` + "\n"
		if a := space.do(t, "POST", "/import", first, "content-type: application/x-ndjson"); a.status != 200 {
			t.Fatal(a)
		}
		space.query(t, "sync.pull", `{"lastPulledAt":null,"schemaVersion":1,"migration":null}`).
			wantFailure(t, "SERVICE_UNAVAILABLE", -32603, 503, "sync.pull")
		space.delete(t)
		if created, _, _, _ := space.info(t); created {
			t.Error("the part of an import outlived the deletion")
		}
	}},
	{"A4 a ticket of a space is refused by another one and by the root", func(t *testing.T, c *client) {
		one, two := c.in(newID("one")), c.in(newID("two"))
		for _, other := range []*client{two, c} {
			other.wantRefused(t, 401, "/sync/subscribe?ticket="+one.ticket(t), nil)
		}
	}},
}
