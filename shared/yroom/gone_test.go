package yroom

import (
	"testing"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// A deletion never fails. It does not read a document that may have ended an instance.
func TestADocumentThatEndedAnInstanceIsDeletedUnread(t *testing.T) {
	for _, ended := range []bool{false, true} {
		k := newKeeper(t, func(*Config) {})
		a := &author{id: 1}
		k.must(Request{Op: OpMerge, Data: a.typing("abc")})
		k.room, k.ended, k.reads = nil, ended, 0
		k.must(Request{Op: OpDelete})
		if (k.reads == 0) != ended || (k.gone.Until == 0) != ended {
			t.Errorf("ended %v: %d reads, clients gone until %d", ended, k.reads, k.gone.Until)
		}
		if p, _ := k.call(Request{Op: OpState}); p.Status != StatusAbsent {
			t.Errorf("ended %v: after the deletion status %d", ended, p.Status)
		}
	}
}

// A deletion also deletes the parts of a compaction that was cut short.
func TestADeletionLeavesNoPartsOfADocument(t *testing.T) {
	k := newKeeper(t, func(*Config) {})
	k.must(Request{Op: OpMerge, Data: (&author{id: 1}).typing("secret")})
	out, err := k.room.Alarm(scriptStart.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range out.Store {
		if k.write(w); w.Part != nil {
			break // the machine fails
		}
	}
	k.room = nil
	k.must(Request{Op: OpDelete})
	if len(k.parts) > 0 || len(k.rows) > 0 {
		t.Errorf("left are %d generations of parts and %d rows", len(k.parts), len(k.rows))
	}
}

// The room remembers at most maxGone clients of a document.
func TestGoneClientsAreBounded(t *testing.T) {
	k := newKeeper(t, func(*Config) {})
	const n = maxGone + 1000
	b := lib0.AppendUint(nil, n)
	for client := uint64(n); client > 0; client-- {
		b = lib0.AppendUint(lib0.AppendUint(append(b, 1), 1<<40+client), 0)
		b = append(b, 0, 1) // a GC of one unit
	}
	b = append(b, 0)
	k.must(Request{Op: OpMerge, Data: b})
	k.must(Request{Op: OpDelete})
	if len(k.gone.Clients) > 8*maxGone || len(k.gone.Clients) < maxGone {
		t.Errorf("%d bytes of clients", len(k.gone.Clients))
	}
	first := (&author{id: 1<<40 + 1}).typing("back")
	if p, _ := k.call(Request{Op: OpMerge, Data: first}); p.Status != StatusGone {
		t.Errorf("the first client came back: status %d", p.Status)
	}
	k.must(Request{Op: OpMerge, Data: (&author{id: 1}).typing("new")})
	restored, err := yjs.MergeUpdates((&author{id: 2}).typing("x"), first)
	if err != nil {
		t.Fatal(err)
	}
	if p, stored := k.call(Request{Op: OpMerge, Data: restored}); p.Status != StatusGone || stored > 0 {
		t.Errorf("with others the first client came back: status %d", p.Status)
	}
}
