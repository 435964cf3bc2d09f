package yroom

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/lib0"
	"tidemark/shared/room"
	"tidemark/shared/yjs"
	"tidemark/shared/yjs/yjstest"
	"tidemark/shared/yproto"
)

// A disk is a room's storage. It makes the room anew for every event, as after a
// restart.
type disk struct {
	*fake
	t     *testing.T
	now   time.Time
	ended bool
	room  *Room

	config Config // DefaultConfig if it is the zero Config
}

func (d *disk) wake() *Room {
	stored := d.stored()
	stored.Ended, d.ended = d.ended, false
	config := d.config
	if config.DocumentBytes == 0 {
		config = DefaultConfig
	}
	d.room = New(config, d, stored, nil, d.now)
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

// edit adds an update in a room that has not read its document.
func (d *disk) edit(update []byte) {
	d.t.Helper()
	s, err := yjs.Validate(update, updateLimits)
	if err != nil {
		d.t.Fatal(err)
	}
	r := d.wake()
	if _, err := r.take(update, &s, d.now); err != nil || r.steps > 0 {
		d.t.Fatalf("%v, %d steps", err, r.steps)
	}
	d.do(r.done(d.now))
}

// docs/protocol.md, Y11.
func TestADocumentThatTakesTooManyStepsIsMergedAndNotTriedAgain(t *testing.T) {
	spread := make([][]byte, 0, 60)
	for i := range 60 {
		spread = append(spread, yjstest.Scanning(i*2_500, 2_500, 50_000))
	}
	for name, updates := range map[string][][]byte{
		"one update":         {yjstest.Scanning(0, 500_000, 50_000)},
		"a third of it":      {yjstest.Scanning(0, 160_000, 16_000)},
		"many small updates": spread,
	} {
		t.Run(name, func(t *testing.T) {
			d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
			for _, u := range updates {
				d.edit(u)
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
				if p, steps := d.call(q); steps > yjs.DefaultStepBudget/5 {
					t.Errorf("op %d again: status %d, %d steps", q.Op, p.Status, steps)
				}
			}
			r := d.wake()
			out, err := r.Alarm(d.now.Add(time.Hour))
			if err != nil || out.Task.Kind != TaskCopy || r.doc.doc != nil {
				t.Fatalf("alarm: task %d, %v", out.Task.Kind, err)
			}
			d.do(out)
			if d.call(Request{Op: OpDelete}); d.meta.MergeUntil != 0 {
				t.Error("the room that was deleted still remembers")
			}
			d.call(Request{Op: OpMerge, Data: (&author{id: 10}).typing("new")})
			if p, _ := d.call(Request{Op: OpJSON}); p.Status != StatusOK {
				t.Errorf("after DELETE: status %d", p.Status)
			}
		})
	}
}

func TestARoomInWhichAnInstanceEndedMergesForAnHour(t *testing.T) {
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart, ended: true}
	d.call(Request{Op: OpMerge, Data: (&author{id: 9}).typing(strings.Repeat("x", harmlessBytes))})
	for after, want := range map[time.Duration]Status{0: StatusTooLarge, 59 * time.Minute: StatusTooLarge, time.Hour: StatusOK} {
		d.now = scriptStart.Add(after)
		p, _ := d.call(Request{Op: OpJSON})
		if p.Status != want || (want == StatusTooLarge) != strings.Contains(string(p.Body), "For an hour") {
			t.Errorf("after %v: status %d, want %d: %.100q", after, p.Status, want, p.Body)
		}
	}
}

// An instance can end in the event of any document, by chance.
func TestASmallDocumentIsShownAfterAnInstanceEnded(t *testing.T) {
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
	d.call(Request{Op: OpMerge, Data: (&author{id: 9}).typing("x")})
	for _, next := range []struct {
		after time.Duration
		want  Status
	}{{0, StatusOK}, {24 * time.Hour, StatusOK}, {24*time.Hour + 23*time.Hour, StatusTooLarge}} {
		d.now, d.ended = scriptStart.Add(next.after), true
		if p, _ := d.call(Request{Op: OpJSON}); p.Status != next.want {
			t.Errorf("an end after %v: status %d, want %d", next.after, p.Status, next.want)
		}
	}
}

func TestARoomInWhichInstancesEndedTwiceMergesUntilItIsDeleted(t *testing.T) {
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart, ended: true}
	d.call(Request{Op: OpMerge, Data: (&author{id: 9}).typing("x")})
	d.now, d.ended = scriptStart.Add(2*time.Hour), true
	d.call(Request{Op: OpState})
	d.now = scriptStart.Add(24 * 365 * time.Hour)
	if p, _ := d.call(Request{Op: OpJSON}); p.Status != StatusTooLarge {
		t.Errorf("a year later: status %d, want %d", p.Status, StatusTooLarge)
	}
	d.call(Request{Op: OpDelete})
	d.call(Request{Op: OpMerge, Data: (&author{id: 10}).typing("x")})
	if p, _ := d.call(Request{Op: OpJSON}); p.Status != StatusOK {
		t.Errorf("after DELETE: status %d, want %d", p.Status, StatusOK)
	}
}

