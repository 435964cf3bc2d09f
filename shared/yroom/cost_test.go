package yroom

import (
	"strings"
	"testing"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// scanning is an update whose n items of client 1 are each put beside another unit
// of a text of length units by client 2: integrating one passes those before it.
// Items from the from-th on are written.
func scanning(from, n, length int) []byte {
	b := []byte{2}
	if from > 0 {
		b[0] = 1
	} else {
		b = append(b, 1, 2, 0, 4, 1, 1, 't')
		b = lib0.AppendString(b, strings.Repeat("a", length))
	}
	b = append(lib0.AppendUint(b, uint64(n)), 1)
	b = lib0.AppendUint(b, uint64(from))
	for i := from; i < from+n; i++ {
		b = lib0.AppendUint(append(b, 0x44, 2), uint64(i%length))
		b = append(b, 1, 'x')
	}
	return append(b, 0)
}

// A disk is a room's storage, and a room that is made anew for every event, as
// after a restart.
type disk struct {
	*fake
	t     *testing.T
	now   time.Time
	ended bool
	room  *Room
}

func (d *disk) wake() *Room {
	stored := d.stored()
	stored.Ended, d.ended = d.ended, false
	d.room = New(DefaultConfig, d, stored, nil, d.now)
	return d.room
}

func (d *disk) do(out Effects) {
	for _, w := range out.Store {
		d.write(w)
	}
}

func (d *disk) call(q Request) (p Reply, steps int) {
	d.t.Helper()
	r := d.wake()
	reply, err := r.call(q, d.now)
	steps = r.steps
	if err != nil {
		d.t.Fatalf("op %d: %v", q.Op, err)
	}
	d.do(r.done(d.now))
	return reply, steps
}

// yjs contract, 18.7.
func TestADocumentThatTakesTooManyStepsIsMergedAndNotTriedAgain(t *testing.T) {
	spread := make([][]byte, 0, 60)
	for i := range 60 {
		spread = append(spread, scanning(i*2_500, 2_500, 50_000))
	}
	for name, updates := range map[string][][]byte{
		"one update":         {scanning(0, 500_000, 50_000)},
		"a third of it":      {scanning(0, 160_000, 16_000)},
		"many small updates": spread,
	} {
		t.Run(name, func(t *testing.T) {
			d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
			for i, u := range updates {
				if p, steps := d.call(Request{Op: OpMerge, Data: u}); p.Status != StatusOK || steps > 0 {
					t.Fatalf("update %d: status %d %s, %d steps", i, p.Status, p.Body, steps)
				}
			}
			p, steps := d.call(Request{Op: OpState})
			if p.Status != StatusOK || steps > yjs.DefaultStepBudget+1_000_000 {
				t.Fatalf("state: status %d, %d steps", p.Status, steps)
			}
			// The first has so many items that their memory alone forbids it.
			if tried := name != "one update"; tried != (steps > yjs.DefaultStepBudget) || tried != (d.meta.MergeUntil == mergeForEver) {
				t.Errorf("after %d steps the room remembers %d", steps, d.meta.MergeUntil)
			}
			for _, q := range []Request{{Op: OpState}, {Op: OpText, Data: []byte("t")}, {Op: OpMerge, Data: (&author{id: 9}).typing("x")}} {
				if p, steps := d.call(q); steps != 0 {
					t.Errorf("op %d again: status %d, %d steps", q.Op, p.Status, steps)
				}
			}
			r := d.wake()
			out, err := r.Wake(d.now.Add(time.Hour))
			if err != nil || out.Task.Kind != TaskCopy || r.doc.doc != nil {
				t.Fatalf("alarm: task %d, %v", out.Task.Kind, err)
			}
			d.do(out)
			if d.call(Request{Op: OpDelete}); d.meta.MergeUntil != 0 {
				t.Error("the room that was deleted still remembers")
			}
			d.call(Request{Op: OpMerge, Data: (&author{id: 9}).typing("new")})
			if p, _ := d.call(Request{Op: OpJSON}); p.Status != StatusOK {
				t.Errorf("after DELETE: status %d", p.Status)
			}
		})
	}
}

func TestARoomInWhichAnInstanceEndedMergesForAnHour(t *testing.T) {
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart, ended: true}
	d.call(Request{Op: OpMerge, Data: (&author{id: 9}).typing("x")})
	for after, want := range map[time.Duration]Status{0: StatusTooLarge, 59 * time.Minute: StatusTooLarge, time.Hour: StatusOK} {
		d.now = scriptStart.Add(after)
		if p, _ := d.call(Request{Op: OpJSON}); p.Status != want {
			t.Errorf("after %v: status %d, want %d", after, p.Status, want)
		}
	}
}

