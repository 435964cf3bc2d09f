//go:build !js

package gojs

import (
	"errors"
	"strings"
	"testing"
)

func TestAProgramThatLoopsTicksUntilAnErrorEndsIt(t *testing.T) {
	enough := errors.New("enough")
	ticks := 0
	p, _, err := start(t, Config{Tick: func() error {
		if ticks++; ticks == 1000 {
			return enough
		}
		return nil
	}}, "")
	if err != nil {
		t.Fatal(err)
	}
	ticks = 0
	err = p.Call(p.Function("loop"), nil)
	if !errors.Is(err, ErrExited) || !errors.Is(err, enough) || ticks != 1000 {
		t.Errorf("after %d ticks: %v", ticks, err)
	}
	if err := p.Call(p.Function("start"), nil); !errors.Is(err, ErrExited) {
		t.Errorf("it goes on: %v", err)
	}
}

func TestMeterRefusesWhatGoDoesNotWrite(t *testing.T) {
	wasm, err := guestWasm()
	if err != nil {
		t.Fatal(err)
	}
	const header = "\x00asm\x01\x00\x00\x00"
	for name, in := range map[string]string{
		"nothing": "", "a header": header, "text": "(module)",
		"a length without a section": header + "\x01\xff\xff\xff\xff\x0f",
		"a section of too many":      header + "\x02\x05\xff\xff\xff\xff\x0f",
		"a vector's instruction":     header + "\x0a\x07\x01\x05\x00\xfd\x00\x0b\x0b",
	} {
		if _, err := Meter([]byte(in)); !errors.Is(err, ErrWasm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := 0; n < len(wasm)/2; n += len(wasm) / 97 { // the data come last
		if _, err := Meter(wasm[:n]); !errors.Is(err, ErrWasm) {
			t.Errorf("%d of %d bytes: %v", n, len(wasm), err)
		}
	}
}

func TestDataSegmentsAreJoinedAcrossFewZeros(t *testing.T) {
	segment := func(at int, text string) string {
		return "\x00" + string(appendConst(nil, uint64(at))) + "\x0b" + string(rune(len(text))) + text
	}
	for name, c := range map[string]struct{ in, want []string }{
		"none":            {nil, nil},
		"one":             {[]string{segment(4096, "a")}, []string{segment(4096, "a")}},
		"neighbours":      {[]string{segment(4096, "a"), segment(4097, "b")}, []string{segment(4096, "ab")}},
		"a small gap":     {[]string{segment(8, "a"), segment(11, "b"), segment(12, "c")}, []string{segment(8, "a\x00\x00bc")}},
		"the largest gap": {[]string{segment(8, "a"), segment(9+maxGap, "b")}, []string{segment(8, "a"+strings.Repeat("\x00", maxGap)+"b")}},
		"a larger gap":    {[]string{segment(8, "a"), segment(10+maxGap, "b")}, []string{segment(8, "a"), segment(10+maxGap, "b")}},
		"any order":       {[]string{segment(99, "c"), segment(8, "a"), segment(9, "b"), segment(90, "c")}, []string{segment(8, "ab"), segment(90, "c"+strings.Repeat("\x00", 8)+"c")}},
	} {
		in := &wasmReader{b: []byte(string(rune(len(c.in))) + strings.Join(c.in, ""))}
		got := (&meter{}).data(in, nil)
		if want := string(rune(len(c.want))) + strings.Join(c.want, ""); in.failed || string(got) != want {
			t.Errorf("%s: got %q, failed %t, want %q", name, got, in.failed, want)
		}
	}
	for name, text := range map[string]string{
		"passive": "\x01\x01\x01a", "of another memory": "\x01\x02\x00\x41\x08\x0b\x01a",
		"at a global": "\x01\x00\x23\x00\x0b\x01a", "at a negative place": "\x01\x00\x41\x7f\x0b\x01a",
		"over another": "\x02\x00\x41\x08\x0b\x02ab\x00\x41\x09\x0b\x01b", "without an end": "\x01\x00\x41\x08\x41\x01a",
	} {
		in := &wasmReader{b: []byte(text)}
		if got := (&meter{}).data(in, nil); !in.failed {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func BenchmarkMeter(b *testing.B) {
	wasm, err := guestWasm()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(wasm)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Meter(wasm); err != nil {
			b.Fatal(err)
		}
	}
}
