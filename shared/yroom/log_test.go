package yroom

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/yproto"
)

// appending is a room whose events append updates of given sizes.
type appending struct {
	*fake
	config   Config
	room     *Room
	appended [][]byte
}

func (a *appending) event(t *testing.T, sizes ...int) {
	t.Helper()
	if a.room == nil {
		a.room = New(a.config, a.fake, a.stored(), nil, scriptStart)
	}
	for _, size := range sizes {
		update := bytes.Repeat([]byte{byte(len(a.appended) + 1)}, size)
		a.appended = append(a.appended, update)
		a.room.append(update, scriptStart)
	}
	inEvent, err := a.room.stored()
	if err != nil || !slices.EqualFunc(inEvent, a.appended, bytes.Equal) {
		t.Errorf("in the event that appends %d: %d updates, %v", sizes, len(inEvent), err)
	}
	for _, w := range a.room.done(scriptStart).Store {
		a.write(w)
	}
	left, err := a.room.stored()
	if err != nil || !slices.EqualFunc(left, a.appended, bytes.Equal) {
		t.Errorf("after the event that appends %d: %d updates, %v", sizes, len(left), err)
	}
}

func TestUpdatesShareRowsUpToTheirLimits(t *testing.T) {
	config := DefaultConfig
	config.TailBytes, config.ChunkBytes = 100, 300
	for _, c := range []struct {
		name            string
		events          [][]int
		rows, writes    int
		tail            int // bytes; 0: there is none
		updates, number int64
	}{
		{"two events", [][]int{{10}, {20}}, 1, 2, 32, 2, 2},
		{"one event", [][]int{{10, 20, 30}}, 1, 1, 63, 3, 3},
		{"up to the tail's limit", [][]int{{10}, {88}}, 1, 2, 100, 2, 2},
		{"one more", [][]int{{10}, {89}}, 2, 2, 90, 2, 2},
		{"a long one is by itself", [][]int{{10}, {97}, {10}}, 3, 3, 11, 3, 3},
		{"unless its event has more", [][]int{{97, 10}}, 1, 1, 109, 2, 2},
		{"an event longer than a tail", [][]int{{50}, {40, 40, 40}}, 1, 2, 174, 4, 4},
		{"up to a row's limit", [][]int{{10, 281}}, 1, 1, 294, 2, 2},
		{"beyond it", [][]int{{10, 282}}, 2, 2, 0, 2, 2},
		{"pieces", [][]int{{10}, {301}, {10}}, 4, 4, 11, 4, 4},
		{"pieces in an event of more", [][]int{{10, 301, 10}}, 4, 4, 11, 4, 4},
	} {
		a := appending{fake: &fake{meta: Meta{Seeded: true}}, config: config}
		for _, sizes := range c.events {
			a.event(t, sizes...)
		}
		s := a.stored()
		if len(a.rows) != c.rows || a.rowsWritten != c.writes || s.Tail.Bytes != c.tail || s.LogUpdates != int(c.updates) || s.Last != c.number {
			t.Errorf("%s: %d rows of %d writes, stored %+v", c.name, len(a.rows), a.rowsWritten, s)
		}
		if got := a.room; got.log.tail != s.Tail || got.log.bytes != s.LogBytes || got.log.updates != s.LogUpdates || got.last != s.Last {
			t.Errorf("%s: the room has %+v up to %d, stored is %+v", c.name, got.log, got.last, s)
		}
		a.room = nil // a room made anew continues the log
		a.event(t, 5)
	}
}

func TestAFrameOfManyUpdatesIsOneRow(t *testing.T) {
	disk := &fake{meta: Meta{Seeded: true}}
	r := New(DefaultConfig, disk, disk.stored(), nil, scriptStart)
	r.Connect(1, Admission{Write: true}, scriptStart)
	var frame []byte
	for a := (&author{id: 1}); a.clock < 30; {
		frame = yproto.AppendUpdate(frame, a.typing("abc"))
	}
	out, err := r.Message(1, abi.KindBinary, frame, scriptStart)
	if err != nil || len(out.Store) != 1 || out.Store[0].Row.Updates != 10 || len(out.Send) != 10 {
		t.Errorf("%d writes, %d messages, %v", len(out.Store), len(out.Send), err)
	}
}

