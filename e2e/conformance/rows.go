package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// A row is a raw row as a client pushes or pulls it.
type row map[string]any

// MarshalJSON writes the id first, as WatermelonDB does. Then a server whose scan
// fails within the row can name the row.
func (r row) MarshalJSON() ([]byte, error) {
	rest := map[string]any(r.without("id"))
	b, err := json.Marshal(rest)
	id, ok := r["id"]
	if err != nil || !ok {
		return b, err
	}
	first, err := json.Marshal(id)
	if len(rest) > 0 {
		first = append(first, ',')
	}
	return append(append([]byte(`{"id":`), first...), b[1:]...), err
}

// newCustomer returns a customer as a client creates it at that time.
func newCustomer(name string, updatedAt int64) row {
	return row{
		"id": newID("c"), "contact_name": name, "company_name": nil, "notes": "",
		"created_at": updatedAt, "updated_at": updatedAt, "_status": "created", "_changed": "",
	}
}

// with returns a copy with other values, given as pairs of column and value.
func (r row) with(pairs ...any) row {
	copied := row{}
	for k, v := range r {
		copied[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		copied[pairs[i].(string)] = pairs[i+1]
	}
	return copied
}

func (r row) without(columns ...string) row {
	copied := r.with()
	for _, c := range columns {
		delete(copied, c)
	}
	return copied
}

func (r row) id() string { return r["id"].(string) }

// millis returns the time of the client's clock.
func millis() int64 { return time.Now().UnixMilli() }

// changes are one table's part of a push.
type changes struct {
	created, updated []row
	deleted          []string
}

func (c changes) object() map[string]any {
	rows := func(r []row) []row { return append([]row{}, r...) }
	return map[string]any{"created": rows(c.created), "updated": rows(c.updated), "deleted": append([]string{}, c.deleted...)}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pushInput returns the input of a push of customers.
func pushInput(t *testing.T, since int64, c changes) string {
	return encode(t, map[string]any{"changes": map[string]any{"customers": c.object()}, "lastPulledAt": since})
}

// A pushed is the result of a push.
type pushed struct {
	timestamp  int64
	superseded []string // of customers
	raw        any
}

// push pushes customers, and must succeed.
func (c *client) push(t *testing.T, since int64, part changes) pushed {
	t.Helper()
	return readPushed(t, c.mutate(t, "sync.push", pushInput(t, since, part)))
}

func readPushed(t *testing.T, a answer) pushed {
	t.Helper()
	data := a.data(t)
	p := pushed{timestamp: number(t, at(data, "timestamp")), raw: data}
	list, _ := at(data, "superseded", "customers").([]any)
	for _, id := range list {
		p.superseded = append(p.superseded, id.(string))
	}
	return p
}

// A pulled is the result of a pull.
type pulled struct {
	timestamp int64
	rows      map[string]row // of customers, created and updated
	deleted   []string       // of customers
	raw       any
}

// pull pulls the changes after since. It must succeed, with a result in the form of P7
// and P10.
func (c *client) pull(t *testing.T, since int64) pulled {
	t.Helper()
	return readPulled(t, c.query(t, "sync.pull", fmt.Sprintf(`{"lastPulledAt":%d,"schemaVersion":1,"migration":null}`, since)).data(t))
}

func readPulled(t *testing.T, data any) pulled {
	t.Helper()
	p := pulled{timestamp: number(t, at(data, "timestamp")), rows: map[string]row{}, raw: data}
	tables, _ := at(data, "changes").(map[string]any)
	for _, name := range []string{"customers", "products"} {
		ids := map[string]bool{}
		for _, kind := range []string{"created", "updated", "deleted"} {
			list, ok := at(tables, name, kind).([]any)
			if !ok {
				t.Fatalf("P7: no list %s of %s in %.500v", kind, name, data)
			}
			if kind == "created" && len(list) > 0 {
				t.Errorf("P10: %d rows in created", len(list))
			}
			for _, v := range list {
				id, isID := v.(string)
				if kind != "deleted" {
					id, isID = at(v, "id").(string)
				}
				if !isID {
					t.Fatalf("P7: no id in %v", v)
				}
				if ids[id] {
					t.Errorf("P2: id %q comes twice in %s", id, name)
				}
				ids[id] = true
				if name != "customers" {
					continue
				}
				if kind == "deleted" {
					p.deleted = append(p.deleted, id)
				} else {
					p.rows[id] = v.(map[string]any)
				}
			}
		}
	}
	return p
}

// wantRow checks that the pull has r without the columns that stay on the client. If r
// is nil the pull must not have the id.
func (p pulled) wantRow(t *testing.T, id string, r row) {
	t.Helper()
	got, ok := p.rows[id]
	if r == nil {
		if ok {
			t.Errorf("the pull has row %q: %v", id, got)
		}
		return
	}
	want := r.without("_status", "_changed")
	if g, w := encode(t, got), encode(t, want); g != w {
		t.Errorf("row %q\ngot  %s\nwant %s", id, g, w)
	}
}

func (p pulled) wantDeleted(t *testing.T, id string) {
	t.Helper()
	if !slices.Contains(p.deleted, id) {
		t.Errorf("id %q is not among the deleted", id)
	}
	p.wantRow(t, id, nil)
}

// stamp returns the stamp of the server's last change.
func (c *client) stamp(t *testing.T) int64 {
	t.Helper()
	a := c.do(t, "GET", "/sync/checksum", "")
	if a.status != 200 {
		t.Fatal(a)
	}
	return number(t, at(parse(t, a.body), "timestamp"))
}

// has returns what GET /sync/explain tells of a row, without what it tells of all tables.
func (c *client) has(t *testing.T, table, id string) string {
	t.Helper()
	got := c.do(t, "GET", "/sync/explain?table="+table+"&id="+id, "").json(t, 200)
	for _, name := range []string{"timestamp", "horizon", "floor"} {
		number(t, got[name])
		delete(got, name)
	}
	return encode(t, got)
}

// unknownRow is that of a row that the server does not have, or that the client may not read.
const unknownRow = `{"ahead":null,"row":null,"stamp":null,"state":"unknown"}`
