//go:build !js

package gojs

import (
	"errors"
	"fmt"
	"slices"
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

func TestCompileRefusesWhatGoDoesNotWrite(t *testing.T) {
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
		if _, err := rewrite([]byte(in)); !errors.Is(err, ErrWasm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := 0; n < len(wasm)/2; n += len(wasm) / 97 { // the data come last
		if _, err := rewrite(wasm[:n]); !errors.Is(err, ErrWasm) {
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
		"one":             {[]string{segment(4096, "a")}, []string{"4096 a"}},
		"neighbours":      {[]string{segment(4096, "a"), segment(4097, "b")}, []string{"4096 ab"}},
		"a small gap":     {[]string{segment(8, "a"), segment(11, "b"), segment(12, "c")}, []string{"8 a\x00\x00bc"}},
		"the largest gap": {[]string{segment(8, "a"), segment(9+maxGap, "b")}, []string{"8 a" + strings.Repeat("\x00", maxGap) + "b"}},
		"a larger gap":    {[]string{segment(8, "a"), segment(10+maxGap, "b")}, []string{"8 a", fmt.Sprint(10+maxGap, " b")}},
		"any order":       {[]string{segment(99, "c"), segment(8, "a"), segment(9, "b"), segment(90, "c")}, []string{"8 ab", "90 c" + strings.Repeat("\x00", 8) + "c"}},
	} {
		in := &wasmReader{b: []byte(string(rune(len(c.in))) + strings.Join(c.in, ""))}
		var got []string
		for _, s := range segments(in) {
			got = append(got, fmt.Sprintf("%d %s", s.at, s.bytes))
		}
		if in.failed || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, failed %t, want %q", name, got, in.failed, c.want)
		}
	}
	for name, text := range map[string]string{
		"passive": "\x01\x01\x01a", "of another memory": "\x01\x02\x00\x41\x08\x0b\x01a",
		"at a global": "\x01\x00\x23\x00\x0b\x01a", "at a negative place": "\x01\x00\x41\x7f\x0b\x01a",
		"over another": "\x02\x00\x41\x08\x0b\x02ab\x00\x41\x09\x0b\x01b", "without an end": "\x01\x00\x41\x08\x41\x01a",
	} {
		in := &wasmReader{b: []byte(text)}
		if got := segments(in); !in.failed {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func BenchmarkRewrite(b *testing.B) {
	wasm, err := guestWasm()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(wasm)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rewrite(wasm); err != nil {
			b.Fatal(err)
		}
	}
}
