//go:build !js

package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/logline"
	"tidemark/shared/webhook"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/outbox"
)

var errDead = errors.New("the instance has ended")

// A world is the root's database with writers, the object that sends its events, and a receiver; or
// a space, whose object has both. The
// instance ends now and then, in any operation on the database, the objects or the receiver, before
// or after that has its effect.
type world struct {
	db     *wasmtest.D1
	random *rand.Rand
	space  bool
	now    time.Time

	// of the instance
	life    int // operations until its end
	dead    context.Context
	end     context.CancelFunc
	courier *Courier
	box     *Outbox
	armed   *Armed
	alarm   time.Time // stored by the host; zero: none
	posted  []byte    // a message that is on its way
	server  int       // the number of its start
	gone    bool      // the receiver said 410 in this start of the server, and an instance has stored that
	calm    bool      // the instance does not end any more
	nested  bool      // something happens during an operation

	marks map[string]int64 // the last change of each table and project, as committed
	told  map[string]int64 // as the receiver took it
	sent  map[string]string
	first []webhook.Event // of each id, the first attempt
	fault func() (int, error)
	err   error
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// step is one operation.
func (w *world) step(do func() error) error {
	if w.dead.Err() != nil {
		return errDead
	}
	if w.life--; w.life > 0 || w.calm {
		return do()
	}
	if w.random.IntN(2) == 0 {
		do()
	}
	w.end()
	return errDead
}

func (w *world) Batch(ctx context.Context, statements []abi.Statement) (results []abi.Result, err error) {
	if store.Announces(statements) && w.random.IntN(4) == 0 {
		w.meanwhile(func() { // the writer is slow
			for end := w.now.Add(time.Duration(w.random.IntN(60_000)) * time.Millisecond); w.dead.Err() == nil && !w.alarm.IsZero() && w.alarm.Before(end); {
				w.now = later(w.now, w.alarm)
				w.ring()
			}
		})
	}
	err = w.step(func() (err error) {
		results, err = w.db.Batch(ctx, statements)
		return err
	})
	if !store.Announces(statements) && w.random.IntN(4) == 0 { // while the outbox waits for the database
		w.meanwhile(func() {
			w.change()
			w.arrive()
		})
	}
	return results, err
}

// meanwhile is what happens while an operation waits.
func (w *world) meanwhile(happens func()) {
	if w.nested || w.calm {
		return
	}
	w.nested = true
	defer func() { w.nested = false }()
	happens()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// arrive delivers what was posted.
func (w *world) arrive() {
	if message := w.posted; message != nil && w.dead.Err() == nil {
		w.posted = nil
		w.deliver(message)
	}
}

// Call reaches the object whose alarm sends the events.
func (w *world) Call(_ context.Context, _, object string, data ...[]byte) (reply []byte, err error) {
	if object != Object {
		w.fail("a call of %q", object)
	}
	err = w.step(func() error {
		w.deliver(data[0])
		return nil
	})
	return reply, err
}

// Publish has a message on its way.
func (w *world) Publish(_ context.Context, _, _ string, data []byte) {
	w.step(func() error {
		w.posted = data
		return nil
	})
}

// deliver is an event of the object.
func (w *world) deliver(message []byte) {
	w.box.Call(message)
	w.alarm = w.box.Due()
}

// Fetch asks the receiver. It checks what holds for each attempt.
func (w *world) Fetch(ctx context.Context, f abi.Fetch) (got abi.Fetched, err error) {
	err = w.step(func() error {
		id := ""
		for _, h := range f.Header {
			if h[0] == "webhook-id" {
				id = h[1]
			}
		}
		if before, again := w.sent[id]; again && before != string(f.Body) {
			w.fail("%s is not the same: %s and %s", id, before, f.Body)
		} else if !again {
			w.sent[id] = string(f.Body)
			w.compose(f.Body)
		}
		var fault error
		if w.gone {
			w.fail("it goes on after 410")
		}
		got.Status, fault = w.fault()
		w.gone = got.Status == 410
		if fault != nil {
			w.now = w.now.Add(15 * time.Second)
			return fault
		}
		w.now = w.now.Add(time.Duration(w.random.IntN(200)) * time.Millisecond)
		if got.Status/100 == 2 {
			w.take(f.Body)
		}
		return nil
	})
	return got, err
}

type body struct {
	Type      webhook.Type
	Timestamp time.Time
	Data      struct {
		Tables    []string
		Stamp     int64
		Project   string
		Timestamp int64
	}
}

// compose checks the gap between events of records: the first attempts of two.
func (w *world) compose(text []byte) {
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		w.fail("%s: %v", text, err)
	}
	e := webhook.Event{Type: b.Type, Composed: b.Timestamp.UnixMilli()}
	for _, before := range w.first {
		if e.Type == webhook.RecordsChanged && before.Type == e.Type && e.Composed-before.Composed < 1000 {
			w.fail("two events of records within %d ms", e.Composed-before.Composed)
		}
	}
	w.first = append(w.first, e)
}

func (w *world) take(text []byte) {
	var b body
	json.Unmarshal(text, &b)
	note := func(key string, mark int64) {
		if mark < w.told[key] {
			w.fail("%s: %d came after %d", key, mark, w.told[key])
		}
		w.told[key] = mark
	}
	for _, table := range b.Data.Tables {
		note(table, b.Data.Stamp)
	}
	if b.Type == webhook.ProjectChanged {
		note(b.Data.Project, b.Data.Timestamp)
	}
}

// start is a new instance, and perhaps a new start of the server. The alarm is stored.
func (w *world) start(server bool) {
	if server {
		w.server++
	}
	start := strconv.Itoa(w.server)
	stored, err := outbox.NewList(w.db).Gone(context.Background(), start)
	if err != nil {
		w.fail("%v", err)
	}
	w.gone = stored
	w.life = 1 + w.random.IntN(60)
	w.dead, w.end = context.WithCancel(context.Background())
	now := func() time.Time { return w.now }
	w.courier = &Courier{
		Config: webhook.Config{URL: "https://receiver", Secrets: [][]byte{make([]byte, 24)}},
		Web:    w, List: outbox.NewList(w), Now: now, Log: logline.New(func([]byte) {}, now), Start: start,
	}
	w.open()
	w.armed = &Armed{DB: w, Calls: w, Now: now}
	w.posted = nil
}

// open makes the outbox anew. The object of a space opens it before any other event.
func (w *world) open() {
	if w.box = w.courier.NewRoot(w); !w.space {
		return
	}
	w.box = w.courier.New(w, outbox.OfRows, outbox.Entry{Space: "acme"})
	nested := w.nested
	w.nested = true
	w.box.Open(w.dead)
	w.nested = nested
}

// change writes to a table or a project.
func (w *world) change() {
	key, kind := []string{"customers", "products", "p1", "p2", "p3"}[w.random.IntN(5)], webhook.ProjectChanged
	bump := abi.Statement{SQL: `UPDATE ProjectSequences SET seq = seq + 1 WHERE project_id = ?1 RETURNING seq`, Args: []any{key}}
	if !strings.HasPrefix(key, "p") || key == "products" {
		kind, bump = webhook.RecordsChanged, abi.Statement{SQL: `UPDATE Clock SET stamp = stamp + 1 RETURNING stamp`}
	}
	write := []abi.Statement{bump, store.Announce("SELECT ?1, ?2", string(kind), key)}
	if w.space {
		w.step(func() error { return w.event(write) })
	} else {
		w.armed.Batch(w.dead, write)
	}
	// What is committed counts, whether the writer learned of it or not.
	results, err := w.db.Batch(context.Background(), []abi.Statement{
		{SQL: `SELECT stamp, (SELECT seq FROM ProjectSequences WHERE project_id = ?1) FROM Clock`, Args: []any{key}},
	})
	if err != nil {
		w.fail("%v", err)
		return
	}
	column := 0
	if kind == webhook.ProjectChanged {
		column = 1
	}
	if mark := int64(store.Number(results[0], column)); mark > w.marks["clock of "+string(kind)+clockOf(kind, key)] {
		w.marks["clock of "+string(kind)+clockOf(kind, key)] = mark
		w.marks[key] = mark
	}
}

// event writes in an event of the space's object, which sets the alarm with the commit.
func (w *world) event(write []abi.Statement) error {
	results, err := w.db.Batch(context.Background(), write)
	if err != nil {
		return err
	}
	if rows := store.Announced(write, results); rows > 0 {
		w.box.Noted(rows)
	}
	w.alarm = w.box.Due()
	return nil
}

// clockOf tells the clocks apart: the tables share one.
func clockOf(kind webhook.Type, key string) string {
	if kind == webhook.RecordsChanged {
		return ""
	}
	return key
}

// ring runs the alarm if it is due.
func (w *world) ring() {
	if w.alarm.IsZero() || w.alarm.After(w.now) {
		return
	}
	w.box.Deliver(w.dead)
	if w.dead.Err() == nil {
		w.alarm = w.box.Due()
	}
}

func (w *world) reset() error {
	_, err := w.db.Batch(context.Background(), []abi.Statement{
		{SQL: `DELETE FROM Webhooks`}, {SQL: `UPDATE WebhookState SET event = NULL, state = '{}'`}, {SQL: `DELETE FROM ProjectSequences`},
		{SQL: `INSERT INTO ProjectSequences (project_id, seq, drawn) VALUES ('p1', 0, ''), ('p2', 0, ''), ('p3', 0, '')`}, {SQL: `UPDATE Clock SET stamp = 0`},
	})
	w.marks, w.told, w.sent, w.first, w.alarm, w.calm, w.err = map[string]int64{}, map[string]int64{}, map[string]string{}, nil, time.Time{}, false, nil
	w.fault = func() (int, error) { return 204, nil }
	return err
}

func (w *world) run(seed uint64) error {
	w.space = seed%2 == 0
	w.random, w.now = rand.New(rand.NewPCG(seed, 0)), time.UnixMilli(1_700_000_000_000)
	if err := w.reset(); err != nil {
		return err
	}
	w.start(true)
	for range 300 {
		if w.dead.Err() != nil {
			w.start(w.random.IntN(2) == 0)
		}
		switch w.random.IntN(11) {
		case 0, 1, 2, 3:
			w.change()
		case 4, 5:
			w.now = w.now.Add(time.Duration(w.random.IntN(3_000)) * time.Millisecond)
		case 6:
			if at := w.alarm; at.After(w.now) {
				w.now = at
			}
		case 7:
			w.arrive()
		case 8:
			status := []int{200, 204, 302, 400, 500, 410}[w.random.IntN(6)]
			hangs := w.random.IntN(8) == 0
			w.fault = func() (int, error) {
				if hangs {
					return 0, errors.New("it hangs")
				}
				return status, nil
			}
		case 9:
			w.ring()
		case 10: // the object is made anew, as in another isolate
			w.open()
		}
	}
	w.fault, w.calm = func() (int, error) { return 204, nil }, true
	w.start(true) // the end of what was stored of a 410
	for rings := 0; !w.alarm.IsZero(); rings++ {
		if rings == 1000 {
			return fmt.Errorf("the alarm never ends")
		}
		if w.alarm.After(w.now) {
			w.now = w.alarm
		}
		w.ring()
	}
	for key, mark := range w.marks {
		if !strings.HasPrefix(key, "clock") && w.told[key] < mark {
			w.fail("%s: the receiver knows %d of %d", key, w.told[key], mark)
		}
	}
	if w.err != nil {
		return fmt.Errorf("seed %s: %w", strconv.FormatUint(seed, 10), w.err)
	}
	return nil
}

// W3 and W4: whatever ends in between, the receiver hears of every change, of each table and project in
// order, an event is the same at each attempt, and two events of records are a second apart.
func TestSimulationTheReceiverHearsOfEveryChange(t *testing.T) {
	wasmtest.Seeds(t, 400, 60, func(t *testing.T) func(uint64) error {
		w := &world{db: wasmtest.OpenD1(t, store.Migrations())}
		return w.run
	})
}
