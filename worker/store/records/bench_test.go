//go:build !js

package records

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api/dialect"
	"tidemark/worker/store"
)

// crowd is a push of n customers, as a real client sends them.
func crowd(n, from int, updatedAt int64) []byte {
	var b bytes.Buffer
	b.WriteString(`{"changes":{"customers":{"created":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"c%015d","_status":"created","_changed":"","contact_name":"Contact %d","company_name":"Company %d","notes":"Some notes about customer number %d","created_at":%d,"updated_at":%d}`,
			from+i, from+i, from+i, from+i, at(0), updatedAt)
	}
	fmt.Fprintf(&b, `],"updated":[],"deleted":[]},"products":{"created":[],"updated":[],"deleted":[]}},"lastPulledAt":%d}`, at(0))
	return b.Bytes()
}

func benchmarkStore(b *testing.B) *dialect.Watermelon {
	return newDialect(wasmtest.OpenD1(b, store.Migrations()), record.Default(), watermelon.DefaultLimits())
}

func benchmarkPush(b *testing.B, n int) {
	s := benchmarkStore(b)
	input := crowd(n, 0, at(0))
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		b.StopTimer()
		input = crowd(n, i*n, at(0))
		i++
		b.StartTimer()
		if _, changed, err := s.Push(context.Background(), noon, record.Caller{}, input); err != nil || len(changed) != 1 {
			b.Fatal(changed, err)
		}
	}
}

func BenchmarkPush1000(b *testing.B) { benchmarkPush(b, 1000) }
func BenchmarkPush1(b *testing.B)    { benchmarkPush(b, 1) }

func BenchmarkPush1000Again(b *testing.B) {
	s := benchmarkStore(b)
	input := crowd(1000, 0, at(0))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Push(context.Background(), noon, record.Caller{}, input); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkPull(b *testing.B, input string, want int) {
	s := benchmarkStore(b)
	for i := range 10 {
		if _, _, err := s.Push(context.Background(), noon, record.Caller{}, crowd(1000, i*1000, at(0))); err != nil {
			b.Fatal(err)
		}
	}
	since, err := s.Stamp(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := s.Push(context.Background(), noon, record.Caller{}, crowd(10, 0, at(1))); err != nil {
		b.Fatal(err)
	}
	input = strings.ReplaceAll(input, "SINCE", fmt.Sprint(since))
	b.ReportAllocs()
	for b.Loop() {
		answer, _, err := s.Pull(context.Background(), record.Caller{}, []byte(input), store.Budget{})
		if err != nil {
			b.Fatal(err)
		}
		rows, size := 0, 0
		for piece := range answer {
			rows += bytes.Count(piece, []byte(`"id"`))
			size += len(piece)
		}
		if rows != want {
			b.Fatal(rows)
		}
		b.SetBytes(int64(size))
	}
}

func BenchmarkPull10000(b *testing.B)      { benchmarkPull(b, "", 10000) }
func BenchmarkDelta10in10000(b *testing.B) { benchmarkPull(b, `{"lastPulledAt":SINCE}`, 10) }
func BenchmarkDelta10000(b *testing.B) {
	benchmarkPull(b, `{"lastPulledAt":1}`, 10000)
}
func BenchmarkPage1000in10000(b *testing.B) {
	benchmarkPull(b, `{"limit":1000,"lastPulledAt":null}`, 1000)
}

func BenchmarkDecodePush1000(b *testing.B) {
	input := crowd(1000, 0, at(0))
	schema := record.Default()
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := watermelon.DecodePush(&schema, watermelon.DefaultLimits(), input); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkColumnsBecomeRows(b *testing.B) {
	var part []byte
	members := [][]byte{[]byte(`{"id":`), []byte(`,"company_name":`), []byte(`,"notes":`), []byte(`,"updated_at":`)}
	for i, value := range []string{`"c0-17"`, `"Company of c0-17"`, `"Some notes that are \"neither\" short nor long, as people write them."`, `1700000000000`} {
		if i > 0 {
			part = append(part, '\n')
		}
		part = append(append(append(part, '['), bytes.Repeat([]byte(value+","), 9_999)...), value+"]"...)
	}
	b.SetBytes(int64(len(part)))
	b.ReportAllocs()
	p := &parts{tables: []tableReading{{members: members}}, live: [][][]byte{{part}}}
	for b.Loop() {
		size := 0
		for piece := range p.rendered(0) {
			size += len(piece)
		}
		if size < len(part) {
			b.Fatal(size)
		}
	}
}
