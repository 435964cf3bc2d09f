//go:build !js

package histories

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// poolRows is the number of rows, and of tasks, for which the clients of a round contend.
const poolRows = 6

const customers = "customers"

// A rowClient holds a copy of the table customers, and edits rows of it.
type rowClient struct {
	*client
	skew  *time.Duration // of its clock; nil: it leaves updated_at alone
	since int64
	rows  map[string]string // id → contact_name, as pulled
	edits int
	old   []push
}

// skews are the clock errors of the row clients. One is just beyond the tolerance: a time
// that is too new at a push may be valid when the push comes again.
var skews = []*time.Duration{new(time.Duration(0)), new(6 * time.Second), new(-time.Hour), nil, new(time.Hour)}

// A push is kept to be sent again.
type push struct {
	body  map[string]any
	since int64
	rows  []RowIn
	open  *[]Open // its tries that got no answer
}

func (c *rowClient) step() {
	switch {
	case len(c.old) > 0 && c.odds(10):
		c.try(c.old[c.dice.IntN(len(c.old))])
	case c.odds(45):
		c.pull()
	default:
		c.send(c.edit())
	}
}

// edit returns a push of one or two rows, or of a deletion.
func (c *rowClient) edit() push {
	round := c.run.round.Load()
	changes := map[string]any{"created": []any{}, "updated": []any{}, "deleted": []any{}}
	p := push{since: c.since, open: new([]Open), body: map[string]any{"changes": map[string]any{customers: changes}, "lastPulledAt": markOrNull(c.since)}}
	var updated []any
	for _, n := range c.pick(1+c.dice.IntN(2), poolRows) {
		c.edits++
		id := rowID(round, n)
		if c.odds(2) {
			p.rows = append(p.rows, RowIn{ID: id, Delete: true, Since: c.since})
			changes["deleted"] = []any{id}
			break
		}
		in := RowIn{ID: id, Value: fmt.Sprintf("%d.%d", c.index, c.edits), Base: c.rows[id], Since: c.since}
		at := int64(0)
		if c.skew != nil {
			at = time.Now().Add(*c.skew).UnixMilli()
		}
		updated = append(updated, map[string]any{"id": id, "contact_name": in.Value, "created_at": 1, "updated_at": at, "_status": "updated", "_changed": "contact_name"})
		p.rows = append(p.rows, in)
	}
	if updated != nil {
		changes["updated"] = updated
	}
	return p
}

func rowID(round int64, n int) string { return fmt.Sprintf("r%d.%d", round, n) }

func markOrNull(mark int64) any {
	if mark == 0 {
		return nil
	}
	return mark
}

// send sends a push, mostly until there is a response.
func (c *rowClient) send(p push) {
	c.old = append(c.old[max(0, len(c.old)-10):], p)
	for !c.try(p) && c.odds(95) {
	}
}

func (c *rowClient) try(p push) (known bool) {
	h := c.run.history
	call := h.Begin(c.index)
	a := c.ask("POST", "/trpc/sync.push", p.body)
	switch {
	case a.status == http.StatusConflict:
		c.run.count("refused")
		h.End(call, Floor, true, FloorIn{p.since, true}, true)
		h.Settle(*p.open)
		return true
	case !a.known():
		c.run.count("pushes without an answer")
		for _, in := range p.rows {
			*p.open = append(*p.open, h.End(call, Rows, false, in, RowOut{}))
		}
		return false
	}
	var told struct {
		Result struct {
			Data struct {
				Timestamp  int64
				Applied    map[string]struct{ Created, Updated, Deleted int }
				Superseded map[string][]string
			}
		}
	}
	if a.status != http.StatusOK || !a.read(&told) {
		c.fail("push: %v", a)
		return true
	}
	data := told.Result.Data
	applied := data.Applied[customers]
	h.End(call, Floor, true, FloorIn{p.since, true}, false)
	h.End(call, Stamps, true, StampIn{Changes: applied.Created+applied.Updated+applied.Deleted > 0}, data.Timestamp)
	for _, in := range p.rows {
		lost := slices.Contains(data.Superseded[customers], in.ID)
		if lost {
			c.run.count("superseded")
		}
		h.End(call, Rows, true, in, RowOut{Known: true, Lost: lost})
	}
	h.Settle(*p.open)
	return true
}

func (c *rowClient) pull() {
	h := c.run.history
	round := c.run.round.Load()
	input, err := json.Marshal(map[string]any{"lastPulledAt": markOrNull(c.since), "schemaVersion": 1, "migration": nil})
	if err != nil {
		panic(err)
	}
	call := h.Begin(c.index)
	a := c.ask("GET", "/trpc/sync.pull?input="+url.QueryEscape(string(input)), nil)
	if !a.known() {
		return
	}
	var told struct {
		Result struct {
			Data struct {
				Timestamp            int64
				ExperimentalStrategy string
				Changes              map[string]struct {
					Updated []struct {
						ID   string
						Name string `json:"contact_name"`
					}
					Deleted []string
				}
			}
		}
	}
	if a.status != http.StatusOK || !a.read(&told) {
		c.fail("pull: %v", a)
		return
	}
	data := told.Result.Data
	replaced := data.ExperimentalStrategy == "replacement"
	h.End(call, Floor, true, FloorIn{Since: c.since}, replaced)
	h.End(call, Stamps, true, StampIn{}, data.Timestamp)
	if c.since == 0 || replaced {
		c.rows = map[string]string{}
	}
	for _, row := range data.Changes[customers].Updated {
		c.rows[row.ID] = row.Name
	}
	for _, id := range data.Changes[customers].Deleted {
		delete(c.rows, id)
	}
	c.since = data.Timestamp
	for n := range poolRows {
		id := rowID(round, n)
		h.End(call, Rows, true, RowIn{ID: id}, RowOut{Known: true, Value: c.rows[id]})
	}
}
