package yjs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSummarySaysWhatAnUpdateHolds(t *testing.T) {
	for _, c := range []struct {
		name, update string
		structs      []yjs.ClockRange
		deletes      []yjs.ClockRange
		empty        bool
	}{
		{name: "nothing", update: "00 00", empty: true},
		{name: "a block without structs", update: "01 00 07 05 00", empty: true},
		{name: "one string", update: "01 01 07 05 04 01 01 74 03 616263 00", structs: []yjs.ClockRange{{7, 5, 8}}},
		{name: "a surrogate pair counts two", update: "01 01 07 00 04 01 01 74 04 f09f9880 00", structs: []yjs.ClockRange{{7, 0, 2}}},
		{name: "GC, Skip, Deleted", update: "01 03 07 00 00 02 0a 03 81 07 01 04 00", structs: []yjs.ClockRange{{7, 0, 9}}},
		{name: "two clients", update: "02 01 09 00 00 01 01 07 01 00 01 00", structs: []yjs.ClockRange{{9, 0, 1}, {7, 1, 2}}},
		{name: "clients ascending", update: "02 01 07 00 00 01 01 09 01 00 01 00", structs: []yjs.ClockRange{{7, 0, 1}, {9, 1, 2}}},
		{name: "deletes only", update: "00 02 09 01 00 05 07 02 01 01 03 02", deletes: []yjs.ClockRange{{9, 0, 5}, {7, 1, 2}, {7, 3, 5}}},
		{name: "ranges that overlap", update: "00 01 07 02 02 04 00 09", deletes: []yjs.ClockRange{{7, 2, 6}, {7, 0, 9}}},
		{name: "the last clock", update: "01 01 07 feffffff07 00 01 01 07 01 00 ffffffff07", structs: []yjs.ClockRange{{7, 1<<31 - 2, 1<<31 - 1}}, deletes: []yjs.ClockRange{{7, 0, 1<<31 - 1}}},
		{name: "the last client", update: "01 01 ffffffffffffff0f 00 00 01 00", structs: []yjs.ClockRange{{1<<53 - 1, 0, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := yjs.Validate(unhex(t, c.update), yjs.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			deletes := slices.Collect(s.DeleteRanges())
			if !slices.Equal(s.Structs, c.structs) || !slices.Equal(deletes, c.deletes) || s.Deletes != len(c.deletes) || s.Empty() != c.empty {
				t.Errorf("got structs %v, %d deletes %v, empty %v\nwant structs %v, deletes %v, empty %v",
					s.Structs, s.Deletes, deletes, s.Empty(), c.structs, c.deletes, c.empty)
			}
		})
	}
}

// item returns an update of one item with that content, without the delete set's end.
func item(info byte, content string) string {
	return "01 01 07 00" + hex.EncodeToString([]byte{info}) + "01 01 74" + content + "00"
}

func TestValidateRefuses(t *testing.T) {
	deep := strings.Repeat
	jsonText := func(text string) string {
		return item(5, hex.EncodeToString(lib0.AppendString(nil, text)))
	}
	for _, c := range []struct {
		name, update string
		offset       int // of the error, -1 if it is inside a value
	}{
		{"nothing", "", 0},
		{"no delete set", "00", 1},
		{"bytes after the update", "00 00 00", 2},
		{"more blocks than bytes", "02 00 07 05 00", 1},
		{"more structs than bytes", "01 03 07 00 00 01 00", 2},
		{"more delete ranges than bytes", "00 01 07 02 00 01 00", 4},
		{"a GC of length 0", "01 01 07 00 00 00 00", 6},
		{"a Skip of length 0", "01 01 07 00 0a 00 00", 6},
		{"a Deleted of length 0", item(1, "00"), 9},
		{"a JSON without elements", item(2, "00"), 9},
		{"an empty string", item(4, "00"), 9},
		{"an Any without elements", item(8, "00"), 9},
		{"a delete range of length 0", "00 01 07 01 00 00", 6},
		{"a GC with flags", "01 01 07 00 80 01 00", 6},
		{"a Skip with flags", "01 01 07 00 2a 01 00", 6},
		{"content ref 11", item(11, ""), 8},
		{"content ref 31", item(31, ""), 8},
		{"type ref 7", item(7, "07"), 9},
		{"Any tag 115", item(8, "01 73"), 9},
		{"Any nested 257 deep", item(8, "01"+deep("7501", 257)+"7e"), -1},
		{"JSON nested 257 deep", jsonText(deep("[", 257) + deep("]", 257)), -1},
		{"no JSON", jsonText("{oops"), -1},
		{"the word undefined in an embed", jsonText("undefined"), -1},
		{"no JSON in an element", item(2, "01 01 78"), -1},
		{"no UTF-8", item(4, "01 ff"), 9},
		{"half a surrogate pair", item(4, "03 eda0bd"), 9},
		{"an origin that is the struct itself", "01 01 07 05 84 07 05 01 61 00", 7},
		{"a right origin of its own future", "01 01 07 05 44 07 06 01 61 00", 7},
		{"a parent that is the struct itself", "01 01 07 05 04 00 07 05 01 61 00", 8},
		{"a clock of 2^31", "01 01 07 8080808008 00 01 00", 8},
		{"a struct that ends at 2^31", "01 01 07 ffffffff07 00 01 00", 10},
		{"a delete range that ends at 2^31", "00 01 07 01 01 ffffffff07", 10},
		{"an origin of clock 2^31", "01 01 07 05 84 08 8080808008 01 61 00", 11},
		{"a client of 2^53", "01 01 8080808080808010 00 00 01 00", 9},
		{"a client with two blocks", "02 01 07 00 00 01 01 07 01 00 01 00", -1},
		{"a client with two blocks, another between", "03 01 07 00 00 01 01 09 00 00 01 01 07 01 00 01 00", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			update := unhex(t, c.update)
			_, err := yjs.Validate(update, yjs.Limits{})
			var at *lib0.Error
			if !errors.As(err, &at) {
				t.Fatalf("%s: got %v, want an error with an offset", c.update, err)
			}
			if c.offset >= 0 && at.Offset != c.offset {
				t.Errorf("%s: got %v, want byte %d", c.update, err, c.offset)
			}
		})
	}
	for _, update := range []string{
		item(8, "01"+deep("7501", 256)+"7e"),
		jsonText(deep("[", 256) + deep("]", 256)),
		item(2, "01 09"+hex.EncodeToString([]byte("undefined"))),
		item(4, "04 efbbbf61"),
		item(7, "06"),
		"01 01 07 05 84 07 04 01 61 00",
		"01 01 07 05 a4 07 04 01 61 00", // a map key is announced, and inherited
	} {
		if _, err := yjs.Validate(unhex(t, update), yjs.Limits{}); err != nil {
			t.Errorf("%s: got %v, want no error", update, err)
		}
	}
}

func TestEveryCutOfAnUpdateIsRefused(t *testing.T) {
	updates := smallUpdates(t)
	for i, update := range updates {
		for n := range update {
			if _, err := yjs.Validate(update[:n], yjs.Limits{}); err == nil {
				t.Errorf("update %d, the first %d of %d bytes: got no error\n%x", i, n, len(update), update)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	two := unhex(t, "02 01 09 00 00 01 01 07 01 00 01 01 07 02 00 01 05 01")
	exact := yjs.Limits{Bytes: len(two), Clients: 2, Structs: 2, Deletes: 2}
	if _, err := yjs.Validate(two, exact); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	for name, lower := range map[string]func(*yjs.Limits){
		"bytes":   func(l *yjs.Limits) { l.Bytes-- },
		"clients": func(l *yjs.Limits) { l.Clients-- },
		"structs": func(l *yjs.Limits) { l.Structs-- },
		"deletes": func(l *yjs.Limits) { l.Deletes-- },
	} {
		limits := exact
		lower(&limits)
		if _, err := yjs.Validate(two, limits); err == nil {
			t.Errorf("one over the limit of %s: got no error", name)
		}
	}
}

// nestedTypes returns an update of that many types, each in the one before.
func nestedTypes(depth int) []byte {
	b := lib0.AppendUint([]byte{1}, uint64(depth))
	b = append(b, 7, 0)
	b = append(b, 7, 1, 1, 't', 0) // a Y.Array in the root type t
	for i := 1; i < depth; i++ {
		b = append(lib0.AppendUint(append(b, 7, 0, 7), uint64(i-1)), 0)
	}
	return append(b, 0)
}

func TestTypesNestAtMost1000Deep(t *testing.T) {
	if _, err := yjs.Validate(nestedTypes(1001), yjs.Limits{}); err != nil {
		t.Errorf("1,000 deep: %v", err)
	}
	if _, err := yjs.Validate(nestedTypes(1002), yjs.Limits{}); err == nil {
		t.Error("1,001 deep: got no error")
	}
	// The same through neighbours: each type follows a letter in the one before.
	b := append(lib0.AppendUint([]byte{1}, 4001), 7, 0)
	b = append(b, 7, 1, 1, 't', 0)
	for i := uint64(0); i < 2000; i++ {
		b = append(lib0.AppendUint(append(b, 4, 0, 7), 2*i), 1, 'x')
		b = append(lib0.AppendUint(append(b, 0x87, 7), 2*i+1), 0)
	}
	if _, err := yjs.Validate(append(b, 0), yjs.Limits{}); err == nil {
		t.Error("2,000 deep through neighbours: got no error")
	}
}

type hostileCase struct {
	Name string
	V    int
	B64  []byte
	Yjs  struct{ R, Msg string }
}

// Updates that yjs accepts and Validate rejects, with the rule.
var stricterThanYjs = map[string]string{
	"trailing garbage":                "nothing follows the delete set",
	"bitflip01-11":                    "nothing follows the delete set",
	"empty string content":            "nothing has length 0",
	"gc len 0":                        "nothing has length 0",
	"gc len 2^53-1":                   "clocks end below 2^31",
	"gc len 2^31 then item":           "clocks end below 2^31",
	"gc with flag bits":               "a GC has no flags",
	"clock 2^53-2":                    "clocks end below 2^31",
	"ds len 2^53-1":                   "clocks end below 2^31",
	"same client twice in one update": "each client has one block",
}

func TestHostileUpdatesAreRefusedWhereYjsThrows(t *testing.T) {
	for _, c := range readCases[hostileCase](t, "hostile.jsonl.gz") {
		t.Run(c.Name, func(t *testing.T) {
			update := c.B64
			var err error
			before := allocated()
			started := time.Now()
			if c.V == 1 {
				_, err = yjs.Validate(update, yjs.Limits{})
			} else {
				_, err = yjs.ConvertV2ToV1(update)
			}
			if took := time.Since(started); took > time.Minute {
				t.Errorf("took %v", took)
			}
			if bytes := allocated() - before; bytes > 16<<20 {
				t.Errorf("allocated %d bytes for %d", bytes, len(update))
			}
			accepted := c.Yjs.R == "accepted" || c.Yjs.R == "pending"
			_, stricter := stricterThanYjs[c.Name]
			if c.Name == "v2 gc structs 5*10^6 by rle" {
				stricter = true // more structs than a V2 update of 25 bytes may unfold to
			}
			if want := accepted && !stricter; (err == nil) != want {
				t.Errorf("got %v; yjs: %s, stricter: %v", err, c.Yjs.R, stricter)
			}
			for name, f := range map[string]func() error{
				"MergeUpdates":          func() error { _, err := yjs.MergeUpdates(update, update); return err },
				"MergeUpdatesV2":        func() error { _, err := yjs.MergeUpdatesV2(update, update); return err },
				"DiffUpdate":            func() error { _, err := yjs.DiffUpdate(update, []byte{0}); return err },
				"ConvertV1ToV2":         func() error { _, err := yjs.ConvertV1ToV2(update); return err },
				"StateVectorFromUpdate": func() error { _, err := yjs.StateVectorFromUpdate(update); return err },
			} {
				before := allocated()
				f()
				if bytes := allocated() - before; bytes > 64<<20 {
					t.Errorf("%s allocated %d bytes for %d", name, bytes, len(update))
				}
			}
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestReadAgainAllocatesNothing(t *testing.T) {
	update := unhex(t, "01 01 07 05 84 07 04 01 61 00")
	var s yjs.Summary
	if n := testing.AllocsPerRun(100, func() {
		if s.Read(update, yjs.Limits{Bytes: 1 << 20}) != nil {
			t.Fatal("refused")
		}
	}); n > 0 {
		t.Errorf("a keystroke allocates %v times", n)
	}
}

// smallUpdates are a few updates with contents of all kinds.
func smallUpdates(t testing.TB) [][]byte {
	updates := [][]byte{{0, 0}, unhex(t, "01 01 07 05 84 07 04 01 61 01 07 01 00 02")}
	for _, text := range []string{
		item(1, "05"), item(2, "02 09"+hex.EncodeToString([]byte("undefined"))+"02 5b5d"), item(3, "02 00ff"),
		item(4, "06 61f09f988062"), item(5, "07"+hex.EncodeToString([]byte(`{"a":1}`))),
		item(6, "04"+hex.EncodeToString([]byte("bold"))+"04"+hex.EncodeToString([]byte("true"))),
		item(7, "00"), item(7, "03 01 70"), item(7, "05 01 68"), item(7, "06"),
		item(8, "0c 7f 7e 7d41 7c3f000000 7b7ff8000000000000 7a0000000000000001 79 78 770161 7601016b75017e 7500 7403010203"),
		item(9, "02 6964 7601 026763 79"),
		"01 01 07 00 28 01 01 74 01 6b 01 7e 00",
		"02 02 09 05 0a 02 c4 07 00 07 01 01 61 01 07 00 04 01 01 74 02 6162 02 09 01 00 01 07 01 00 01",
	} {
		updates = append(updates, unhex(t, text))
	}
	for i, update := range updates {
		if _, err := yjs.Validate(update, yjs.Limits{}); err != nil {
			t.Fatalf("small update %d: %v\n%x", i, err, update)
		}
	}
	return updates
}

func FuzzValidate(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, update []byte) {
		s, err := yjs.Validate(update, yjs.Limits{})
		if err != nil {
			return
		}
		if len(s.Structs)*5 > len(update) || s.Deletes*2 > len(update) {
			t.Fatalf("%x: more structs or deletes than bytes: %+v", update, s)
		}
		// Every valid update can be merged, compared and converted.
		merged, err := yjs.MergeUpdates(update, update)
		if err != nil {
			t.Fatalf("%x: merge: %v", update, err)
		}
		if _, err := yjs.Validate(merged, yjs.Limits{}); err != nil {
			t.Fatalf("%x: merged to %x: %v", update, merged, err)
		}
		again, err := yjs.MergeUpdates(merged, update)
		if err != nil || !bytes.Equal(again, merged) {
			t.Fatalf("%x: merged to %x, again to %x, %v", update, merged, again, err)
		}
		sv, err := yjs.StateVectorFromUpdate(merged)
		if err != nil {
			t.Fatalf("%x: state vector: %v", update, err)
		}
		diff, err := yjs.DiffUpdate(merged, sv)
		if err != nil {
			t.Fatalf("%x: diff: %v", update, err)
		}
		if _, err := yjs.Validate(diff, yjs.Limits{}); err != nil {
			t.Fatalf("%x: diff %x: %v", update, diff, err)
		}
		v2, err := yjs.ConvertV1ToV2(update)
		if err != nil {
			t.Fatalf("%x: to V2: %v", update, err)
		}
		back, err := yjs.ConvertV2ToV1(v2)
		if err != nil {
			t.Fatalf("%x: to V2 %x and back: %v", update, v2, err)
		}
		if v2Again, err := yjs.ConvertV1ToV2(back); err != nil || !bytes.Equal(v2Again, v2) {
			t.Fatalf("%x: V2 %x, back %x, V2 %x, %v", update, v2, back, v2Again, err)
		}
	})
}

// A room validates an update before it has a document, and applies it later. So Apply and
// Validate must accept the same updates.
func FuzzDocumentTakesWhatIsValid(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, update []byte) {
		_, err := yjs.Validate(update, yjs.Limits{})
		_, applyErr := yjs.New(yjs.Options{}).Apply(update)
		if errors.Is(applyErr, yjs.ErrNesting) || errors.Is(applyErr, yjs.ErrSteps) || errors.Is(applyErr, yjs.ErrPending) {
			return
		}
		if (err == nil) != (applyErr == nil) {
			t.Fatalf("%x: Validate says %v, Apply %v", update, err, applyErr)
		}
	})
}

// addSeeds seeds a fuzz test with small updates and, where there are any, with
// hostile ones.
func addSeeds(f *testing.F) {
	for _, update := range smallUpdates(f) {
		f.Add(update)
		v2, err := yjs.ConvertV1ToV2(update)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v2)
	}
	for _, c := range hostileSeeds(f) {
		f.Add(c)
	}
}

func FuzzV2(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, update []byte) {
		v1, err := yjs.ConvertV2ToV1(update)
		if _, mergeErr := yjs.MergeUpdatesV2(update, update); (err == nil) != (mergeErr == nil) {
			t.Fatalf("%x: convert: %v, merge: %v", update, err, mergeErr)
		}
		yjs.DiffUpdateV2(update, []byte{0})
		yjs.StateVectorFromUpdateV2(update)
		if err != nil {
			return
		}
		if len(v1) > 100*(64*len(update)+100_000) {
			t.Fatalf("%x: unfolds to %d bytes", update, len(v1))
		}
		v2, err := yjs.ConvertV1ToV2(v1)
		if err != nil {
			t.Fatalf("%x: V1 %x: %v", update, v1, err)
		}
		if again, err := yjs.ConvertV2ToV1(v2); err != nil || !bytes.Equal(again, v1) {
			t.Fatalf("%x: V1 %x, V2 %x, V1 %x, %v", update, v1, v2, again, err)
		}
	})
}
