//go:build !js

package records

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// An edit is what is to be replaced in a statement, and by what.
type edit struct {
	pattern     *regexp.Regexp
	replacement string
}

// A mutantDB takes one fix out of the statements on their way to the database.
type mutantDB struct {
	store.DB
	edits      []edit
	mutated    int
	interleave func() // runs between a pull's rows and its clock
}

func (m *mutantDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	for _, e := range m.edits {
		for i, s := range statements {
			mutated := e.pattern.ReplaceAllString(s.SQL, e.replacement)
			if mutated != s.SQL {
				m.mutated++
				statements[i].SQL = mutated
			}
		}
	}
	if m.interleave != nil && len(statements) > 1 && statements[0].SQL == readClock && strings.HasPrefix(statements[1].SQL, "WITH") {
		m.mutated++
		rows, err := m.DB.Batch(ctx, statements[1:])
		if err != nil {
			return nil, err
		}
		m.interleave()
		clock, err := m.DB.Batch(ctx, statements[:1])
		return append(clock, rows...), err
	}
	return m.DB.Batch(ctx, statements)
}

// TestTheSimulationFindsEveryHole takes the fixes out one by one: the
// invariants alone, without the oracle, must notice.
func TestTheSimulationFindsEveryHole(t *testing.T) {
	quote := regexp.QuoteMeta
	restamp := quote("t.stamp <= (SELECT base FROM push)")
	for name, edits := range map[string][]string{
		"a_stamps_are_the_clients_times":                 {quote("THEN (SELECT next FROM push) ELSE t.stamp END"), "THEN c.counts ELSE t.stamp END"},
		"a'_two_pushes_share_a_millisecond":              {quote("max(stamp + 1, "), "max(stamp, "},
		"plain_losers_are_taken_for_plain":               {quote("ELSE json('not plain') END"), "ELSE 0 END"},
		"plain_earlier_rows_win":                         {quote("excluded.updated_at >= updated_at + 1"), "true"},
		"plain_an_update_revives":                        {quote("deleted = 0 AND ahead IS NULL"), "ahead IS NULL", quote("SET ContactName"), "SET deleted = 0, ContactName"},
		"plain_claims_are_believed":                      {quote(" AND ahead IS NULL"), ""},
		"plain_two_pushes_share_a_millisecond":           {quote("max(Clock.stamp + 1, "), "max(Clock.stamp, ", quote("SET stamp = max(stamp + 1, "), "SET stamp = max(stamp, "},
		"b_losers_are_not_told":                          {restamp, "(t.deleted AND $0)"},
		"c1_equal_times_are_the_same_row":                {quote("c.counts = c.written AND"), "false AND", quote("WHEN (SELECT (json_array("), "WHEN c.counts < c.written AND (SELECT (json_array("},
		"c3_a_successor_is_in_conflict":                  {quote("WHEN c.was <= (SELECT base FROM push) AND"), "WHEN false AND"},
		"c3_a_successor_gets_no_later_time":              {quote("max(c.counts, c.written + 1)"), "c.counts"},
		"d_losers_to_a_tombstone_are_not_told":           {restamp, "(t.deleted = 0 AND $0)"},
		"d_an_update_revives":                            {quote("WHEN t.deleted THEN"), "WHEN false THEN", quote("ifnull(t.deleted, 0)"), "0"},
		"j_claims_are_believed_when_their_time_has_come": {quote("c.claimed > ifnull(t.ahead, 0)"), "true"},
		"j_losers_are_told_every_time":                   {restamp, "t.stamp > 0"},
		"k_deleting_an_unknown_id_leaves_nothing":        {`(INSERT INTO (\w+) \((\w+), deleted, stamp\).*) WHERE true`, "$1 WHERE j.value IN (SELECT $3 FROM $2)"},
		"l_a_restore_gives_no_floor":                     {`, floor = .* RETURNING`, " RETURNING"},
		"n_absent_columns_are_wiped":                     {`c\.mask & (\d+)`, "c.mask | $1"},
		"o_pages_go_beyond_asOf":                         {quote("t.stamp <= CAST(?2 AS INTEGER)"), "true"},
		"P6_added_columns_are_not_brought":               {` OR t\.deleted = 0 AND \(t\.Notes IS NOT NULL\)`, ""},
		"T3_the_horizon_is_not_minded":                   {quote("max(floor, horizon)"), "floor", quote(readClock), "SELECT stamp, 0, floor FROM Clock"},
		"T4_what_changed_before_is_not_in_a_replacement": {quote("ELSE -1 END AS since"), "ELSE stamp END AS since"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := &mutantDB{DB: wasmtest.OpenD1(t, store.Migrations())}
			for i := 0; i < len(edits); i += 2 {
				db.edits = append(db.edits, edit{regexp.MustCompile("(?s)" + edits[i]), edits[i+1]})
			}
			findHole(t, db, func(seed uint64) error { return simulate(db, seed, false) })
		})
	}
	t.Run("g_a_push_between_rows_and_timestamp", func(t *testing.T) {
		t.Parallel()
		db := &mutantDB{DB: wasmtest.OpenD1(t, store.Migrations())}
		findHole(t, db, func(seed uint64) error { return simulateInterleaved(db, seed) })
	})
}

func findHole(t *testing.T, db *mutantDB, run func(seed uint64) error) {
	const most = 400
	for seed := uint64(1); seed <= most; seed++ {
		if err := run(seed); err != nil {
			t.Log(err)
			if db.mutated == 0 || strings.Contains(err.Error(), "SQLITE_ERROR") {
				t.Error("the statements were not changed as they should be")
			}
			return
		}
	}
	t.Errorf("%d seeds passed, %d statements changed", most, db.mutated)
}

// simulateInterleaved lets a late push, if there is one, arrive between a
// pull's rows and its clock.
func simulateInterleaved(db *mutantDB, seed uint64) error {
	return simulateWith(db, seed, false, func(w *world) {
		db.interleave = func() {
			if len(w.late) > 0 {
				m := w.late[0]
				w.late = w.late[1:]
				w.deliver(m)
			}
		}
	})
}
