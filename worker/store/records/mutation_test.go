//go:build !js

package records

import (
	"context"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// TestTheSimulationMissesEveryRule takes the rules out one by one: the invariants
// of the simulation alone, without the model, must notice.
// docs/protocol.md, "Rows".
func TestTheSimulationMissesEveryRule(t *testing.T) {
	for name, change := range map[string]func(*rules){
		"stamps are the clients' times":                            func(r *rules) { r.winnerStamp = "c.effective" },
		"two writes share a stamp":                                 func(r *rules) { r.next = "stamp" },
		"two simple writes share a stamp":                          func(r *rules) { r.simpleNext = "stamp" },
		"losers of a simple write are not found":                   func(r *rules) { r.simpleAbort = "0" },
		"earlier rows win a simple write":                          func(r *rules) { r.simpleLater = "true" },
		"a simple write revives":                                   func(r *rules) { r.simpleAlive, r.simpleRevives = "true", "deleted = 0, " },
		"a simple write believes every time":                       func(r *rules) { r.simpleClaims = "true" },
		"losers do not get the winner":                             func(r *rules) { r.restamped = "(t.deleted AND " + standard.restamped + ")" },
		"losers do not get the tombstone":                          func(r *rules) { r.restamped = "(t.deleted = 0 AND " + standard.restamped + ")" },
		"losers get the winner at every repetition":                func(r *rules) { r.restamped = "t.stamp > 0" },
		"rows of equal times are the same":                         func(r *rules) { r.equalTimes, r.loses = "false", "c.effective < c.stored_time AND $differs" },
		"a row whose writer saw the stored one loses":              func(r *rules) { r.successor = "false" },
		"a row whose writer saw the stored one gets no later time": func(r *rules) { r.later = "c.effective" },
		"a write revives":                                          func(r *rules) { r.dead, r.keepDead = "false", "0" },
		"a time is believed once the clock has reached it":         func(r *rules) { r.believed = "true" },
		"deleting an unknown id leaves nothing":                    func(r *rules) { r.buries = "j.value IN (SELECT $id FROM $table)" },
		"a restore sets no floor":                                  func(r *rules) { r.floor = "" },
		"columns that a row does not bring are wiped":              func(r *rules) { r.brings = "c.mask | $bit" },
		"pages go beyond their stamp":                              func(r *rules) { r.asOf = "true" },
		"added columns are not brought":                            func(r *rules) { r.gained = "false AND ($columns)" },
		"the horizon is ignored": func(r *rules) {
			r.oldest, r.leastBase, r.readClock = "floor", "floor", "SELECT stamp, 0, floor, ruled FROM Clock"
		},
		"a purge goes beyond its horizon":     func(r *rules) { r.forgotten = "true" },
		"a replacement has only what changed": func(r *rules) { r.replacementFrom = "stamp" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := standard
			change(&changed)
			db, statements := wasmtest.OpenD1(t, store.Migrations()), simulatedStatements(&changed)
			findHole(t, func(seed uint64) error { return simulate(db, statements, seed, false) })
		})
	}
	t.Run("a write comes between the rows of a page and its stamp", func(t *testing.T) {
		t.Parallel()
		db, statements := &interleavingDB{DB: wasmtest.OpenD1(t, store.Migrations())}, simulatedStatements(&standard)
		findHole(t, func(seed uint64) error { return simulateInterleaved(db, statements, seed) })
	})
}

// findHole runs seeds until one fails.
func findHole(t *testing.T, run func(seed uint64) error) {
	const most = 400
	for seed := uint64(1); seed <= most; seed++ {
		if err := run(seed); err != nil {
			t.Log(err)
			if strings.Contains(err.Error(), "SQLITE_ERROR") {
				t.Error("the changed statements are no SQL")
			}
			return
		}
	}
	t.Errorf("%d seeds passed", most)
}

// An interleavingDB runs the rows of a page and its clock as two transactions.
type interleavingDB struct {
	store.DB
	between func()
}

func (d *interleavingDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if len(statements) < 2 || statements[0].SQL != standard.readClock || !strings.HasPrefix(statements[1].SQL, "WITH") {
		return d.DB.Batch(ctx, statements)
	}
	rows, err := d.DB.Batch(ctx, statements[1:])
	if err != nil {
		return nil, err
	}
	d.between()
	clock, err := d.DB.Batch(ctx, statements[:1])
	return append(clock, rows...), err
}

// simulateInterleaved lets a late push, if there is one, arrive between the rows of
// a page and its clock.
func simulateInterleaved(db *interleavingDB, statements *Statements, seed uint64) error {
	return simulateWith(db, statements, seed, false, func(w *world) {
		db.between = func() {
			if len(w.late) > 0 {
				m := w.late[0]
				w.late = w.late[1:]
				w.deliver(m)
			}
		}
	})
}
