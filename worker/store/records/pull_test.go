//go:build !js

package records

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// grown is the schema of an app that gained things: notes with version 2,
// products with version 3.
func grown() record.Schema {
	s := record.Default()
	s.Version = 3
	s.Tables[0].Columns[2].Since = 2
	s.Tables[1].Since = 3
	return s
}

func (f *fixture) with(schema record.Schema) *fixture {
	f.Watermelon = newDialect(f.db, schema, watermelon.DefaultLimits())
	return f
}

// names are the ids in the table's updated rows and in deleted, sorted.
func names(p *pulled, table string) string {
	var ids []string
	for id := range p.rows(table) {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	slices.Sort(p.Changes[table].Deleted)
	return strings.Join(ids, " ") + " / " + strings.Join(p.Changes[table].Deleted, " ")
}

func expect(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestPull(t *testing.T) {
	t.Run("P1_first_pull_has_what_lives", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("a", "A", at(0)), customer("b", "B", at(0)), customer("c", "C", at(0)))
		f.remove(0, "b", "never")
		for _, first := range []any{nil, "null", object{"lastPulledAt": nil}, object{"lastPulledAt": 0}, "{}"} {
			expect(t, names(f.pull(first), "customers"), "a c / ")
		}
	})
	t.Run("P2_every_change_since_and_no_id_twice", func(t *testing.T) {
		f := newFixture(t)
		f.put(0, customer("kept", "", at(0)), customer("edited", "", at(0)), customer("removed", "", at(0)))
		before := f.pull(nil).Timestamp
		f.put(before, customer("edited", "again", at(1)), customer("added", "", at(1)))
		f.put(before, customer("edited", "and again", at(2)))
		f.remove(before, "removed")
		f.push(object{"lastPulledAt": before, "changes": object{"products": object{"created": list{object{"id": "p", "price": 1, "updated_at": at(0)}}}}})
		p := f.since(before)
		expect(t, names(p, "customers"), "added edited / removed")
		expect(t, names(p, "products"), "p / ")
		if n := len(p.Changes["customers"].Updated); n != 2 {
			t.Errorf("%d rows, want 2: an id is there twice", n)
		}
	})
	t.Run("P3_timestamps_are_positive_integers_and_never_go_back", func(t *testing.T) {
		f := newFixture(t)
		integer := regexp.MustCompile(`"timestamp":[1-9][0-9]*[,}]`)
		last := stamp(0)
		for i := range 5 {
			answer, _, err := f.Pull(t.Context(), record.Caller{}, nil, store.Budget{})
			if err != nil || !integer.Match(answer.Bytes()) {
				t.Fatalf("%v, %v", answer, err)
			}
			p := f.pull(nil)
			if p.Timestamp <= 0 || p.Timestamp < last || p.Timestamp >= 1<<53 {
				t.Fatalf("timestamp %d after %d", p.Timestamp, last)
			}
			last = p.Timestamp
			f.put(last, customer(fmt.Sprint(i), "", at(0)))
			f.after(-time.Hour)
			expect(t, names(f.since(last), "customers"), fmt.Sprint(i, " / "))
		}
	})
	t.Run("P4_rows_and_timestamp_are_one_batch", func(t *testing.T) {
		f := newFixture(t)
		spy := &spyDB{DB: f.db}
		f.Watermelon = newDialect(spy, record.Default(), watermelon.DefaultLimits())
		f.pull(nil)
		f.since(1)
		expect(t, spy.batches, 2)
	})
	t.Run("P5_created_and_deleted_since_is_only_deleted", func(t *testing.T) {
		f := newFixture(t)
		before := f.pull(nil).Timestamp
		f.put(before, customer("a", "", at(0)))
		f.remove(before, "a")
		expect(t, names(f.since(before), "customers"), " / a")
	})
	t.Run("P6_migration_brings_added_tables_and_columns", func(t *testing.T) {
		f := newFixture(t).with(grown())
		f.push(object{"changes": object{
			"customers": object{"created": list{
				object{"id": "plain", "contact_name": "x", "updated_at": at(0)},
				object{"id": "noted", "notes": "n", "updated_at": at(0)},
				object{"id": "gone", "notes": "n", "updated_at": at(0)},
			}},
			"products": object{"created": list{object{"id": "p", "updated_at": at(0)}}},
		}})
		f.remove(0, "gone")
		since := f.pull(nil).Timestamp
		f.put(since, customer("new", "", at(0)))
		migration := object{"from": 1, "tables": list{"products"}, "columns": list{object{"table": "customers", "columns": list{"notes"}}}}
		for _, limit := range []any{nil, 1} {
			p := f.all(object{"lastPulledAt": since, "schemaVersion": 3, "migration": migration, "limit": limit})
			expect(t, names(p, "customers"), "new noted / ")
			expect(t, names(p, "products"), "p / ")
			expect(t, p.rows("customers")["noted"]["notes"], any("n"))
		}
		for _, unknown := range []any{
			object{"tables": list{"sqlite_master"}},
			object{"tables": list{`customers"; DROP TABLE Customers; --`}},
			object{"columns": list{object{"table": "customers", "columns": list{"1=1 OR notes"}}}},
			object{"columns": list{object{"table": "nope", "columns": list{"notes"}}}},
		} {
			p := f.pull(object{"lastPulledAt": since, "migration": unknown})
			expect(t, names(p, "customers"), "new / ")
		}
		for _, bad := range []any{
			object{"columns": list{object{"columns": list{"notes"}}}},
			object{"tables": "products"},
			"later",
		} {
			_, err := f.tryPull(object{"lastPulledAt": since, "migration": bad})
			var input *watermelon.InputError
			if !errors.As(err, &input) {
				t.Errorf("migration %v: got %v, want an input error", bad, err)
			}
		}
	})
	t.Run("P7_full_rows_of_declared_columns_and_types", func(t *testing.T) {
		f := newFixture(t)
		f.push(object{"changes": object{"products": object{"created": list{object{
			"id": "p.1_-Z", "_status": "created", "_changed": "title,price", "title": "T\x00\"\\\u2028😀", "price": 5, "unknown": 1, "updated_at": at(0),
		}}}}})
		answer, _, err := f.Pull(t.Context(), record.Caller{}, nil, store.Budget{})
		if err != nil || !strings.Contains(string(answer.Bytes()), `"customers":{"created":[],"updated":[],"deleted":[]}`) {
			t.Errorf("%v, %v: want all three arrays of each table", answer, err)
		}
		expect(t, f.pull(nil).Changes["products"].Updated, []object{{
			"id": "p.1_-Z", "title": "T\x00\"\\\u2028😀", "description": nil, "price": 5.0, "discounts": nil, "image": nil,
			"created_at": 0.0, "updated_at": float64(at(0)),
		}})
	})
	t.Run("P8_what_is_newer_than_the_app_is_left_out", func(t *testing.T) {
		f := newFixture(t).with(grown())
		f.push(object{"changes": object{
			"customers": object{"created": list{object{"id": "c", "notes": "n", "updated_at": at(0)}}},
			"products":  object{"created": list{object{"id": "p", "updated_at": at(0)}}},
		}})
		for _, limit := range []any{nil, 10} {
			for version, want := range map[int]string{1: "false false", 2: "true false", 3: "true true", 99: "true true"} {
				for _, since := range []any{nil, 1} {
					p := f.pull(object{"lastPulledAt": since, "schemaVersion": version, "limit": limit})
					_, notes := p.rows("customers")["c"]["notes"]
					_, products := p.Changes["products"]
					expect(t, fmt.Sprint(notes, products), want)
				}
			}
		}
	})
	t.Run("P9_every_caller_may_see_every_row", func(t *testing.T) {
		// Nothing is granted or lost: what one client pushed, any other pulls.
		f := newFixture(t)
		one := f.put(0, customer("a", "A", at(0))).Timestamp
		expect(t, f.pull(nil).Changes["customers"], f.since(1).Changes["customers"])
		f.remove(one, "a")
		expect(t, names(f.since(one), "customers"), " / a")
	})
	t.Run("P10_created_is_always_empty", func(t *testing.T) {
		f := newFixture(t)
		f.push(object{"changes": object{"customers": object{"created": list{customer("a", "A", at(0))}}}})
		for _, p := range []*pulled{f.pull(nil), f.since(1), f.pull(object{"limit": 5}), f.since(99 << 40)} {
			expect(t, names(p, "customers"), "a / ")
			if c := p.Changes["customers"].Created; c == nil || len(c) != 0 {
				t.Errorf("created is %v, want []", c)
			}
		}
	})
}

