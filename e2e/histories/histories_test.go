//go:build !js

package histories

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	// roundsVariable is the number of rounds of a run. Without it the run is short.
	roundsVariable = "HISTORIES_ROUNDS"
	// callsBetween is the number of the clients' steps between two faults.
	callsBetween = 150
	seed         = 1
)

// rounds returns the number of rounds to run, 0 if the variable is not set.
func rounds(t *testing.T) int {
	text := os.Getenv(roundsVariable)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q", roundsVariable, text)
	}
	return n
}

// TestHistoriesOnWazero records the requests and responses of clients of the self-hosted
// server under faults. It fails unless an order of the requests explains all responses.
func TestHistoriesOnWazero(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the server")
	}
	record(t, wazero(t), max(1, rounds(t)))
}

// A run is a host, its clients, and the history that they recorded.
type run struct {
	t       *testing.T
	host    *gatedHost
	history *History
	round   atomic.Int64 // the clients contend for rows of this round only
	steps   atomic.Int64
	copied  string // the folder of the last copy

	mu     sync.Mutex
	counts map[string]int
}

func (r *run) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what]++
}

type stepper interface{ step() }

// record runs clients against the host while it is killed, paused, copied and restored,
// and checks the history.
func record(t *testing.T, h *gatedHost, rounds int) {
	r := &run{t: t, host: h, history: NewHistory(), copied: filepath.Join(t.TempDir(), "copy"), counts: map[string]int{}}
	h.Start(t)
	h.gate.unlock()
	var clients []stepper
	var pulls []func()
	add := func(subject string) *client {
		return newClient(h.gateDoor(), r, len(clients), subject, "sync:read sync:write projects:read projects:write")
	}
	for _, skew := range skews {
		c := &rowClient{client: add("rows"), skew: skew, rows: map[string]string{}}
		clients, pulls = append(clients, c), append(pulls, c.pull)
	}
	for range 4 {
		c := &projectClient{client: add("owner"), tasks: map[string]task{}}
		clients, pulls = append(clients, c), append(pulls, c.pull)
	}
	clients = append(clients, &ticketClient{client: add("guest")}, &ticketClient{client: add("guest")})
	add("owner").makeProject()

	stop := make(chan struct{})
	var running sync.WaitGroup
	end := sync.OnceFunc(func() {
		close(stop)
		running.Wait()
	})
	t.Cleanup(func() {
		h.gate.shut() // or a client may wait for a dead host
		end()
	})
	for _, c := range clients {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.step()
					r.steps.Add(1)
				}
			}
		})
	}
	h.gate.loses(true)
	for range rounds {
		r.round.Add(1)
		r.await()
		r.crash(nil)
		r.await()
		r.crash(r.save)
		r.await()
		h.Pause(300 * time.Millisecond)
		r.await()
		r.crash(r.restore)
		r.await()
	}
	h.gate.loses(false)
	end()
	for _, pull := range pulls {
		pull()
	}
	r.report()
	for _, m := range Models {
		check(t, m, r.history.Of(m))
	}
}

// await returns when the clients have done callsBetween more steps.
func (r *run) await() {
	r.t.Helper()
	until := r.steps.Load() + callsBetween
	for deadline := time.Now().Add(patience); r.steps.Load() < until; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("the clients wait: %d steps are done of %d", r.steps.Load(), until)
		}
	}
}

// crash kills the host and starts it again. New connections wait meanwhile. change, if not
// nil, may replace the data; crash calls the function that it returns when the host runs.
func (r *run) crash(change func(Call) func()) {
	r.t.Helper()
	r.host.gate.lock()
	r.host.Kill()
	then := func() {}
	if change != nil {
		then = change(r.history.Begin(conductor))
	}
	r.host.Start(r.t)
	then()
	r.host.gate.unlock()
}

// conductor is the client of events that concern the whole server.
const conductor = 100

// save copies the data of the dead host.
func (r *run) save(c Call) func() {
	r.replace(r.copied, r.host.Data)
	r.history.Happen(c, Saved, 0)
	return func() {}
}

// restore gives the host the data of the copy, and tells the host that it was restored.
func (r *run) restore(c Call) func() {
	r.replace(r.host.Data, r.copied)
	return func() { r.history.Happen(c, Restored, r.host.restore(r.t)) }
}

// replace makes a folder a copy of another.
func (r *run) replace(to, from string) {
	r.t.Helper()
	if err := os.RemoveAll(to); err != nil {
		r.t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		r.t.Fatal(err)
	}
}

// report logs the counts of the history.
func (r *run) report() {
	g := r.host.gate
	lines := []string{fmt.Sprintf("%d steps; connections delivered %d, dropped %d, cut %d, unanswered %d, late %d",
		r.steps.Load(), g.lost[delivered], g.lost[dropped], g.lost[cut], g.lost[muted], g.lost[late])}
	for _, what := range slices.Sorted(maps.Keys(r.counts)) {
		lines = append(lines, fmt.Sprintf("%s: %d", what, r.counts[what]))
	}
	r.t.Log(strings.Join(lines, "; "))
}

// check fails unless an order explains the history.
func check(t *testing.T, m *Model, ops []porcupine.Operation) {
	t.Helper()
	if len(ops) == 0 {
		t.Errorf("%s: nothing was recorded", m.Name)
	}
	began := time.Now()
	result, info := porcupine.CheckOperationsVerbose(m.Model, ops, checkFor)
	t.Logf("%s: %s, %d operations, checked in %v", m.Name, result, len(ops), time.Since(began).Round(time.Millisecond))
	if result == porcupine.Ok {
		return
	}
	t.Errorf("%s: %s", m.Name, result)
	if file, err := os.CreateTemp("", "history-*.html"); err == nil {
		defer file.Close()
		if porcupine.Visualize(m.Model, info, file) == nil {
			t.Logf("a picture of it: %s", file.Name())
		}
	}
	parts := [][]porcupine.Operation{ops}
	if m.Partition != nil {
		parts = m.Partition(ops)
	}
	for _, part := range parts {
		if porcupine.CheckOperationsTimeout(m.Model, part, 10*time.Second) == porcupine.Ok {
			continue
		}
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range part {
			t.Logf("client %d, %v to %v: %s", op.ClientId, time.Duration(op.Call), time.Duration(op.Return), m.DescribeOperation(op.Input, op.Output))
		}
		return
	}
}
