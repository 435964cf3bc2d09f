//go:build !js

package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api/dialect"
	"tidemark/worker/store"
)

// A message is a push on its way.
type message struct {
	from         string
	caller       record.Caller
	version      record.Version
	lastPulledAt stamp
	rows         [][]object // of each table, without bookkeeping
	ids          [][]string // of each table
	input        []byte
	pulled       string     // the sum of the claims of the pull before
	done         bool       // it was taken once
	rejected     [][]string // ids of each table that it was done without, then
}

// A world is one run: replicas, a network that loses, repeats and delays, and
// a server whose clock is not exact.
type world struct {
	*dialect.Watermelon
	db       store.DB
	schema   record.Schema
	random   *rand.Rand
	now      int64 // milliseconds
	replicas []*replica
	late     []*message
	server   state
	buried   []map[string]bool // ids of each table whose deletion was answered
	backup   *state
	oracle   bool // compare every push with state.after
	known    map[int][]string
	story    []string
	// between happens before each step of a purge that deletes. Its error fails the step.
	between func() error
	space   *simulatedSpace // nil: the rows of the root
	ruled   *ruledWorld     // nil: no table has a rule or a check
}

// A simFailure ends a run.
type simFailure string

func (w *world) fail(format string, args ...any) { panic(simFailure(fmt.Sprintf(format, args...))) }

func (w *world) trace(format string, args ...any) {
	if simulateTrace {
		w.story = append(w.story, fmt.Sprintf("%d ", w.now-noon.UnixMilli())+fmt.Sprintf(format, args...))
	}
}

var simulateTrace = os.Getenv("SIMULATE_TRACE") != ""

func newWorld(db store.DB, statements *Statements, seed uint64, oracle bool) *world {
	w := &world{
		db: db, schema: statements.schema, random: rand.New(rand.NewPCG(seed, 7)), now: noon.UnixMilli(), oracle: oracle,
		known: map[int][]string{},
	}
	steps := steppingDB{db, func() error { return w.between() }}
	w.Watermelon = &dialect.Watermelon{Records: New(steps, statements), Schema: w.schema, Limits: watermelon.DefaultLimits()}
	w.erase()
	w.run("UPDATE Clock SET stamp = 1, horizon = 0, floor = 0, ruled = 0")
	if statements.guarded {
		w.ruled = &ruledWorld{world: w, plan: statements.plan, forgetting: &statements.forgetting}
	}
	for range w.schema.Tables {
		w.buried = append(w.buried, map[string]bool{})
	}
	for i := range 3 + w.random.IntN(3) {
		r := newReplica(w, string(rune('A'+i)))
		r.skew = []int64{0, 0, 3_600_000, -3_600_000, 4_000, -500}[w.random.IntN(6)]
		r.monotonic = w.random.IntN(2) == 0
		r.coarse = w.random.IntN(3) == 0
		r.untouched = w.random.IntN(4) == 0
		r.version = record.Version(1 + w.random.IntN(int(w.schema.Version)))
		if w.ruled != nil {
			r.caller = w.ruled.person(i)
			r.partial = w.random.IntN(3) == 0
		}
		w.replicas = append(w.replicas, r)
	}
	w.look()
	return w
}

// erase deletes all rows.
func (w *world) erase() {
	for _, t := range w.schema.Tables {
		w.run("DELETE FROM " + t.SQL)
	}
	w.run("DELETE FROM Told", "DELETE FROM Readers")
}

func (w *world) run(sql ...string) []abi.Result {
	var statements []abi.Statement
	for _, s := range sql {
		statements = append(statements, abi.Statement{SQL: s})
	}
	results, err := w.db.Batch(context.Background(), statements)
	if err != nil {
		w.fail("%v", err)
	}
	return results
}

// look reads what the server has.
func (w *world) look() {
	queries := []string{standard.readClock}
	for _, t := range w.schema.Tables {
		columns := "SELECT " + t.ID
		for _, c := range t.Columns {
			columns += ", " + c.SQL
		}
		queries = append(queries, columns+", created_at, updated_at, deleted, stamp, ahead FROM "+t.SQL)
	}
	results := w.run(append(queries, "SELECT born FROM Clock")...)
	w.clockIs(results)
	last := len(results) - 1
	w.server.born = stamp(store.Number(results[last], 0))
	w.server.tables = nil
	if w.ruled != nil {
		w.ruled.look()
	}
	for t, res := range results[1:last] {
		rows := map[string]*stored{}
		for _, cells := range res.Rows {
			s := &stored{raw: object{}}
			for i, c := range w.columns(t, w.schema.Version) {
				s.raw[c] = plainCell(cells[i+1])
			}
			n := len(cells)
			s.deleted = cells[n-3] == 1.0
			s.stamp = stamp(cells[n-2].(float64))
			s.ahead, _ = cells[n-1].(float64)
			rows[string(cells[0].(abi.Text))] = s
		}
		w.server.tables = append(w.server.tables, rows)
	}
}

