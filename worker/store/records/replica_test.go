//go:build !js

package records

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidemark/shared/record"
)

// simulated is the schema of the simulation: notes came with version 2.
func simulated() record.Schema {
	s := record.Default()
	s.Version = 2
	s.Tables[0].Columns[2].Since = 2
	s.Tables[1].Columns = slices.Delete(slices.Clone(s.Tables[1].Columns), 3, 5)
	return s
}

// A replica is one WatermelonDB client: its database and its synchronize().
// WatermelonDB 0.28.0, sync/impl.
type replica struct {
	*world
	name         string
	caller       record.Caller
	sum          string // of the claims at the last pull
	skew         int64  // of its clock, in milliseconds
	monotonic    bool   // updated_at is max(now, updated_at + 1)
	untouched    bool   // its models have an updated_at that nobody sets: 0
	partial      bool   // it pushes of an updated row only what changed
	coarse       bool   // its clock shows no less than ten minutes: equal times are common
	version      record.Version
	seenVersion  record.Version // at the last pull
	lastPulledAt stamp
	tables       []map[string]*local // as in the schema
	deleted      []map[string]bool   // deleted here, not pushed yet
	asked        string              // the sum of the claims of the pull that is under way
	pulling      *pulled             // the pages so far
	input        object              // of the pull that is under way
	pulledNow    bool                // it pulled and is about to push
	pushing      *message            // it waits for the answer
	snapshot     []map[string]*local // what it pushed
}

// A local is one row as the replica has it.
type local struct {
	raw     object
	status  string // synced, created or updated
	changed map[string]bool
}

func (l *local) clone() *local {
	return &local{maps.Clone(l.raw), l.status, maps.Clone(l.changed)}
}

func newReplica(w *world, name string) *replica {
	r := &replica{world: w, name: name, version: w.schema.Version}
	for range w.schema.Tables {
		r.tables = append(r.tables, map[string]*local{})
		r.deleted = append(r.deleted, map[string]bool{})
	}
	return r
}

// columns are those that the app of a version has, beside id.
func (w *world) columns(table int, v record.Version) []string {
	key := int(v)*len(w.schema.Tables) + table
	if w.known[key] == nil {
		for _, c := range w.schema.Tables[table].At(v).Columns {
			w.known[key] = append(w.known[key], c.Name)
		}
		w.known[key] = append(w.known[key], record.CreatedAt, record.UpdatedAt)
	}
	return w.known[key]
}

func (r *replica) idle() bool { return r.pulling == nil && !r.pulledNow && r.pushing == nil }

func (r *replica) time() float64 {
	if r.untouched {
		return 0
	}
	t := r.now + r.skew
	if r.coarse {
		t -= t % 600_000
	}
	return float64(t)
}

// value is a random one for a column.
func (r *replica) value(column string) any {
	if r.ruled != nil {
		return r.ruled.value(r, column)
	}
	if column == "price" {
		return []any{nil, 0.0, 5.0, 2.5, 10.0}[r.random.IntN(5)]
	}
	return []any{nil, "", "a", "b", "ab", "é\""}[r.random.IntN(6)]
}

// knows says whether the app of a version has the table.
func (w *world) knows(table int, v record.Version) bool { return w.schema.Tables[table].Since <= v }

// someID is a random id: mostly one that other replicas use, too.
func (r *replica) someID(t int) string {
	switch {
	case r.ruled != nil && r.ruled.ownIDs(t) && r.random.IntN(2) == 0:
		return people[r.random.IntN(len(people))]
	case r.random.IntN(4) == 0:
		return fmt.Sprint(r.name, r.random.IntN(1000))
	case r.ruled != nil: // there are more tables
		return fmt.Sprint("r", r.random.IntN(2))
	}
	return fmt.Sprint("r", r.random.IntN(6))
}