func TestBadPullsAreRefused(t *testing.T) {
	f := newFixture(t)
	for input, want := range map[string]string{
		`{"lastPulledAt":-1}`:                      "integer",
		`{"lastPulledAt":5.7}`:                     "integer",
		`{"lastPulledAt":1e21}`:                    "integer",
		`{"lastPulledAt":9007199254740992}`:        "integer",
		`{"lastPulledAt":"1"}`:                     "must be a number",
		`{"lastPulledAt":NaN}`:                     "unexpected 'N'",
		`{"lastPulledAt":1,"lastPulledAt":2}`:      "there twice",
		`{"lastPulledAt":1,"last\u0050ulledAt":2}`: "there twice",
		`{"schemaVersion":0}`:                      "schemaVersion",
		`{"schemaVersion":"1"}`:                    "schemaVersion",
		`{"limit":0}`:                              "limit",
		`{"limit":-1}`:                             "limit",
		`{"cursor":"nonsense"}`:                    "cursor",
		`{"cursor":7}`:                             "cursor",
		`[]`:                                       "object",
		`{`:                                        "unexpected end",
		`{} x`:                                     "unexpected 'x'",
		`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`: "too deeply",
		`{"cursor":"` + strings.Repeat("A", 2000) + `"}`:                  "too long",
	} {
		_, err := f.tryPull(input)
		var bad *watermelon.InputError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %q", input, err, want)
		}
	}
}