// lookAtClock reads the clock alone.
func (w *world) lookAtClock() { w.clockIs(w.run(standard.readClock)) }

func (w *world) clockIs(results []abi.Result) {
	var err error
	if w.server.clock, err = clockOf(results); err != nil {
		w.fail("%v", err)
	}
}

func plainCell(v any) any {
	if t, ok := v.(abi.Text); ok {
		return string(t)
	}
	return v
}

// serverTime is what one of the server's isolates takes for the time.
func (w *world) serverTime() time.Time {
	return time.UnixMilli(w.now + []int64{0, 0, 0, 1500, -2000}[w.random.IntN(5)])
}

// step lets one thing happen.
func (w *world) step() {
	w.now += []int64{0, 0, 0, 1, 2, 50, 3_000, 60_000, 1_800_000}[w.random.IntN(9)]
	r := w.replicas[w.random.IntN(len(w.replicas))]
	switch n := w.random.IntN(40); {
	case n < 12:
		r.edit()
	case n < 36:
		r.advance()
	case n < 38 && len(w.late) > 0:
		w.deliver(w.late[w.random.IntN(len(w.late))])
	case n == 38 && r.version == 1 && w.schema.Version == 2 && r.idle() && (w.ruled == nil || r.random.IntN(2) == 0):
		r.upgrade()
	case n == 38 && w.ruled != nil:
		r.join()
	case n == 39 && w.ruled != nil && len(w.ruled.next) > 0 && r.random.IntN(2) == 0:
		w.ruled.redeclare()
	case n == 39:
		w.operate()
	}
}

// advance takes the replica's synchronize() a step further.
func (r *replica) advance() {
	lost := r.random.IntN(8) == 0
	switch {
	case r.pushing != nil:
		r.marks(r.pushing)
		r.pushing = nil
		r.trace("%s has its answer", r.name)
	case r.pulledNow:
		r.pulledNow = false
		m := r.fetch()
		if m == nil {
			return
		}
		if r.ruled != nil && r.random.IntN(8) == 0 {
			r.ruled.retoken(&m.caller) // for this push alone
		}
		switch r.random.IntN(8) {
		case 0: // it never arrives
			r.trace("%s pushes, lost", r.name)
		case 1: // it arrives late, when nobody waits for it any more
			r.late = append(r.late, m)
			r.trace("%s pushes, late", r.name)
		case 2: // it arrives, and again later
			r.late = append(r.late, m)
			fallthrough
		default:
			if r.deliver(m) && !lost {
				r.pushing = m
			}
		}
	default:
		if r.pulling == nil {
			limit := 0
			if r.random.IntN(3) == 0 {
				limit = 1 + r.random.IntN(4)
			}
			r.input = r.pullInput(limit)
		} else {
			r.input["cursor"] = r.pulling.Cursor
		}
		p := r.ask()
		if p == nil || lost {
			r.pulling = nil
			r.trace("%s has no answer to its pull", r.name)
			return
		}
		r.trace("%s pulls %v: %+v", r.name, r.input, *p)
		r.receive(p)
	}
}

// ask pulls; nil if it was refused, as a cursor of before a restore is.
func (r *replica) ask() *pulled {
	input, err := json.Marshal(r.input)
	if err != nil {
		r.fail("%v", err)
	}
	answer, _, err := r.Pull(context.Background(), r.caller, input, store.Budget{})
	if r.ruled != nil {
		r.lookAtClock() // the pull of new claims moves it
	}
	var stale *watermelon.InputError
	if errors.As(err, &stale) && r.input["cursor"] != nil {
		return nil
	}
	p := new(pulled)
	if err == nil {
		err = json.Unmarshal(answer.Bytes(), p)
	}
	if err != nil || p.Timestamp <= 0 {
		r.fail("%s pulls %s: %s, %v", r.name, input, answer.Bytes(), err)
	}
	return p
}