// An update that the room appends before it has read its document may have no news.
func TestADocumentThatIsTheSameIsNeitherWrittenNorCopiedAgain(t *testing.T) {
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
	update := (&author{id: 1}).typing("abc")
	merge := func(update []byte) {
		t.Helper()
		r := d.wake()
		r.Connect(1, Admission{Write: true}, d.now)
		out, err := r.Message(1, abi.KindBinary, yproto.AppendUpdate(nil, update), d.now)
		if err != nil || len(out.Send) != 1 {
			t.Fatal(out, err)
		}
		d.do(out)
	}
	alarm := func() (out Effects) {
		t.Helper()
		d.now = time.UnixMilli(d.due())
		r := d.wake()
		out, err := r.Alarm(d.now)
		if err != nil {
			t.Fatal(err)
		}
		d.do(out)
		if out.Task.Kind == TaskCopy {
			d.do(r.Copied(out.Task.Copy, nil, d.now))
		}
		return out
	}
	merge(update)
	if out := alarm(); out.Task.Kind != TaskCopy || d.meta.Gen != 1 {
		t.Fatalf("the first copy: %+v, %+v", out, d.meta)
	}
	merge(update)
	if out := alarm(); out.Task.Kind != 0 || len(out.Store) != 1 || d.meta.Gen != 1 || len(d.rows) != 0 || d.due() != 0 || d.meta.CopiedLast != 2 {
		t.Errorf("the same again: %+v, %+v, %d rows", out, d.meta, len(d.rows))
	}
	merge((&author{id: 2}).typing("abc"))
	if out := alarm(); out.Task.Kind != TaskCopy || d.meta.Gen != 2 {
		t.Errorf("another: %+v, %+v", out, d.meta)
	}

	// Nor does the room copy the database's own state.
	d.fake = &fake{}
	d.do(func() Effects {
		out, err := d.wake().Seeded(update, 5, nil, d.now)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}())
	merge(update)
	if out := alarm(); out.Task.Kind != 0 || len(out.Store) != 1 || d.meta.Gen != 1 {
		t.Errorf("the database's state: %+v, %+v", out, d.meta)
	}
}

func TestARowThatIsNoUpdatesIsAnError(t *testing.T) {
	_, err := updatesIn([]Row{{N: 7, First: 7, Pieces: 1, Updates: 1, Bytes: []byte{9, 0, 0}}})
	if err == nil || !strings.Contains(err.Error(), "row 7") {
		t.Error(err)
	}
}

// The room makes a failed copy again, also if the document has not changed since.
func TestACopyThatFailedIsMadeAgain(t *testing.T) {
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
	d.call(Request{Op: OpMerge, Data: (&author{id: 1}).typing("abc")})
	for range 2 {
		d.now = time.UnixMilli(d.due())
		r := d.wake()
		out, err := r.Alarm(d.now)
		if err != nil || out.Task.Kind != TaskCopy {
			t.Fatalf("%+v, %v", out, err)
		}
		d.do(out)
		d.do(r.Copied(out.Task.Copy, errDatabase, d.now))
	}
}

func TestAStateOfTheSameLengthIsAnother(t *testing.T) {
	r := New(DefaultConfig, &fake{}, Stored{Meta: Meta{Seeded: true}}, nil, scriptStart)
	for gen, state := range []string{"", "abc", "abd", "abd", "abc"} {
		if r.replace([]byte(state), 0); r.meta.Gen != []int64{1, 2, 3, 3, 4}[gen] {
			t.Errorf("state %d is generation %d", gen, r.meta.Gen)
		}
	}
}
