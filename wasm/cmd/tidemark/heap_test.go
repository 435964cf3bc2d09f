//go:build !js

package main

import (
	"runtime/debug"
	"slices"
	"testing"
	"time"
)

func TestTheMemoryInUseIsMeasured(t *testing.T) {
	debug.FreeOSMemory() // what earlier tests have left
	before := readMemory()
	kept := make([]byte, 64<<20)
	for i := range kept {
		kept[i] = 1
	}
	after := readMemory()
	// An instance of an earlier test may end meanwhile.
	if grown := (after.inUse - after.instances) - (before.inUse - before.instances); grown < 48<<20 {
		t.Errorf("grown by %d for 64 MiB", grown)
	}
	if more := after.allocated - before.allocated; more < 64<<20 {
		t.Errorf("%d bytes allocated for 64 MiB", more)
	}
	if kept[len(kept)-1] != 1 {
		t.Error("not kept")
	}
}

func TestAQuietProcessGivesBackWhatItDoesNotUse(t *testing.T) {
	given, trimmed := 0, 0
	k := &heapKeeper{giveBack: func() { given++ }, trim: func() { trimmed++ }, setLimit: func(int64) { t.Error("a process without a bound got one") }}
	now := time.Unix(1, 0)
	m := memoryUse{spare: muchSpare + 1}
	for _, step := range []struct {
		what      string
		after     time.Duration
		allocates int64
		spare     int64
		want      int
		trimmed   int
	}{
		{"the first look", heapLook, 0, muchSpare + 1, 0, 0},
		{"too early", heapLook - 1, 0, muchSpare + 1, 0, 0},
		{"quiet", 1, quietHeap - 1, muchSpare + 1, 1, 1},
		{"busy", heapLook, quietHeap, muchSpare + 1, 1, 1},
		{"nothing of Go's to give", heapLook, 0, muchSpare, 1, 2},
		{"quiet again", heapLook, 0, muchSpare + 1, 2, 3},
	} {
		now = now.Add(step.after)
		m.allocated += step.allocates
		m.spare = step.spare
		if k.note(m, now); given != step.want || trimmed != step.trimmed {
			t.Errorf("%s: given back %d times and trimmed %d times, want %d and %d", step.what, given, trimmed, step.want, step.trimmed)
		}
	}
}

func TestGoGetsWhatTheInstancesLeave(t *testing.T) {
	var limits []int64
	k := &heapKeeper{bound: 1 << 30, giveBack: func() {}, trim: func() {}, setLimit: func(n int64) { limits = append(limits, n>>20) }}
	for _, instances := range []int64{100, 110, 116, 101, 100, 1000, 100} {
		k.note(memoryUse{instances: instances << 20}, time.Time{})
	}
	if want := []int64{924, 908, 924, 64, 924}; !slices.Equal(limits, want) {
		t.Errorf("got %d MiB, want %d", limits, want)
	}
}
