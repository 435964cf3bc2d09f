package conformance

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

var exportCases = []testCase{
	{"S11 an export has every row and tombstone, in pages", func(t *testing.T, c *client) {
		kept, gone := newCustomer("exported \"\\\n😀", millis()), newCustomer("gone", millis())
		s := c.stamp(t)
		c.push(t, s, changes{created: []row{kept, gone}})
		c.push(t, s, changes{deleted: []string{gone.id()}})
		found := map[string]string{}
		for _, line := range c.as("sync:admin").export(t) {
			var l struct {
				Row, Tombstone, ID string
				Value              row
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			switch {
			case l.Row == "customers" && l.Value.id() == kept.id():
				found[kept.id()] = encode(t, l.Value)
			case l.Tombstone == "customers":
				found[l.ID] = "tombstone"
			}
		}
		if want := encode(t, kept.without("_status", "_changed")); found[kept.id()] != want || found[gone.id()] != "tombstone" {
			t.Errorf("got %s and %q, want %s and a tombstone", found[kept.id()], found[gone.id()], want)
		}
	}},
	{"S11 who may not export gets 403, and a cursor of no export 400", func(t *testing.T, c *client) {
		c.as("sync:read sync:write").do(t, "GET", "/export", "").wantPlain(t, "FORBIDDEN", 403)
		c.as("sync:admin").do(t, "GET", "/export?cursor=x", "").wantPlain(t, "BAD_REQUEST", 400)
	}},
	{"S11 the root is not imported into", func(t *testing.T, c *client) {
		c.as("sync:admin").do(t, "POST", "/import", "{}").wantPlain(t, "NOT_FOUND", 404)
	}},
}

// export returns the lines of all pages between the first and the last line of each.
func (c *client) export(t *testing.T) (lines []string) {
	t.Helper()
	for cursor := ""; ; {
		a := c.do(t, "GET", "/export?cursor="+url.QueryEscape(cursor), "")
		if a.status != 200 || a.header.Get("Content-Type") != "application/x-ndjson" || a.header.Get("Cache-Control") != "no-store" {
			t.Fatal(a)
		}
		all := strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
		first, last := all[0], all[len(all)-1]
		if begins := map[bool]string{true: `{"format":1,`, false: `{"page":`}[cursor == ""]; !strings.HasPrefix(first, begins) {
			t.Fatalf("the page begins with %s", first)
		}
		lines = append(lines, all[1:len(all)-1]...)
		var end struct{ Next *string }
		if err := json.Unmarshal([]byte(last), &end); err != nil || !strings.HasPrefix(last, `{"next":`) {
			t.Fatalf("the page ends with %s", last)
		}
		if end.Next == nil {
			return lines
		}
		cursor = *end.Next
	}
}