// yjs contract, 18.2: what takes little on the wire and much in memory.
func TestAMessageThatTakesTooMuchMemoryIsRefused(t *testing.T) {
	vector := lib0.AppendUint(nil, 3_600_000)
	for i := range uint64(3_600_000) {
		vector = append(lib0.AppendUint(vector, i), 1)
	}
	deletes := lib0.AppendUint([]byte{0, 1, 9}, 4_000_000)
	for range 4_000_000 {
		deletes = append(deletes, 1, 1)
	}
	clients := lib0.AppendUint(nil, 300_000)
	for i := range uint64(300_000) {
		clients = append(lib0.AppendUint(append(clients, 1), 300_000-i), 0, 0, 1)
	}
	for name, frame := range map[string][]byte{
		"a state vector of 3.6 million clients": yproto.AppendSyncStep1(nil, vector),
		"4 million delete ranges":               yproto.AppendUpdate(nil, deletes),
		"300,000 clients":                       yproto.AppendUpdate(nil, append(clients, 0)),
	} {
		r := New(DefaultConfig, &fake{}, Stored{Meta: Meta{Seeded: true}}, nil, scriptStart)
		r.Connect(1, Admission{Write: true}, scriptStart)
		var out Effects
		allocated := testing.AllocsPerRun(1, func() { out, _ = r.Receive(1, frame, scriptStart) })
		if allocated > 1000 || len(out.Store) > 0 {
			t.Errorf("%s: %.0f allocations, %d writes", name, allocated, len(out.Store))
		}
		closed := r.sockets[1].closed
		if !closed {
			t.Errorf("%s: the socket is open", name)
		}
	}
}

// A million items that do not merge are 6 MB on the wire and 100 in memory.
func TestManySmallItemsAreMergedAndNotIntegrated(t *testing.T) {
	update := append(lib0.AppendUint([]byte{1}, 1_000_000), 7, 0)
	for i := range 1_000_000 {
		update = append(update, 4, 1, 1, 'a'+byte(i%2), 1, 'x')
	}
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
	if p, _ := d.call(Request{Op: OpMerge, Data: append(update, 0)}); p.Status != StatusOK {
		t.Fatalf("merge: %d %s", p.Status, p.Body)
	}
	if p, _ := d.call(Request{Op: OpState}); p.Status != StatusOK || d.room.doc.doc != nil {
		t.Errorf("state: %d, integrated %v", p.Status, d.room.doc.doc != nil)
	}
}

func TestStepsCountInTheBudgetOfTheirSocket(t *testing.T) {
	r := New(DefaultConfig, &fake{}, Stored{Meta: Meta{Seeded: true}}, nil, scriptStart)
	r.Connect(1, Admission{Write: true}, scriptStart)
	if _, err := r.Receive(1, yproto.AppendSyncStep1(nil, []byte{0}), scriptStart); err != nil {
		t.Fatal(err)
	}
	const n, length = 1_000, 2_000 // some hundred thousand steps a message
	code := 0
	for i := 0; code == 0; i++ {
		if i == 200 {
			t.Fatalf("%d messages of many steps were taken", i)
		}
		out, err := r.Receive(1, yproto.AppendUpdate(nil, scanning(i*n, n, length)), scriptStart)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range out.Close {
			code = c.Code
		}
	}
	if code != CloseFlood {
		t.Errorf("closed with %d", code)
	}
}
