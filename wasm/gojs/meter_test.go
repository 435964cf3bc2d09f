//go:build !js

package gojs

import (
	"errors"
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
