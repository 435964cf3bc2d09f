//go:build !js

package records

import (
	"maps"

	"tidemark/shared/record"
)

// A stored is a row as the server has it. It is never changed in place.
type stored struct {
	raw     object // every declared column and the times
	deleted bool
	stamp   stamp
	ahead   float64
}

func (s *stored) equal(o *stored) bool {
	return s.deleted == o.deleted && s.stamp == o.stamp && (s.deleted || s.ahead == o.ahead) && maps.Equal(s.raw, o.raw)
}

// A state is everything that the server has.
type state struct {
	tables []map[string]*stored
	clock  clock
	born   stamp // 0: the root; unbornFloor: a space that is not there
	birth  stamp // which a space is born with, if it is not there
}

// unbornFloor is the floor of a space that was not born: package spaces, unborn.
const unbornFloor = 1<<53 - 1

// conflictRow is what of a row decides a conflict.
func conflictRow(t *record.Table, raw object) record.Row {
	row := record.Row{CreatedAt: raw[record.CreatedAt].(float64), UpdatedAt: raw[record.UpdatedAt].(float64)}
	for _, c := range t.Columns {
		row.Values = append(row.Values, raw[c.Name])
	}
	return row
}

// after is what a push must leave behind, by the rules as plain Go says them,
// and whether it must be refused.
func (s state) after(schema *record.Schema, m *message, now int64) (next state, refused bool) {
	least := max(s.clock.floor, s.clock.horizon)
	if s.clock.floor == s.born && m.lastPulledAt <= 1 { // it saw the empty database, and missed nothing
		least = s.clock.horizon
	}
	if m.lastPulledAt < least {
		return s, true
	}
	if s.born == unbornFloor {
		s.clock, s.born = clock{stamp: s.birth, floor: s.birth}, s.birth
	}
	base := min(m.lastPulledAt, s.clock.stamp)
	stampNow := max(s.clock.stamp+1, stamp(now))
	next = state{clock: s.clock, born: s.born}
	for t := range s.tables {
		rows := maps.Clone(s.tables[t])
		put := func(id string, row stored) {
			rows[id] = &row
			if row.stamp == stampNow {
				next.clock.stamp = stampNow
			}
		}
		for _, raw := range m.rows[t] {
			id := raw["id"].(string)
			old := rows[id]
			claimed := raw[record.UpdatedAt].(float64)
			if old == nil {
				merged := object{record.CreatedAt: 0.0}
				for _, c := range schema.Tables[t].Columns {
					merged[c.Name] = c.Default
				}
				maps.Copy(merged, raw)
				delete(merged, "id")
				counts, ahead := record.Claim(claimed, 0, base, now)
				merged[record.UpdatedAt] = counts
				put(id, stored{merged, false, stampNow, ahead})
				continue
			}
			counts, ahead := record.Claim(claimed, old.ahead, base, now)
			merged := maps.Clone(old.raw)
			maps.Copy(merged, raw)
			delete(merged, "id")
			merged[record.UpdatedAt] = counts
			written := old.raw[record.UpdatedAt].(float64)
			order := record.Compare(conflictRow(&schema.Tables[t], merged), conflictRow(&schema.Tables[t], old.raw))
			same := maps.Clone(merged)
			same[record.UpdatedAt] = written
			if maps.Equal(same, old.raw) {
				order = max(order, 0)
			} else if old.stamp <= base { // its author had seen what is stored
				order = 1
				merged[record.UpdatedAt] = max(counts, written+1)
			}
			if old.stamp <= base && counts > written {
				merged[record.UpdatedAt] = max(counts, written+1)
			}
			tell := *old
			tell.ahead = ahead
			if old.stamp <= base {
				tell.stamp = stampNow
			}
			switch {
			case old.deleted, order < 0:
				put(id, tell)
			case order > 0:
				put(id, stored{merged, false, stampNow, ahead})
			case claimed != written:
				put(id, tell)
			}
		}
		for _, id := range m.ids[t] {
			old := rows[id]
			if old == nil {
				raw := object{record.CreatedAt: 0.0, record.UpdatedAt: 0.0}
				for _, c := range schema.Tables[t].Columns {
					raw[c.Name] = nil
				}
				old = &stored{raw: raw}
			}
			if !old.deleted {
				put(id, stored{old.raw, true, stampNow, old.ahead})
			}
		}
		next.tables = append(next.tables, rows)
	}
	return next, false
}
