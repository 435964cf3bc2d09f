//go:build !js

package records

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/api/dialect"
	"tidemark/worker/store"
)

// owners benchmarks a table with rules, and the same table without, in one run.
type owners struct {
	*testing.B
	*dialect.Watermelon
}

// newOwners returns a store with a table of visits, of which each of the owners has so many rows.
func newOwners(b *testing.B, ruled bool, count, each int) *owners {
	schema := guarded()
	if !ruled {
		for i := range schema.Tables {
			t := &schema.Tables[i]
			t.Read, t.Write = nil, nil
			for c := range t.Columns {
				t.Columns[c].Check = record.Check{}
			}
		}
	}
	db := openRuled(b, guarded())
	o := &owners{b, newDialect(db, schema, watermelon.DefaultLimits())}
	for n := range count {
		o.push(n, visits(fmt.Sprint("v", n), n, each))
	}
	return o
}

func ownerOf(n int) record.Caller { return record.Caller{Subject: fmt.Sprint("owner", n)} }

func visits(prefix string, owner, n int) []byte {
	rows := list{}
	for i := range n {
		rows = append(rows, row(fmt.Sprint(prefix, "-", i), at(0), "owner", ownerOf(owner).Subject, "rating", 3))
	}
	b, err := json.Marshal(object{"lastPulledAt": at(0), "changes": object{"visits": object{"created": rows}}})
	if err != nil {
		panic(err)
	}
	return b
}

func (o *owners) push(owner int, input []byte) {
	if _, changed, err := o.Push(context.Background(), noon, ownerOf(owner), input); err != nil || len(changed) != 1 {
		o.Fatal(changed, err)
	}
}

func (o *owners) pull(owner int, since record.Stamp) {
	answer, octets, err := o.Pull(context.Background(), ownerOf(owner), fmt.Appendf(nil, `{"lastPulledAt":%d}`, since), store.Budget{})
	if err != nil {
		o.Fatal(err)
	}
	for range answer {
	}
	o.SetBytes(int64(octets))
}

// A pull by a rule costs what its own rows cost, and not what the table holds.
func BenchmarkOwners(b *testing.B) {
	for _, c := range []struct {
		name         string
		ruled        bool
		owners, each int
	}{
		{"100_rows_without_a_rule", false, 1, 100},
		{"100_rows_of_100_by_a_rule", true, 1, 100},
		{"100_rows_of_10000_by_a_rule", true, 100, 100},
		{"10000_rows_of_10000_by_a_rule", true, 1, 10_000},
		{"10000_rows_without_a_rule", false, 1, 10_000},
	} {
		b.Run("pull_"+c.name, func(b *testing.B) {
			o := newOwners(b, c.ruled, c.owners, c.each)
			b.ReportAllocs()
			for b.Loop() {
				o.pull(0, 0)
			}
		})
	}
	for _, ruled := range []bool{false, true} {
		name := map[bool]string{false: "without_a_rule", true: "by_a_rule"}[ruled]
		b.Run("empty_pull_"+name, func(b *testing.B) {
			o := newOwners(b, ruled, 100, 100)
			o.pull(0, 0)
			since, err := o.Stamp(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				o.pull(0, since)
			}
		})
		for _, n := range []int{1, 1000} {
			b.Run(fmt.Sprintf("push_%d_%s", n, name), func(b *testing.B) {
				o := newOwners(b, ruled, 1, 1)
				i := 0
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					input := visits(fmt.Sprint("p", i), 0, n)
					i++
					b.StartTimer()
					o.push(0, input)
				}
			})
		}
	}
}
