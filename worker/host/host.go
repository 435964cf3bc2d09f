//go:build js && wasm

// Package host is the guest's side of the host ABI (package abi): it turns the
// host's exports into a web.Handler's requests and a Room's events, and ops
// into calls that wait.
//
// One instance serves every request and every object of an isolate, so nothing
// here, nor in a handler, holds a lock or awaits another request across an op,
// and nothing uses timers: waiting is an op (Sleep).
package host

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/logline"
	"tidemark/shared/metric"
	"tidemark/shared/web"
)

// A Config holds the handler and the classes that Serve serves. The keys of Classes
// are the class names of the Durable Objects.
type Config struct {
	Handler web.Handler
	Classes map[string]Class
	// Counts has the counters that are to be 0 from the start.
	Counts metric.Counts
}

var (
	config Config
	start  func() Config
)

// Serve serves what f returns. The host's boot calls f. Serve never returns.
//
// What the program does before Serve may be years old, and the same in all instances: the memory that it
// left is in the module that workerd runs. So nothing before Serve may read the environment or
// the time, or choose a secret.
func Serve(f func() Config) {
	start = f
	warm()
	select {}
}

//go:wasmexport boot
func boot() int32 {
	idleWorker().begin(func() {
		config, start = start(), nil
		hostReady()
	})
	return ready()
}

// Getenv returns a variable of the Worker's environment, "" if there is none.
func Getenv(name string) string {
	b := []byte(name)
	handle := hostEnv(pointer(b), int32(len(b)))
	runtime.KeepAlive(b)
	return string(take(handle, hostSize(handle)))
}

// Sleep waits, at least d, or until ctx is done.
func Sleep(ctx context.Context, d time.Duration) error {
	millis := float64(d) / float64(time.Millisecond)
	frame := binary.LittleEndian.AppendUint64(nil, math.Float64bits(millis))
	_, err := do(ctx, abi.OpSleep, frame)
	return err
}

// Log is a logger whose lines the host prints, or puts into its own log: objects of JSON.
// os.Stderr would cost a promise and block. An event must not block.
var Log = logline.New(func(line []byte) { print(string(line)) }, time.Now)

func logf(format string, args ...any) { Log.Error(fmt.Sprintf(format, args...)) }
