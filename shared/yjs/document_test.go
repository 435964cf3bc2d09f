package yjs_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// An updateWriter writes updates by hand, for documents that yjs never writes.
type updateWriter struct {
	b []byte
}

func (w *updateWriter) uint(vs ...uint64) *updateWriter {
	for _, v := range vs {
		w.b = lib0.AppendUint(w.b, v)
	}
	return w
}

func (w *updateWriter) byte(c byte) *updateWriter {
	w.b = append(w.b, c)
	return w
}

func (w *updateWriter) string(s string) *updateWriter {
	w.b = lib0.AppendString(w.b, s)
	return w
}

// text starts a text item: root "t" without neighbours, or behind origin.
func (w *updateWriter) text(s string) *updateWriter {
	return w.byte(4).uint(1).string("t").string(s)
}

func (w *updateWriter) textBehind(client, clock uint64, s string) *updateWriter {
	return w.byte(0x84).uint(client, clock).string(s)
}

func mustApply(t testing.TB, d *yjs.Doc, update []byte) []byte {
	t.Helper()
	event, err := d.Apply(update)
	if err != nil {
		t.Fatalf("%x: %v", update[:min(len(update), 100)], err)
	}
	return event
}

func state(t testing.TB, d *yjs.Doc) []byte {
	t.Helper()
	b, err := d.EncodeStateAsUpdate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRefusedUpdateChangesNothing(t *testing.T) {
	base := (&updateWriter{}).uint(1, 2, 1, 0).text("ab😀cd").byte(0x28).uint(1).string("m").string("k").uint(1).byte(126).uint(0).b
	base[1] = 2
	// Splits the pair, appends, overwrites the key, adds a type, a root and a
	// client, deletes; and then needs a missing client.
	update := (&updateWriter{}).uint(1, 6, 7, 0).
		textBehind(1, 2, "x").
		textBehind(1, 0, "y").
		byte(0xa8).uint(1, 6).uint(1).byte(120).
		byte(0x07).uint(1).string("new").uint(1).
		byte(0x04).uint(0, 7, 3).string("inside").
		textBehind(99, 0, "waits").
		uint(1, 1, 1, 0, 2).b
	d := yjs.New(yjs.Options{PendingBudget: 20})
	mustApply(t, d, base)
	before := state(t, d)
	for n := range 3 {
		if _, err := d.Apply(update); !errors.Is(err, yjs.ErrPending) {
			t.Fatalf("got %v, want ErrPending", err)
		}
		if after := state(t, d); !bytes.Equal(before, after) {
			t.Fatalf("round %d: state\ngot  %x\nwant %x", n, after, before)
		}
	}
	// The document is whole: it accepts the same as one without the rejected update.
	fresh := yjs.New(yjs.Options{})
	mustApply(t, fresh, base)
	update = bytes.Replace(update, []byte{99, 0}, []byte{1, 0}, 1)
	if got, want := mustApply(t, d, update), mustApply(t, fresh, update); !bytes.Equal(got, want) {
		t.Errorf("event\ngot  %x\nwant %x", got, want)
	}
	if got, want := state(t, d), state(t, fresh); !bytes.Equal(got, want) {
		t.Errorf("state\ngot  %x\nwant %x", got, want)
	}
}

// Repeated pending structs, as from a peer that resends, use their budget once.
func TestPendingIsBounded(t *testing.T) {
	late := func(clock uint64) []byte {
		return (&updateWriter{}).uint(1, 1, 1, clock).textBehind(1, clock-1, "x").uint(0).b
	}
	d := yjs.New(yjs.Options{PendingBudget: 1000})
	for range 1000 {
		mustApply(t, d, late(5))
	}
	if size := d.Size(); size > 10_000 {
		t.Errorf("the document holds %d bytes", size)
	}
	var err error
	for n := uint64(7); n < 1000 && err == nil; n += 2 {
		_, err = d.Apply(late(n))
	}
	if !errors.Is(err, yjs.ErrPending) {
		t.Errorf("got %v, want ErrPending", err)
	}
	d, err = yjs.New(yjs.Options{PendingBudget: 1000}), nil
	for n := uint64(7); n < 1000 && !errors.Is(err, yjs.ErrPending); n += 2 {
		_, err = d.Apply((&updateWriter{}).uint(0, 1, 1, 1, n, 1).b)
	}
	if !errors.Is(err, yjs.ErrPending) {
		t.Errorf("deletions: got %v, want ErrPending", err)
	}
	// The missing update arrives: nothing waits any more.
	d = yjs.New(yjs.Options{})
	for n := uint64(99); n > 0; n-- {
		mustApply(t, d, late(n))
	}
	mustApply(t, d, (&updateWriter{}).uint(1, 1, 1, 0).text("x").uint(0).b)
	if got := d.StateVector().Clock(1); got != 100 || d.HasPending() {
		t.Errorf("clock %d, pending %v; want 100, none", got, d.HasPending())
	}
}

func TestKeystrokeAllocatesNothing(t *testing.T) {
	d := yjs.New(yjs.Options{})
	mustApply(t, d, (&updateWriter{}).uint(1, 1, 5, 0).text("x").uint(0).b)
	var w updateWriter
	clock := uint64(1)
	key := func() {
		w.b = w.b[:0]
		mustApply(t, d, w.uint(1, 1, 5, clock).textBehind(5, clock-1, "x").uint(0).b)
		clock++
	}
	for range 50_000 {
		key()
	}
	if n := testing.AllocsPerRun(1000, key); n != 0 {
		t.Errorf("%v allocations for a keystroke, want none", n)
	}
}

// The densest updates: how much memory do their bytes make?
func TestMemoryIsASmallMultiple(t *testing.T) {
	const n = 100_000
	for name, update := range map[string][]byte{
		"types": func() []byte {
			w := (&updateWriter{}).uint(1, n, 1, 0).byte(7).uint(1).string("t").uint(1)
			for i := range uint64(n - 1) {
				w.byte(0x87).uint(1, i, 1)
			}
			return w.uint(0).b
		}(),
		"items that do not join": func() []byte {
			w := (&updateWriter{}).uint(1, n, 1, 0).byte(1).uint(1).string("t").uint(1)
			for i := range uint64(n - 1) {
				w.byte(0x81).uint(1, i/2, 1)
			}
			return w.uint(0).b
		}(),
		"clients": func() []byte {
			w := (&updateWriter{}).uint(n)
			for i := range uint64(n) {
				w.uint(1, n-i, 0).byte(0).uint(1)
			}
			return w.uint(0).b
		}(),
		"map keys": func() []byte {
			w := (&updateWriter{}).uint(1, n, 1, 0)
			for i := range uint64(n) {
				w.byte(0x21).uint(1).string("").string(fmt.Sprint(i)).uint(1)
			}
			return w.uint(0).b
		}(),
		"deletions of what is not known": func() []byte {
			w := (&updateWriter{}).uint(0, 1, 1, n)
			for i := range uint64(n) {
				w.uint(2*i, 1)
			}
			return w.b
		}(),
	} {
		d := yjs.New(yjs.Options{StepBudget: 1 << 40})
		before := allocated()
		mustApply(t, d, update)
		grew := allocated() - before
		if size := d.Size(); size > 40*len(update) || grew > 128*uint64(len(update)) {
			t.Errorf("%s: %d bytes hold %d bytes, after %d were allocated", name, len(update), size, grew)
		} else {
			t.Logf("%s: %d bytes hold %d bytes, after %d were allocated", name, len(update), size, grew)
		}
	}
}

// A slowUpdate makes a naive implementation take quadratic time.
type slowUpdate struct {
	base, update []byte
	want         error
}

// slowUpdates returns updates of n structs or deletions.
func slowUpdates(n uint64) map[string]slowUpdate {
	evens := func(w *updateWriter, client uint64) *updateWriter {
		w.uint(1, client, n)
		for i := range n {
			w.uint(2*i, 1)
		}
		return w
	}
	emoji := string(bytes.Repeat([]byte("😀"), int(n)))
	return map[string]slowUpdate{
		"every other unit of a string deleted, before many structs": {
			base: func() []byte {
				w := (&updateWriter{}).uint(1, n+1, 1, 0).text(string(make([]byte, 2*n)))
				for range n {
					w.byte(0x04).uint(1).string("u").string("z")
				}
				return w.uint(0).b
			}(),
			update: evens((&updateWriter{}).uint(0), 1).b,
		},
		"every pair of a string cut": {
			base:   (&updateWriter{}).uint(1, 1, 1, 0).text(emoji).uint(0).b,
			update: evens((&updateWriter{}).uint(0), 1).b,
		},
		"every pair of a string cut, and refused": {
			base: (&updateWriter{}).uint(1, 1, 1, 0).text(emoji).uint(0).b,
			update: func() []byte {
				w := (&updateWriter{}).uint(1, n+1, 2, 0)
				for i := range n {
					w.byte(0xc4).uint(1, 2*n-2-2*i, 1, 2*n-1-2*i).string("x")
				}
				w.textBehind(3, 0, string(make([]byte, yjs.DefaultPendingBudget)))
				return w.uint(0).b
			}(),
			want: yjs.ErrPending,
		},
		"origins from the back of a string": {
			base: (&updateWriter{}).uint(1, 1, 1, 0).text("ü" + string(make([]byte, n))).uint(0).b,
			update: func() []byte {
				w := (&updateWriter{}).uint(1, n, 2, 0)
				for i := range n {
					w.byte(0xc4).uint(1, n-1-i, 1, n-i).string("x")
				}
				return w.uint(0).b
			}(),
		},
		"origins from the back of an array": {
			base: func() []byte {
				w := (&updateWriter{}).uint(1, 1, 1, 0).byte(8).uint(1).string("a").uint(n)
				w.b = append(w.b, bytes.Repeat([]byte{126}, int(n))...)
				return w.uint(0).b
			}(),
			update: func() []byte {
				w := (&updateWriter{}).uint(1, n-1, 2, 0)
				for i := range n - 1 {
					w.byte(0xc8).uint(1, n-2-i, 1, n-1-i).uint(1).byte(126)
				}
				return w.uint(0).b
			}(),
			want: yjs.ErrSteps,
		},
		"the same range deleted again and again": {
			base: func() []byte {
				w := (&updateWriter{}).uint(1, n, 1, 0)
				for range n {
					w.text("z")
				}
				return w.uint(0).b
			}(),
			update: func() []byte {
				w := (&updateWriter{}).uint(0, 1, 1, n)
				for range n {
					w.uint(0, n)
				}
				return w.b
			}(),
		},
		"conflicts with rising right origins": {
			base: (&updateWriter{}).uint(1, 1, 1, 0).text(string(make([]byte, n))).uint(0).b,
			update: func() []byte {
				w := (&updateWriter{}).uint(1, n, 2, 0)
				for i := range n {
					w.byte(0x44).uint(1, i).string("x")
				}
				return w.uint(0).b
			}(),
			want: yjs.ErrSteps,
		},
		"one key set by many clients": {
			base: (&updateWriter{}).uint(0, 0).b,
			update: func() []byte {
				w := (&updateWriter{}).uint(n)
				for i := range n {
					w.uint(1, n-i, 0).byte(0x28).uint(1).string("m").string("k").uint(1).byte(126)
				}
				return w.uint(0).b
			}(),
		},
	}
}

// TestNoQuadraticTime compares with a tenth of each update: quadratic time would
// be a hundred times as much.
func TestNoQuadraticTime(t *testing.T) {
	const n = 100_000
	tenths := slowUpdates(n / 10)
	apply := func(t *testing.T, u slowUpdate) time.Duration {
		d := yjs.New(yjs.Options{StepBudget: 1_000_000})
		mustApply(t, d, u.base)
		before := state(t, d)
		start := time.Now()
		_, err := d.Apply(u.update)
		took := time.Since(start)
		if !errors.Is(err, u.want) {
			t.Fatalf("got %v, want %v", err, u.want)
		}
		if u.want != nil && !bytes.Equal(state(t, d), before) {
			t.Error("the refused update changed the state")
		}
		t.Logf("%d bytes: %v, %v", len(u.update), took, err)
		return took
	}
	for name, whole := range slowUpdates(n) {
		t.Run(name, func(t *testing.T) {
			limit := time.Second + 50*apply(t, tenths[name])
			took := apply(t, whole)
			if took > limit { // the machine may have paused
				took = apply(t, whole)
			}
			if took > limit {
				t.Errorf("%d bytes took %v, want at most %v", len(whole.update), took, limit)
			}
		})
	}
}

// Delivery in another order, with repeats, leads to the same document.
func TestApplyCommutes(t *testing.T) {
	cases := stateCases(t)
	rapid.Check(t, func(rt *rapid.T) {
		c := cases[rapid.IntRange(0, len(cases)-1).Draw(rt, "case")]
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 0))
		deliver := func(updates [][]byte) *yjs.Doc {
			d := yjs.New(yjs.Options{})
			for _, update := range updates {
				mustApply(t, d, update)
			}
			return d
		}
		updates := append([][]byte(nil), c.Updates...)
		one := deliver(updates)
		random.Shuffle(len(updates), func(i, j int) { updates[i], updates[j] = updates[j], updates[i] })
		other := deliver(append(updates, updates[:len(updates)/2]...))
		if got, want := other.EncodeStateVector(), one.EncodeStateVector(); !bytes.Equal(got, want) {
			rt.Fatalf("seed %d: state vector\ngot  %x\nwant %x", c.Seed, got, want)
		}
		if got, want := other.AppendDeleteSet(nil), one.AppendDeleteSet(nil); !bytes.Equal(got, want) {
			rt.Fatalf("seed %d: delete set\ngot  %x\nwant %x", c.Seed, got, want)
		}
		before := state(t, other)
		if event := mustApply(t, other, before); event != nil {
			rt.Fatalf("seed %d: its own state gave the event %x", c.Seed, event)
		}
		if after := state(t, other); !bytes.Equal(before, after) {
			rt.Fatalf("seed %d: its own state changed it\ngot  %x\nwant %x", c.Seed, after, before)
		}
	})
}