// Peers send known updates again. The room stores them while it has not read its document.
func TestADocumentThatIsSentAgainStaysReadable(t *testing.T) {
	for name, updates := range map[string][][]byte{
		"deletions": {yjstest.Deletes(0, 500_000), yjstest.Deletes(1_000_000, 499_000)},
		"clients":   {yjstest.Ascending(10, 100_000, 10), yjstest.Ascending(200_000, 100_000, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
			for range 3 {
				for _, u := range updates {
					if p, _ := d.call(Request{Op: OpMerge, Data: u}); p.Status != StatusOK {
						t.Fatalf("merge: %d %s", p.Status, p.Body)
					}
				}
			}
			p, _ := d.call(Request{Op: OpState})
			want, err := yjs.MergeUpdates(updates...)
			if err != nil || p.Status != StatusOK || !bytes.Equal(p.Body, want) {
				t.Errorf("state: %d, %d bytes, want %d; %v", p.Status, len(p.Body), len(want), err)
			}
		})
	}
}

// A part of a document's cost cannot be counted before. Integration finds it.
func TestADocumentThatTakesTooMuchMemoryIsMergedAndNotTriedAgain(t *testing.T) {
	for name, update := range map[string][]byte{
		"blocks without structs": yjstest.EmptyBlocks(200_000),
		"split by deletions":     yjstest.SplitByRanges(450_000),
		"split by origins":       yjstest.SplitByOrigins(190_000),
		"clients referred to":    yjstest.Foreign(230_000),
		"roots and keys":         yjstest.Keys(220_000),
	} {
		t.Run(name, func(t *testing.T) {
			d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
			if p, _ := d.call(Request{Op: OpMerge, Data: update}); p.Status != StatusOK {
				t.Fatalf("merge: %d %s", p.Status, p.Body)
			}
			for range 2 {
				if p, _ := d.call(Request{Op: OpState}); p.Status != StatusOK || len(p.Body) == 0 {
					t.Errorf("state: %d, %d bytes", p.Status, len(p.Body))
				}
				if got := d.room.Size(); got > DefaultConfig.IntegrateBytes || d.room.doc.doc != nil {
					t.Errorf("the document takes %d bytes, integrated %v", got, d.room.doc.doc != nil)
				}
			}
		})
	}
}

func TestAnUpdateThatTakesTooManyStepsIsMergedIntoADocumentInMemory(t *testing.T) {
	r := New(DefaultConfig, &fake{}, Stored{Meta: Meta{Seeded: true}}, nil, scriptStart)
	r.Connect(1, Admission{Write: true}, scriptStart)
	if _, err := r.Message(1, abi.KindBinary, yproto.AppendSyncStep1(nil, []byte{0}), scriptStart); err != nil {
		t.Fatal(err)
	}
	out, err := r.Message(1, abi.KindBinary, yproto.AppendUpdate(nil, yjstest.Scanning(0, 50_000, 20_000)), scriptStart)
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	for _, w := range out.Store {
		if w.Row != nil {
			stored++
		}
	}
	if stored != 1 || r.meta.MergeUntil != mergeForEver || r.doc != nil {
		t.Errorf("%d rows stored, remembered %d", stored, r.meta.MergeUntil)
	}
	// The steps of the read count, and they are more than those of a message.
	if spent := r.sockets[1].budget.messages; spent < float64(yjs.DefaultStepBudget)/stepsAMessage {
		t.Errorf("the socket spent %.0f messages", spent)
	}
}

// docs/protocol.md, Y10: updates that are short on the wire and large in memory.
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
		allocated := testing.AllocsPerRun(1, func() { out, _ = r.Message(1, abi.KindBinary, frame, scriptStart) })
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
	if _, err := r.Message(1, abi.KindBinary, yproto.AppendSyncStep1(nil, []byte{0}), scriptStart); err != nil {
		t.Fatal(err)
	}
	const n, length = 1_000, 2_000 // some hundred thousand steps a message
	code := 0
	for i := 0; code == 0; i++ {
		if i == 200 {
			t.Fatalf("%d messages of many steps were taken", i)
		}
		out, err := r.Message(1, abi.KindBinary, yproto.AppendUpdate(nil, yjstest.Scanning(i*n, n, length)), scriptStart)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range out.Close {
			code = c.Code
		}
	}
	if code != room.CloseTooMany {
		t.Errorf("closed with %d", code)
	}
}