// deliver brings a push to the server and looks at what it did.
func (w *world) deliver(m *message) (taken bool) {
	before := w.server
	before.birth = stamp(w.now + record.ToleranceMillis)
	now := w.serverTime()
	answer, changed, err := w.Push(context.Background(), now, m.caller, m.input)
	w.look()
	w.trace("%s pushes %s at %d: %s, %v", m.from, m.input, now.UnixMilli(), answer, err)
	want, refused := before.after(&w.schema, m, now.UnixMilli())
	var conflict *watermelon.ConflictError
	if err != nil && !(refused && errors.As(err, &conflict)) {
		w.fail("push: %v", err)
	}
	if w.oracle {
		w.compare(want, refused, err)
		if (changed != nil) != (want.clock.stamp > before.clock.stamp) {
			w.fail("changed %v, the clock went from %v to %v", changed, before.clock, want.clock)
		}
	}
	if w.space != nil && refused && err == nil {
		w.fail("S7: %s pushed %s, which is based on what is gone", m.from, m.input)
	}
	if m.done && w.server.clock != before.clock && !w.toldByOtherClaims(before, m) {
		w.fail("U6: the same push again changed something: %v", changed)
	}
	if err != nil {
		return false
	}
	told := w.rejections(before, m, answer)
	m.done = w.server.born != unbornFloor // a space that is not there keeps nothing, not even a rejection
	if slices.ContainsFunc(told, func(ids []string) bool { return len(ids) > 0 }) && !slices.Contains(w.late, m) {
		w.late = append(w.late, m) // K4: the same push again is rejected, too
	}
	for t := range w.server.tables {
		for _, id := range m.ids[t] {
			if !slices.Contains(told[t], id) {
				w.buried[t][id] = true
			}
		}
		w.untouched(t, before.tables[t], m)
		w.taken(t, before, m, answer, told[t])
	}
	return true
}

// taken checks U5: what a push brought is there, or its author is told. An author who
// had seen what was stored, alive, is never told.
func (w *world) taken(t int, before state, m *message, answer []byte, rejected []string) {
	var told struct{ Superseded map[string][]string }
	if err := json.Unmarshal(answer, &told); err != nil {
		w.fail("%v", err)
	}
	lost := told.Superseded[w.schema.Tables[t].Name]
	for _, raw := range m.rows[t] {
		id := raw["id"].(string)
		if slices.Contains(rejected, id) {
			continue
		}
		old, row := before.tables[t][id], w.server.tables[t][id]
		if slices.Contains(lost, id) {
			if old != nil && !old.deleted && old.stamp <= min(m.lastPulledAt, before.clock.stamp) {
				w.fail("U5: %s had seen %+v, and %+v is superseded", m.from, old, raw)
			}
			continue
		}
		if row.deleted {
			w.fail("U5: %s is not told that %s is deleted", m.from, id)
		}
		for c, v := range raw {
			if c != "id" && c != record.UpdatedAt && row.raw[c] != v && !w.filled(t, c, v) {
				w.fail("U5: %s is not told that its %s of %s, %v, is now %v", m.from, c, id, v, row.raw[c])
			}
		}
	}
}

// compare holds what the server has against what plain Go says.
func (w *world) compare(want state, refused bool, err error) {
	if refused != (err != nil) {
		w.fail("refused %v, got %v", refused, err)
	}
	if w.server.clock != want.clock {
		w.fail("clock %v, want %v", w.server.clock, want.clock)
	}
	for t := range want.tables {
		if !maps.EqualFunc(w.server.tables[t], want.tables[t], (*stored).equal) {
			for id, s := range want.tables[t] {
				if got := w.server.tables[t][id]; got == nil || !got.equal(s) {
					w.fail("%s: got %+v, want %+v", id, got, s)
				}
			}
			w.fail("more rows than expected")
		}
	}
}

// untouched checks U10: an older app did not change what it does not know.
func (w *world) untouched(t int, before map[string]*stored, m *message) {
	for id, old := range before {
		row := w.server.tables[t][id]
		for _, c := range w.schema.Tables[t].Columns {
			if c.Since > m.version && row.raw[c.Name] != old.raw[c.Name] {
				w.fail("U10: an app of version %d made %s of %s %v, it was %v", m.version, c.Name, id, row.raw[c.Name], old.raw[c.Name])
			}
		}
	}
}

// safety is the invariant of every step.
func (w *world) safety() {
	for t := range w.server.tables {
		for id := range w.buried[t] {
			if s := w.server.tables[t][id]; s == nil || !s.deleted {
				w.fail("T2: the deletion of %s was answered, and it is %+v", id, s)
			}
		}
	}
	for _, r := range w.replicas {
		if r.idle() && r.lastPulledAt != 0 && !w.server.clock.replaces(r.lastPulledAt) && (w.ruled == nil || r.sum == w.ruled.plan.Sum(r.caller)) {
			for t := range r.tables {
				r.safe(t)
			}
		}
	}
}

