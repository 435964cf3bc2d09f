package yjs_test

import (
	"fmt"
	"io"
	"testing"

	"tidemark/shared/yjs"
)

// The traces: every update of an editing session, applied one by one.
func BenchmarkApply(b *testing.B) {
	for _, name := range []string{"b4-updates", "trace-friendsforever", "trace-rustcode", "trace-sveltecomponent"} {
		b.Run(name, func(b *testing.B) {
			updates := readLog(b, name+".bin.gz", 0)
			size := 0
			for _, update := range updates {
				size += len(update)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				d := yjs.New(yjs.Options{})
				for _, update := range updates {
					if _, err := d.Apply(update); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(updates)), "ns/update")
		})
	}
}

func b4State(b *testing.B) []byte {
	state, err := io.ReadAll(openData(b, "b4-final.v1.bin.gz"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(state)))
	b.ReportAllocs()
	return state
}

func BenchmarkLoadState(b *testing.B) {
	state := b4State(b)
	for b.Loop() {
		if err := yjs.New(yjs.Options{}).Load(state); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	d := yjs.New(yjs.Options{})
	if err := d.Load(b4State(b)); err != nil {
		b.Fatal(err)
	}
	half := d.StateVector()
	half[0].Clock /= 2
	buffer := make([]byte, 0, 1<<20)
	for name, sv := range map[string]yjs.StateVector{"state": nil, "difference": half} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buffer, _ = d.AppendState(buffer[:0], sv)
			}
			b.SetBytes(int64(len(buffer)))
		})
	}
}

// A keystroke must not cost more where many clients have written.
func BenchmarkKeystroke(b *testing.B) {
	for _, clients := range []uint64{10, 30_000} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			d := yjs.New(yjs.Options{})
			for i := range clients {
				mustApply(b, d, (&updateWriter{}).uint(1, 1, 1000+i, 0).text("x").uint(0).b)
			}
			mustApply(b, d, (&updateWriter{}).uint(1, 1, 5, 0).text("x").uint(0).b)
			w := &updateWriter{}
			clock := uint64(1)
			b.ReportAllocs()
			for b.Loop() {
				w.b = w.b[:0]
				mustApply(b, d, w.uint(1, 1, 5, clock).textBehind(5, clock-1, "x").uint(0).b)
				clock++
			}
		})
	}
}
