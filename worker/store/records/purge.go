package records

import (
	"context"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// A forgetting deletes tombstones, and what no pull needs any more, in steps. Each step is a transaction of its own, so that
// pushes run between two steps.
type forgetting struct {
	rows  int // that one step deletes, at most
	steps int // of one purge, at most
	// next returns the number of the first kind of rows to delete, or NULL. The kinds are the
	// tombstones of each table, what Told has of each table, and what Readers has.
	next   string
	count  []string // of each kind: how many rows the step deletes, at most ?1
	delete []string // of each kind: at most ?1 rows
}

// The bounds of a purge. A transaction of 2,000 rows takes about 0.1 s on two busy cores.
// With 15 steps, a purge sends at most 47 statements, and the smallest plan of Cloudflare
// allows 50 for a request.
const (
	purgeRows  = 2_000
	purgeSteps = 15
)

func newForgetting(schema *record.Schema, r *rules) forgetting {
	f := forgetting{rows: purgeRows, steps: purgeSteps, next: "SELECT CASE"}
	add := func(name, key, which string) {
		some := " FROM " + name + " WHERE " + which
		f.next += fmt.Sprintf(" WHEN EXISTS (SELECT 1%s) THEN %d", some, len(f.count))
		// The number of changed rows that a database reports may include rows of indexes.
		f.count = append(f.count, "SELECT count(*) FROM (SELECT 1"+some+" LIMIT ?1)")
		f.delete = append(f.delete, fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT %[2]s%s LIMIT ?1)", name, key, some))
	}
	for _, t := range schema.Tables {
		add(t.SQL, t.ID, "deleted = 1 AND "+r.forgotten)
	}
	for _, t := range schema.Tables {
		add("Told", "tab, id, who, old", "tab = "+store.Literal(t.SQL)+" AND "+r.forgotten)
	}
	// A pull before the horizon gets a replacement, whatever the claims were then.
	add("Readers", "who, stamp", "EXISTS (SELECT 1 FROM Readers AS n WHERE n.who = Readers.who AND n.stamp > Readers.stamp AND n.stamp <= (SELECT horizon FROM Clock))")
	f.next += " END"
	return f
}

// Purge forgets tombstones that are older than keep. It moves the horizon first: a client
// whose last pull was before the horizon gets a replacement from then on, and a write that
// is based on that pull is rejected. Then it deletes tombstones up to the horizon in steps.
// It stops after a number of steps, or before the next one if ctx is done. If it stops
// early or fails, the next purge deletes what is left, whatever its keep is.
// docs/protocol.md, T2 and T3.
func (s *Store) Purge(ctx context.Context, now time.Time, keep time.Duration) (record.Purged, error) {
	f := &s.forgetting
	results, err := s.db.Batch(ctx, []abi.Statement{
		{SQL: `UPDATE Clock SET horizon = max(horizon, min(stamp, CAST(?1 AS INTEGER))) RETURNING horizon`,
			Args: []any{now.Add(-keep).UnixMilli()}},
		{SQL: f.next},
	})
	if err != nil {
		return record.Purged{}, fmt.Errorf("move the horizon: %w", err)
	}
	done := record.Purged{Horizon: record.Stamp(store.Number(results[0], 0))}
	for steps := 0; ; steps++ {
		table, more := results[len(results)-1].Rows[0][0].(float64)
		if !more || steps == f.steps || ctx.Err() != nil {
			done.More = more
			return done, nil
		}
		limit := []any{f.rows}
		results, err = s.db.Batch(ctx, []abi.Statement{
			{SQL: f.count[int(table)], Args: limit},
			{SQL: f.delete[int(table)], Args: limit},
			{SQL: f.next},
		})
		if err != nil {
			return done, fmt.Errorf("%s, after %d tombstones: %w", f.delete[int(table)], done.Tombstones, err)
		}
		if int(table) < len(s.schema.Tables) {
			done.Tombstones += int(store.Number(results[0], 0))
		}
	}
}
