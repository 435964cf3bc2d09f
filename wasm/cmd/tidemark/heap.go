//go:build !js

package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"tidemark/wasm/edge"
	"tidemark/wasm/gojs"
)

// watchMemory measures the memory again and again, until ctx is done.
func watchMemory(ctx context.Context, g *memoryGuard, k *heapKeeper) {
	tick := time.NewTicker(memoryPoll)
	defer tick.Stop()
	for {
		m := readMemory()
		g.note(m.inUse)
		k.note(m, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// memoryUse is what the process's memory holds, in bytes.
type memoryUse struct {
	inUse     int64 // of the system's memory, by Go and by the instances
	instances int64 // of it, linear memory outside of Go's heap
	spare     int64 // of it, garbage and free memory that Go could give back
	allocated int64 // by Go since the start
}

func readMemory() memoryUse {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(samples)
	n := func(i int) int64 { return int64(samples[i].Value.Uint64()) }
	instances := gojs.Mapped()
	return memoryUse{
		inUse: n(0) - n(1) + instances, instances: instances, spare: n(2) + max(n(3)-n(4), 0), allocated: n(5),
	}
}

const (
	heapLook    = 5 * time.Second // the time between two looks at Go's heap
	quietHeap   = 4 << 20         // how many bytes a quiet process allocates in that time
	muchSpare   = 6 << 20         // how many bytes are worth a collection
	limitStep   = 16 << 20        // the least change of Go's limit
	leastOfHeap = 64 << 20
	// heapGrowth is how many percent of what is in use Go's heap may grow before a collection,
	// unless GOGC says otherwise. A collection is cheap: most memory is outside of the heap.
	heapGrowth = 50
)

// A heapKeeper gives Go's and SQLite's spare memory back to the system when the process is quiet:
// both keep as much as they need for the next load. It also sets Go's memory limit to what the
// instances leave of the bound, so that memory beyond it is in use, not garbage.
type heapKeeper struct {
	bound    int64  // of Go's and the instances' memory; 0: none
	giveBack func() // Go's spare memory, to the system
	trim     func() // the same for SQLite's
	setLimit func(int64)

	looked    time.Time
	allocated int64
	limit     int64
}

func newHeapKeeper(bound int64) *heapKeeper {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	return &heapKeeper{bound: bound, giveBack: debug.FreeOSMemory, trim: edge.TrimSQLite, setLimit: func(n int64) { debug.SetMemoryLimit(n) }}
}

func (k *heapKeeper) note(m memoryUse, now time.Time) {
	if k.bound > 0 {
		limit := max(k.bound-m.instances, leastOfHeap)
		if k.limit == 0 || max(limit-k.limit, k.limit-limit) >= limitStep {
			k.limit = limit
			k.setLimit(limit)
		}
	}
	if now.Sub(k.looked) < heapLook {
		return
	}
	quiet := !k.looked.IsZero() && m.allocated-k.allocated < quietHeap
	if quiet {
		k.trim()
	}
	if quiet && m.spare > muchSpare {
		k.giveBack()
	}
	k.looked, k.allocated = now, m.allocated
}