// An event holds the changes of its update: a document that applies only the events is
// the same.
func TestEventsCarryEverything(t *testing.T) {
	for _, c := range stateCases(t) {
		one, other := yjs.New(yjs.Options{}), yjs.New(yjs.Options{})
		for _, update := range c.Updates {
			if event := mustApply(t, one, update); event != nil {
				mustApply(t, other, event)
			}
		}
		if got, want := other.EncodeStateVector(), one.EncodeStateVector(); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: state vector\ngot  %x\nwant %x", c.Seed, got, want)
		}
		if got, want := other.AppendDeleteSet(nil), one.AppendDeleteSet(nil); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: delete set\ngot  %x\nwant %x", c.Seed, got, want)
		}
		if other.HasPending() {
			t.Fatalf("seed %d: events are pending", c.Seed)
		}
	}
}

// The bytes are two updates. The document stays whole with any bytes.
func FuzzApply(f *testing.F) {
	for _, seed := range hostileSeeds(f) {
		f.Add(seed, seed)
	}
	f.Add((&updateWriter{}).uint(1, 1, 1, 0).text("a😀b").uint(0).b, (&updateWriter{}).uint(1, 1, 2, 0).textBehind(1, 1, "x").uint(0).b)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		watch := time.AfterFunc(time.Minute, func() { panic(fmt.Sprintf("%x and %x take for ever", first, second)) })
		defer watch.Stop()
		d := yjs.New(yjs.Options{StepBudget: 1000, PendingBudget: 1000})
		for _, update := range [][]byte{first, second, first} {
			before := state(t, d)
			event, err := d.Apply(update)
			after := state(t, d)
			if err != nil && !bytes.Equal(before, after) {
				t.Fatalf("%x refused, %v\ngot  %x\nwant %x", update, err, after, before)
			}
			if err == nil && event != nil {
				if _, err := yjs.Validate(event, yjs.Limits{}); err != nil {
					t.Fatalf("event %x: %v", event, err)
				}
			}
		}
		again := yjs.New(yjs.Options{})
		if err := again.Load(state(t, d)); err != nil {
			t.Fatalf("state %x: %v", state(t, d), err)
		}
		if d.HasPending() {
			return // the state has the unknown rest of a pending item, which may fit elsewhere
		}
		if got, want := again.EncodeStateVector(), d.EncodeStateVector(); !bytes.Equal(got, want) {
			t.Fatalf("state vector\ngot  %x\nwant %x", got, want)
		}
	})
}