// changesAtOnce is how many columns an edit changes.
func (r *replica) changesAtOnce() int {
	if r.ruled != nil && r.random.IntN(3) == 0 {
		return 2
	}
	return 1
}

// edit creates, updates or deletes a row.
func (r *replica) edit() {
	t := r.random.IntN(len(r.tables))
	if !r.knows(t, r.version) {
		return
	}
	id := r.someID(t)
	row := r.tables[t][id]
	columns := r.columns(t, r.version)
	columns = columns[:len(columns)-2]
	switch {
	case row == nil && !r.deleted[t][id]:
		row = &local{raw: object{"id": id, record.CreatedAt: r.time(), record.UpdatedAt: r.time()}, status: "created", changed: map[string]bool{}}
		for _, c := range columns {
			row.raw[c] = r.value(c)
		}
		r.tables[t][id] = row
		r.trace("%s creates %v", r.name, row.raw)
	case row == nil:
	case r.random.IntN(5) == 0:
		delete(r.tables[t], id)
		r.deleted[t][id] = true
		r.trace("%s deletes %s", r.name, id)
	default:
		set := func(column string, v any) {
			if row.raw[column] != v {
				row.raw[column] = v
				row.changed[column] = true
				if row.status == "synced" {
					row.status = "updated"
				}
			}
		}
		for range r.changesAtOnce() {
			c := columns[r.random.IntN(len(columns))]
			set(c, r.value(c))
		}
		updated := r.time()
		if r.untouched {
			updated = row.raw[record.UpdatedAt].(float64)
		} else if r.monotonic {
			updated = max(updated, row.raw[record.UpdatedAt].(float64)+1)
		}
		set(record.UpdatedAt, updated)
		r.trace("%s edits %v, changed %v", r.name, row.raw, row.changed)
	}
}

// upgrade installs the newer app.
func (r *replica) upgrade() {
	for t := range r.tables {
		for _, row := range r.tables[t] {
			for _, c := range r.schema.Tables[t].Columns {
				if _, has := row.raw[c.Name]; !has {
					row.raw[c.Name] = c.Fill()
				}
			}
		}
	}
	r.version = 2
	r.trace("%s upgrades", r.name)
}

// pullInput begins a synchronize().
func (r *replica) pullInput(limit int) object {
	if r.ruled != nil {
		r.asked = r.ruled.plan.Sum(r.caller)
	}
	input := object{"lastPulledAt": nil, "schemaVersion": r.version, "migration": nil}
	if r.lastPulledAt != 0 {
		input["lastPulledAt"] = r.lastPulledAt
		if r.seenVersion < r.version {
			input["migration"] = r.migration()
		}
	}
	if limit > 0 {
		input["limit"] = limit
	}
	return input
}

// migration is what came since the version of the last pull.
func (r *replica) migration() object {
	tables, columns := list{}, list{}
	for _, t := range r.schema.Tables {
		added := list{}
		for _, c := range t.Columns {
			if c.Since > r.seenVersion {
				added = append(added, c.Name)
			}
		}
		switch {
		case t.Since > r.seenVersion:
			tables = append(tables, t.Name)
		case len(added) > 0:
			columns = append(columns, object{"table": t.Name, "columns": added})
		}
	}
	return object{"from": r.seenVersion, "tables": tables, "columns": columns}
}

// receive takes a page; at the last one it applies all of them.
func (r *replica) receive(p *pulled) {
	if r.pulling == nil {
		r.pulling = p
	} else {
		for table, c := range p.Changes {
			all := r.pulling.Changes[table]
			all.Updated = append(all.Updated, c.Updated...)
			all.Deleted = append(all.Deleted, c.Deleted...)
			r.pulling.Changes[table] = all
		}
		r.pulling.Cursor = p.Cursor
	}
	if p.Cursor != "" {
		return
	}
	p, r.pulling = r.pulling, nil
	for t := range r.tables {
		if r.knows(t, r.version) {
			r.apply(t, p)
		}
	}
	r.lastPulledAt, r.seenVersion, r.pulledNow = p.Timestamp, r.version, true
	r.sum = r.asked
}

