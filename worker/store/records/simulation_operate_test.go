//go:build !js

package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// operate does what an operator does, now and then.
func (w *world) operate() {
	switch w.random.IntN(6) {
	case 0:
		keep := time.Duration(w.random.IntN(3_600)) * time.Second
		for w.purge(keep) && w.random.IntN(4) > 0 { // or the operator forgets to repeat it
			w.safety()
		}
	case 1, 2:
		b := w.server
		if b.born == unbornFloor {
			return // nothing is stored
		}
		w.backup = &b
		w.trace("backup at %d", b.clock.stamp)
	case 3:
		if w.backup != nil {
			w.restore()
		}
	case 4:
		if w.space != nil {
			w.deleteSpace()
		}
	case 5:
		w.edit()
	}
}

// edit changes or deletes a row of anybody as the server. X5, X6.
func (w *world) edit() {
	t := w.random.IntN(len(w.schema.Tables))
	table := &w.schema.Tables[t]
	ids := slices.Sorted(maps.Keys(w.server.tables[t]))
	if len(ids) == 0 || w.server.born == unbornFloor {
		return
	}
	change := &inspect.Change{Table: table.Name, ID: ids[w.random.IntN(len(ids))], Delete: w.random.IntN(4) == 0}
	before := w.server
	old := before.tables[t][change.ID]
	if w.random.IntN(2) == 0 {
		change.If = old.stamp - stamp(w.random.IntN(2))
	}
	column := &table.Columns[w.random.IntN(len(table.Columns))]
	value := map[record.Type]any{record.String: []any{"a", "b", "ann", "red"}[w.random.IntN(4)], record.Number: float64(1 + w.random.IntN(3)), record.Boolean: w.random.IntN(2) == 0}[column.Type]
	text, err := json.Marshal(value)
	if err != nil {
		w.fail("%v", err)
	}
	if !change.Delete {
		change.Set = ijson.Pairs{{Name: []byte(column.Name), Value: text}}
	}
	now := w.serverTime()
	_, at, changed, err := w.Change(context.Background(), now, change, store.Budget{})
	w.look()
	row := w.server.tables[t][change.ID]
	w.trace("the server changes %s %+v, %s: stamp %d, %v", table.Name, change, text, at, err)
	moved := change.If != 0 && change.If != old.stamp
	same := column.Check.Fails(value) == "" && old.raw[column.Name] == value
	switch {
	case err == nil && change.Delete:
		if !row.deleted || old.deleted != (changed == nil) || at != row.stamp {
			w.fail("X6: %+v became %+v, changed %v", old, row, changed)
		}
		w.buried[t][change.ID] = true
	case err == nil:
		if old.deleted || moved || row.deleted || row.raw[column.Name] != value || at != row.stamp {
			w.fail("X5: %+v became %+v", old, row)
		}
		if updated := row.raw[record.UpdatedAt].(float64); !same && (updated <= old.raw[record.UpdatedAt].(float64) || row.stamp <= before.clock.stamp || changed == nil) || same && !row.equal(old) {
			w.fail("X5: %+v became %+v, changed %v", old, row, changed)
		}
	case !old.equal(row) || w.server.clock != before.clock:
		w.fail("X5: it is refused, and %+v became %+v", old, row)
	case errors.Is(err, inspect.ErrChanged) && moved && !old.deleted, errors.Is(err, inspect.ErrDeleted) && old.deleted, !change.Delete && column.Check.Fails(value) != "":
	default:
		w.fail("X5: %v", err)
	}
}

var errCrash = errors.New("the server crashes")

// purge purges once, and says whether tombstones are left. Between its steps late pushes
// arrive, and it may end early.
func (w *world) purge(keep time.Duration) (more bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w.between = func() error {
		switch n := w.random.IntN(8); {
		case n == 0:
			cancel()
		case n == 1:
			return errCrash
		case n < 6 && len(w.late) > 0:
			w.look()
			w.deliver(w.late[w.random.IntN(len(w.late))])
		}
		return nil
	}
	purged, err := w.Purge(ctx, w.serverTime(), keep)
	w.trace("purge: %+v, %v", purged, err)
	if err != nil && !errors.Is(err, errCrash) {
		w.fail("purge: %v", err)
	}
	for t := range w.buried {
		clear(w.buried[t]) // what is forgotten cannot be held against a replacement
	}
	w.look()
	left := 0
	for _, rows := range w.server.tables {
		for _, s := range rows {
			if s.deleted && s.stamp <= w.server.clock.horizon {
				left++
			}
		}
	}
	if w.ruled != nil {
		for _, sql := range w.ruled.forgetting.count[len(w.schema.Tables):] {
			left += int(store.Number(w.run(strings.ReplaceAll(sql, "?1", "1000"))[0], 0))
		}
	}
	if err == nil && purged.More != (left > 0) {
		w.fail("T3: a purge says %+v, and %d tombstones up to the horizon are left", purged, left)
	}
	return left > 0
}

// restore puts the backup back.
func (w *world) restore() {
	for _, t := range w.schema.Tables {
		w.run("DELETE FROM " + t.SQL)
	}
	for t, rows := range w.backup.tables {
		for id, s := range rows {
			sql := fmt.Sprintf("INSERT INTO %s (%s, created_at, updated_at, deleted, stamp, ahead", w.schema.Tables[t].SQL, w.schema.Tables[t].ID)
			args := []any{id, s.raw[record.CreatedAt], s.raw[record.UpdatedAt], s.deleted, float64(s.stamp), s.ahead}
			if s.deleted {
				args[3] = 1.0
			} else {
				args[3] = 0.0
			}
			for _, c := range w.schema.Tables[t].Columns {
				sql += ", " + c.SQL
				args = append(args, s.raw[c.Name])
			}
			sql += ") VALUES (?" + strings.Repeat(", ?", len(args)-1) + ")"
			if _, err := w.db.Batch(context.Background(), []abi.Statement{{SQL: sql, Args: args}}); err != nil {
				w.fail("%v", err)
			}
		}
	}
	w.run(fmt.Sprintf("UPDATE Clock SET stamp = %d, horizon = %d, floor = %d", w.backup.clock.stamp, w.backup.clock.horizon, w.backup.clock.floor))
	floor, err := w.Restore(context.Background(), w.serverTime())
	w.trace("restore of %d: floor %d, %v", w.backup.clock.stamp, floor, err)
	for _, m := range w.late {
		m.done = m.done && m.lastPulledAt < floor // else the same push again does what a second restore within seconds undid
	}
	for t := range w.buried {
		clear(w.buried[t])
	}
	w.look()
}
