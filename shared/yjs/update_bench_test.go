package yjs_test

import (
	"testing"

	"tidemark/shared/yjs"
)

// traces are the logs of real editing sessions.
var traces = []string{"b4-updates.bin.gz", "trace-rustcode.bin.gz", "trace-sveltecomponent.bin.gz", "trace-friendsforever.bin.gz"}

// eachTrace runs a benchmark over the first n updates of every trace, all if n is 0.
func eachTrace(b *testing.B, n int, run func(b *testing.B, updates [][]byte)) {
	for _, name := range traces {
		b.Run(name, func(b *testing.B) { run(b, readLog(b, name, n)) })
	}
}

func totalLen(updates [][]byte) (n int64) {
	for _, update := range updates {
		n += int64(len(update))
	}
	return n
}

func BenchmarkMerge1000SmallUpdates(b *testing.B) {
	eachTrace(b, 1000, func(b *testing.B, updates [][]byte) {
		b.SetBytes(totalLen(updates))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := yjs.MergeUpdates(updates...); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMergeWholeLog shows that the time does not grow faster than the log.
func BenchmarkMergeWholeLog(b *testing.B) {
	eachTrace(b, 0, func(b *testing.B, updates [][]byte) {
		b.SetBytes(totalLen(updates))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := yjs.MergeUpdates(updates...); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(updates)), "ns/update")
	})
}

// BenchmarkValidate checks every update of a trace as a room does.
func BenchmarkValidate(b *testing.B) {
	eachTrace(b, 20_000, func(b *testing.B, updates [][]byte) {
		b.SetBytes(totalLen(updates))
		b.ReportAllocs()
		var s yjs.Summary
		for b.Loop() {
			for _, update := range updates {
				if err := s.Read(update, yjs.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(updates)), "ns/update")
	})
}

// BenchmarkDiffUpdate makes the update for a peer that has a whole merged trace, and for
// one that has nothing.
func BenchmarkDiffUpdate(b *testing.B) {
	eachTrace(b, 0, func(b *testing.B, updates [][]byte) {
		merged, err := yjs.MergeUpdates(updates...)
		if err != nil {
			b.Fatal(err)
		}
		sv, err := yjs.StateVectorFromUpdate(merged)
		if err != nil {
			b.Fatal(err)
		}
		for name, sv := range map[string][]byte{"nothing": sv, "all": {0}} {
			b.Run(name, func(b *testing.B) {
				b.SetBytes(int64(len(merged)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := yjs.DiffUpdate(merged, sv); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

func BenchmarkConvertV1ToV2(b *testing.B) {
	updates := readLog(b, "b4-updates.bin.gz", 0)
	merged, err := yjs.MergeUpdates(updates...)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(merged)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := yjs.ConvertV1ToV2(merged); err != nil {
			b.Fatal(err)
		}
	}
}