func (r *replica) apply(t int, p *pulled) {
	changes, ok := p.Changes[r.schema.Tables[t].Name]
	if !ok || changes.Updated == nil || changes.Deleted == nil || changes.Created == nil || len(changes.Created) > 0 {
		r.fail("a table's changes are %v", changes)
	}
	kept := map[string]bool{}
	for _, remote := range changes.Updated {
		id := remote["id"].(string)
		if kept[id] || slices.Contains(changes.Deleted, id) {
			r.fail("id %s is there twice", id)
		}
		if len(remote) != 1+len(r.columns(t, r.version)) {
			r.fail("a row of version %d is %v", r.version, remote)
		}
		kept[id] = true
		row := r.tables[t][id]
		switch {
		case row != nil:
			for c, v := range remote {
				if !row.changed[c] {
					row.raw[c] = v
				}
			}
		case !r.deleted[t][id]:
			r.tables[t][id] = &local{raw: remote, status: "synced", changed: map[string]bool{}}
		}
	}
	for _, id := range changes.Deleted {
		delete(r.tables[t], id)
		delete(r.deleted[t], id)
	}
	if p.ExperimentalStrategy == "replacement" {
		maps.DeleteFunc(r.tables[t], func(id string, row *local) bool { return !kept[id] && row.status != "created" })
		maps.DeleteFunc(r.deleted[t], func(id string, _ bool) bool { return !kept[id] })
	}
}

// fetch collects what is to be pushed, or nil.
func (r *replica) fetch() *message {
	m := &message{from: r.name, caller: r.caller, lastPulledAt: r.lastPulledAt, version: r.version, pulled: r.sum}
	r.snapshot = nil
	changes, some := object{}, false
	for t := range r.tables {
		snapshot := map[string]*local{}
		created, updated, deleted := list{}, list{}, list{}
		var rows []object
		for _, id := range slices.Sorted(maps.Keys(r.tables[t])) {
			row := r.tables[t][id]
			if row.status == "synced" {
				continue
			}
			snapshot[id] = row.clone()
			raw := maps.Clone(row.raw)
			if r.partial && row.status == "updated" {
				maps.DeleteFunc(raw, func(c string, _ any) bool { return c != "id" && c != record.UpdatedAt && !row.changed[c] })
			}
			rows = append(rows, maps.Clone(raw))
			raw["_status"], raw["_changed"] = row.status, strings.Join(slices.Sorted(maps.Keys(row.changed)), ",")
			if row.status == "created" {
				created = append(created, raw)
			} else {
				updated = append(updated, raw)
			}
		}
		ids := slices.Sorted(maps.Keys(r.deleted[t]))
		for _, id := range ids {
			deleted = append(deleted, id)
		}
		some = some || len(rows)+len(ids) > 0
		m.rows, m.ids = append(m.rows, rows), append(m.ids, ids)
		r.snapshot = append(r.snapshot, snapshot)
		changes[r.schema.Tables[t].Name] = object{"created": created, "updated": updated, "deleted": deleted}
	}
	if !some {
		return nil
	}
	var err error
	if m.input, err = json.Marshal(object{"changes": changes, "lastPulledAt": m.lastPulledAt}); err != nil {
		r.fail("%v", err)
	}
	return m
}

// marks what was pushed as synced, unless it was edited since.
func (r *replica) marks(m *message) {
	for t := range r.tables {
		for id, was := range r.snapshot[t] {
			row := r.tables[t][id]
			if row != nil && row.status == was.status && maps.Equal(row.raw, was.raw) && maps.Equal(row.changed, was.changed) {
				row.status, row.changed = "synced", map[string]bool{}
			}
		}
		for _, id := range m.ids[t] {
			delete(r.deleted[t], id)
		}
	}
}
