// Command native runs the Yjs benchmark on shared/yjs compiled natively, and
// prints its figures as JSON, as engine.mjs does for the others.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

func main() {
	runtime.LockOSThread()
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(data string) error {
	figures := map[string]float64{}
	b4, err := log(data + "/b4-updates.bin.gz")
	if err != nil {
		return err
	}
	final, err := file(data + "/b4-final.v1.bin.gz")
	if err != nil {
		return err
	}
	start := ran()
	if err := load(final); err != nil {
		return err
	}
	figures["loadCold"] = ran() - start
	for _, name := range []string{"friendsforever", "rustcode", "sveltecomponent"} {
		updates, err := log(data + "/trace-" + name + ".bin.gz")
		if err != nil {
			return err
		}
		figures[name], _, err = replay(updates)
		if err != nil {
			return err
		}
	}
	var half []byte
	if figures["b4"], half, err = replay(b4); err != nil {
		return err
	}
	figures["load"] = quartile(40, func() { err = errors.Join(err, load(final)) })

	doc := yjs.New(yjs.Options{})
	if err := doc.Load(final); err != nil {
		return err
	}
	figures["encode"] = quartile(99, func() { _, _ = doc.EncodeStateAsUpdate(nil) })
	figures["diff"] = quartile(99, func() { _, _ = doc.EncodeStateAsUpdate(half) })
	figures["stateVector"] = quartile(20, func() {
		for range 1000 {
			doc.EncodeStateVector()
		}
	})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	docs := make([]*yjs.Doc, 20)
	for i := range docs {
		docs[i] = yjs.New(yjs.Options{})
		if err := docs[i].Load(final); err != nil {
			return err
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	figures["memory"] = float64(after.HeapAlloc-before.HeapAlloc) / 20
	runtime.KeepAlive(docs)
	for _, clients := range []int{10, 30000} {
		if figures[fmt.Sprintf("key%d", clients)], err = keystroke(clients); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(figures)
}

func load(final []byte) error { return yjs.New(yjs.Options{}).Load(final) }

// replay applies a log update by update, with events, and returns the
// milliseconds it took and the state vector half way.
func replay(updates [][]byte) (float64, []byte, error) {
	doc := yjs.New(yjs.Options{})
	var half []byte
	start := ran()
	for i, update := range updates {
		if i == len(updates)/2 {
			half = doc.EncodeStateVector()
		}
		if event, err := doc.Apply(update); err != nil || event == nil {
			return 0, nil, fmt.Errorf("update %d: %d bytes of event, %w", i, len(event), err)
		}
	}
	return ran() - start, half, nil
}

// keystroke returns the microseconds of one keystroke on a document that so many
// clients have written.
func keystroke(clients int) (float64, error) {
	doc := yjs.New(yjs.Options{})
	for i := range clients {
		if _, err := doc.Apply(typed(uint64(1000+i*7), 0)); err != nil {
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
		if _, err := doc.Apply(update); err != nil {
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

// ran is the time in ms that this thread was on the CPU. The caller must have
// locked its thread.
func ran() float64 {
	const thread = 1 // RUSAGE_THREAD, of Linux
	var use syscall.Rusage
	if err := syscall.Getrusage(thread, &use); err != nil {
		panic(err)
	}
	return float64(use.Utime.Nano()+use.Stime.Nano()) / 1e6
}

func quartile(n int, f func()) float64 {
	times := make([]float64, n)
	for i := range times {
		start := time.Now()
		f()
		times[i] = float64(time.Since(start).Nanoseconds()) / 1e6
	}
	slices.Sort(times)
	return times[n/4]
}

func file(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func log(name string) (updates [][]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(z)
	for {
		n, err := binary.ReadUvarint(r)
		if err == io.EOF {
			return updates, nil
		}
		update := make([]byte, n)
		if _, err2 := io.ReadFull(r, update); err != nil || err2 != nil {
			return nil, errors.Join(err, err2)
		}
		updates = append(updates, update)
	}
}