// Any double comes back as it was.
func TestNumbersKeepTheirPrecision(t *testing.T) {
	f := newFixture(t)
	random := rand.New(rand.NewPCG(1, 2))
	var rows list
	want := map[string]any{}
	for i := range 2000 {
		v := math.Float64frombits(random.Uint64())
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			v = float64(i)
		case i%4 == 0:
			v = random.Float64() * 100
		case i%4 == 1:
			v = math.Round(random.Float64()*1e6) / 100
		case i%4 == 2:
			v = float64(random.Int64N(1 << 53))
		}
		id := fmt.Sprint("p", i)
		rows = append(rows, object{"id": id, "price": v, "updated_at": at(0)})
		want[id] = v
	}
	f.push(object{"changes": object{"products": object{"created": rows}}})
	wrong := 0
	for id, row := range f.pull(nil).rows("products") {
		if row["price"] != want[id] {
			if wrong++; wrong < 4 {
				t.Logf("%s: got %v, want %v", id, row["price"], want[id])
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d came back otherwise", wrong, len(rows))
	}
	// The same rows again are the same.
	p := f.push(object{"changes": object{"products": object{"created": rows}}})
	expect(t, p.changed, []syncroom.Change(nil))
	expect(t, p.Superseded, map[string][]string{})
}

func TestAnAnswerBeyondTheLimitIsRefused(t *testing.T) {
	f := newFixture(t)
	limits := watermelon.DefaultLimits()
	limits.PullBytes = 100_000
	f.Watermelon = newDialect(f.db, record.Default(), limits)
	text := strings.Repeat("x", 30_000)
	for i := range 5 {
		f.put(0, object{"id": fmt.Sprint(i), "notes": text, "updated_at": at(0)})
	}
	for _, input := range []any{nil, object{"lastPulledAt": 1}} {
		if _, err := f.tryPull(input); !errors.Is(err, watermelon.ErrTooLarge) {
			t.Errorf("%v: got %v, want %v", input, err, watermelon.ErrTooLarge)
		}
	}
	if _, err := f.Checksum(t.Context(), record.Caller{}, store.Budget{}); err != nil {
		t.Error(err)
	}
	expect(t, names(f.all(object{"limit": 2}), "customers"), "0 1 2 3 4 / ")
}

// Texts are cut below D1's limit wherever rows are large, small, or full of
// what JSON escapes; the database of the tests enforces it.
func TestLargeRowsArePulledInParts(t *testing.T) {
	f := newFixture(t)
	want := map[string]string{}
	for i, text := range []string{
		strings.Repeat("x", 800_000), strings.Repeat("é", 400_000), strings.Repeat("\x01", 140_000), strings.Repeat(`"`, 400_000),
		"", strings.Repeat("y", 800_000), "small", strings.Repeat("😀", 200_000),
	} {
		id := fmt.Sprint("big", i)
		want[id] = text
		f.put(0, object{"id": id, "notes": text, "updated_at": at(0)})
	}
	for i := range 300 {
		id := fmt.Sprint("medium", i)
		want[id] = strings.Repeat("m", 10_000)
		f.put(0, object{"id": id, "notes": want[id], "updated_at": at(0)})
	}
	for _, p := range []*pulled{f.pull(nil), f.since(1), f.all(object{"limit": 1000}), f.all(object{"limit": 1000, "lastPulledAt": 1}), f.all(object{"limit": 50, "lastPulledAt": 99 << 40})} {
		got := map[string]string{}
		for id, row := range p.rows("customers") {
			got[id] = row["notes"].(string)
		}
		expect(t, len(got), len(want))
		for id := range want {
			if got[id] != want[id] {
				t.Errorf("%s: %d octets, want %d", id, len(got[id]), len(want[id]))
			}
		}
	}
	if _, err := f.Checksum(t.Context(), record.Caller{}, store.Budget{}); err != nil {
		t.Error(err)
	}
}
