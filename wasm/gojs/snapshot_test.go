//go:build !js

package gojs

import (
	"bytes"
	"context"
	"testing"
	"time"
)

// call calls an export and returns its result.
func call(t *testing.T, p *Process, export string, args ...uint64) int32 {
	t.Helper()
	stack := append(args, 0)
	if err := p.Call(p.Function(export), stack); err != nil {
		t.Fatalf("%s: %v", export, err)
	}
	return int32(stack[0])
}

// snapshot starts the guest, lets it count one, and returns its snapshot and itself.
func snapshot(t *testing.T, config Config) (*Snapshot, *Process) {
	t.Helper()
	p, _, err := start(t, config, "")
	if err != nil {
		t.Fatal(err)
	}
	call(t, p, "start")
	s, err := p.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, p
}

func resume(t *testing.T, s *Snapshot, config Config) (*Process, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	config.Stderr = out
	p, err := s.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, out
}

func TestProcessesOfASnapshotGoOnByThemselves(t *testing.T) {
	s, first := snapshot(t, Config{MemoryBytes: 64 << 20})
	processes := []*Process{first}
	for range 3 {
		p, _ := resume(t, s, Config{MemoryBytes: 64 << 20})
		processes = append(processes, p)
	}
	for n, p := range processes {
		for range n { // the last one counts three more
			call(t, p, "start")
		}
	}
	for n, p := range processes {
		if got := call(t, p, "started"); got != int32(1+n) {
			t.Errorf("process %d has counted to %d", n, got)
		}
	}
	p, _ := resume(t, s, Config{})
	if got := call(t, p, "started"); got != 1 {
		t.Errorf("what other processes wrote is in the snapshot: %d", got)
	}
}

func TestAProcessOfASnapshotGrowsAndEndsAlone(t *testing.T) {
	before := Mapped()
	s, first := snapshot(t, Config{MemoryBytes: 64 << 20})
	p, _ := resume(t, s, Config{MemoryBytes: 64 << 20})
	booted := len(p.Memory())
	if booted != len(first.Memory()) {
		t.Errorf("it has %d bytes, and the first one %d", booted, len(first.Memory()))
	}
	call(t, p, "allocate", 16)
	if len(p.Memory()) < booted+16<<20 || len(first.Memory()) != booted {
		t.Errorf("after 16 MiB more it has %d bytes, and the first one %d", len(p.Memory()), len(first.Memory()))
	}
	if err := p.Call(p.Function("exit"), nil); err == nil {
		t.Error("it has not ended")
	}
	s.Close()
	p.Close()
	if got := call(t, first, "started"); got != 1 {
		t.Errorf("after the end of the other one, and of the snapshot, the first one counts %d", got)
	}
	first.Close()
	if got := Mapped() - before; got != 0 {
		t.Errorf("%d bytes stay mapped", got)
	}
}

// The program reads its clock and random bytes when it goes on, and not the snapshot's.
func TestAProcessOfASnapshotHasItsOwnWorld(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	config := Config{Now: func() time.Time { return now }, Env: map[string]string{"A": "1"}}
	s, _ := snapshot(t, config)
	now = now.Add(time.Hour)
	seen := map[string]bool{}
	for range 2 {
		p, out := resume(t, s, Config{Now: config.Now})
		call(t, p, "world")
		text := out.String()
		if seen[text] {
			t.Errorf("two processes print the same random text: %s", text)
		}
		seen[text] = true
		if want := "2026-01-02T04:04:05Z 1h0m0s 1 "; len(text) < len(want)+26 || text[:len(want)] != want {
			t.Errorf("got %q, want %s and a random text", text, want)
		}
	}
}

// Values that one process holds are no values of another.
func TestProcessesOfASnapshotShareNoObject(t *testing.T) {
	s, _ := snapshot(t, Config{})
	a, _ := resume(t, s, Config{})
	b, _ := resume(t, s, Config{})
	for id, v := range a.refs.values {
		switch v.(type) {
		case *Object, *Array, *Bytes:
			if b.refs.values[id] == v {
				t.Errorf("both hold %s", describe(v))
			}
		}
		if v != nil && v == v && a.refs.ids[v] != uint32(id) {
			t.Errorf("value %d, %s, has the id %d", id, describe(v), a.refs.ids[v])
		}
	}
}

func TestAProgramThatHasEndedHasNoSnapshot(t *testing.T) {
	p, _, err := start(t, Config{}, "")
	if err != nil {
		t.Fatal(err)
	}
	p.Call(p.Function("exit"), nil)
	if s, err := p.Snapshot(); err == nil {
		s.Close()
		t.Error("no error")
	}
}
