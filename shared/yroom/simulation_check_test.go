package yroom

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidemark/shared/yjs"
)

// The checks of the simulation, while it runs and at its end.

// see records an update that a peer received: it must be in storage from now on.
func (w *world) see(update []byte) {
	s, err := yjs.Validate(update, yjs.Limits{})
	if err != nil {
		w.Errorf("a peer got a malformed update: %v", err)
	}
	if _, err := w.seen.Apply(update); err != nil {
		w.Errorf("apply what was seen: %v", err)
	}
	w.seenDeletes = slices.AppendSeq(w.seenDeletes, s.DeleteRanges())
}

// checkSeen checks that storage holds every update that a peer has received.
func (w *world) checkSeen() {
	state, err := w.disk.state()
	if err != nil {
		w.Errorf("read storage: %v", err)
		return
	}
	if !w.disk.meta.Seeded && w.copied != nil {
		state, _ = yjs.MergeUpdates(state, w.copied)
	}
	doc := yjs.New(yjs.Options{})
	if _, err := doc.Apply(state); err != nil {
		w.Errorf("stored state: %v", err)
	}
	w.deleted.check(w, state)
	vector := doc.StateVector()
	for _, last := range w.seen.StateVector() {
		if vector.Clock(last.Client) < last.Clock {
			w.Errorf("lost: client %d up to %d was seen, %d is stored", last.Client, last.Clock, vector.Clock(last.Client))
		}
	}
	event, err := doc.Apply(deletes(w.seenDeletes))
	if err != nil || event != nil {
		w.Errorf("lost: deletions that were seen: %x, %v", event, err)
	}
	w.seenDeletes = nil
}

// checkAlarm checks that the alarm for the stored due time is set: a room made anew
// relies on it. The host repeats an alarm that failed.
func (w *world) checkAlarm() {
	due := w.disk.due()
	if due != 0 && (w.alarm.IsZero() || due > w.now.UnixMilli() && w.alarm.UnixMilli() > due) {
		w.Errorf("due at %d, the alarm is set to %v", due, w.alarm)
	}
}

// checkServed checks that no connected peer lacks an update when nothing is on its way.
func (w *world) checkServed() {
	stored, err := w.disk.state()
	if err != nil {
		w.Errorf("read storage: %v", err)
		return
	}
	doc := yjs.New(yjs.Options{})
	if _, err := doc.Apply(stored); err != nil {
		w.Errorf("stored state: %v", err)
	}
	for _, p := range w.peers {
		if p.conn == 0 {
			continue
		}
		if !p.done {
			w.Errorf("peer %d waits for step 2 for ever", p.id)
		}
		vector := p.doc.StateVector()
		for _, last := range doc.StateVector() {
			if vector.Clock(last.Client) < last.Clock {
				w.Errorf("peer %d has client %d up to %d of %d", p.id, last.Client, vector.Clock(last.Client), last.Clock)
			}
		}
	}
}

func deletes(ranges []yjs.ClockRange) []byte {
	u, _ := yjs.MergeUpdates()
	for _, r := range ranges {
		u, _ = yjs.MergeUpdates(u, (&author{}).deleting(r))
	}
	return u
}

func everything(vector yjs.StateVector) (ranges []yjs.ClockRange) {
	for _, v := range vector {
		ranges = append(ranges, yjs.ClockRange{Client: v.Client, To: v.Clock})
	}
	return ranges
}

// settle stops the failures, gives a full document more space, and checks that all peers
// end equal.
func (w *world) settle() {
	w.logf("settle")
	w.Rand, w.scarce = rand.New(calm{}), false
	for _, p := range w.peers {
		if !p.writes && w.deleted.ever { // the room rejects its edits of a deleted document
			w.drop(p, false)
			w.begin(p)
		}
		w.connect(p)
		w.toRoom(p)
	}
	w.config.DocumentBytes = DefaultConfig.DocumentBytes
	w.forget() // while some sockets wait for pieces
	quiet := func() {
		for round := 0; round < 100_000; round++ {
			busy := w.task.Kind != 0 || w.timer
			w.work(false)
			for _, p := range w.peers {
				busy = busy || len(p.up)+len(p.down) > 0
				w.toRoom(p)
				w.toPeer(p)
			}
			if w.Failed() || !busy {
				return
			}
			w.pass(0)
		}
		w.Errorf("the room never falls silent")
	}
	for round := range 3 { // peers that were refused while the database failed come back
		for _, p := range w.peers {
			// An echo that was on its way when the room was forgotten may have given a
			// client to the socket of another, for as long as that lives.
			if round == 1 {
				w.drop(p, false)
			}
		}
		for _, p := range w.peers {
			w.connect(p)
		}
		quiet()
		w.pass(6 * time.Minute)
		quiet()
		w.checkServed()
	}
	for range 2 {
		for _, p := range w.peers {
			w.beat(p)
		}
		quiet()
	}
	for w.disk.due() != 0 && !w.Failed() {
		w.checkAlarm()
		w.pass(time.Hour)
		quiet()
	}
	if w.Failed() {
		return
	}
	w.checkSeen()
	stored, err := w.disk.state()
	if err != nil {
		w.Errorf("read storage: %v", err)
	}
	end := integratedState(w.T, stored)
	for _, p := range w.peers {
		if got := stateOf(w.T, p.doc); !bytes.Equal(got, end) {
			w.Errorf("peer %d ends with %x, storage with %x", p.id, got, end)
		}
	}
	w.checkSaved()
	if got := integratedState(w.T, w.copied); !bytes.Equal(got, end) {
		w.Errorf("the database ends with %x, storage with %x", got, end)
	}
	// After an hour all clients have expired: a renewal brings each back.
	for _, p := range w.peers {
		w.beat(p)
	}
	quiet()
	for _, p := range w.peers {
		for _, other := range w.peers {
			e, _ := p.states.Get(other.client)
			own, _ := other.states.Get(other.client)
			if !bytes.Equal(e.State, own.State) {
				w.Errorf("peer %d sees %s of %d, which is %s", p.client, e.State, other.client, own.State)
			}
		}
	}
	// One goes, the other is cut off: both are seen to be gone.
	w.drop(w.peers[0], false)
	w.drop(w.peers[1], true)
	w.room = nil
	w.pass(10 * time.Second)
	quiet()
	want := w.peers[2].states.Present()
	if len(want) != len(w.peers)-2 || slices.Contains(want, 1) || slices.Contains(want, 2) {
		w.Errorf("after peers 1 and 2 have left, 3 sees %v", want)
	}
	for client, p := range w.disk.presence {
		if client <= 2 || p.Leaves != 0 || len(p.State) < 1800 {
			w.Errorf("presence of %d is kept: %d bytes, leaves %d", client, len(p.State), p.Leaves)
		}
	}
}

// calm is a random source whose choices never fail.
type calm struct{}

func (calm) Uint64() uint64 { return 1<<63 | 1<<31 }

func integratedState(t *testing.T, update []byte) []byte {
	doc := yjs.New(yjs.Options{})
	if update != nil {
		if _, err := doc.Apply(update); err != nil {
			t.Errorf("apply %x: %v", update, err)
		}
	}
	return stateOf(t, doc)
}

// stateOf encodes a document. It drops the content of deleted structs while structs are
// pending, because peers may differ in it.
func stateOf(t *testing.T, doc *yjs.Doc) []byte {
	state, err := doc.EncodeStateAsUpdate(nil)
	if err == nil && doc.HasPending() {
		state, err = yjs.DropDeleted(state)
	}
	if err != nil {
		t.Error(err)
	}
	return state
}
