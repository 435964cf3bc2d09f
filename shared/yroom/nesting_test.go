package yroom

import (
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// A room that has not read its document cannot know how deep an update nests types in
// it. The room can still read and compact each accepted update, and restore it from the
// database.
func TestTypesNestedTooDeeplyByManyUpdatesDoNotCloseTheRoom(t *testing.T) {
	disk := &fake{meta: Meta{Seeded: true}}
	now := scriptStart
	do := func(out Effects) {
		for _, w := range out.Store {
			disk.write(w)
		}
	}
	call := func(q Request) Reply {
		r := New(DefaultConfig, disk, disk.stored(), nil, now)
		reply, out, err := r.Call(AppendRequest(nil, q), now)
		if err != nil {
			t.Fatalf("op %d: %v", q.Op, err)
		}
		do(out)
		p, err := DecodeReply(reply)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const parts, types = 4, 900
	for part := range uint64(parts) {
		b := lib0.AppendUint(append(lib0.AppendUint([]byte{1}, types), 7), part*types)
		for clock := part * types; clock < (part+1)*types; clock++ {
			if b = append(b, 7); clock == 0 {
				b = append(b, 1, 1, 't', 0)
			} else {
				b = append(lib0.AppendUint(append(b, 0, 7), clock-1), 0)
			}
		}
		if p := call(Request{Op: OpMerge, Data: append(b, 0)}); p.Status != StatusOK {
			t.Fatalf("merge: %d %s", p.Status, p.Body)
		}
	}
	if p := call(Request{Op: OpMerge, Data: (&author{id: 9}).typing("kept")}); p.Status != StatusOK {
		t.Fatalf("merge: %d %s", p.Status, p.Body)
	}

	whole := func() []byte {
		p := call(Request{Op: OpState})
		summary, err := yjs.Validate(p.Body, storedLimits)
		if p.Status != StatusOK || err != nil || len(summary.Structs) != 2 || summary.Structs[1].To != parts*types {
			t.Fatalf("state: status %d, %v, %v", p.Status, summary.Structs, err)
		}
		return p.Body
	}
	state := whole()
	r := New(DefaultConfig, disk, disk.stored(), nil, now)
	out, err := r.Alarm(now.Add(2 * DefaultConfig.CopyDelay))
	if err != nil || out.Task.Kind != TaskCopy {
		t.Fatalf("compact: task %d, %v", out.Task.Kind, err)
	}
	do(out)
	whole()
	if p := call(Request{Op: OpJSON}); p.Status != StatusTooLarge {
		t.Errorf("as JSON: %d", p.Status)
	}

	disk = &fake{}
	if p := call(Request{Op: OpSeed, Data: state, Version: 5}); p.Status != StatusOK {
		t.Fatalf("seed: %d %s", p.Status, p.Body)
	}
	whole()
}
