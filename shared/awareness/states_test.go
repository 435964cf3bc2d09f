package awareness_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/shared/awareness"
	"tidemark/shared/lib0"
)

var start = time.Unix(1_700_000_000, 0)

// after is a time of the test, in seconds from its start.
func after(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

func entry(client, clock uint64, state string) awareness.Entry {
	return awareness.Entry{Client: client, Clock: clock, State: []byte(state)}
}

func apply(t testing.TB, s *awareness.States, now time.Time, entries ...awareness.Entry) awareness.Change {
	t.Helper()
	change, err := s.Apply(awareness.AppendUpdate(nil, entries...), now)
	if err != nil {
		t.Fatalf("apply %v: %v", entries, err)
	}
	return change
}

func same(a, b awareness.Change) bool {
	return slices.Equal(a.Added, b.Added) && slices.Equal(a.Updated, b.Updated) && slices.Equal(a.Removed, b.Removed)
}

type step struct {
	In    string
	Event *awareness.Change
	State json.RawMessage
	Clock *uint64
}

func TestDecisionTable(t *testing.T) {
	const vectors = "../../../shared/data/vectors.json"
	text, err := os.ReadFile(vectors)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("needs " + vectors)
	}
	var file struct {
		Protocol struct {
			AwarenessTable []struct {
				Name  string
				Steps []step
			}
			AwarenessSteps [][4]json.RawMessage
		}
	}
	if err := errors.Join(err, json.Unmarshal(text, &file)); err != nil {
		t.Fatal(err)
	}
	if len(file.Protocol.AwarenessTable) == 0 || len(file.Protocol.AwarenessSteps) == 0 {
		t.Fatal("the vectors hold no awareness cases")
	}
	for _, c := range file.Protocol.AwarenessTable {
		t.Run(c.Name, func(t *testing.T) {
			var states awareness.States
			for i, s := range c.Steps {
				in, _ := hex.DecodeString(s.In)
				got, err := states.Apply(in, start)
				if err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				want := awareness.Change{}
				if s.Event != nil {
					want = *s.Event
				}
				if !same(got, want) {
					t.Errorf("step %d, %s: got %+v, want %+v", i, s.In, got, want)
				}
				e, known := states.Get(7)
				if known != (s.Clock != nil) || known && e.Clock != *s.Clock {
					t.Errorf("step %d: clock %d, %v, want %v", i, e.Clock, known, s.Clock)
				}
				if wantState := string(s.State); wantState == "null" && e.State != nil || wantState != "null" && !sameJSON(e.State, s.State) {
					t.Errorf("step %d: state %s, want %s", i, e.State, wantState)
				}
			}
		})
	}
	for _, c := range file.Protocol.AwarenessSteps {
		var name, in string
		var clock uint64
		if err := errors.Join(json.Unmarshal(c[0], &name), json.Unmarshal(c[1], &in), json.Unmarshal(c[2], &clock)); err != nil {
			t.Fatal(err)
		}
		update, _ := hex.DecodeString(in)
		entries, err := awareness.Decode(update, awareness.DefaultLimits)
		if err != nil || len(entries) != 1 || entries[0].Client != 1001 || entries[0].Clock != clock || !sameJSON(entries[0].State, c[3]) {
			t.Errorf("%s: Decode(%s) = %v, %v, want clock %d, state %s", name, in, entries, err, clock, c[3])
			continue
		}
		if again := awareness.AppendUpdate(nil, entries...); !bytes.Equal(again, update) {
			t.Errorf("%s: encoded again: %x, want %s", name, again, in)
		}
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func TestRepeatIsNoNews(t *testing.T) {
	var s awareness.States
	apply(t, &s, after(0), entry(1, 1, `{"x":1}`), entry(2, 4, `{}`))
	if change := apply(t, &s, after(1), entry(1, 1, `{"x":1}`), entry(2, 4, `{}`)); !change.Empty() {
		t.Errorf("the same update again: got %+v, want nothing", change)
	}
}

func TestSilentClientExpiresAfter30Seconds(t *testing.T) {
	var s awareness.States
	apply(t, &s, after(0), entry(1, 1, `{}`), entry(2, 1, `{}`))
	apply(t, &s, after(15), entry(2, 2, `{}`))
	if change := s.Expire(after(29.999)); !change.Empty() {
		t.Errorf("before 30 s: got %+v, want nothing", change)
	}
	change := s.Expire(after(30))
	if want := (awareness.Change{Removed: []uint64{1}}); !same(change, want) {
		t.Errorf("after 30 s: got %+v, want %+v", change, want)
	}
	if got, want := s.AppendUpdate(nil, change.Clients()...), awareness.AppendUpdate(nil, entry(1, 1, "null")); !bytes.Equal(got, want) {
		t.Errorf("removal: got %x, want %x", got, want)
	}
	if got := s.Present(); !slices.Equal(got, []uint64{2}) {
		t.Errorf("present: got %v, want [2]", got)
	}
	if change := s.Expire(after(31)); !change.Empty() {
		t.Errorf("a second time: got %+v, want nothing", change)
	}
}

func TestRemovedClientIsForgottenAfterAMinute(t *testing.T) {
	var s awareness.States
	apply(t, &s, after(0), entry(1, 5, `{}`))
	if change := s.Remove(after(1), 1, 9); !same(change, awareness.Change{Removed: []uint64{1}}) {
		t.Fatalf("remove: got %+v", change)
	}
	s.Expire(after(60.999))
	if change := apply(t, &s, after(60.999), entry(1, 5, `{}`)); !change.Empty() {
		t.Errorf("an old entry within the minute: got %+v, want nothing", change)
	}
	s.Expire(after(61))
	if _, known := s.Get(1); known {
		t.Error("the client is still known after a minute")
	}
	if change := apply(t, &s, after(62), entry(1, 5, `{}`)); !same(change, awareness.Change{Added: []uint64{1}}) {
		t.Errorf("the client comes back: got %+v", change)
	}
}

// A removal keeps the clock: the client's own next renewal, one higher, wins.
func TestRenewalWinsOverRemoval(t *testing.T) {
	var s awareness.States
	apply(t, &s, after(0), entry(1, 5, `{}`))
	s.Remove(after(1), 1)
	if change := apply(t, &s, after(2), entry(1, 6, `{}`)); !same(change, awareness.Change{Updated: []uint64{1}}) {
		t.Errorf("renewal: got %+v, want client 1 updated", change)
	}
}

func TestUpdateThatCannotBeReadChangesNothing(t *testing.T) {
	good := awareness.AppendUpdate(nil, entry(1, 1, `{}`), entry(2, 1, `{}`))
	long := awareness.AppendUpdate(nil, entry(1, 1, `"`+strings.Repeat("a", awareness.DefaultLimits.StateBytes)+`"`), entry(2, 1, `{}`))
	for name, update := range map[string][]byte{
		"nothing":                 nil,
		"cut short":               good[:len(good)-1],
		"bytes at the end":        append(slices.Clone(good), 0),
		"more entries than bytes": {0xff, 0xff, 0x03, 1, 1, 1, '0'},
		"no JSON":                 awareness.AppendUpdate(nil, entry(1, 1, `{}`), entry(2, 1, `{oops`)),
		"empty JSON":              awareness.AppendUpdate(nil, entry(1, 1, ``)),
		"no UTF-8":                awareness.AppendUpdate(nil, entry(1, 1, "\"\xff\"")),
		"deep JSON":               awareness.AppendUpdate(nil, entry(1, 1, strings.Repeat("[", 8000)+strings.Repeat("]", 8000))),
		"cut short behind a state that is too long": long[:len(long)-1],
	} {
		var s awareness.States
		if _, err := s.Apply(update, start); err == nil {
			t.Errorf("%s: no error", name)
		}
		if len(s.Present()) != 0 {
			t.Errorf("%s: present after a refused update: %v", name, s.Present())
		}
	}
}

func TestWhatIsBeyondALimitIsIgnored(t *testing.T) {
	limits := awareness.Limits{Bytes: 100, Entries: 3, StateBytes: 10, Clients: 10}
	ten, eleven := `"`+strings.Repeat("a", 8)+`"`, `"`+strings.Repeat("a", 9)+`"`
	for _, c := range []struct {
		name    string
		entries []awareness.Entry
		want    []uint64
	}{
		{"a state at the limit", []awareness.Entry{entry(1, 1, ten)}, []uint64{1}},
		{"a state above it", []awareness.Entry{entry(1, 1, `{}`), entry(2, 1, eleven), entry(3, 1, `{}`)}, []uint64{1, 3}},
		{"as many entries as may be", []awareness.Entry{entry(1, 1, `0`), entry(2, 1, `0`), entry(3, 1, `0`)}, []uint64{1, 2, 3}},
		{"one more", []awareness.Entry{entry(1, 1, `0`), entry(2, 1, `0`), entry(3, 1, `0`), entry(4, 1, `0`)}, []uint64{1, 2, 3}},
		{"one more, with a long one", []awareness.Entry{entry(1, 1, `0`), entry(2, 1, eleven), entry(3, 1, `0`), entry(4, 1, `0`)}, []uint64{1, 3, 4}},
		{"no entries", nil, nil},
		{"an update that is too long", slices.Repeat([]awareness.Entry{entry(1, 1, ten)}, 8), nil},
	} {
		s := awareness.States{Limits: limits}
		if _, err := s.Apply(awareness.AppendUpdate(nil, c.entries...), start); err != nil || !slices.Equal(s.Present(), c.want) {
			t.Errorf("%s: present %v, %v; want %v", c.name, s.Present(), err, c.want)
		}
	}
}

// An entry takes three bytes on the wire.
func TestManyEntriesTakeLittleMemory(t *testing.T) {
	const n = 1 << 20
	update := lib0.AppendUint(nil, n)
	for range n {
		update = append(update, 1, 1, 1, '0')
	}
	limits := awareness.Limits{Bytes: len(update), Entries: 10, StateBytes: 10}
	if allocs := testing.AllocsPerRun(1, func() {
		if entries, err := awareness.Decode(update, limits); err != nil || cap(entries) != 10 {
			t.Errorf("%d entries, %v", cap(entries), err)
		}
	}); allocs > 10 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestSizeIsThatOfTheStates(t *testing.T) {
	var s awareness.States
	apply(t, &s, after(0), entry(1, 1, `{}`), entry(2, 1, `{"a":1}`))
	apply(t, &s, after(20), entry(1, 2, `{"a":12}`))
	if got := s.Size(); got != 15 {
		t.Errorf("two states: %d bytes, want 15", got)
	}
	s.Expire(after(40))
	s.Remove(after(40), 1)
	s.Expire(after(200))
	if got := s.Size(); got != 0 {
		t.Errorf("nobody is there: %d bytes", got)
	}
}

func TestRoomTakesNoMoreClientsThanItsLimit(t *testing.T) {
	s := awareness.States{Limits: awareness.Limits{Bytes: 1000, Entries: 10, StateBytes: 100, Clients: 2}}
	apply(t, &s, after(0), entry(1, 1, `{}`), entry(2, 1, `{}`), entry(3, 1, `{}`))
	if got := s.Present(); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("present: got %v, want [1 2]", got)
	}
	if change := apply(t, &s, after(1), entry(2, 2, `{}`)); !same(change, awareness.Change{Updated: []uint64{2}}) {
		t.Errorf("a known client in a full room: got %+v", change)
	}
}

func TestStateOutlivesItsUpdate(t *testing.T) {
	var s awareness.States
	update := awareness.AppendUpdate(nil, entry(1, 1, `{"a":1}`))
	if _, err := s.Apply(update, start); err != nil {
		t.Fatal(err)
	}
	clear(update)
	if e, _ := s.Get(1); string(e.State) != `{"a":1}` {
		t.Errorf("state after its update was overwritten: %s", e.State)
	}
}

func TestRestoreKeepsTheNewer(t *testing.T) {
	var s awareness.States
	for _, e := range []awareness.Entry{entry(1, 3, `{"n":3}`), entry(1, 2, `{"n":2}`), entry(2, 1, "null")} {
		if err := s.Restore(e, after(0)); err != nil {
			t.Fatal(err)
		}
	}
	if e, _ := s.Get(1); e.Clock != 3 || string(e.State) != `{"n":3}` {
		t.Errorf("got %v, want clock 3", e)
	}
	if got := s.Present(); !slices.Equal(got, []uint64{1}) {
		t.Errorf("present: got %v, want [1]", got)
	}
	if change := s.Expire(after(30)); !same(change, awareness.Change{Removed: []uint64{1}}) {
		t.Errorf("expiry of a restored state: got %+v", change)
	}
	if err := s.Restore(entry(4, 1, "{"), after(0)); err == nil {
		t.Error("a state that is no JSON was restored")
	}
}

// One full exchange brings two rooms to the same clocks, whatever each heard.
func TestExchangeConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rooms [2]awareness.States
		for i := range rapid.IntRange(0, 30).Draw(t, "entries") {
			// The state is a function of client and clock, as with one honest author.
			client, clock := rapid.Uint64Range(0, 5).Draw(t, "client"), rapid.Uint64Range(1, 5).Draw(t, "clock")
			state := fmt.Sprintf(`{"clock":%d}`, clock)
			if (client+clock)%3 == 0 {
				state = "null"
			}
			room := &rooms[rapid.IntRange(0, 1).Draw(t, "room")]
			update := awareness.AppendUpdate(nil, entry(client, clock, state))
			if _, err := room.Apply(update, start); err != nil {
				t.Fatalf("entry %d: %v", i, err)
			}
			if change, _ := room.Apply(update, start); !change.Empty() {
				t.Fatalf("entry %d, repeated: %+v", i, change)
			}
		}
		clients := []uint64{0, 1, 2, 3, 4, 5}
		for i := range rooms {
			if _, err := rooms[1-i].Apply(rooms[i].AppendUpdate(nil, clients...), start); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := rooms[0].AppendUpdate(nil, rooms[0].Present()...), rooms[1].AppendUpdate(nil, rooms[1].Present()...); !bytes.Equal(a, b) {
			t.Fatalf("after the exchange: %x and %x", a, b)
		}
	})
}

func FuzzApply(f *testing.F) {
	for _, seed := range []string{"010701077b2261223a317d", "010701046e756c6c", "01e90700027b7d", "00", "020101017b010202027b7d", "ffffffffffffff0f"} {
		b, _ := hex.DecodeString(seed)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, update []byte) {
		entries, err := awareness.Decode(update, awareness.DefaultLimits)
		var s awareness.States
		if _, applyErr := s.Apply(update, start); (err == nil) != (applyErr == nil) {
			t.Fatalf("Decode: %v, Apply: %v", err, applyErr)
		}
		if err != nil {
			return
		}
		again, err := awareness.Decode(awareness.AppendUpdate(nil, entries...), awareness.DefaultLimits)
		if err != nil || !reflect.DeepEqual(again, entries) {
			t.Fatalf("%x: %v comes back as %v, %v", update, entries, again, err)
		}
	})
}