func (r *replica) safe(t int) {
	if !r.knows(t, r.seenVersion) {
		return
	}
	for id, s := range r.server.tables[t] {
		row := r.tables[t][id]
		switch {
		case s.stamp > r.lastPulledAt:
		case r.told(t, id) > r.lastPulledAt:
		case s.deleted || !r.mayRead(t, id, s):
			if row != nil && row.status != "created" {
				r.fail("Safety: %s pulled at %d and has %s, which is deleted or not theirs, of %d: %+v", r.name, r.lastPulledAt, id, s.stamp, row)
			}
		case row == nil:
			if !r.deleted[t][id] {
				r.fail("Safety: %s pulled at %d and lacks %s of %d", r.name, r.lastPulledAt, id, s.stamp)
			}
		default:
			for _, c := range r.columns(t, r.seenVersion) {
				if !row.changed[c] && row.raw[c] != s.raw[c] {
					r.fail("Safety: %s pulled at %d; %s of %s is %v, and %v on the server, of %d", r.name, r.lastPulledAt, c, id, row.raw[c], s.raw[c], s.stamp)
				}
			}
		}
	}
	for id, row := range r.tables[t] {
		if row.status != "created" && r.server.tables[t][id] == nil && r.told(t, id) <= r.lastPulledAt {
			r.fail("Safety: %s pulled at %d and has %s, which is nowhere", r.name, r.lastPulledAt, id)
		}
	}
}

// liveness heals the network and lets everyone synchronize: after two rounds
// all must be equal and quiet.
func (w *world) liveness() {
	for _, m := range w.late {
		w.deliver(m)
	}
	for _, r := range w.replicas {
		r.pulling, r.pulledNow, r.pushing = nil, false, nil
	}
	for round := range 3 {
		for _, r := range w.replicas {
			r.input = r.pullInput(0)
			p := r.ask()
			for _, c := range p.Changes {
				if n := len(c.Updated) + len(c.Deleted); round == 2 && (n > 0 || p.ExperimentalStrategy != "" && w.server.born != unbornFloor) {
					w.fail("Liveness: %s still pulls %+v", r.name, p)
				}
			}
			r.receive(p)
			r.pulledNow = false
			if m := r.fetch(); m != nil {
				if round > 0 {
					w.fail("Liveness: %s still pushes %s", r.name, m.input)
				}
				if !w.deliver(m) {
					w.fail("Liveness: %s may not push %s", r.name, m.input)
				}
				r.marks(m)
			}
			w.safety()
		}
	}
	for _, r := range w.replicas {
		for t := range r.tables {
			for id, s := range w.server.tables[t] {
				if !r.knows(t, r.version) {
					break
				}
				if (s.deleted || !r.mayRead(t, id, s)) == (r.tables[t][id] != nil) || s.stamp > r.lastPulledAt {
					w.fail("Liveness: %s has %v as %s, the server %+v", r.name, r.tables[t][id], id, s)
				}
			}
		}
	}
}

// simulatedStatements returns the statements of simulations, made of these rules.
func simulatedStatements(r *rules) *Statements {
	s := newStatements(simulated(), watermelon.DefaultLimits().PullBytes, r)
	s.forgetting.rows, s.forgetting.steps = 1, 2
	return s
}

// simulate runs one seed, and returns what went wrong.
func simulate(db store.DB, statements *Statements, seed uint64, oracle bool) error {
	return simulateWith(db, statements, seed, oracle, func(*world) {})
}

func simulateWith(db store.DB, statements *Statements, seed uint64, oracle bool, prepare func(*world)) (err error) {
	var w *world
	defer func() {
		if failure, ok := recover().(simFailure); ok {
			err = fmt.Errorf("seed %d: %s", seed, string(failure))
			if simulateTrace {
				err = fmt.Errorf("%w\n%s", err, strings.Join(w.story, "\n"))
			}
		}
	}()
	w = newWorld(db, statements, seed, oracle)
	prepare(w)
	for range 120 {
		w.step()
		w.safety()
	}
	w.liveness()
	return nil
}

// TestSimulation runs SIMULATE_SEEDS seeds (500; 50 with -short), or the one in
// SIMULATE_SEED. With SIMULATE_TRACE a failure has its story.
func TestSimulation(t *testing.T) {
	statements := simulatedStatements(&standard)
	wasmtest.Seeds(t, 500, 50, func(t *testing.T) func(uint64) error {
		db := wasmtest.OpenD1(t, store.Migrations())
		return func(seed uint64) error { return simulate(db, statements, seed, true) }
	})
}

var _ store.DB = (*edge.D1)(nil)
