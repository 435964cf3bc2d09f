//go:build linux || darwin

package gojs

import "testing"

func TestLinearMemoryGoesBackWithItsProgram(t *testing.T) {
	before := Mapped()
	p, _, err := start(t, Config{MemoryBytes: 64 << 20}, "")
	if err != nil {
		t.Fatal(err)
	}
	booted := len(p.Memory())
	if got := Mapped() - before; got != int64(booted) {
		t.Errorf("%d bytes are mapped for a memory of %d", got, booted)
	}
	place := &p.Memory()[0]
	p.Memory()[booted-1] = 7
	if err := p.Call(p.Function("allocate"), []uint64{16}); err != nil {
		t.Fatal(err)
	}
	grown := len(p.Memory())
	if grown < booted+16<<20 || Mapped()-before != int64(grown) {
		t.Errorf("after 16 MiB more, %d bytes are mapped for a memory of %d, which had %d", Mapped()-before, grown, booted)
	}
	if &p.Memory()[0] != place {
		t.Error("the memory has moved, which copies it")
	}
	p.Close()
	if got := Mapped() - before; got != 0 {
		t.Errorf("%d bytes stay mapped after the end", got)
	}
	p.Close()
}

func TestAMemoryThatEndedIsNotMapped(t *testing.T) {
	m, err := newLinear(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if b := m.Reallocate(64 << 10); len(b) != 64<<10 || cap(b) != len(b) || b[len(b)-1] != 0 {
		t.Errorf("got %d bytes of %d", len(b), cap(b))
	}
	m.Free()
	if m.reserved != nil || m.size != 0 || m.Reallocate(64<<10) != nil {
		t.Errorf("it still has %d bytes", m.size)
	}
	m.Free()
}
