package conformance

import (
	"slices"
	"strings"
	"testing"
)

func wantSuperseded(t *testing.T, p pushed, ids ...string) {
	t.Helper()
	slices.Sort(p.superseded)
	slices.Sort(ids)
	if !slices.Equal(p.superseded, ids) {
		t.Errorf("superseded %v, want %v", p.superseded, ids)
	}
}

var pushCases = []testCase{
	{"a push returns its stamp and the counts of its rows", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r, q := newCustomer("a", millis()), newCustomer("b", millis())
		p := c.push(t, since, changes{created: []row{r, q}})
		if p.timestamp <= since {
			t.Errorf("stamp %d after %d", p.timestamp, since)
		}
		if n := number(t, at(p.raw, "applied", "customers", "created")); n != 2 {
			t.Errorf("%d created: %v", n, p.raw)
		}
		p = c.push(t, p.timestamp, changes{updated: []row{r.with("notes", "x", "updated_at", millis()+1)}, deleted: []string{q.id()}})
		updated, deleted := number(t, at(p.raw, "applied", "customers", "updated")), number(t, at(p.raw, "applied", "customers", "deleted"))
		if updated != 1 || deleted != 1 {
			t.Errorf("%d updated, %d deleted: %v", updated, deleted, p.raw)
		}
		wantSuperseded(t, p)
	}},
	{"U2 U3 created and updated mean the same", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r := newCustomer("known", millis())
		c.push(t, since, changes{created: []row{r}})
		r = r.with("contact_name", "again", "updated_at", millis()+1)
		c.push(t, since, changes{created: []row{r}})
		q := newCustomer("unknown", millis())
		c.push(t, since, changes{updated: []row{q}})
		p := c.pull(t, since)
		p.wantRow(t, r.id(), r)
		p.wantRow(t, q.id(), q)
	}},
	{"U4 U11 the deletion of an unknown id leaves a tombstone", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r := newCustomer("late", millis())
		c.push(t, since, changes{deleted: []string{r.id()}})
		c.push(t, since, changes{deleted: []string{r.id()}})
		p := c.push(t, since, changes{created: []row{r}})
		wantSuperseded(t, p, r.id())
		c.pull(t, since).wantDeleted(t, r.id())
	}},
	{"U5 the later edit wins, and superseded names the loser", func(t *testing.T, c *client) {
		since := c.stamp(t)
		at := millis()
		winner := newCustomer("winner", at)
		c.push(t, since, changes{created: []row{winner}})
		loser := winner.with("contact_name", "loser", "updated_at", at-1)
		p := c.push(t, since, changes{updated: []row{loser}})
		wantSuperseded(t, p, winner.id())
		c.pull(t, since).wantRow(t, winner.id(), winner)
	}},
	{"U5 c3 an edit of a seen row is no conflict, whatever the clocks say", func(t *testing.T, c *client) {
		at := millis()
		stored := newCustomer("stored", at)
		before := c.stamp(t)
		seen := c.push(t, before, changes{created: []row{stored}}).timestamp
		for i, updated := range []any{0, at - 3_600_000, at} {
			next := stored.with("contact_name", strings.Repeat("a", i+1), "updated_at", updated)
			p := c.push(t, seen, changes{updated: []row{next}})
			wantSuperseded(t, p)
			at++
			stored = next.with("updated_at", at)
			c.pull(t, seen).wantRow(t, stored.id(), stored)
			c.push(t, before, changes{updated: []row{next.with("contact_name", "late", "updated_at", at-1)}})
			c.pull(t, seen).wantRow(t, stored.id(), stored)
			seen = p.timestamp
		}
	}},
	{"U5 c1 the pushes of two clients end the same in any order", func(t *testing.T, c *client) {
		at := millis()
		base := newCustomer("base", at)
		since := c.push(t, c.stamp(t), changes{created: []row{base}}).timestamp
		one, two := base.with("contact_name", "one", "updated_at", at+5), base.with("contact_name", "two", "updated_at", at+5)
		c.push(t, since, changes{updated: []row{one}})
		c.push(t, since, changes{updated: []row{two}})
		got := c.pull(t, since).rows[base.id()]

		other := newCustomer("base", at)
		since = c.push(t, since, changes{created: []row{other}}).timestamp
		c.push(t, since, changes{updated: []row{two.with("id", other.id())}})
		c.push(t, since, changes{updated: []row{one.with("id", other.id())}})
		if again := c.pull(t, since).rows[other.id()]; again["contact_name"] != got["contact_name"] {
			t.Errorf("c1: %v in one order, %v in the other", got, again)
		}
	}},
	{"U5 conflict abort rejects the push with 409 and the ids, and writes nothing", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r, mine := newCustomer("theirs", millis()), newCustomer("mine", millis())
		c.push(t, since, changes{created: []row{r}})
		input := encode(t, map[string]any{"lastPulledAt": since, "conflict": "abort", "changes": map[string]any{
			"customers": changes{created: []row{mine}, updated: []row{r.with("notes", "x", "updated_at", millis()+1)}}.object(),
		}})
		a := c.mutate(t, "sync.push", input)
		a.wantFailure(t, "CONFLICT", -32009, 409, "sync.push")
		ids, _ := at(parse(t, a.body), "error", "data", "ids", "customers").([]any)
		if len(ids) != 1 || ids[0] != r.id() {
			t.Errorf("ids %v: %v", ids, a)
		}
		p := c.pull(t, since)
		p.wantRow(t, r.id(), r)
		p.wantRow(t, mine.id(), nil)
	}},
	{"U5 conflict abort takes a merged row with its old time", func(t *testing.T, c *client) {
		r := newCustomer("theirs", millis())
		c.push(t, c.stamp(t), changes{created: []row{r}})
		seen := c.stamp(t)
		merged := r.with("notes", "mine", "updated_at", millis()-60_000)
		input := encode(t, map[string]any{"lastPulledAt": seen, "conflict": "abort", "changes": map[string]any{
			"customers": changes{updated: []row{merged}}.object(),
		}})
		wantSuperseded(t, readPushed(t, c.mutate(t, "sync.push", input)))
		got := c.pull(t, seen).rows[r.id()]
		if got["notes"] != "mine" || got["contact_name"] != "theirs" {
			t.Errorf("got %v, want what was merged", got)
		}
		// It stays when what it was merged with comes again.
		c.push(t, 1, changes{created: []row{r}})
		if again := c.pull(t, seen).rows[r.id()]; again["notes"] != "mine" {
			t.Errorf("got %v, want what was merged", again)
		}
	}},
	{"U6 the same push again changes nothing", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r, gone := newCustomer("again", millis()), newCustomer("gone", millis())
		c.push(t, since, changes{created: []row{gone}})
		part := changes{created: []row{r}, deleted: []string{gone.id()}}
		c.push(t, since, part)
		seen := c.pull(t, since).timestamp
		p := c.push(t, since, part)
		wantSuperseded(t, p)
		after := c.pull(t, seen)
		after.wantRow(t, r.id(), nil)
		if slices.Contains(after.deleted, gone.id()) {
			t.Error("the deletion comes again")
		}
		// After a newer edit of somebody else, too.
		newer := r.with("contact_name", "newer", "updated_at", millis()+1000)
		c.push(t, seen, changes{updated: []row{newer}})
		c.push(t, since, part)
		c.pull(t, since).wantRow(t, r.id(), newer)
	}},
	{"U7 c2 the server ignores the client's bookkeeping and clock", func(t *testing.T, c *client) {
		since := c.stamp(t)
		future := newCustomer("from the future", millis()+3_600_000)
		c.push(t, since, changes{created: []row{future.with("_status", "updated", "_changed", "notes")}})
		p := c.pull(t, since)
		got := p.rows[future.id()]
		if got == nil || got["_status"] != nil || got["_changed"] != nil {
			t.Fatalf("got %v", got)
		}
		if p.timestamp > millis()+60_000 {
			t.Errorf("the watermark %d follows a client's clock", p.timestamp)
		}
		// An hour ahead does not win for an hour.
		later := future.with("contact_name", "later", "updated_at", millis()+10_000)
		c.push(t, p.timestamp, changes{updated: []row{later}})
		if got := c.pull(t, since).rows[future.id()]; got["contact_name"] != "later" {
			t.Errorf("c2: got %v", got)
		}
	}},
	{"U8 unknown columns are ignored and reported", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r := newCustomer("newer app", millis())
		p := c.push(t, since, changes{created: []row{r.with("color", "red", "Notes", "other case")}})
		c.pull(t, since).wantRow(t, r.id(), r)
		ignored, _ := at(p.raw, "ignored", "customers").([]any)
		if len(ignored) != 2 {
			t.Errorf("ignored %v: %v", ignored, p.raw)
		}
	}},
	{"U10 an absent column keeps its value", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r := newCustomer("older app", millis()).with("notes", "kept", "company_name", "kept too")
		c.push(t, since, changes{created: []row{r}})
		edit := r.with("contact_name", "edited", "updated_at", millis()+1)
		c.push(t, since, changes{updated: []row{edit.without("notes", "company_name", "created_at")}})
		c.pull(t, since).wantRow(t, r.id(), edit)
	}},
	{"T1 stamps of pushes strictly increase", func(t *testing.T, c *client) {
		last := c.stamp(t)
		for range 5 {
			p := c.push(t, last, changes{created: []row{newCustomer("tick", millis())}})
			if p.timestamp <= last {
				t.Errorf("stamp %d after %d", p.timestamp, last)
			}
			last = p.timestamp
		}
	}},
	{"T2 a tombstone is final, and superseded names the loser", func(t *testing.T, c *client) {
		since := c.stamp(t)
		r := newCustomer("to be deleted", millis())
		c.push(t, since, changes{created: []row{r}})
		c.push(t, since, changes{deleted: []string{r.id()}})
		seen := c.pull(t, since).timestamp
		p := c.push(t, seen, changes{updated: []row{r.with("notes", "no", "updated_at", millis()+1000)}})
		wantSuperseded(t, p, r.id())
		c.pull(t, seen).wantDeleted(t, r.id())
	}},
	{"applied counts the deletions of rows that were alive", func(t *testing.T, c *client) {
		since := c.stamp(t)
		a, b := newCustomer("a", millis()), newCustomer("b", millis())
		c.push(t, since, changes{created: []row{a, b}})
		for _, push := range []struct {
			ids  []string
			want int64
		}{{[]string{a.id()}, 1}, {[]string{a.id(), b.id()}, 1}, {[]string{a.id(), b.id()}, 0}} {
			v := c.mutate(t, "sync.push", pushInput(t, c.stamp(t), changes{deleted: push.ids})).data(t)
			if got := number(t, at(v, "applied", "customers", "deleted")); got != push.want {
				t.Errorf("the deletion of %q: applied %d, want %d", push.ids, got, push.want)
			}
		}
	}},
	{"T1 an edit made offline reaches clients that pulled meanwhile", func(t *testing.T, c *client) {
		offline := newCustomer("made offline", millis()-3_600_000)
		since := c.stamp(t)
		c.push(t, since, changes{created: []row{newCustomer("meanwhile", millis())}})
		seen := c.pull(t, since).timestamp
		c.push(t, since, changes{created: []row{offline}})
		c.pull(t, seen).wantRow(t, offline.id(), offline)
	}},
	{"a push of a thousand rows is stored whole", func(t *testing.T, c *client) {
		since := c.stamp(t)
		rows := make([]row, 1000)
		for i := range rows {
			rows[i] = newCustomer("one of a thousand", millis())
		}
		c.push(t, since, changes{created: rows})
		p := c.everything(t, encode(t, map[string]any{"lastPulledAt": since}))
		for _, r := range rows {
			if p.rows[r.id()] == nil {
				t.Fatalf("row %q is missing", r.id())
			}
		}
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.id()
		}
		c.push(t, p.timestamp, changes{deleted: ids})
	}},
}
