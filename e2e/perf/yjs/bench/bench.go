//go:build !js

// Package bench is the Yjs benchmark of the engines that Go drives. engine.mjs is
// the same benchmark for the engines that JavaScript drives.
package bench

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"tidemark/shared/lib0"
)

// An Engine has one document open. Slices it returns are valid until it is
// called again.
type Engine interface {
	// Open replaces the document with an empty one.
	Open() error
	// Apply returns the event.
	Apply(update []byte) ([]byte, error)
	Load(update []byte) error
	// Encode returns what a peer with the state vector sv lacks, everything if nil.
	Encode(sv []byte) ([]byte, error)
	// EncodeAgain is Encode into the buffer of the last call.
	EncodeAgain(sv []byte) error
	StateVector() ([]byte, error)
	// Keep keeps the document in memory and opens another.
	Keep() error
	// Memory collects garbage and returns the bytes in use.
	Memory() (float64, error)
	Merge(updates [][]byte) ([]byte, error)
}

// Run measures an engine on the traces of a folder. Times are in ms, keystrokes
// in us, memory in bytes. Long runs are times of the thread on the CPU, short
// ones the lower quartile of many.
func Run(e Engine, folder string) (map[string]float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	figures := map[string]float64{}
	b4, err := log(folder + "/b4-updates.bin.gz")
	if err != nil {
		return nil, err
	}
	final, err := file(folder + "/b4-final.v1.bin.gz")
	if err != nil {
		return nil, err
	}
	load := func() error {
		if err := e.Open(); err != nil {
			return err
		}
		return e.Load(final)
	}
	start := ran()
	if err := load(); err != nil {
		return nil, err
	}
	figures["loadCold"] = ran() - start
	for _, name := range []string{"friendsforever", "rustcode", "sveltecomponent"} {
		updates, err := log(folder + "/trace-" + name + ".bin.gz")
		if err != nil {
			return nil, err
		}
		if figures[name], _, err = replay(e, updates); err != nil {
			return nil, err
		}
	}
	var half []byte
	if figures["b4"], half, err = replay(e, b4); err != nil {
		return nil, err
	}
	if err := measureShort(figures, e, load, half, b4); err != nil {
		return nil, err
	}
	if figures["memory"], err = memory(e, final); err != nil {
		return nil, err
	}
	for _, clients := range []int{10, 30000} {
		if figures[fmt.Sprintf("key%d", clients)], err = keystroke(e, clients); err != nil {
			return nil, err
		}
	}
	return figures, nil
}

// measureShort measures what takes milliseconds at most, on the B4 document that
// load opens. half is a state vector of it, b4 its log.
func measureShort(figures map[string]float64, e Engine, load func() error, half []byte, b4 [][]byte) (err error) {
	for _, short := range []struct {
		name  string
		times int
		f     func() error
	}{
		{"load", 40, load}, // leaves B4 open for the next ones
		{"encode", 99, func() error { _, err := e.Encode(nil); return err }},
		{"diff", 99, func() error { _, err := e.Encode(half); return err }},
		{"encodeAgain", 99, func() error { return e.EncodeAgain(nil) }},
		{"diffAgain", 99, func() error { return e.EncodeAgain(half) }},
		{"stateVector", 20, func() error { return stateVectors(e) }},
		{"merge", 40, func() error { _, err := e.Merge(b4[:1000]); return err }},
	} {
		if figures[short.name], err = quartile(short.times, short.f); err != nil {
			return fmt.Errorf("%s: %w", short.name, err)
		}
	}
	return nil
}

// replay applies a log update by update, with events, and returns the
// milliseconds it took and the state vector half way.
func replay(e Engine, updates [][]byte) (float64, []byte, error) {
	if err := e.Open(); err != nil {
		return 0, nil, err
	}
	var half []byte
	start := ran()
	for i, update := range updates {
		if i == len(updates)/2 {
			sv, err := e.StateVector()
			if err != nil {
				return 0, nil, err
			}
			half = slices.Clone(sv)
		}
		if event, err := e.Apply(update); err != nil || len(event) == 0 {
			return 0, nil, fmt.Errorf("update %d: %d bytes of event, %w", i, len(event), err)
		}
	}
	return ran() - start, half, nil
}

func stateVectors(e Engine) error {
	for range 1000 {
		if _, err := e.StateVector(); err != nil {
			return err
		}
	}
	return nil
}

// memory returns the bytes of one document, of twenty.
func memory(e Engine, final []byte) (float64, error) {
	before, err := e.Memory()
	if err != nil {
		return 0, err
	}
	for range 20 {
		if err := e.Open(); err != nil {
			return 0, err
		}
		if err := e.Load(final); err != nil {
			return 0, err
		}
		if err := e.Keep(); err != nil {
			return 0, err
		}
	}
	after, err := e.Memory()
	return (after - before) / 20, err
}

// keystroke returns the microseconds of one keystroke on a document that so many
// clients have written.
func keystroke(e Engine, clients int) (float64, error) {
	if err := e.Open(); err != nil {
		return 0, err
	}
	for i := range clients {
		if err := e.Load(typed(uint64(1000+i*7), 0)); err != nil {
			return 0, err
		}
	}
	const keys = 20000
	updates := make([][]byte, keys)
	for i := range updates {
		updates[i] = typed(5, uint64(i))
	}
	start := ran()
	for _, update := range updates {
		if _, err := e.Apply(update); err != nil {
			return 0, err
		}
	}
	return (ran() - start) * 1000 / keys, nil
}

// typed is the update of one typed letter: behind the client's last one, or the
// first in the root text.
func typed(client, clock uint64) []byte {
	b := []byte{1, 1}
	b = lib0.AppendUint(lib0.AppendUint(b, client), clock)
	if clock == 0 {
		b = lib0.AppendString(append(b, 4, 1), "text")
	} else {
		b = lib0.AppendUint(lib0.AppendUint(append(b, 0x84), client), clock-1)
	}
	return append(b, 1, 'x', 0)
}

// quartile runs f n times and returns the lower quartile of its times in ms.
func quartile(n int, f func() error) (float64, error) {
	times := make([]float64, n)
	for i := range times {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times[i] = float64(time.Since(start).Nanoseconds()) / 1e6
	}
	slices.Sort(times)
	return times[n/4], nil
}
